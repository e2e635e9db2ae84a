//! Trees of every kind that this kernel has.

use super::*;

/// As `tc` makes them, each line a tree on `v0`, its commands parted by `;`.
const ROOTS: &str = "
    qdisc add dev v0 root pfifo limit 77
    qdisc add dev v0 root bfifo limit 7700
    qdisc add dev v0 root handle 1: pfifo limit 77
    qdisc add dev v0 root handle fffe: tbf rate 1mbit burst 32kb latency 400ms; qdisc add dev v0 parent fffe:1 handle fffd: pfifo limit 9
    qdisc add dev v0 root pfifo_fast
    qdisc add dev v0 root handle 8: pfifo_fast
    qdisc add dev v0 root tbf rate 1mbit burst 32kb latency 400ms
    qdisc add dev v0 root tbf rate 8kbit burst 1600 limit 3000
    qdisc add dev v0 root tbf rate 40gbit burst 1mb limit 3000 overhead 20
    qdisc add dev v0 root tbf rate 123456bps burst 9999 latency 51ms peakrate 234567bps mtu 1600
    qdisc add dev v0 root handle 1: htb
    qdisc add dev v0 root handle 1: htb default 20 r2q 20 direct_qlen 500; class add dev v0 parent 1: classid 1:1 htb rate 100mbit ceil 100mbit quantum 2000; class add dev v0 parent 1:1 classid 1:10 htb rate 20mbit ceil 50mbit prio 1 burst 20k cburst 30k quantum 3000; class add dev v0 parent 1:1 classid 1:20 htb rate 50gbit ceil 60gbit prio 2 quantum 4000; qdisc add dev v0 parent 1:10 tbf rate 1mbit burst 32kb latency 400ms; qdisc add dev v0 parent 1:20 handle 20: bfifo limit 4000; filter add dev v0 parent 1: protocol ip prio 3 u32 match ip dport 22 0xffff match ip protocol 6 0xff flowid 1:10
    qdisc add dev v0 root handle 1: htb default 1; class add dev v0 parent 1: classid 1:1 htb rate 1mbit; qdisc add dev v0 parent 1:1 handle 2: htb default 5; class add dev v0 parent 2: classid 2:5 htb rate 500kbit; qdisc add dev v0 parent 2:5 handle 5: pfifo limit 5
    qdisc add dev v0 root htb default 1
    qdisc add dev v0 root handle 1: htb; filter add dev v0 parent 1: prio 1 handle 3: protocol ip u32 divisor 16; filter add dev v0 parent 1: prio 1 protocol ip u32 ht 3:5: match ip src 10.0.0.5/32 flowid 1:5; filter add dev v0 parent 1: prio 1 protocol ip u32 ht 800:: match ip dst 10.0.0.0/8 hashkey mask 0x000000ff at 12 link 3:
    qdisc add dev v0 root handle 1: htb; filter add dev v0 parent 1: protocol all prio 7 u32 match u32 0 0 flowid 1:7 action mirred egress mirror dev v1; filter add dev v0 parent 1: protocol ipv6 prio 8 u32 match ip6 dport 80 0xffff flowid 1:8; filter add dev v0 parent 1: protocol ip prio 9 u32 match ip dport 80 0xffff flowid 1:8; filter add dev v0 parent 1: protocol ip prio 9 u32 match ip dport 81 0xffff flowid 1:9
    qdisc add dev v0 root handle 1: htb; filter add dev v0 parent 1: protocol ip prio 2 bpf bytecode '1,6 0 0 0' flowid 1:1
";

const INGRESSES: &str = "
    qdisc add dev v0 ingress
    qdisc add dev v0 clsact
    qdisc add dev v0 ingress; filter add dev v0 ingress protocol ip prio 1 u32 match ip dport 443 0xffff action mirred egress redirect dev v1
    qdisc add dev v0 clsact; filter add dev v0 egress protocol ip prio 1 u32 match ip src 10.0.0.0/8 action mirred egress mirror dev w1; filter add dev v0 ingress protocol all prio 5 bpf bytecode '1,6 0 0 1' action mirred ingress redirect dev v1; filter add dev v0 ingress protocol ip chain 4 prio 5 u32 match u32 0 0
