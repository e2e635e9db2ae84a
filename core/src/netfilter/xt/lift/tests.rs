use super::super::tests::payload;
use super::*;
use crate::bytes::{Big, Hex};
use crate::netfilter::model::{Counters, Op, Value};
use crate::netfilter::text::iptables;

/// `struct ipt_getinfo` and the entries of a `filter` table as Linux 6.18 on x86-64 gave them, after
/// `iptables-legacy-restore -c` 1.8.9 had loaded [`LOADED`]. Written as in the tests of structures.
const INFO: &str = "66696c746572 0*26 \
    0e000000ffffffff0000000060020000f8020000ffffffffffffffffc801000060020000f8020000ffffffff0b000000b8060000";
const ENTRIES: &str = "0a 0*7 ff 0*7 6574682b 0*28 ffffff 0*37 700098000200000001 0*7 02 0*7 28 0*31 4004 0*88 \
    020000000000700098000200000003 0*7 04 0*7 28 0*31 4004 0*86 0600004000000000700098000200000005 \
    0*7 06 0*7 28 0*31 c801 0*94 700098000200000007 0*7 08 0*7 28 0*31 ffffffff 0*92 7000980004 0*19 \
    28 0*31 feffffff 0*92 7000980008 0*19 28 0*31 feffffff 0*92 7000b0 0*21 40004552524f52 0*25 \
    75736572 0*116 7000980002 0*19 28 0*31 fbffffff 0*84 06 0*7 700098 0*21 280052454a454354 0*24 03 \
    0*95 700098 0*21 28 0*31 fbffffff 0*92 7000b0 0*21 40004552524f52 0*25 4552524f52 0*27";

const LOADED: &str = "*filter
:INPUT DROP [7:8]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:user - [0:0]
[1:2] -A INPUT -s 10.0.0.0/8 -i eth+ -j user
[3:4] -A INPUT -g user
[5:6] -A INPUT ! -p tcp
[0:0] -A user -j RETURN
[0:0] -A user -p tcp -j REJECT --reject-with icmp-port-unreachable
COMMIT
";

/// The size of the entries.
pub(in crate::netfilter::xt) const SIZE: usize = 1720;

/// The table as it was read.
pub(in crate::netfilter::xt) fn table() -> XtablesRaw {
    XtablesRaw {
        sets: Vec::new(),
        ipv6: false,
        arp: false,
        tables: vec![XtablesTable {
            name: "filter".into(),
            info: Hex(payload(84, INFO)),
            entries: Hex(payload(SIZE, ENTRIES)),
        }],
    }
}

#[test]
fn a_table_of_the_kernel_is_what_was_loaded() {
    let (ruleset, runtime) = lift(&table()).unwrap();
    assert_eq!(ruleset.plane, Plane::Legacy);
    let names: Vec<String> = ruleset.tables[0]
        .chains
        .iter()
        .map(|chain| chain.name.to_string())
        .collect();
    assert_eq!(names, ["FORWARD", "INPUT", "OUTPUT", "user"]);
    let input = &ruleset.tables[0].chains[1];
    assert_eq!(input.base.as_ref().unwrap().policy, Verdict::Drop);
    let counters = runtime.tables[0].chains[1].policy_counters;
    assert_eq!(
        counters,
        Some(Counters {
            packets: Big(7),
            bytes: Big(8)
        })
    );
    assert_eq!(
        iptables::table_save(&ruleset.tables[0], Some(&runtime.tables[0]))
            .to_string()
            .replace("\\x0a", "\n"),
        LOADED
    );
}

#[test]
fn an_inverted_protocol_and_a_rule_without_target_are_exact() {
    let (ruleset, _) = lift(&table()).unwrap();
    let [Item::Match(protocol)] = ruleset.tables[0].chains[1].rules[2].items.as_slice() else {
        panic!()
    };
    assert_eq!((protocol.op, &protocol.value), (Op::Ne, &Value::Number(6)));
}

/// Each edit breaks one thing; the error names the table.
#[test]
fn what_does_not_fit_together_is_an_error() {
    let whole = table();
    type Edit = fn(&mut XtablesTable);
    let edits: [(&str, Edit); 7] = [
        ("more entries than announced", |table| table.info.0[76] -= 1),
        ("another size than announced", |table| table.info.0[80] += 8),
        ("a hook in the middle of an entry", |table| table.info.0[40] += 8),
        ("a hook that begins nowhere", |table| table.info.0[32] |= 1),
        ("a policy that is elsewhere", |table| table.info.0[60] -= 8),
        ("flags without meaning", |table| table.entries.0[82] = 0x80),
        ("a jump into nowhere", |table| table.entries.0[112 + 32] ^= 8),
    ];
    for (what, edit) in edits {
        let mut broken = whole.clone();
        edit(&mut broken.tables[0]);
        let error = lift(&broken).expect_err(what);
        assert_eq!(error.table, "filter".into(), "{what}");
    }
}
