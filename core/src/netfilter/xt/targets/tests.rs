use super::super::decode_target;
use super::super::tests::payload;
use crate::netfilter::model::{Family, Item, Rule};
use crate::netfilter::save;
use crate::netfilter::text::iptables;
use crate::section::{Content, State};

mod golden;
mod written;

use golden::Golden;

fn all() -> impl Iterator<Item = &'static Golden> {
    golden::LOADED.iter().chain(&written::WRITTEN)
}

fn decoded(family: Family, name: &str, revision: u8, bytes: &[u8]) -> Vec<Item> {
    decode_target(family, &name.into(), revision, bytes)
}

fn is_opaque(items: &[Item]) -> bool {
    matches!(items, [Item::Opaque(_)])
}

fn of_text(family: Family, words: &str) -> Vec<Item> {
    let text = format!("*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING {words}\nCOMMIT\n");
    let section = save::parse(text.as_bytes(), Some(family)).unwrap();
    assert_eq!(section.state, State::Captured, "{words}");
    match section.content {
        Some(Content::Netfilter { config, .. }) => config.tables[0].chains[0].rules[0].items.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_structure_says_what_was_loaded_and_its_words_say_the_same() {
    for (family, name, revision, size, digits, words) in all() {
        let items = decoded(*family, name, *revision, &payload(*size, digits));
        let rule = Rule { items, comment: None };
        let printed = iptables::rule(*family, &"X".into(), &rule);
        assert_eq!(printed, format!("-A X {words}"), "{name} {revision}");
        assert_eq!(of_text(*family, words), rule.items, "{words}");
    }
}

#[test]
fn another_size_or_revision_is_opaque() {
    for (family, name, revision, size, digits, _) in all() {
        let whole = payload(*size, digits);
        let longer = [whole.clone(), vec![0; 8]].concat();
        for wrong in [whole.get(..size.saturating_sub(8)).unwrap(), &longer] {
            let same = wrong.len() == *size;
            let items = decoded(*family, name, *revision, wrong);
            assert!(
                same || is_opaque(&items),
                "{name} {revision}: {} bytes",
                wrong.len()
            );
        }
        assert!(is_opaque(&decoded(*family, name, 9, &whole)), "{name}");
    }
}

/// The kernel hands out four bytes of the name of a timeout policy.
#[test]
fn a_name_that_may_be_cut_is_opaque() {
    for (name, whole) in [
        ("0*28 706174", true),
        ("0*28 70617469", false),
        ("0*28 7061746965", true),
    ] {
        let items = decoded(Family::Ip, "CT", 2, &payload(72, name));
        assert_eq!(is_opaque(&items), !whole, "{name}");
    }
}

/// Bytes that say nothing: padding, what the kernel keeps for itself, parts of a union that the family or the flags leave
/// out, and what stands behind the end of a name.
fn says_nothing(family: Family, name: &str, revision: u8, size: usize, at: usize) -> bool {
    let v4 = family == Family::Ip;
    match (name, revision) {
        ("TPROXY", 0) => at >= 14,
        ("TPROXY", _) => at >= 26 || (v4 && (12..24).contains(&at)),
        ("DSCP" | "AUDIT" | "CHECKSUM" | "CONNSECMARK", _) | ("TOS", 0) => at >= 1,
        ("TTL" | "HL" | "TOS", _) => at >= 2,
        ("CLASSIFY" | "SYNPROXY" | "REJECT", _) => at >= 4,
        ("ECN", _) => at >= 3,
        ("TEE", _) => at >= 32 || (v4 && (4..16).contains(&at)),
        ("HMARK", _) => at >= 60 || at == 46 || at == 47 || (v4 && at < 32 && at % 16 >= 4),
        ("IDLETIMER", 0) => at >= 32,
        ("IDLETIMER", _) => at >= 34,
        ("RATEEST", _) => at >= 18,
        ("LED", _) => at >= 32,
        ("SECMARK", 0) => (1..8).contains(&at),
        ("SECMARK", _) => at >= 257,
        ("CLUSTERIP", _) => (16..48).contains(&at) || at >= 56,
        ("DNPT" | "SNPT", _) => at >= 34,
        ("CT", 0) => at >= 28,
        ("CT", _) => at >= 60,
        ("MARK", 1) => at >= 9,
        ("CONNMARK", 1) => at != 12 && at >= 8,
        ("CONNMARK", _) => at >= 15,
        // Ports, which no flag asks for, behind the addresses.
        ("NETMAP", _) => at >= size - if v4 { 8 } else { 4 },
        ("DNAT" | "SNAT", _) => v4 && (8..36).contains(&at) && (at - 4) % 16 >= 4,
        _ => false,
    }
}

/// A change of any byte that decides is a change of the rule, or makes it opaque.
#[test]
fn no_byte_that_decides_is_overlooked() {
    let mut looked_at = 0;
    for (family, name, revision, size, digits, words) in all() {
        let whole = payload(*size, digits);
        let before = decoded(*family, name, *revision, &whole);
        for at in 0..*size {
            let mut changed = whole.clone();
            changed[at] ^= 0x41;
            // What stands behind the NUL that ends a name is no part of it.
            let behind = whole[..at].last() == Some(&0) && whole[at] == 0 && is_name(name, *revision, at);
            let after = decoded(*family, name, *revision, &changed);
            if behind
                || is_unasked(name, *revision, &whole, at)
                || says_nothing(*family, name, *revision, *size, at)
            {
                continue;
            }
            assert_ne!(before, after, "{words}: byte {at} of revision {revision}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 1000, "{looked_at}");
}

/// Addresses, ports and the base that the flags of a translation don't ask for.
fn is_unasked(target: &str, revision: u8, whole: &[u8], at: usize) -> bool {
    let flags_at = if target == "REDIRECT" && whole.len() == 24 {
        4
    } else {
        0
    };
    let flags = whole.get(flags_at).copied().unwrap_or_default();
    match target {
        "DNAT" | "SNAT" => {
            (flags & 1 == 0 && (4..36).contains(&at))
                || (flags & 2 == 0 && (36..40).contains(&at))
                || at >= 42
                || (flags & 0x20 == 0 && at >= 40)
        }
        // Only the first rule of a cluster describes it.
        "CLUSTERIP" => flags == 0 && at >= 4,
        // Setting looks at no mark of the packet, copying at no value.
        "CONNMARK" => match whole.get(if revision == 1 { 12 } else { 14 }) {
            Some(0) => (8..12).contains(&at),
            _ => at < 4,
        },
        "REDIRECT" if flags_at == 4 => at >= 20 || (8..16).contains(&at) || (flags & 2 == 0 && at >= 16),
        "REDIRECT" => (4..36).contains(&at) || (flags & 2 == 0 && at >= 36),
        _ => false,
    }
}

fn is_name(target: &str, revision: u8, at: usize) -> bool {
    match (target, revision) {
        ("TEE", _) => at > 16,
        ("IDLETIMER", _) => (4..32).contains(&at),
        ("RATEEST", _) => at < 16,
        ("LED", _) => at < 27,
        ("SECMARK", _) => at > 1,
        ("CT", _) => (13..60).contains(&at) && at != 28,
        _ => false,
    }
}

/// Spellings of the tools that mean one thing.
#[rustfmt::skip]
const SPELLINGS: [(Family, &str, &str); 18] = [
    (
        Family::Ip,
        "-j TOS --set-tos Minimize-Delay",
        "-j TOS --set-tos 0x10/0x3f",
    ),
    (Family::Ip, "-j TOS --and-tos 0x10", "-j TOS --set-tos 0x00/0xef"),
    (Family::Ip, "-j TOS --or-tos 16", "-j TOS --set-tos 0x10/0x10"),
    (Family::Ip, "-j TOS --xor-tos 0x10", "-j TOS --set-tos 0x10/0x00"),
    (Family::Ip, "-j TOS --set-tos 0x10", "-j TOS --set-tos 0x10/0xff"),
    (
        Family::Ip,
        "-j DSCP --set-dscp-class ef",
        "-j DSCP --set-dscp 0x2e",
    ),
    (
        Family::Ip,
        "-j CLASSIFY --set-class 1:abc",
        "-j CLASSIFY --set-class 0001:0abc",
    ),
    (
        Family::Ip,
        "-j TPROXY --on-port 80",
        "-j TPROXY --on-port 80 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0",
    ),
    (
        Family::Ip6,
        "-j TPROXY --on-port 80 --tproxy-mark 5",
        "-j TPROXY --on-port 80 --on-ip :: --tproxy-mark 0x5/0xffffffff",
    ),
    (
        Family::Ip,
        "-p tcp -j TCPOPTSTRIP --strip-options mss,wscale,md5",
        "-p tcp -j TCPOPTSTRIP --strip-options 2,3,19",
    ),
    (Family::Ip, "-j NOTRACK", "-j CT --notrack"),
    (
        Family::Ip,
        "-j CT --ctevents destroy,new",
        "-j CT --ctevents new,destroy",
    ),
    (
        Family::Ip,
        "-j NETMAP --to 1.2.3.4/24",
        "-j NETMAP --to 1.2.3.0/24",
    ),
    (
        Family::Ip,
        "-j HMARK --hmark-tuple src,dport --hmark-mod 1 --hmark-rnd 2",
        "-j HMARK --hmark-src-prefix 32 --hmark-dport-mask 0xffff --hmark-rnd 0x00000002 --hmark-mod 1",
    ),
    (
        Family::Ip,
        "-j RATEEST --rateest-name a --rateest-interval 200ms --rateest-ewmalog 400ms",
        "-j RATEEST --rateest-name a --rateest-interval 250.0ms --rateest-ewmalog 500.0ms",
    ),
    (
        Family::Ip,
        "-j CONNMARK --save-mark --left-shift-mark 0",
        "-j CONNMARK --save-mark",
    ),
    (
        Family::Ip,
        "-j CONNMARK --set-mark 1/0xf0 --left-shift-mark 2",
        "-j CONNMARK --set-xmark 0x1/0xf1 --left-shift-mark 2",
    ),
    (
        Family::Ip,
        "-j CONNMARK --restore-mark --mask 7 --left-shift-mark 2",
        "-j CONNMARK --restore-mark --nfmask 0x7 --ctmask 0x7 --left-shift-mark 2",
    ),
];

#[test]
fn other_spellings_are_the_same_target() {
    for (family, spelt, saved) in SPELLINGS {
        assert_eq!(of_text(family, spelt), of_text(family, saved), "{spelt}");
        assert!(
            !of_text(family, spelt)
                .iter()
                .any(|item| matches!(item, Item::Opaque(_))),
            "{spelt}"
        );
    }
}

/// The structures as their header lays them out, with the sets 3 (`one`) and 4 (`two`).
#[rustfmt::skip]
const SETS: [(u8, usize, &str, &str); 5] = [
    (0, 64, "0300 0000 01000000 02000000 0*20 ffff", "-j SET --add-set one src,dst"),
    (1, 8, "ffff0000 04000200", "-j SET --del-set two dst,dst"),
    (2, 16, "03000102 ffff0000 01000000 3c000000", "-j SET --add-set one src --exist --timeout 60"),
    (3, 24, "03000102 ffff0000 ffff0000 00000000 ffffffff", "-j SET --add-set one src"),
    (3, 24, "ffff0000 ffff0000 04000204 00070000 ffffffff", "-j SET --map-set two dst,src --map-mark --map-prio --map-queue"),
];

#[test]
fn a_target_that_names_sets_is_exact_where_their_names_are_known() {
    let names = [(3, "one".into()), (4, "two".into())].into();
    for (revision, size, digits, words) in SETS {
        let bytes = payload(size, digits);
        let items = super::set::decode(revision, &bytes, &names).unwrap_or_default();
        assert_eq!(items, of_text(Family::Ip, words), "{words}");
        let rule = Rule { items, comment: None };
        assert_eq!(
            iptables::rule(Family::Ip, &"X".into(), &rule),
            format!("-A X {words}")
        );
        assert_eq!(
            super::set::decode(revision, &bytes, &[(9, "other".into())].into()),
            None
        );
        assert_eq!(super::set::decode(revision, &bytes[..size - 8], &names), None);
        assert!(
            is_opaque(&decoded(Family::Ip, "SET", revision, &bytes)),
            "without names it stays whole"
        );
    }
    let unknown = payload(24, "03000142 ffff0000 ffff0000 00000000 ffffffff");
    assert_eq!(super::set::decode(3, &unknown, &names), None);
}

#[test]
fn what_no_structure_can_hold_stays_in_words() {
    for words in [
        "-j TOS --set-tos nonsense",
        "-j TPROXY --on-port http",
        "-j CT --ctevents sometimes",
        "-j CLASSIFY --set-class 1",
        "-j SET --add-set one sideways",
        "-j NETMAP --to 1.2.3.4/33",
        "-j CLUSTERIP --clustermac 1:2:3",
        "-j TTL --ttl-half 3",
    ] {
        assert!(is_opaque(&of_text(Family::Ip, words)), "{words}");
    }
}
