//! Facts about the host, against the tools that show them.

use std::collections::BTreeSet;

use netghost_core::artifact::json;
use netghost_core::facts::Fact;
use netghost_core::section::{Content, SectionName};
use serde_json::Value;

use super::reading::{READING, facts, section};
use super::rules::opaque;

fn lines(name: SectionName) -> BTreeSet<String> {
    let facts = &facts(&READING.first, name).facts;
    facts.iter().map(Fact::to_string).collect()
}

fn beginning(name: SectionName, with: &str) -> BTreeSet<String> {
    lines(name)
        .into_iter()
        .filter(|line| line.starts_with(with))
        .collect()
}

fn shown(step: &str) -> Vec<Value> {
    serde_json::from_str(&READING.steps[step]).unwrap()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn root_every_section_is_captured_and_no_fact_has_unknown_parts() {
    for found in &READING.first.sections {
        section(&READING.first, found.name);
        if matches!(found.content, Some(Content::Facts { .. })) {
            assert_eq!(opaque(found), Vec::<String>::new(), "{:?}", found.name);
        }
    }
    assert!(READING.first.sections.len() > 15);
}

/// A service or destination as `ipvsadm -Sn` prints it, without what it leaves out.
fn virtual_server(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let after = |option: &str| {
        let at = words.iter().position(|word| *word == option)?;
        words.get(at + 1).copied()
    };
    let protocol = [("-t", "tcp"), ("-u", "udp"), ("-f", "fwmark")];
    let (option, protocol) = protocol
        .into_iter()
        .find(|(option, _)| words.contains(option))
        .unwrap();
    let family = match (protocol, words.contains(&"-6")) {
        ("fwmark", true) => " ipv6",
        ("fwmark", false) => " ipv4",
        _ => "",
    };
    let service = format!("{protocol} {}{family}", after(option).unwrap());
    if let Some(scheduler) = after("-s") {
        let timeout = after("-p").map(|seconds| format!(" timeout {seconds}"));
        return format!(
            "service {service} scheduler {scheduler}{}",
            timeout.unwrap_or_default()
        );
    }
    let methods = [("-m", "masq"), ("-g", "route"), ("-i", "tunnel")];
    let (_, method) = methods
        .into_iter()
        .find(|(option, _)| words.contains(option))
        .unwrap();
    let tunnel = match after("--tun-type") {
        Some("gue") => format!(" tun_type gue tun_port {}", after("--tun-port").unwrap()),
        Some("gre") => " tun_type gre".to_owned(),
        _ => String::new(),
    };
    let (server, weight) = (after("-r").unwrap(), after("-w").unwrap());
    format!("destination {service} {server} method {method} weight {weight}{tunnel}")
}

#[test]
fn root_virtual_servers_are_what_ipvsadm_saves() {
    let without = |line: &str, part: &str, end: char| match line.split_once(part) {
        Some((before, after)) => {
            let rest = after.split_once(end).map_or("", |(_, rest)| rest);
            format!("{before}{rest}")
        }
        None => line.to_owned(),
    };
    let ours: BTreeSet<String> = beginning(SectionName::Ipvs, "service ")
        .into_iter()
        .map(|line| without(&without(&line, " flags [", ']'), " netmask ", '\n'))
        .chain(
            beginning(SectionName::Ipvs, "destination ")
                .into_iter()
                .map(|line| {
                    // What `ipvsadm` saves nothing of, or says by another word.
                    without(&without(&line, " u_thresh ", '\n'), " tun_flags ", '\n')
                }),
        )
        .collect();
    let theirs: BTreeSet<String> = READING.steps["ipvs"].lines().map(virtual_server).collect();
    assert_eq!(theirs.len(), 14);
    assert_eq!(ours, theirs);
    assert!(READING.steps["ipvs-timeouts"].contains("900 120 300"));
    let all = lines(SectionName::Ipvs);
    for expected in [
        "timeouts tcp 900 tcp_fin 120 udp 300",
        "daemon master dev d0 syncid 7 sync_maxlen 1400 group 224.0.0.99 port 8849 ttl 3",
        "service tcp 10.9.0.1:80 scheduler wrr flags [persistent] timeout 300 netmask 255.255.255.0",
        "destination tcp 10.9.0.1:80 10.9.1.2:8080 method masq weight 0 u_thresh 100 l_thresh 10",
        "destination udp 10.9.0.1:53 10.9.1.5:53 method tunnel weight 2 tun_type gre tun_flags 0x1",
    ] {
        assert!(all.contains(expected), "{expected}: {all:#?}");
    }
}

#[test]
fn root_vlans_and_entries_of_a_bridge_are_what_bridge_shows() {
    let mut vlans = BTreeSet::new();
    for port in shown("vlans") {
        for vlan in port["vlans"].as_array().unwrap() {
            let flags = vlan["flags"].to_string().to_lowercase();
            let flag = |name: &str| {
                if flags.contains(name) {
                    format!(" {name}")
                } else {
                    String::new()
                }
            };
            let (pvid, untagged) = (flag("pvid"), flag("untagged"));
            vlans.insert(format!(
                "vlan {} {}{pvid}{untagged}",
                word(&port, "ifname"),
                vlan["vlan"]
            ));
        }
    }
    assert_eq!(vlans.len(), 16);
    assert_eq!(beginning(SectionName::Bridge, "vlan "), vlans);

    // What was given by hand, which is what the addresses begin with.
    let given = shown("fdb")
        .into_iter()
        .filter(|entry| word(entry, "mac").starts_with("02:00:00:"));
    let entries: BTreeSet<String> = given
        .map(|entry| {
            let master = if entry.get("master").is_some() {
                "master"
            } else {
                "self"
            };
            let vlan = entry["vlan"]
                .as_u64()
                .map(|vlan| format!(" vlan {vlan}"))
                .unwrap_or_default();
            let sticky = if entry["flags"].to_string().contains("sticky") {
                " flags [sticky]"
            } else {
                ""
            };
            let (link, mac, state) = (word(&entry, "ifname"), word(&entry, "mac"), word(&entry, "state"));
            format!("fdb {link} {mac} {master}{vlan} state [{state}]{sticky}")
        })
        .collect();
    assert_eq!(entries.len(), 4);
    assert_eq!(beginning(SectionName::Bridge, "fdb "), entries);

    let groups: BTreeSet<String> = shown("mdb")[0]["mdb"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["state"] == "permanent")
        .map(|entry| {
            let (bridge, port, group) = (word(entry, "dev"), word(entry, "port"), word(entry, "grp"));
            format!("mdb {bridge} {port} {group} vlan {} proto static", entry["vid"])
        })
        .collect();
    assert_eq!(groups.len(), 2);
    assert_eq!(beginning(SectionName::Bridge, "mdb "), groups);
}

#[test]
fn root_nexthops_are_what_ip_shows() {
    let shown = shown("nexthops");
    let all = lines(SectionName::Nexthops);
    assert_eq!(shown.len(), all.len());
    for one in &shown {
        let ours = all
            .iter()
            .find(|line| line.starts_with(&format!("nexthop {} ", one["id"])));
        let ours = ours.unwrap_or_else(|| panic!("{one}"));
        for (name, at) in [("gateway", "via"), ("dev", "dev"), ("protocol", "proto")] {
            if let Some(word) = one[name].as_str() {
                assert!(ours.contains(&format!(" {at} {word}")), "{one}: {ours}");
            }
        }
        for member in one["group"].as_array().into_iter().flatten() {
            let weight = member["weight"].as_u64().unwrap_or(1);
            assert!(
                ours.contains(&format!("{{id {} weight {weight}}}", member["id"])),
                "{one}: {ours}"
            );
        }
        for flag in ["blackhole", "fdb"] {
            assert_eq!(one.get(flag).is_some(), ours.contains(flag), "{one}: {ours}");
        }
    }
}

#[test]
fn root_ipsec_is_what_ip_xfrm_shows() {
    let of = |step: &str| {
        READING.steps[step]
            .lines()
            .filter(|line| line.starts_with("src "))
            .count()
    };
    assert_eq!((of("states"), of("policies")), (5, 4));
    let all = lines(SectionName::Xfrm);
    // One of the five has an end: whoever made it replaces it.
    assert_eq!(beginning(SectionName::Xfrm, "state ").len(), 4, "{all:#?}");
    for expected in EXPECTED_IPSEC {
        assert!(all.contains(*expected), "{expected}\n{all:#?}");
    }
    let raw = section(&READING.first, SectionName::Xfrm).raw.as_ref().unwrap();
    let raw = String::from_utf8(json::to_vec(raw).unwrap()).unwrap();
    assert!(raw.contains("686d616328"), "the names of algorithms are there");
    assert!(!raw.contains("000102030405060708"), "a key was kept");
}

const EXPECTED_IPSEC: &[&str] = &[
    "state 192.0.2.1 192.0.2.2 esp 0x00000101 reqid 7 mode tunnel replay-window 64 flag [esn] sel src 0.0.0.0/0 dst 0.0.0.0/0 \
     auth {name hmac(sha1) key_bits 160} auth-trunc {name hmac(sha1) key_bits 160 icv_bits 96} enc {name ecb(cipher_null) \
     key_bits 0}",
    "state 192.0.2.2 192.0.2.1 esp 0x00000102 reqid 7 mode tunnel replay-window 32 flag [af-unspec] sel src ::/0 dst ::/0 \
     auth {name hmac(sha256) key_bits 256} auth-trunc {name hmac(sha256) key_bits 256 icv_bits 128} enc {name ecb(cipher_null) \
     key_bits 0} encap {type espinudp sport 4500 dport 4500 addr 0.0.0.0}",
    "default in block fwd accept out accept",
    "policy fwd src 2001:db8::/32 dst ::/0 priority 3 action block ptype main",
    "policy in src 10.1.0.0/16 dst 10.0.0.0/24 priority 0 mark 0x1/0xff if_id 0x5 action allow ptype main mark 0x1/0xff if_id 0x5 \
     tmpl [{src 192.0.2.2 dst 192.0.2.1 proto esp reqid 7 mode tunnel level use} {src 0.0.0.0 dst 0.0.0.0 proto comp reqid 0 mode \
     transport level use}]",
    "policy out src 10.7.0.0/16 dst 10.8.0.0/16 dev d0 priority 0 action allow flag [icmp] time-hard 3600 ptype main",
    "state fd00::1 fd00::2 comp 0x00000104 reqid 0 mode transport sel src fd00::1/128 dst fd00::2/128 proto tcp dport 80 \
     comp {name deflate key_bits 0}",
];

#[test]
fn root_endpoints_timeouts_and_helpers_are_what_their_tools_show() {
    let words = |line: &str| -> BTreeSet<String> {
        let mut words = line.split_whitespace().peekable();
        let mut out = BTreeSet::new();
        while let Some(word) = words.next() {
            // A number of the kernel's own.
            if word == "id" {
                words.next();
            } else {
                out.insert(word.to_owned());
            }
        }
        out
    };
    let theirs: BTreeSet<_> = READING.steps["mptcp"].lines().map(words).collect();
    let endpoints = beginning(SectionName::Mptcp, "endpoint ");
    let ours: BTreeSet<_> = endpoints
        .iter()
        .map(|line| words(line.trim_start_matches("endpoint ")))
        .collect();
    assert_eq!((ours.len(), &ours), (3, &theirs));

    let all = lines(SectionName::Conntrack);
    for (name, fact) in [
        (
            ".any",
            "timeout-policy any family ipv4 protocol 255 seconds {timeout 77}",
        ),
        (
            ".six",
            "timeout-policy six family ipv6 protocol udp seconds {unreplied 11 replied 12}",
        ),
    ] {
        assert!(READING.steps["timeouts"].contains(name));
        assert!(all.contains(fact), "{all:#?}");
    }
    let patient = beginning(SectionName::Conntrack, "timeout-policy patient ");
    for line in READING.steps["timeouts"]
        .split(".patient")
        .nth(1)
        .unwrap()
        .split("};")
        .next()
        .unwrap()
        .lines()
    {
        let Some((name, seconds)) = line.trim().trim_end_matches(',').split_once(" = ") else {
            continue;
        };
        if name.starts_with('.') && name.chars().nth(1).is_some_and(char::is_uppercase) {
            let expected = format!("{} {seconds}", name[1..].to_lowercase());
            assert!(
                patient.iter().any(|line| line.contains(&expected)),
                "{expected}: {patient:?}"
            );
        }
    }
    assert!(READING.steps["helpers"].contains("\"rpc\"") || READING.steps["helpers"].contains(".name = rpc"));
    assert_eq!(
        beginning(SectionName::Conntrack, "helper rpc ipv4 udp ").len(),
        1,
        "{all:#?}"
    );
}
