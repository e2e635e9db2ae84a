//! Qdiscs and classes against `tc -j -s qdisc show invisible` and `tc class show`.

use netghost_core::section::Content;
use netghost_core::tc::{Class, ClassRuntime, Options, Qdisc, QdiscRuntime, TcConfig, TcRuntime};
use serde_json::{Value, json};

use super::{captured, json as ask, namespace, run, text};

const LINKS: &str = "
    ip link add v0 type veth peer name w0
    ip link add v1 type veth peer name w1
    for dev in v0 w0 v1 w1; do ip link set $dev addrgenmode none up; done
    ip addr add 10.0.0.1/24 dev v1
    ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev v1
";
const SHAPERS: &str = "
    tc qdisc add dev v0 root handle 1: htb default 20 r2q 20 direct_qlen 500
    tc class add dev v0 parent 1: classid 1:1 htb rate 100mbit ceil 100mbit quantum 2000
    tc class add dev v0 parent 1:1 classid 1:10 htb rate 20mbit ceil 50mbit prio 1 burst 20k cburst 30k quantum 3000
    tc class add dev v0 parent 1:1 classid 1:20 htb rate 50gbit ceil 60gbit prio 2 quantum 4000
    tc qdisc add dev v0 parent 1:10 tbf rate 1mbit burst 32kb latency 400ms
    tc qdisc add dev v0 parent 1:20 handle 20: bfifo limit 4000
    tc qdisc add dev v1 root tbf rate 8kbit burst 1600 limit 3000
    tc qdisc add dev v1 ingress
    tc qdisc add dev w1 clsact
    tc qdisc add dev w0 root pfifo limit 77
";
const TRAFFIC: &str = "
    for i in 1 2 3 4 5 6 7 8; do head -c 1000 /dev/zero | timeout 1 bash -c 'cat > /dev/udp/10.0.0.2/9'; done
";

fn both(namespace: &netghost_lab::Namespace) -> (TcConfig, TcRuntime) {
    match captured(namespace, netghost_kernel::tc::read) {
        Content::Tc { config, runtime } => (config, runtime),
        other => panic!("{other:?}"),
    }
}

fn options(qdisc: &Qdisc, runtime: &QdiscRuntime) -> Value {
    match &qdisc.options {
        Options::None => json!({}),
        Options::Packets { limit_packets } => json!({ "limit": limit_packets }),
        Options::Bytes { limit_bytes } => json!({ "limit": limit_bytes }),
        Options::Tbf(tbf) => json!({
            "rate": tbf.rate.rate_bytes_per_s.0,
            "burst": tbf.rate.bytes_in(tbf.burst_ns),
            "lat": tbf.latency_ns().unwrap().0 / 1000,
        }),
        Options::Htb(htb) => json!({
            "r2q": htb.rate_to_quantum, "default": format!("{:#x}", htb.default_class),
            "direct_packets_stat": runtime.direct_packets, "direct_qlen": htb.direct_queue_packets,
        }),
        other => panic!("{other:?}"),
    }
}

fn ours(qdisc: &Qdisc, runtime: &QdiscRuntime) -> Value {
    let counted = &runtime.statistics;
    let root = (runtime.parent == "root").then_some(true);
    json!({
        "kind": qdisc.kind, "handle": runtime.handle, "dev": qdisc.device, "root": root,
        "parent": root.is_none().then_some(&runtime.parent), "options": options(qdisc, runtime),
        "bytes": counted.bytes.unwrap().0, "packets": counted.packets.unwrap().0, "drops": counted.drops,
        "overlimits": counted.overlimits, "requeues": counted.requeues, "backlog": counted.backlog_bytes,
        "qlen": counted.queue_packets,
    })
}

fn theirs(qdisc: &Value) -> Value {
    json!({
        "kind": qdisc["kind"], "handle": qdisc["handle"], "dev": qdisc["dev"], "root": qdisc["root"],
        "parent": qdisc["parent"], "options": qdisc["options"], "bytes": qdisc["bytes"],
        "packets": qdisc["packets"], "drops": qdisc["drops"], "overlimits": qdisc["overlimits"],
        "requeues": qdisc["requeues"], "backlog": qdisc["backlog"], "qlen": qdisc["qlen"],
    })
}

