//! Trees that this host's kernel may lack, in a machine with a distribution's kernel: this very program runs there.

use std::path::PathBuf;
use std::time::Duration;

use netghost_lab::{Kind, Lab, Limits, Plan};

use super::trees::each;
use super::*;

/// The lab's program, built beside this one's directory.
fn lab_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let built = own.ancestors().nth(2).unwrap().join("netghost-lab");
    assert!(
        built.is_file(),
        "{} is missing: `cargo build -p netghost-lab`",
        built.display()
    );
    built
}

#[test]
fn root_trees_of_a_distributions_kernel_are_put_back() {
    let lab = Lab::up(&Plan::new(&[Kind::Qemu]).with_program(lab_program())).unwrap();
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let limits = Limits {
        time: Duration::from_secs(1_800),
        ..Limits::default()
    };
    let argv = [
        own,
        "--ignored",
        "in_a_machine",
        "--test-threads=1",
        "--nocapture",
    ];
    let machine = lab.vm("vm1").unwrap();
    let done = machine.exec_within(&argv, b"", limits).unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let errors = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() && said.contains("5 passed"),
        "{said}{errors}"
    );
}

/// The faults of the earlier toolkit's use cases, and each option of netem.
const NETEM: &str = "
    qdisc add dev v0 root netem
    qdisc add dev v0 root handle 9: netem limit 5000 delay 100ms
    qdisc add dev v0 root netem delay 100ms 10ms 25%
    qdisc add dev v0 root netem loss 1% 25%
    qdisc add dev v0 root netem loss random 5% ecn
    qdisc add dev v0 root netem loss state 1% 2% 3% 4% 5%
    qdisc add dev v0 root netem loss gemodel 1% 10% 70% 0.1%
    qdisc add dev v0 root netem duplicate 1% 5% corrupt 0.1% 2%
    qdisc add dev v0 root netem delay 10ms reorder 25% 50% gap 5
    qdisc add dev v0 root netem rate 1mbit 20 100 5
    qdisc add dev v0 root netem rate 50gbit delay 5s
    qdisc add dev v0 root netem slot 800us 1ms packets 32 bytes 9000
    qdisc add dev v0 root handle 1: netem delay 5ms; qdisc add dev v0 parent 1:1 handle 2: tbf rate 1mbit burst 32kb latency 40ms
    qdisc add dev v0 root handle 1: prio bands 3 priomap 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2; qdisc add dev v0 parent 1:3 handle 30: netem delay 200ms 50ms loss 3%; filter add dev v0 parent 1: protocol ip prio 1 u32 match ip sport 22 0xffff flowid 1:1; filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dport 22 0xffff flowid 1:1; filter add dev v0 parent 1: protocol ip prio 2 u32 match u32 0 0 flowid 1:3
";

/// Other kinds of qdiscs.
const QDISCS: &str = "
    qdisc add dev v0 root fq_codel
    qdisc add dev v0 root fq_codel limit 1000 flows 512 target 7ms interval 77ms ce_threshold 3ms memory_limit 4mb noecn quantum 300 drop_batch 9
    qdisc add dev v0 root codel limit 100 target 3ms interval 33ms ce_threshold 1ms ecn
    qdisc add dev v0 root fq
    qdisc add dev v0 root fq limit 500 flow_limit 9 buckets 64 maxrate 5mbit quantum 3000 initial_quantum 9000 refill_delay 20ms ce_threshold 4ms horizon 3s horizon_cap nopacing
    qdisc add dev v0 root sfq perturb 10 quantum 3000 limit 100 divisor 512
    qdisc add dev v0 root sfq limit 120 headdrop depth 60 redflowlimit 100000 min 8000 max 60000 probability 0.20 ecn
    qdisc add dev v0 root handle 1: prio bands 4 priomap 1 1 2 3 0 0 0 0 0 0 0 0 0 0 0 0; qdisc add dev v0 parent 1:2 handle 12: sfq; qdisc add dev v0 parent 1:3 pfifo limit 5
    qdisc add dev v0 root handle 1: htb default 10; class add dev v0 parent 1: classid 1:10 htb rate 10mbit; class add dev v0 parent 1: classid 1:20 htb rate 5mbit; qdisc add dev v0 parent 1:10 fq_codel; qdisc add dev v0 parent 1:20 handle 20: netem delay 3ms; filter add dev v0 parent 1: protocol ip prio 5 flower ip_proto tcp dst_port 443 dst_ip 10.0.0.0/8 classid 1:20
    qdisc add dev v0 root handle 1: drr; class add dev v0 parent 1: classid 1:1 drr quantum 900; class add dev v0 parent 1: classid 1:2 drr; filter add dev v0 parent 1: protocol all prio 1 matchall classid 1:2
    qdisc add dev v0 root handle 1: hfsc default 2; class add dev v0 parent 1: classid 1:1 hfsc sc rate 10mbit ul rate 20mbit; class add dev v0 parent 1:1 classid 1:2 hfsc rt m1 2mbit d 10ms m2 1mbit ls m2 3mbit
    qdisc add dev v0 root handle 1: qfq; class add dev v0 parent 1: classid 1:1 qfq weight 10 maxpkt 2000
    qdisc add dev v0 root handle 1: ets bands 4 strict 1 quanta 3000 2000 1000 priomap 0 1 2 3; qdisc add dev v0 parent 1:2 pfifo limit 7
    qdisc add dev v0 root pie limit 500 target 20ms tupdate 15ms alpha 3 beta 21 ecn
    qdisc add dev v0 root cake bandwidth 20mbit besteffort nat rtt 50ms overhead 18 mpu 64
