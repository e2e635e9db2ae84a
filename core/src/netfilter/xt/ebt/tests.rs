use proptest::prelude::*;

use super::super::tests::payload;
use super::*;
use crate::bytes::Hex;
use crate::netfilter::model::{Family, Match, Op, Rule, Statement, Value, Verdict};
use crate::netfilter::text::ebtables;
use crate::netfilter::xt::{decode_match, decode_target};
use crate::raw::{EbtablesRaw, EbtablesTable};

const CAPTURED: &str = include_str!("tests/linux-6.1.txt");

fn captured() -> EbtablesRaw {
    let lines: Vec<&str> = CAPTURED.lines().filter(|line| !line.starts_with('#')).collect();
    let hex = |line: &str| {
        if line == "-" {
            Hex(Vec::new())
        } else {
            Hex(bytes(line))
        }
    };
    let table = |lines: &[&str]| EbtablesTable {
        name: lines[0].into(),
        info: hex(lines[1]),
        entries: hex(lines[2]),
        counters: hex(lines[3]),
    };
    EbtablesRaw {
        tables: lines.chunks(4).map(table).collect(),
    }
}

fn bytes(line: &str) -> Vec<u8> {
    let length = line.split(' ').map(|part| match part.strip_prefix("0*") {
        Some(count) => count.parse().unwrap(),
        None => part.len() / 2,
    });
    payload(length.sum(), line)
}

/// What was loaded, as it is printed.
const LOADED: &str = include_str!("tests/linux-6.1.ebt");

#[test]
fn tables_of_a_kernel_are_what_was_loaded() {
    let (ruleset, runtime) = lift(&captured()).unwrap();
    let mut printed = String::new();
    for table in &ruleset.tables {
        printed += std::str::from_utf8(ebtables::table_save(table, None).as_bytes()).unwrap();
    }
    assert_eq!(printed, LOADED);
    let filter = &ruleset.tables[1];
    let input = filter
        .chains
        .iter()
        .position(|chain| chain.name == "INPUT".into())
        .unwrap();
    assert_eq!(filter.chains[input].base.as_ref().unwrap().priority, -200);
    assert!(
        runtime.tables[1].chains[input]
            .rules
            .iter()
            .all(|rule| rule.counters.is_some())
    );
}

/// A chain that others jump to has a policy of its own, which no other family knows: it stands as a last rule.
#[test]
fn the_policy_of_a_chain_that_is_jumped_to_is_not_lost() {
    let (ruleset, runtime) = lift(&captured()).unwrap();
    let place = ruleset.tables[1]
        .chains
        .iter()
        .position(|chain| chain.name == "two".into())
        .unwrap();
    let [rule] = ruleset.tables[1].chains[place].rules.as_slice() else {
        panic!("{:?}", ruleset.tables[1].chains[place])
    };
    assert_eq!(rule.items, [Item::Statement(Statement::Verdict(Verdict::Drop))]);
    assert_eq!(runtime.tables[1].chains[place].rules.len(), 1);
}

/// Each edit breaks one thing; the error names the table.
#[test]
fn what_does_not_fit_together_is_an_error() {
    type Edit = fn(&mut EbtablesTable);
    let edits: [(&str, Edit); 7] = [
        ("more entries than announced", |table| table.info.0[36] -= 1),
        ("another size than announced", |table| table.info.0[40] ^= 8),
        ("a hook of another table", |table| table.info.0[32] |= 0x20),
        ("a chain with fewer rules", |table| table.entries.0[44] -= 1),
        ("a policy that is none", |table| table.entries.0[40] = 7),
        ("flags without meaning", |table| table.entries.0[48] |= 0x40),
        ("a counter too few", |table| table.counters.0.truncate(16)),
    ];
    for (what, edit) in edits {
        let mut broken = captured();
        let filter = broken
            .tables
            .iter_mut()
            .find(|table| table.name == "filter".into())
            .unwrap();
        edit(filter);
        assert_eq!(lift(&broken).expect_err(what).table, "filter".into(), "{what}");
    }
}

fn is_opaque(items: &[Item]) -> bool {
    matches!(items, [Item::Opaque(_)])
}

/// Name, size, then a byte and a bit in it that have no meaning.
const UNKNOWN: [(&str, usize, usize, u8); 9] = [
    ("802_3", 8, 4, 0x04),
    ("arp", 56, 0, 0),
    ("ip", 32, 0, 0),
    ("ip6", 80, 66, 0x80),
    ("mark_m", 24, 17, 0x04),
    ("pkttype", 8, 0, 0x08),
    ("stp", 72, 69, 0x10),
    ("vlan", 8, 7, 0x08),
    ("among", 16, 8, 0x04),
];