";

/// Every tree, in a namespace of its own; all that is wrong with any is told.
pub(crate) fn each(trees: &str, operations: &[Operation]) {
    let mut wrong = Vec::new();
    for tree in trees.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let namespace = namespace("");
        let made = tree.split(';').all(|command| {
            let command = format!("tc {}", command.trim());
            namespace.exec(&["sh", "-c", &command]).unwrap().status.success()
        });
        if !made {
            wrong.push(format!("{tree}: tc does not make it"));
            continue;
        }
        for operation in operations {
            if let Err(why) = there_and_back(&namespace, operation) {
                wrong.push(format!("{tree}: {operation:?}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn root_trees_are_removed_and_put_back() {
    each(ROOTS, &[remove("v0", QdiscPlace::Root)]);
}

#[test]
fn root_trees_are_replaced_and_put_back() {
    let tbf = QdiscSpec::Tbf {
        rate: 125_000,
        burst: 4_000,
        limit: 20_000,
    };
    let pfifo = QdiscSpec::Pfifo { limit: 12 };
    each(ROOTS, &[replace("v0", tbf), replace("v0", pfifo)]);
}

#[test]
fn root_what_hangs_at_the_ingress_is_removed_and_put_back() {
    each(INGRESSES, &[remove("v0", QdiscPlace::Ingress)]);
}

#[test]
fn root_what_the_kernel_has_by_itself_is_replaced_and_comes_back() {
    let namespace = namespace("tc qdisc add dev v0 clsact");
    for spec in [
        QdiscSpec::PfifoFast,
        QdiscSpec::Pfifo { limit: 5 },
        QdiscSpec::Tbf {
            rate: 1_250_000,
            burst: 3_200,
            limit: 64_000,
        },
    ] {
        there_and_back(&namespace, &replace("v0", spec.clone())).unwrap();
    }
    let change = plan(&namespace, &replace("v0", QdiscSpec::Pfifo { limit: 5 })).unwrap();
    apply(&namespace, &change).unwrap();
    assert!(shown(&namespace, "tc qdisc show dev v0").contains("pfifo"));
    assert!(shown(&namespace, "tc qdisc show dev v0").contains("limit 5p"));
}

#[test]
fn root_what_is_said_is_what_tc_is_told() {
    let namespace = namespace("tc qdisc add dev v0 root handle 1: htb default 3");
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    assert_eq!(change.effect.change, ["tc qdisc del dev v0 root".into()]);
    assert_eq!(change.effect.object, "traffic control of v0".into());
    let inverse = change.effect.inverse[0].to_string();
    assert!(
        inverse.starts_with("make again: qdisc htb 1: dev v0 root"),
        "{inverse}"
    );
    // The words do what the message does.
    run(&namespace, &change.effect.change[0].to_string());
    assert_eq!(standing(&namespace, &change), Standing::After);
}

/// `tc` prints what it is asked for as it did before, besides what netghost reads.
#[test]
fn root_tc_itself_sees_the_tree_as_before() {
    let namespace = namespace(
        "tc qdisc add dev v0 root handle 1: htb default 10
        tc class add dev v0 parent 1: classid 1:10 htb rate 10mbit
        tc qdisc add dev v0 parent 1:10 handle 10: tbf rate 1mbit burst 32kb latency 400ms
        tc filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dport 22 0xffff flowid 1:10",
    );
    let look = "tc qdisc show dev v0; tc class show dev v0; tc filter show dev v0";
    let before = shown(&namespace, look);
    let change = plan(&namespace, &remove("v0", QdiscPlace::Root)).unwrap();
    apply(&namespace, &change).unwrap();
    assert_ne!(shown(&namespace, look), before);
    undo(&namespace, &change).unwrap();
    assert_eq!(shown(&namespace, look), before);
}
