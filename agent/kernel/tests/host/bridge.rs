//! Bridge ports and entries against `bridge -j -d`. This kernel has no VLANs on bridges; their messages are tested as bytes.

use std::collections::BTreeSet;

use netghost_core::section::SectionName;
use serde_json::Value;

use super::{both, config, json, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Bridge;
const SETUP: &str = "
    ip link add br0 type bridge
    ip link add p0 type veth peer name q0
    ip link add p1 type veth peer name q1
    ip link set p0 master br0
    ip link set p1 master br0
    ip link set br0 up
    ip link set p0 up
    ip link set q0 up
";
const SET: &str = "
    bridge link set dev p0 isolated on hairpin on learning off priority 7 cost 55
    bridge link set dev p1 guard on mcast_flood off mcast_router 2 neigh_suppress on
    bridge fdb add 02:00:00:00:00:07 dev p0 master static
    bridge fdb add 02:00:00:00:00:08 dev p0 self
    bridge fdb add 02:00:00:00:00:09 dev p0 master
    bridge mdb add dev br0 port p0 grp 239.1.1.1 permanent
    bridge mdb add dev br0 port p1 grp ff05::99 permanent
";

#[test]
fn root_reads_every_port_as_bridge_shows_it() {
    let namespace = namespace(&[SETUP, SET].concat());
    let (config, runtime) = both(&namespace, NAME);
    let ports: Vec<_> = config.facts.iter().filter(|fact| fact.kind == "port").collect();
    let shown = json(&namespace, "bridge -d -j link");
    assert_eq!((ports.len(), shown.len()), (2, 2));
    for (port, shown) in ports.iter().zip(&shown) {
        assert_eq!(port.key[1].as_str(), shown["ifname"].as_str());
        assert_eq!(port.key[0].as_str(), shown["master"].as_str());
        let mut compared = 0;
        for (name, value) in shown.as_object().unwrap() {
            let ours = port.property(name).map(ToString::to_string);
            match value {
                Value::Bool(set) => assert_eq!(ours.is_some(), *set, "{name}"),
                Value::Number(number) if name == "mcast_router" && number.as_u64() == Some(1) => {
                    assert_eq!(ours, None);
                }
                Value::Number(number) if name != "ifindex" && name != "mtu" => {
                    assert_eq!(ours, Some(number.to_string()), "{name}");
                }
                _ => continue,
            }
            compared += 1;
        }
        assert!(compared >= 15, "{shown}");
        let state = runtime.facts.iter().find(|fact| fact.path() == port.path());
        let state = state
            .and_then(|fact| fact.property("state"))
            .map(ToString::to_string);
        assert_eq!(state.as_deref(), shown["state"].as_str());
    }
}

#[test]
fn root_reads_entries_and_keeps_apart_what_the_kernel_makes() {
    let namespace = namespace(&[SETUP, SET].concat());
    let (config, runtime) = both(&namespace, NAME);
    let set: Vec<_> = lines(&config.facts)
        .into_iter()
        .filter(|line| !line.starts_with("port"))
        .collect();
    assert_eq!(
        set,
        [
            "fdb p0 02:00:00:00:00:07 master state [static]",
            "fdb p0 02:00:00:00:00:08 self state [permanent]",
            "fdb p0 02:00:00:00:00:09 master state [permanent]",
            "mdb br0 p0 239.1.1.1 proto static",
            "mdb br0 p1 ff05::99 proto static",
        ]
    );
    let shown: BTreeSet<String> = json(&namespace, "bridge -j fdb")
        .iter()
        .map(|entry| {
            let by = entry.get("master").map_or("self", |_| "master");
            format!(
                "fdb/{}/{}/{by}",
                entry["ifname"].as_str().unwrap(),
                entry["mac"].as_str().unwrap()
            )
        })
        .collect();
    let all = runtime.facts.iter().filter(|fact| fact.kind == "fdb");
    let ours: BTreeSet<String> = all.map(netghost_core::facts::Fact::path).collect();
    // What is learnt may have come or gone meanwhile; what was set and what the kernel makes is there.
    let set: BTreeSet<String> = config
        .facts
        .iter()
        .map(netghost_core::facts::Fact::path)
        .collect();
    assert!(
        set.iter()
            .filter(|path| path.starts_with("fdb"))
            .all(|path| shown.contains(path)),
        "{shown:#?}"
    );
    assert!(ours.intersection(&shown).count() >= 8, "{ours:#?} {shown:#?}");
}

#[test]
fn root_finds_one_change_of_a_bridge_and_none_after_a_reload() {
    let namespace = namespace(&[SETUP, SET].concat());
    for (edit, expected, undo) in [
        (
            "bridge link set dev p0 isolated off",
            "fact_changed port/br0/p0",
            "bridge link set dev p0 isolated on",
        ),
        (
            "bridge fdb add 02:00:00:00:00:77 dev p0 master static",
            "fact_added fdb/p0/02:00:00:00:00:77/master",
            "bridge fdb del 02:00:00:00:00:77 dev p0 master",
        ),
        (
            "bridge mdb del dev br0 port p1 grp ff05::99 permanent",
            "fact_removed mdb/br0/p1/ff05::99",
            "bridge mdb add dev br0 port p1 grp ff05::99 permanent",
        ),
    ] {
        one_edit(&namespace, NAME, edit, expected, undo);
    }
    // What is learnt, a carrier that goes, a group that is joined: none of it was set.
    let before = config(&namespace, NAME);
    run(&namespace, "ip link set q0 down");
    run(&namespace, "ip link set q0 up");
    run(
        &namespace,
        "bridge fdb add 02:00:00:00:00:55 dev p0 master dynamic",
    );
    run(&namespace, "ip addr add 10.0.0.1/24 dev br0");
    run(&namespace, "ip maddr add 33:33:00:00:00:99 dev p0");
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
    run(&namespace, "ip link set p0 nomaster");
    run(&namespace, "ip link set p0 master br0");
    assert_ne!(config(&namespace, NAME), before);
    let set: Vec<_> = SET
        .lines()
        .filter(|line| line.contains("p0") && !line.contains(" self"))
        .collect();
    run(&namespace, &set.join("\n"));
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
}
