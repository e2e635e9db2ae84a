use proptest::prelude::*;

use super::*;
use crate::bytes::from_hex;
use crate::netfilter::model::{LimitUnit, Rule, Statement};
use crate::netfilter::text::iptables;

mod captured;
mod revisions;

/// Structures as `IPT_SO_GET_ENTRIES` and `IP6T_SO_GET_ENTRIES` of Linux 6.18 on x86-64 gave them, after
/// `iptables-legacy` 1.8.9 had loaded the words beside them: family, kind, name, revision, size in bytes, bytes in
/// hexadecimal (`0*N` for N zero bytes; zero to the end), words. `opaque` where they are not decoded.
const GOLDEN: [(Family, &str, &str, u8, usize, &str, &str); 35] = [
    (Family::Ip, "target", "CT", 2, 72, "03", "-j CT --notrack"),
    (Family::Ip, "target", "CT", 2, 72, "200005", "opaque"),
    (
        Family::Ip,
        "target",
        "MARK",
        2,
        8,
        "01000000ff",
        "-j MARK --set-xmark 0x1/0xff",
    ),
    (
        Family::Ip,
        "target",
        "CONNMARK",
        2,
        16,
        "00000000ff0000000f000000000001",
        "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff",
    ),
    (
        Family::Ip,
        "match",
        "tcp",
        0,
        16,
        "0000ffff0000ffff001702",
        "-m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
    ),
    (
        Family::Ip,
        "target",
        "TCPMSS",
        0,
        8,
        "ffff",
        "-j TCPMSS --clamp-mss-to-pmtu",
    ),
    (
        Family::Ip,
        "target",
        "DNAT",
        2,
        48,
        "0f00000001020304 0*12 01020304 0*13 50005a",
        "-j DNAT --to-destination 1.2.3.4:80-90 --random --persistent",
    ),
    (
        Family::Ip,
        "target",
        "DNAT",
        2,
        48,
        "6300000001020304 0*12 01020304 0*13 50005a0064",
        "opaque",
    ),
    (
        Family::Ip,
        "target",
        "REDIRECT",
        0,
        24,
        "0100000002 0*12 500050",
        "-j REDIRECT --to-ports 80",
    ),
    (
        Family::Ip,
        "target",
        "SNAT",
        0,
        24,
        "01000000010000000102030401020309",
        "-j SNAT --to-source 1.2.3.4-1.2.3.9",
    ),
    (
        Family::Ip,
        "target",
        "MASQUERADE",
        0,
        24,
        "0100000012 0*12 050006",
        "-j MASQUERADE --to-ports 5-6 --random-fully",
    ),
    (
        Family::Ip,
        "match",
        "tcp",
        0,
        16,
        "010005005000500004120202",
        "-m tcp --sport 1:5 ! --dport 80 --tcp-option 4 --tcp-flags SYN,ACK SYN",
    ),
    (
        Family::Ip,
        "match",
        "udp",
        0,
        16,
        "350035000000ffff01",
        "-m udp ! --sport 53",
    ),
    (
        Family::Ip,
        "match",
        "icmp",
        0,
        8,
        "03010101",
        "-m icmp ! --icmp-type 3/1",
    ),
    (
        Family::Ip,
        "match",
        "multiport",
        1,
        48,
        "010416005000010005 0*25 01 0*12 01",
        "-m multiport ! --dports 22,80,1:5",
    ),
    (
        Family::Ip,
        "match",
        "conntrack",
        3,
        168,
        "0a 0*15 ff 0*111 050000003c00000011000000050000000000c71201124a010400000050",
        "-m conntrack ! --ctstate NEW,ESTABLISHED,UNTRACKED,SNAT --ctproto 17 --ctorigsrc 10.0.0.0/8 ! --ctorigdstport 5:80 --ctstatus ASSURED --ctexpire 5:60 --ctdir REPLY",
    ),
    (
        Family::Ip,
        "match",
        "conntrack",
        3,
        168,
        "0*146 0120000008",
        "-m conntrack --ctstate NEW",
    ),
    (
        Family::Ip,
        "match",
        "limit",
        0,
        40,
        "d24e010005",
        "-m limit --limit 7/min",
    ),
    (
        Family::Ip,
        "match",
        "mark",
        1,
        16,
        "030000000700000001",
        "-m mark ! --mark 0x3/0x7",
    ),
    (
        Family::Ip,
        "match",
        "connmark",
        1,
        16,
        "01000000ffffffff",
        "-m connmark --mark 0x1",
    ),
    (
        Family::Ip,
        "match",
        "addrtype",
        1,
        8,
        "0600080006",
        "-m addrtype --src-type UNICAST,LOCAL ! --dst-type BROADCAST --limit-iface-in",
    ),
    (
        Family::Ip,
        "match",
        "iprange",
        1,
        72,
        "0a000001 0*12 0a000009 0*44 01",
        "-m iprange --src-range 10.0.0.1-10.0.0.9",
    ),
    (
        Family::Ip,
        "match",
        "mac",
        0,
        16,
        "0011223344aa000001",
        "-m mac ! --mac-source 00:11:22:33:44:aa",
    ),
    (
        Family::Ip,
        "match",
        "pkttype",
        0,
        8,
        "0200000001",
        "-m pkttype ! --pkt-type multicast",
    ),
    (
        Family::Ip,
        "match",
        "physdev",
        0,
        72,
        "6574682b 0*12 ffffff 0*46 01",
        "-m physdev --physdev-in eth+",
    ),
    (
        Family::Ip,
        "target",
        "REJECT",
        0,
        8,
        "03",
        "-j REJECT --reject-with icmp-port-unreachable",
    ),
    (
        Family::Ip,
        "target",
        "LOG",
        0,
        32,
        "0608612062",
        "-j LOG --log-prefix \"a b\" --log-level 6 --log-uid",
    ),
    (
        Family::Ip,
        "target",
        "NFLOG",
        0,
        80,
        "280000000500030001000000782079",
        "-j NFLOG --nflog-prefix \"x y\" --nflog-group 5 --nflog-size 40 --nflog-threshold 3",
    ),
    (
        Family::Ip,
        "target",
        "NFQUEUE",
        3,
        8,
        "0100040001",
        "-j NFQUEUE --queue-balance 1:4 --queue-bypass",
    ),
    (
        Family::Ip,
        "match",
        "owner",
        1,
        24,
        "000000000500000003000000030000000705",
        "-m owner ! --socket-exists ! --uid-owner 0-5 --gid-owner 3",
    ),
    (
        Family::Ip6,
        "match",
        "icmp6",
        0,
        8,
        "030101",
        "-m icmp6 --icmpv6-type 3/1",
    ),
    (
        Family::Ip6,
        "target",
        "REJECT",
        0,
        8,
        "01",
        "-j REJECT --reject-with icmp6-adm-prohibited",
    ),
    (
        Family::Ip6,
        "match",
        "conntrack",
        3,
        168,
        "20010db8 0*12 ffffffff 0*126 040004",
        "-m conntrack ! --ctorigsrc 2001:db8::/32",
    ),
    (
        Family::Ip6,
        "target",
        "DNAT",
        2,
        48,
        "0300000020010db8 0*11 0120010db8 0*11 0100500050",
        "-j DNAT --to-destination [2001:db8::1]:80",
    ),
    (Family::Ip6, "target", "MASQUERADE", 0, 40, "", "-j MASQUERADE"),
];