";

/// Filters and actions.
const FILTERS: &str = "
    qdisc add dev v0 clsact; filter add dev v0 ingress protocol ip prio 1 flower ip_proto tcp dst_port 80 skip_hw action drop; filter add dev v0 ingress protocol ip prio 1 flower ip_proto udp action pass
    qdisc add dev v0 clsact; filter add dev v0 egress protocol all prio 3 matchall action police rate 1mbit burst 20k conform-exceed drop/pass; filter add dev v0 egress protocol ip prio 4 u32 match ip dport 9 0xffff action police rate 5mbit burst 9k peakrate 8mbit mtu 2000 conform-exceed drop
    qdisc add dev v0 clsact; filter add dev v0 egress protocol all prio 3 matchall action police pkts_rate 1000 pkts_burst 50 conform-exceed drop
    qdisc add dev v0 ingress; filter add dev v0 ingress protocol ip prio 2 basic match 'cmp(u8 at 9 layer network eq 17)' action gact drop random determ pass 5
    qdisc add dev v0 root handle 1: prio; filter add dev v0 parent 1: handle 5 fw classid 1:1; filter add dev v0 parent 1: handle 6/0xff fw classid 1:2 action mirred egress mirror dev v1
    qdisc add dev v0 root handle 1: prio; filter add dev v0 parent 1: protocol ip prio 1 handle 1 flow hash keys src,dst,proto divisor 3
    qdisc add dev v0 clsact; filter add dev v0 egress protocol ip prio 1 matchall action skbedit priority 1:2 mark 7 pipe action mirred egress mirror dev v1 pipe action vlan push id 5 priority 2
    qdisc add dev v0 clsact; filter add dev v0 egress protocol ip prio 1 matchall action pedit ex munge ip ttl set 9 munge tcp dport set 99 pipe action csum ip tcp
    qdisc add dev v0 clsact; filter add dev v0 egress protocol ip prio 1 matchall action nat egress 10.0.0.0/8 1.2.3.4
    qdisc add dev v0 clsact; filter add dev v0 egress protocol ip prio 1 matchall action tunnel_key set src_ip 1.1.1.1 dst_ip 2.2.2.2 id 7 dst_port 4789 csum pipe action mirred egress redirect dev v1
    qdisc add dev v0 clsact; filter add dev v0 ingress protocol ip prio 1 chain 0 flower dst_ip 10.0.0.1 action goto chain 5; filter add dev v0 ingress protocol ip prio 1 chain 5 flower ip_proto icmp action drop
    qdisc add dev v0 clsact; filter add dev v0 egress protocol 802.1Q prio 1 flower vlan_id 5 vlan_prio 1 action vlan pop; filter add dev v0 egress protocol 802.1Q prio 2 flower vlan_id 6 vlan_ethtype ipv4 dst_ip 10.0.0.9 action drop
";

const ROOT: QdiscPlace = QdiscPlace::Root;

