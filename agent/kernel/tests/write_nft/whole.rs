//! Large rules, and chains that can't be read whole.

use netghost_core::netfilter::model::Family;
use netghost_kernel::write::WriteError;

use crate::host::{Host, deletion};

/// Elements take several messages there and back.
#[test]
fn root_sets_of_thousands_of_elements_come_back() {
    let ports: Vec<String> = (1..3001).map(|port| (port * 3).to_string()).collect();
    let ranges: Vec<String> = (1..1001)
        .map(|number| format!("{}-{}", number * 20, number * 20 + 7))
        .collect();
    let marks: Vec<String> = (1..1001).map(|number| format!("{number} : {number}")).collect();
    let host = Host::nft(&format!(
        "table inet t {{ chain c {{\naccept\ntcp dport {{ {} }} drop\nudp dport {{ {} }} drop\nmeta mark set meta mark map {{ {} }}\ndrop\n}}\n}}",
        ports.join(", "),
        ranges.join(", "),
        marks.join(", "),
    ));
    let before = host.before();
    for (at, placed) in host.rules().iter().enumerate() {
        // Its text is longer than a request may be, and that is the gate's matter.
        let change = before.there_and_back(&placed.deletion());
        assert!(!change.effect.inverse.is_empty(), "{at}");
    }
}

/// In a chain with a rule that can't be read nothing is known of the others; another chain of the table is none the worse.
#[test]
fn root_a_chain_that_is_not_read_whole_is_refused() {
    let host = Host::shell("iptables-nft -A INPUT -s 10.0.0.1 -j ACCEPT\niptables-nft -A OUTPUT -j ACCEPT");
    let comment = format!(" -m comment --comment {}", "x".repeat(250));
    host.must(&format!(
        "iptables-nft -A INPUT {} -j ACCEPT",
        comment.repeat(120)
    ));
    host.must("iptables-nft -A INPUT -s 10.0.0.2 -j DROP");
    for rule in [
        "-A INPUT -s 10.0.0.1/32 -j ACCEPT",
        "-A INPUT -s 10.0.0.2/32 -j DROP",
    ] {
        let refused = host.plan(&deletion(Family::Ip, "filter", "INPUT", rule));
        assert!(
            matches!(&refused, Err(WriteError::Unreadable { why, .. }) if why.contains("too large")),
            "{refused:?}"
        );
    }
    let change = host
        .plan(&deletion(Family::Ip, "filter", "OUTPUT", "-A OUTPUT -j ACCEPT"))
        .unwrap();
    host.apply(&change).unwrap();
    assert_eq!(
        host.must("iptables-nft-save | grep -c -e '-A OUTPUT' || true")
            .trim(),
        "0"
    );
    host.undo(&change).unwrap();
    assert_eq!(
        host.must("iptables-nft-save | grep -c -e '-A OUTPUT'").trim(),
        "1"
    );
    // And one that comes after the plan.
    let change = host
        .plan(&deletion(Family::Ip, "filter", "OUTPUT", "-A OUTPUT -j ACCEPT"))
        .unwrap();
    host.must(&format!(
        "iptables-nft -A OUTPUT {} -j ACCEPT",
        comment.repeat(120)
    ));
    let refused = host.apply(&change);
    assert!(
        matches!(refused, Err(WriteError::Unreadable { .. })),
        "{refused:?}"
    );
}