pub(super) fn payload(size: usize, digits: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in digits.split(' ') {
        match part.strip_prefix("0*") {
            Some(count) => bytes.resize(bytes.len() + count.parse::<usize>().unwrap(), 0),
            None => bytes.extend(from_hex(part).unwrap()),
        }
    }
    bytes.resize(size, 0);
    bytes
}

fn decode(family: Family, kind: &str, name: &str, revision: u8, payload: &[u8]) -> Vec<Item> {
    let decode = if kind == "match" {
        decode_match
    } else {
        decode_target
    };
    decode(family, &name.into(), revision, payload)
}

fn is_opaque(items: &[Item]) -> bool {
    matches!(items, [Item::Opaque(_)])
}

#[test]
fn structures_of_the_kernel_say_what_was_loaded() {
    for (family, kind, name, revision, size, digits, words) in GOLDEN {
        let items = decode(family, kind, name, revision, &payload(size, digits));
        if words == "opaque" {
            assert!(is_opaque(&items), "{name}: {items:?}");
            continue;
        }
        let rule = Rule { items, comment: None };
        assert_eq!(
            iptables::rule(family, &"X".into(), &rule),
            format!("-A X {words}")
        );
    }
}

#[test]
fn another_size_or_revision_is_opaque() {
    for (family, kind, name, revision, size, digits, _) in GOLDEN {
        let whole = payload(size, digits);
        for wrong in [&whole[..size - 8], &[whole.clone(), vec![0; 8]].concat(), &[]] {
            assert!(
                is_opaque(&decode(family, kind, name, revision, wrong)),
                "{name}: {} bytes",
                wrong.len()
            );
        }
        assert!(is_opaque(&decode(family, kind, name, 9, &whole)), "{name}");
        assert!(is_opaque(&decode(
            Family::Bridge,
            kind,
            "unheard-of",
            revision,
            &whole
        )));
    }
}

