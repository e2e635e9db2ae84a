//! Nexthop objects against `ip -j -d nexthop`.

use netghost_core::facts::Fact;
use netghost_core::section::SectionName;
use serde_json::Value;

use super::{config, json, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Nexthops;
const LINKS: &str = "
    ip link add eth0 type veth peer name eth1
    ip link set eth0 up
    ip link set eth1 up
    ip addr add 10.0.0.5/24 dev eth0
";
const NEXTHOPS: &str = "
    ip nexthop add id 1 via 10.0.0.1 dev eth0
    ip nexthop add id 2 via 10.0.0.2 dev eth0 proto static
    ip nexthop add id 3 dev eth0
    ip nexthop add id 4 blackhole
    ip -6 nexthop add id 5 blackhole
    ip nexthop add id 6 via 10.9.9.9 dev eth0 onlink
    ip nexthop add id 10 group 1/2,5
    ip nexthop add id 11 group 1/3,2 type resilient buckets 8 idle_timer 60 unbalanced_timer 300
    ip nexthop add id 12 via 10.0.0.7 fdb
    ip nexthop add id 13 group 12 fdb
";

fn theirs(nexthop: &Value) -> Vec<String> {
    let mut out = vec![format!("id {}", nexthop["id"])];
    for (field, name) in [
        ("gateway", "via"),
        ("dev", "dev"),
        ("type", "type"),
        ("scope", "scope"),
        ("protocol", "proto"),
    ] {
        let value = nexthop[field]
            .as_str()
            .filter(|value| !matches!(*value, "mpath" | "unspec" | "global"));
        out.extend(value.map(|value| format!("{name} {value}")));
    }
    for flag in ["blackhole", "fdb"] {
        out.extend(nexthop.get(flag).map(|_| flag.to_owned()));
    }
    if let Some(group) = nexthop["group"].as_array() {
        let member = |one: &Value| {
            format!(
                "{{id {} weight {}}}",
                one["id"],
                one["weight"].as_u64().unwrap_or(1)
            )
        };
        let members: Vec<_> = group.iter().map(member).collect();
        out.push(format!("group [{}]", members.join(" ")));
    }
    let flags = nexthop["flags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str);
    let flags: Vec<_> = flags
        .filter(|flag| !matches!(*flag, "linkdown" | "dead"))
        .collect();
    if !flags.is_empty() {
        out.push(format!("flags [{}]", flags.join(" ")));
    }
    if let Some(args) = nexthop["resilient_args"].as_object() {
        let of = |name: &str| args[name].as_f64().unwrap();
        out.push(format!(
            "resilient {{buckets {} idle_timer {:.0} unbalanced_timer {:.0}}}",
            args["buckets"],
            of("idle_timer") * 100.0,
            of("unbalanced_timer") * 100.0
        ));
    }
    out.sort();
    out
}

fn ours(nexthop: &Fact) -> Vec<String> {
    let mut out: Vec<String> = nexthop.properties.iter().map(ToString::to_string).collect();
    out.push(format!("id {}", nexthop.key[0]));
    out.sort();
    out
}

#[test]
fn root_reads_every_nexthop_as_ip_shows_it() {
    let namespace = namespace(&[LINKS, NEXTHOPS].concat());
    let read = config(&namespace, NAME);
    let shown = json(&namespace, "ip -j -d nexthop");
    let mut theirs: Vec<_> = shown.iter().map(theirs).collect();
    let mut ours: Vec<_> = read.iter().map(ours).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
    assert_eq!(theirs.len(), 10);
}

#[test]
fn root_finds_one_change_of_a_nexthop_and_none_after_a_reload() {
    let namespace = namespace(&[LINKS, NEXTHOPS].concat());
    one_edit(
        &namespace,
        NAME,
        "ip nexthop replace id 2 via 10.0.0.9 dev eth0 proto static",
        "fact_changed nexthop/2",
        "ip nexthop replace id 2 via 10.0.0.2 dev eth0 proto static",
    );
    one_edit(
        &namespace,
        NAME,
        "ip nexthop replace id 10 group 1/2,6",
        "fact_changed nexthop/10",
        "ip nexthop replace id 10 group 1/2,5",
    );
    let before = config(&namespace, NAME);
    run(&namespace, "ip nexthop flush");
    assert!(config(&namespace, NAME).is_empty());
    run(&namespace, NEXTHOPS);
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
}
