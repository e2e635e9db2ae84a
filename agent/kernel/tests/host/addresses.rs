//! Addresses against `ip -j -d address`.

use netghost_core::facts::{Fact, Value as Set};
use netghost_core::section::SectionName;
use serde_json::{Value, json as object};

use super::{both, json, namespace, one_edit, run};

const NAME: SectionName = SectionName::Addresses;
const SETUP: &str = "
    ip link add eth0 type veth peer name eth1
    ip link set eth0 addrgenmode none
    ip link set eth1 addrgenmode none
    ip link set eth0 up
    ip link set eth1 up
    ip addr add 10.0.0.5/24 brd + dev eth0
    ip addr add 10.0.0.6/24 dev eth0 label eth0:web noprefixroute metric 300
    ip addr add 192.0.2.1 peer 192.0.2.2/32 dev eth0 scope link
    ip addr add 10.1.0.5/16 dev eth1 valid_lft 2000 preferred_lft 1000
    sysctl -q net.ipv6.conf.eth1.use_tempaddr=2
    ip addr add 2001:db8::5/64 dev eth0 nodad home
    ip addr add fd00::1/64 dev eth1 nodad mngtmpaddr
";

fn ours(fact: &Fact) -> Value {
    let word = |name: &str| fact.property(name).map(ToString::to_string);
    let number = |name: &str| match fact.property(name) {
        Some(Set::Number(number)) => Some(number.0),
        _ => None,
    };
    object!({
        "dev": fact.key[0].to_string(), "address": fact.key[1].to_string(), "peer": word("peer"),
        "broadcast": word("brd"), "scope": word("scope"), "metric": number("metric"),
        "label": word("label").or_else(|| fact.key[1].as_str().filter(|a| !a.contains(':')).map(|_| fact.key[0].to_string())),
        "noprefixroute": word("noprefixroute").is_some(), "dynamic": word("dynamic").is_some(),
        "home": word("home").is_some(), "mngtmpaddr": word("mngtmpaddr").is_some(), "nodad": word("nodad").is_some(),
    })
}

fn theirs(link: &Value, address: &Value) -> Value {
    let flag = |name: &str| address[name].as_bool().unwrap_or(false);
    object!({
        "dev": link["ifname"], "peer": address["address"],
        "address": format!("{}/{}", address["local"].as_str().unwrap(), address["prefixlen"]),
        "broadcast": address["broadcast"], "scope": address["scope"], "metric": address["metric"],
        "label": address["label"], "noprefixroute": flag("noprefixroute"), "dynamic": flag("dynamic"),
        "home": flag("home"), "mngtmpaddr": flag("mngtmpaddr"), "nodad": flag("nodad"),
    })
}

#[test]
fn root_reads_every_address_as_ip_shows_it() {
    let namespace = namespace(SETUP);
    let (config, runtime) = both(&namespace, NAME);
    assert_eq!(config.facts.len() + 1, runtime.facts.len(), "one is temporary");
    let mut ours: Vec<String> = config.facts.iter().map(|fact| ours(fact).to_string()).collect();
    let mut theirs: Vec<String> = Vec::new();
    for link in json(&namespace, "ip -j -d address") {
        let all = link["addr_info"].as_array().unwrap().iter();
        // The kernel makes temporary addresses and replaces them every day.
        let all = all.filter(|address| address.get("temporary").is_none());
        theirs.extend(all.map(|address| self::theirs(&link, address).to_string()));
    }
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
    assert_eq!(theirs.len(), 8);
}

/// How long an address is still there, and whether it is the second of its network.
#[test]
fn root_reads_what_addresses_come_to_as_ip_shows_it() {
    const FOR_EVER: u64 = 0xffff_ffff;
    let namespace = namespace(SETUP);
    let (_, runtime) = both(&namespace, NAME);
    let mut compared = 0;
    for link in json(&namespace, "ip -j -d address") {
        for address in link["addr_info"].as_array().unwrap() {
            let path = theirs(&link, address);
            let key = [&path["dev"], &path["address"]].map(|word| word.as_str().unwrap().to_owned());
            let all = runtime.facts.iter();
            let found = all.filter(|fact| fact.key.iter().map(ToString::to_string).eq(key.clone()));
            let found: Vec<_> = found.collect();
            assert_eq!(found.len(), 1, "{key:?}");
            for (word, name) in [
                ("valid_life_time", "valid_lft"),
                ("preferred_life_time", "preferred_lft"),
            ] {
                let left = address[word].as_u64().unwrap();
                match found[0].property(name) {
                    Some(Set::Number(ours)) => assert!(ours.0.abs_diff(left) <= 2, "{address} {}", ours.0),
                    other => assert_eq!((other, left), (None, FOR_EVER), "{address}"),
                }
                compared += 1;
            }
            for flag in ["secondary", "temporary", "tentative", "deprecated"] {
                let ours = found[0].property(flag).is_some();
                assert_eq!(
                    ours,
                    address[flag].as_bool().unwrap_or(false),
                    "{flag} of {address}"
                );
            }
        }
    }
    assert!(compared >= 16, "{compared}");
}

#[test]
fn root_finds_one_change_of_an_address_and_none_after_a_reload() {
    let namespace = namespace(SETUP);
    one_edit(
        &namespace,
        NAME,
        "ip addr add 203.0.113.1/32 dev eth1",
        "fact_added address/eth1/203.0.113.1/32",
        "ip addr del 203.0.113.1/32 dev eth1",
    );
    one_edit(
        &namespace,
        NAME,
        "ip addr change 2001:db8::5/64 dev eth0 noprefixroute",
        "fact_changed address/eth0/2001:db8::5/64",
        "ip addr change 2001:db8::5/64 dev eth0 nodad home",
    );
    let before = both(&namespace, NAME).0;
    run(&namespace, "ip addr flush dev eth0");
    run(&namespace, "ip addr flush dev eth1");
    run(
        &namespace,
        &SETUP
            .lines()
            .filter(|line| line.contains("addr add"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    assert_eq!(both(&namespace, NAME).0, before);
}
