//! The connection table, with policies made by the same netlink. The kernel of this machine has no helpers in user space.

use netghost_core::section::SectionName::Conntrack;
use netghost_kernel::netlink::{Protocol, Socket};
use netghost_lab::Namespace;

use super::{captured, changes, fact, facts, namespace, printed, run, shown};

/// `NFNL_SUBSYS_CTNETLINK_TIMEOUT`.
const TIMEOUT: u16 = 8 << 8;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn nested(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | 0x8000, &attributes.concat())
}

fn ask(namespace: &Namespace, message_type: u16, attributes: &[Vec<u8>]) {
    let body = [vec![0; 4], attributes.concat()].concat();
    let ask = || {
        Socket::open(Protocol::Netfilter)
            .unwrap()
            .request(message_type, &body)
    };
    namespace.enter(ask).unwrap().unwrap();
}

fn policy(namespace: &Namespace, name: &[u8], established: u32) {
    let data = nested(4, &[attribute(3, &established.to_be_bytes())]);
    let protocols = [attribute(2, &2u16.to_be_bytes()), attribute(3, &[6])].concat();
    ask(namespace, TIMEOUT, &[attribute(1, name), protocols, data]);
}

#[test]
fn root_reads_the_use_of_the_table() {
    let namespace = namespace(
        "nft add table ip t
        nft add chain ip t c '{ type filter hook output priority 0; }'
        nft add rule ip t c ct state new counter",
    );
    run(
        &namespace,
        "ping -c 1 -W 1 127.0.0.1 >/dev/null || echo x | timeout 1 bash -c 'cat > /dev/udp/127.0.0.1/9'",
    );
    let section = captured(&namespace, Conntrack);
    let (config, runtime) = facts(&section);
    let max = printed(&namespace, "cat /proc/sys/net/netfilter/nf_conntrack_max");
    let count = printed(&namespace, "cat /proc/sys/net/netfilter/nf_conntrack_count");
    assert_eq!(shown(config), [format!("conntrack max {max}")]);
    assert_eq!(
        fact(runtime, "conntrack").to_string(),
        format!("conntrack count {count}")
    );
    assert_ne!(count, "0");
    assert!(fact(runtime, "statistics/cpu/0").property("drop").is_some());
}

#[test]
fn root_finds_one_change_for_one_policy() {
    let namespace = namespace("ip link set lo up");
    let before = captured(&namespace, Conntrack);
    policy(&namespace, b"short\0", 100);
    let one = captured(&namespace, Conntrack);
    assert_eq!(changes(&before, &one), ["fact_added timeout-policy/short"]);
    let shown_policy = fact(facts(&one).0, "timeout-policy/short").to_string();
    assert!(
        shown_policy.starts_with("timeout-policy short family ipv4 protocol tcp seconds {"),
        "{shown_policy}"
    );
    assert!(shown_policy.contains(" established 100 "), "{shown_policy}");
    ask(&namespace, TIMEOUT | 2, &[attribute(1, b"short\0")]);
    policy(&namespace, b"short\0", 200);
    let two = captured(&namespace, Conntrack);
    assert_eq!(changes(&one, &two), ["fact_changed timeout-policy/short"]);
    ask(&namespace, TIMEOUT | 2, &[attribute(1, b"short\0")]);
    policy(&namespace, b"short\0", 100);
    assert_eq!(changes(&one, &captured(&namespace, Conntrack)), [""; 0]);
}