#[test]
fn an_unknown_bit_size_or_revision_is_opaque() {
    for (name, size, at, bit) in UNKNOWN {
        let mut whole = vec![0; size];
        if name == "mark_m" {
            whole[17] = 1;
        }
        let decode = |revision, bytes: &[u8]| decode_match(Family::Bridge, &name.into(), revision, bytes);
        assert!(!is_opaque(&decode(0, &whole)), "{name}");
        assert!(is_opaque(&decode(1, &whole)), "{name}");
        assert!(
            is_opaque(&decode(0, &[whole.clone(), vec![0; 8]].concat())),
            "{name}"
        );
        whole[at] |= bit;
        assert_eq!(is_opaque(&decode(0, &whole)), bit != 0, "{name}");
    }
    for (name, size, at, bit) in [
        ("log", 40, 32, 0x04),
        ("nflog", 80, 8, 0x01),
        ("arpreply", 16, 8, 0x80),
        ("dnat", 16, 8, 0x10),
        ("snat", 16, 8, 0x20),
        ("redirect", 8, 0, 0x10),
        ("mark", 16, 8, 0x40),
    ] {
        let mut whole = vec![0xff; size];
        whole[4..8].fill(0);
        if name == "log" || name == "nflog" {
            whole.fill(0);
        } else if name == "redirect" {
            whole.fill(0xff);
        }
        let decode = |bytes: &[u8]| decode_target(Family::Bridge, &name.into(), 0, bytes);
        assert!(!is_opaque(&decode(&whole)), "{name}");
        whole[at] ^= bit;
        assert!(is_opaque(&decode(&whole)), "{name}");
    }
}

/// The names that families share mean other structures in each.
#[test]
fn a_mark_of_ebtables_is_no_mark_of_iptables() {
    let bytes = payload(16, "05 0*7 ffffffff");
    let rule = Rule {
        items: decode_target(Family::Bridge, &"mark".into(), 0, &bytes),
        comment: None,
    };
    assert_eq!(
        ebtables::rule(&"X".into(), &rule),
        "-A X -j mark --mark-set 0x5 --mark-target ACCEPT"
    );
    assert!(is_opaque(&decode_target(Family::Ip, &"mark".into(), 0, &bytes)));
}

#[test]
fn a_watcher_that_is_not_understood_is_shown_beside_the_target() {
    let watcher = super::opaque("watcher", &"ulog".into(), 0, &[1, 2]);
    let accept = Item::Statement(Statement::Verdict(Verdict::Accept));
    let rule = Rule {
        items: vec![watcher, accept],
        comment: None,
    };
    let line = ebtables::rule(&"X".into(), &rule);
    assert!(line.contains("ulog") && line.ends_with(" -j ACCEPT"), "{line}");
}

/// Ports and the types of ICMP share their place in the structure: one that asks for both says neither.
#[test]
fn what_shares_a_place_is_not_asked_twice() {
    for (name, size, at) in [("ip", 32, 18), ("ip6", 80, 66)] {
        for (bits, opaque) in [
            (0x10, false),
            (0x40, false),
            (0x30, false),
            (0x50, true),
            (0x60, true),
        ] {
            let mut whole = vec![0; size];
            whole[at] = bits;
            let items = decode_match(Family::Bridge, &name.into(), 0, &whole);
            assert_eq!(is_opaque(&items), opaque, "{name} {bits:#x}");
        }
    }
}

#[test]
fn any_bit_of_a_mark_is_exact() {
    let any = payload(24, "0*8 03 0*8 02");
    let value = forms::under(Value::Number(3), Value::Number(0));
    let (field, op) = ("meta.mark".into(), Op::Ne);
    let expected = Item::Match(Match { field, op, value });
    assert_eq!(
        decode_match(Family::Bridge, &"mark_m".into(), 0, &any),
        [expected]
    );
}

proptest! {
    /// Damaged tables are an error or decode to as many rules; they never come out shorter.
    #[test]
    fn a_damaged_table_never_loses_rules(which in 0_usize..3, place in 0_usize..20_000, byte in any::<u8>()) {
        let whole = captured();
        let rules = |raw: &EbtablesRaw| lift(raw).ok().map(|(ruleset, _)| {
            let chains = ruleset.tables.iter().flat_map(|table| &table.chains);
            chains.flat_map(|chain| &chain.rules).filter(|rule| rule.comment.is_none()).count()
        });
        let count = rules(&whole);
        prop_assert!(count.is_some());
        let mut damaged = whole.clone();
        let entries = &mut damaged.tables[which].entries.0;
        let place = place % entries.len();
        entries[place] = byte;
        if let Some(found) = rules(&damaged) {
            prop_assert_eq!(Some(found), count);
        }
    }

    #[test]
    fn any_structure_is_answered(which in 0..UNKNOWN.len(), bytes in proptest::collection::vec(any::<u8>(), 0..2200)) {
        decode_match(Family::Bridge, &UNKNOWN[which].0.into(), 0, &bytes);
    }
}