#[test]
#[ignore = "run in a machine by root_trees_of_a_distributions_kernel_are_put_back"]
fn in_a_machine_netem_is_removed_and_put_back() {
    each(NETEM, &[remove("v0", ROOT)]);
}

#[test]
#[ignore = "run in a machine by root_trees_of_a_distributions_kernel_are_put_back"]
fn in_a_machine_qdiscs_are_removed_replaced_and_put_back() {
    each(
        QDISCS,
        &[remove("v0", ROOT), replace("v0", QdiscSpec::Pfifo { limit: 3 })],
    );
    let lossy = "qdisc add dev v0 root netem loss 9%";
    each(
        lossy,
        &[replace("v0", QdiscSpec::Fq), replace("v0", QdiscSpec::FqCodel)],
    );
}

#[test]
#[ignore = "run in a machine by root_trees_of_a_distributions_kernel_are_put_back"]
fn in_a_machine_filters_are_removed_and_put_back() {
    let (roots, ingresses): (Vec<&str>, Vec<&str>) =
        FILTERS.lines().partition(|line| line.contains(" root "));
    each(&roots.join("\n"), &[remove("v0", ROOT)]);
    each(&ingresses.join("\n"), &[remove("v0", QdiscPlace::Ingress)]);
}

/// What a dump leaves out is found by making it again, and then nothing is touched.
#[test]
#[ignore = "run in a machine by root_trees_of_a_distributions_kernel_are_put_back"]
fn in_a_machine_what_does_not_come_back_is_not_touched() {
    for tree in [
        "tc qdisc add dev v0 root red limit 400000 min 30000 max 90000 avpkt 1000 burst 55 bandwidth 10mbit",
        "tc qdisc add dev v0 root choke limit 1000 min 30 max 90 avpkt 1000 burst 55 bandwidth 10mbit",
    ] {
        let namespace = namespace(tree);
        let before = digest(&namespace);
        let planned = plan(&namespace, &remove("v0", ROOT));
        assert!(
            matches!(planned, Err(WriteError::Unsupported { .. })),
            "{tree}: {planned:?}"
        );
        assert_eq!(digest(&namespace), before);
    }
}

/// What comes back by itself on devices with one queue and with several is known before; that is told in the first namespace only.
#[test]
#[ignore = "run in a machine by root_trees_of_a_distributions_kernel_are_put_back"]
fn in_a_machine_what_the_kernel_attaches_is_known_before() {
    let tc = |command: &str| {
        let command = format!("tc {command}");
        let done = std::process::Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap();
        assert!(done.success(), "{command}");
    };
    let ip = |command: &str| {
        let command = format!("ip {command}");
        let done = std::process::Command::new("sh")
            .args(["-c", &command])
            .status()
            .unwrap();
        assert!(done.success(), "{command}");
    };
    for default in ["pfifo_fast", "fq_codel", "fq"] {
        std::fs::write("/proc/sys/net/core/default_qdisc", default).unwrap();
        for queues in [1, 3] {
            ip(&format!("link add q0 numtxqueues {queues} type ifb"));
            ip("link set q0 up");
            tc("qdisc add dev q0 root netem delay 1ms");
            let change = write::plan(&remove("q0", ROOT)).unwrap();
            change
                .apply()
                .unwrap_or_else(|error| panic!("{default} {queues}: {error}"));
            assert_eq!(change.standing().unwrap(), Standing::After, "{default} {queues}");
            change.undo().unwrap();
            assert_eq!(change.standing().unwrap(), Standing::Before);
            // What stands there by itself is replaced, and comes back.
            change.apply().unwrap();
            let replaced = write::plan(&replace("q0", QdiscSpec::Pfifo { limit: 7 })).unwrap();
            replaced.apply().unwrap();
            assert_eq!(replaced.standing().unwrap(), Standing::After);
            replaced.undo().unwrap();
            assert_eq!(
                replaced.standing().unwrap(),
                Standing::Before,
                "{default} {queues}"
            );
            // With another default since then, it would not come back.
            std::fs::write("/proc/sys/net/core/default_qdisc", "sfq").unwrap();
            let other = write::plan(&replace("q0", QdiscSpec::Pfifo { limit: 7 }));
            assert!(matches!(other, Err(WriteError::Unsupported { .. })), "{other:?}");
            std::fs::write("/proc/sys/net/core/default_qdisc", default).unwrap();
            ip("link del q0");
        }
    }
}
