//! Neighbours against `ip -j neigh`.

use netghost_core::section::SectionName;

use super::{both, config, json, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Neighbours;
const LINKS: &str = "
    ip link add eth0 type veth peer name eth1
    ip link set eth0 up
    ip link set eth1 up
    ip addr add 10.0.0.5/24 dev eth0
";
const SET: &str = "
    ip neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
    ip neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud noarp
    ip neigh add 10.0.0.3 lladdr 02:00:00:00:00:03 dev eth0 extern_learn
    ip neigh add fd00::1 lladdr 02:00:00:00:00:04 dev eth0 nud permanent router protocol static
    ip neigh add proxy 10.0.0.7 dev eth0
    ip neigh add proxy fd00::7 dev eth1
";
/// What the kernel finds out by itself.
const LEARNT: &str = "
    ip neigh add 10.0.0.8 lladdr 02:00:00:00:00:08 dev eth0 nud stale
    ip neigh add fd00::8 lladdr 02:00:00:00:00:08 dev eth0 nud reachable
    timeout 1 bash -c 'echo > /dev/udp/224.0.0.99/9; echo > /dev/udp/10.0.0.99/9; echo > /dev/udp/127.0.0.1/9'
";

#[test]
fn root_reads_what_is_set_and_apart_from_it_what_is_learnt() {
    let namespace = namespace(&[LINKS, SET, "ip route add 224.0.0.0/4 dev eth0", LEARNT].concat());
    let (config, runtime) = both(&namespace, NAME);
    assert_eq!(
        lines(&config.facts),
        [
            "neighbour eth0 10.0.0.1 nud [permanent] lladdr 02:00:00:00:00:01",
            "neighbour eth0 10.0.0.2 nud [noarp] lladdr 02:00:00:00:00:02",
            "neighbour eth0 10.0.0.3 nud [permanent] flags [extern_learn] lladdr 02:00:00:00:00:03",
            "neighbour eth0 fd00::1 nud [permanent] flags [router] lladdr 02:00:00:00:00:04 proto static",
            "proxy eth0 10.0.0.7",
            "proxy eth1 fd00::7",
        ]
    );
    // Every entry that `ip` lists is there, with its state.
    let shown = json(&namespace, "ip -j neigh show nud all");
    for entry in &shown {
        let path = format!(
            "neighbour/{}/{}",
            entry["dev"].as_str().unwrap(),
            entry["dst"].as_str().unwrap()
        );
        let fact = runtime.facts.iter().find(|fact| fact.path() == path);
        let state = fact.and_then(|fact| fact.property("state")).unwrap().to_string();
        let theirs = entry["state"][0].as_str().unwrap().to_lowercase();
        // It may have moved on between the readings.
        let moving = ["incomplete", "failed", "reachable", "stale", "delay", "probe"];
        assert!(
            state == format!("[{theirs}]") || moving.contains(&theirs.as_str()),
            "{path}: {state} against {theirs}"
        );
    }
    assert!(shown.len() >= 8, "{shown:#?}");
    assert_eq!(runtime.facts.len(), shown.len() + 2);
}

#[test]
fn root_finds_one_change_of_a_neighbour_and_none_in_what_is_learnt() {
    let namespace = namespace(&[LINKS, SET].concat());
    one_edit(
        &namespace,
        NAME,
        "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",
        "fact_changed neighbour/eth0/10.0.0.1",
        "ip neigh replace 10.0.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
    );
    one_edit(
        &namespace,
        NAME,
        "ip neigh del proxy 10.0.0.7 dev eth0",
        "fact_removed proxy/eth0/10.0.0.7",
        "ip neigh add proxy 10.0.0.7 dev eth0",
    );
    let before = config(&namespace, NAME);
    run(&namespace, LEARNT);
    assert_eq!(config(&namespace, NAME), before);
    run(&namespace, "ip neigh flush dev eth0 nud permanent");
    run(&namespace, "ip neigh flush dev eth0 nud noarp");
    assert_ne!(config(&namespace, NAME), before);
    let set: Vec<_> = SET.lines().filter(|line| !line.contains("proxy")).collect();
    run(&namespace, &set.join("\n").replace("neigh add", "neigh replace"));
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
}