/// Bits that have no meaning: nothing may be concluded from the rest.
#[test]
fn an_unknown_flag_is_opaque() {
    for (name, revision, size, offset, bit) in [
        ("tcp", 0, 12, 11, 0x10),
        ("udp", 0, 10, 8, 0x04),
        ("icmp", 0, 4, 3, 0x02),
        ("conntrack", 3, 164, 147, 0x40),
        ("addrtype", 1, 8, 4, 0x10),
        ("owner", 1, 20, 16, 0x10),
        ("iprange", 1, 68, 64, 0x04),
        ("physdev", 0, 66, 65, 0x20),
        ("mark", 1, 12, 8, 0x02),
        ("pkttype", 0, 8, 0, 0x04),
    ] {
        let mut payload = vec![0; size];
        assert!(
            !is_opaque(&decode_match(Family::Ip, &name.into(), revision, &payload)),
            "{name}"
        );
        payload[offset] = bit;
        assert!(
            is_opaque(&decode_match(Family::Ip, &name.into(), revision, &payload)),
            "{name}"
        );
    }
    for (name, revision, size, offset, bit) in [
        ("LOG", 0, 32, 1, 0x10),
        ("SNAT", 0, 20, 4, 0x40),
        ("DNAT", 2, 44, 0, 0x20),
        ("DNAT", 2, 44, 0, 0x40),
        ("CONNMARK", 2, 16, 14, 3),
        ("NFQUEUE", 3, 6, 4, 4),
        ("REJECT", 0, 4, 0, 9),
    ] {
        let mut payload = vec![0; size];
        if name == "SNAT" {
            payload[0] = 1;
        } else if name == "NFQUEUE" {
            payload[2] = 1;
        }
        assert!(
            !is_opaque(&decode_target(Family::Ip, &name.into(), revision, &payload)),
            "{name}"
        );
        payload[offset] |= bit;
        assert!(
            is_opaque(&decode_target(Family::Ip, &name.into(), revision, &payload)),
            "{name}"
        );
    }
}

#[test]
fn what_the_kernel_keeps_for_itself_is_cut() {
    let opaque = decode_match(Family::Ip, &"quota".into(), 0, &[0xff; 24]);
    let Item::Opaque(quota) = &opaque[0] else {
        panic!("{opaque:?}")
    };
    assert_eq!(quota.payload.0, [&[0xff; 16][..], &[0; 8]].concat());
    let running = payload(40, "d24e010005 0*3 ffffffffffffffffffffffff");
    let fresh = payload(40, "d24e010005");
    let limit = |bytes: &[u8]| decode_match(Family::Ip, &"limit".into(), 0, bytes);
    assert_eq!(limit(&running), limit(&fresh));
}

#[test]
fn the_first_comment_is_the_rules() {
    let comment = |text: &str| forms::matching("comment", Op::Eq, Value::Text(text.into()));
    let mut items = vec![comment("one"), comment("two")];
    assert_eq!(take_comment(&mut items), Some("one".into()));
    assert_eq!(items, [comment("two")]);
    assert_eq!(take_comment(&mut Vec::new()), None);
}

proptest! {
    #[test]
    fn any_structure_is_answered(
        which in 0..GOLDEN.len(),
        revision in 0_u8..4,
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        fits in any::<bool>(),
    ) {
        let (family, kind, name, _, size, ..) = GOLDEN[which];
        let mut bytes = bytes;
        if fits {
            bytes.resize(size, 0);
        }
        decode(family, kind, name, revision, &bytes);
    }

    /// The rate that is shown gives the interval that the kernel holds.
    #[test]
    fn a_limit_is_exact_or_opaque(rate in 1_u32..12_000, unit in 0_usize..4) {
        let unit = [LimitUnit::Second, LimitUnit::Minute, LimitUnit::Hour, LimitUnit::Day][unit];
        if let Some(interval) = forms::limit_interval(rate, unit) {
            let Some(Item::Statement(Statement::Limit { rate, unit, .. })) = forms::limit(interval, 5) else {
                panic!("a rate that can be written is decoded: {interval}");
            };
            let shown = u32::try_from(rate.0).unwrap();
            prop_assert_eq!(forms::limit_interval(shown, unit), Some(interval));
        }
    }

    /// Damaged tables are an error or decode to as many rules; they never come out shorter.
    #[test]
    fn a_damaged_table_never_loses_rules(place in 0..lift::tests::SIZE, byte in any::<u8>(), cut in 0..lift::tests::SIZE) {
        let whole = lift::tests::table();
        let rules = |raw: &crate::raw::XtablesRaw| super::lift(raw).ok().map(|(ruleset, _)| {
            ruleset.tables[0].chains.iter().map(|chain| chain.rules.len()).sum::<usize>()
        });
        let count = rules(&whole);
        prop_assert!(count.is_some());
        let mut damaged = whole.clone();
        if let Some(target) = damaged.tables[0].entries.0.get_mut(place) {
            *target = byte;
        }
        if let Some(found) = rules(&damaged) {
            prop_assert_eq!(Some(found), count);
        }
        let mut short = whole.clone();
        if cut < short.tables[0].entries.0.len() {
            short.tables[0].entries.0.truncate(cut);
            prop_assert_eq!(rules(&short), None);
        }
    }
}