#[test]
fn root_reads_every_qdisc_as_tc_shows_it() {
    let namespace = namespace(&[LINKS, SHAPERS, TRAFFIC].concat());
    // The bucket of v1 is empty and lets nothing out until the counters have been read twice.
    let (config, runtime) = both(&namespace);
    let shown = ask(&namespace, &["tc", "-j", "-s", "qdisc", "show", "invisible"]);
    assert_eq!(config.qdiscs.len(), shown.len());
    let mut drops = 0;
    for (qdisc, runtime) in config.qdiscs.iter().zip(&runtime.qdiscs) {
        let same = |row: &&Value| {
            let parent = text(row, "parent").unwrap_or_else(|| "root".to_owned());
            text(row, "dev") == Some(qdisc.device.to_string()) && parent == runtime.parent
        };
        let rows: Vec<_> = shown.iter().filter(same).collect();
        let expected = rows
            .iter()
            .map(|row| theirs(row))
            .find(|row| row["kind"] == json!(qdisc.kind));
        assert_eq!(Some(ours(qdisc, runtime)), expected, "{qdisc}");
        drops += runtime.statistics.drops.unwrap();
    }
    assert!(drops > 0, "packets were dropped and counted");
}

/// `tc class show` has no JSON form in iproute2 6.1, so its words are compared: those it prints, with what stands behind them.
#[test]
fn root_reads_every_class_as_tc_shows_it() {
    let namespace = namespace(&[LINKS, SHAPERS].concat());
    let (config, runtime) = both(&namespace);
    let mut shown = 0;
    for device in ["v0", "v1"] {
        let output = namespace
            .must(&["tc", "-d", "class", "show", "dev", device])
            .unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        for line in output.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let same = |(class, runtime): &(&Class, &ClassRuntime)| {
                class.device.to_string() == device && runtime.id == words[2]
            };
            let mut classes = config.classes.iter().zip(&runtime.classes);
            let (class, runtime) = classes.find(same).unwrap_or_else(|| panic!("{line}"));
            compare(class, runtime, &words);
            shown += 1;
        }
    }
    assert_eq!((shown, config.classes.len()), (5, 5));
}

fn compare(class: &Class, runtime: &ClassRuntime, words: &[&str]) {
    let after = |word: &str| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
    assert_eq!(class.kind.to_string(), words[1]);
    assert_eq!(class.parent == "root", words.contains(&"root"), "{words:?}");
    assert_eq!(after("leaf").unwrap_or("0:"), runtime.leaf, "{words:?}");
    let Options::HtbClass(_) = &class.options else {
        assert_eq!(class.options, Options::None);
        return;
    };
    let line = class.to_string();
    let ours: Vec<_> = line.split_whitespace().collect();
    for word in ["prio", "quantum", "rate", "ceil", "burst", "cburst"] {
        let Some(expected) = after(word) else {
            // A class that others borrow from is not scheduled itself.
            assert!(
                matches!(word, "prio" | "quantum") && runtime.level != Some(0),
                "{words:?}"
            );
            continue;
        };
        let at = ours.iter().position(|w| *w == word).unwrap();
        // `tc -d` adds the memory of a depth behind a slash, and the quantum without its unit.
        let expected = expected.split('/').next().unwrap();
        assert_eq!(
            ours[at + 1].trim_end_matches('b'),
            expected.trim_end_matches('b'),
            "{word} in {line}"
        );
    }
}

/// The same shapers added again get other handles from the kernel, and are the same configuration.
#[test]
fn root_reads_one_configuration_when_shapers_are_added_again() {
    let namespace = namespace(&[LINKS, SHAPERS].concat());
    let (before, before_runtime) = both(&namespace);
    run(
        &namespace,
        "for dev in v0 w0 v1; do tc qdisc del dev $dev root; done
         tc qdisc del dev v1 ingress
         tc qdisc del dev w1 clsact",
    );
    assert_ne!(both(&namespace).0, before, "the shapers are gone");
    run(&namespace, SHAPERS);
    let (after, after_runtime) = both(&namespace);
    assert_eq!(after, before);
    let handles = |runtime: &TcRuntime| {
        runtime
            .qdiscs
            .iter()
            .map(|q| q.handle.clone())
            .collect::<Vec<_>>()
    };
    assert_ne!(
        handles(&after_runtime),
        handles(&before_runtime),
        "the kernel chose other handles"
    );
    run(
        &namespace,
        "tc qdisc change dev v1 root tbf rate 9kbit burst 1600 limit 3000",
    );
    let changed = both(&namespace).0;
    let differing = changed.qdiscs.iter().zip(&before.qdiscs).filter(|(a, b)| a != b);
    assert_eq!(differing.count(), 1, "one edit is one change");
}
