//! Qdiscs and classes against `tc -j -s qdisc show invisible` and `tc class show`; filters against `tc filter show`, whose
//! JSON is broken for u32 in iproute2 6.1, and added again from the text that they print.

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

const COUNTED: &str = "
    tc qdisc add dev v1 root handle 1: htb default 20
    tc class add dev v1 parent 1: classid 1:1 htb rate 100mbit quantum 2000
    tc class add dev v1 parent 1:1 classid 1:10 htb rate 5mbit ceil 50mbit quantum 2000
    tc class add dev v1 parent 1:1 classid 1:20 htb rate 5mbit quantum 2000
    tc filter add dev v1 parent 1: protocol ip pref 5 u32 match ip dport 9 0xffff flowid 1:10
    tc qdisc add dev v1 clsact
    tc filter add dev v1 egress protocol ip pref 7 u32 match ip dst 10.0.0.2 action mirred egress mirror dev w0
";

/// `Sent 4168 bytes 4 pkt (dropped 0, overlimits 0 requeues 0)` and `backlog 0b 0p requeues 0`, as numbers.
fn counts(lines: &[&str]) -> Vec<u64> {
    let text = lines.join(" ");
    let words = text.split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn counted(statistics: &netghost_core::tc::Statistics) -> Vec<u64> {
    let small = |count: Option<u32>| u64::from(count.unwrap());
    vec![
        statistics.bytes.unwrap().0,
        statistics.packets.unwrap().0,
        small(statistics.drops),
        small(statistics.overlimits),
        small(statistics.requeues),
        small(statistics.backlog_bytes),
        small(statistics.queue_packets),
        small(statistics.requeues),
    ]
}

/// `tc -s class` and `tc -s filter`: what went through each class and each action.
#[test]
fn root_counts_what_classes_and_actions_did_as_tc_counts_it() {
    let namespace = namespace(&[LINKS, COUNTED, TRAFFIC].concat());
    let (config, runtime) = both(&namespace);
    let output = namespace
        .must(&["tc", "-s", "class", "show", "dev", "v1"])
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut went_through = 0;
    for block in output.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let lines: Vec<&str> = block.lines().collect();
        let id = lines[0].split(' ').nth(2).unwrap();
        let class = runtime.classes.iter().find(|class| class.id == id).unwrap();
        assert_eq!(counted(&class.statistics), counts(&lines[1..3]), "{block}");
        let own = class.statistics.own.iter().take(3);
        let own: Vec<String> = own
            .map(|one| serde_json::to_value(&one.value).unwrap()["value"].to_string())
            .collect();
        let own: Vec<u64> = own
            .iter()
            .map(|text| text.trim_matches('"').parse().unwrap())
            .collect();
        assert_eq!(own, counts(&lines[3..4]), "lends, borrows, giants: {block}");
        went_through += class.statistics.packets.unwrap().0;
    }
    assert_eq!(runtime.classes.len(), 3);
    assert!(went_through >= 16, "{went_through}");
    let output = namespace
        .must(&["tc", "-s", "filter", "show", "dev", "v1", "egress"])
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let sent: Vec<&str> = output
        .lines()
        .skip_while(|line| !line.contains("Sent"))
        .take(2)
        .collect();
    let mut pairs = config.filters.iter().zip(&runtime.filters);
    let (_, filter) = pairs.find(|(_, filter)| !filter.actions.is_empty()).unwrap();
    assert_eq!(counted(&filter.actions[0].statistics), counts(&sent), "{output}");
    assert!(filter.actions[0].statistics.packets.unwrap().0 >= 8);
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

const PLACES: &str = "
    ip link add v0 type veth peer name w0
    ip link add v1 type veth peer name w1
    tc qdisc add dev v0 root handle 1: htb default 20
    tc class add dev v0 parent 1: classid 1:1 htb rate 100mbit quantum 2000
    tc qdisc add dev v0 clsact
    tc qdisc add dev v1 ingress_block 22 ingress
    tc qdisc add dev w1 root handle 8: pfifo_head_drop limit 9
";
const FILTERS: &str = "
    tc filter add dev v0 parent 1: protocol ip prio 1 u32 match ip dport 22 0xffff match ip protocol 6 0xff flowid 1:1
    tc filter add dev v0 parent 1: protocol ip prio 1 u32 match mark 6 0xff match u8 1 0xff at nexthdr+13 flowid 1:20
    tc filter add dev v0 parent 1: protocol ip prio 2 handle 5: u32 divisor 256
    tc filter add dev v0 parent 1: protocol ip prio 2 u32 ht 5:6: match ip src 10.0.0.6 flowid 1:1
    tc filter add dev v0 parent 1: protocol ip prio 3 u32 match ip src 10.0.0.0/24 link 5: hashkey mask 0xff at 12
    tc filter add dev v0 parent 1: protocol ip prio 3 u32 match ip protocol 17 0xff link 5: offset at 0 mask 0x0f00 shift 6 eat
    tc filter add dev v0 parent 1:1 protocol ipv6 prio 4 u32 match ip6 dst 2001:db8::/32 flowid 1:1
    tc filter add dev v0 ingress protocol all prio 7 bpf bytecode '4,48 0 0 9,21 0 1 6,6 0 0 262144,6 0 0 0' flowid 1:1
    tc filter add dev v0 egress protocol ip prio 5 u32 match ip dst 10.0.0.1 action mirred egress mirror dev w0 continue
    tc filter add dev v0 egress protocol ip prio 6 chain 4 u32 match ip dst 10.0.0.2 action mirred egress redirect dev w1
    tc filter add block 22 protocol ip prio 1 u32 match ip src 10.9.9.9 skip_hw flowid :1
    tc chain add dev v0 ingress chain 9
";

#[test]
fn root_reads_every_filter_as_tc_shows_it() {
    let namespace = namespace(&[PLACES, FILTERS].concat());
    let (config, runtime) = both(&namespace);
    assert_eq!(
        (config.filters.len(), runtime.filters.len()),
        (11, 11),
        "{config:#?}"
    );
    let mut seen = 0;
    for place in [
        "dev v0 parent 1:",
        "dev v0 parent 1:1",
        "dev v0 ingress",
        "dev v0 egress",
        "block 22",
    ] {
        let argv: Vec<_> = ["tc", "filter", "show"]
            .into_iter()
            .chain(place.split(' '))
            .collect();
        let output = namespace.must(&argv).unwrap();
        let output = String::from_utf8(output.stdout).unwrap();
        for line in output.lines().filter(|line| line.starts_with("filter")) {
            let words: Vec<_> = line.split_whitespace().collect();
            let after = |word: &str| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
            let handle = after("fh").or_else(|| after("handle"));
            let all = config.filters.iter().zip(&runtime.filters);
            let Some((filter, _)) = all.into_iter().find(|(filter, runtime)| {
                Some(runtime.handle.as_str()) == handle && filter.place.to_string() == place
            }) else {
                // Heads and the kernel's own tables of `u32` say nothing.
                assert!(
                    handle.is_none() || line.trim_end().ends_with("ht divisor 1"),
                    "{line}"
                );
                continue;
            };
            seen += 1;
            let class = after("*flowid")
                .or_else(|| after("flowid"))
                .filter(|word| word.contains(':'));
            assert_eq!(class, filter.class.as_deref(), "{filter}");
            let numbers = (after("pref"), after("chain"));
            let (pref, chain) = (filter.priority.to_string(), filter.chain.to_string());
            assert_eq!(numbers, (Some(pref.as_str()), Some(chain.as_str())), "{filter}");
            assert_eq!(after("protocol"), Some(filter.protocol.as_str()), "{filter}");
            assert!(words.contains(&filter.kind.as_str().unwrap()), "{filter}");
        }
    }
    assert_eq!(seen, config.filters.len());
    assert_eq!(config.chains.len(), 1);
    assert_eq!(config.chains[0].to_string(), "chain dev v0 ingress chain 9");
}

/// What filters print is what `tc` takes to make them again.
#[test]
fn root_adds_filters_again_from_their_text() {
    let first = namespace(&[PLACES, FILTERS].concat());
    let (config, _) = both(&first);
    let again: Vec<_> = config
        .filters
        .iter()
        .map(|filter| filter.to_string().replacen("filter", "tc filter add", 1))
        .collect();
    let chains = config
        .chains
        .iter()
        .map(|chain| chain.to_string().replacen("chain", "tc chain add", 1));
    let script: Vec<_> = again.into_iter().chain(chains).collect();
    let second = namespace(&[PLACES, &script.join("\n")].concat());
    assert_eq!(both(&second).0, config, "{script:#?}");
    // The root's tables have other numbers each time; deleted and added in one namespace as well.
    run(&first, "tc filter del dev v0 parent 1: protocol ip prio 1");
    assert_ne!(both(&first).0, config);
    let lost: Vec<_> = script
        .iter()
        .filter(|line| line.contains("parent 1: protocol ip pref 1 "))
        .cloned()
        .collect();
    assert_eq!(lost.len(), 2);
    run(&first, &lost.join("\n"));
    assert_eq!(both(&first).0, config);
}
