//! Bodies as Azure would give them, with how real packets fared: recorded in the lab, where each verdict was proved by a packet
//! (`tests/tests/azure/record.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test states what it expects by failing"
)]

use std::collections::BTreeMap;
use std::path::Path;

use netghost_core::azure::net::Net;
use netghost_core::azure::nsg::{Compiled, Direction, Flow, Protocol, PublicAddress, Verdict};
use netghost_core::azure::tags::Tags;
use netghost_core::azure::{admin, nsg, route};
use serde_json::Value;

fn cases() -> Vec<(String, Value)> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded");
    let mut cases: Vec<(String, Value)> = std::fs::read_dir(place)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read(&path).unwrap();
            (path.display().to_string(), serde_json::from_slice(&text).unwrap())
        })
        .collect();
    cases.sort_by(|one, other| one.0.cmp(&other.0));
    cases
}

fn tags(case: &Value) -> Tags {
    let prefixes = |list: &Value| -> Vec<Net> {
        let each = list.as_array().unwrap().iter();
        each.map(|prefix| prefix.as_str().unwrap().parse().unwrap())
            .collect()
    };
    let known = case["tags"].as_object().unwrap().iter();
    let service: BTreeMap<String, Vec<Net>> =
        known.map(|(name, list)| (name.clone(), prefixes(list))).collect();
    Tags {
        service,
        ..Tags::default()
    }
}

fn flow(asked: &Value) -> Flow {
    let protocol = Protocol::read(asked["protocol"].as_str().unwrap()).unwrap();
    let port = |name: &str| {
        let port = u16::try_from(asked[name].as_u64().unwrap()).unwrap();
        matches!(protocol, Protocol::Tcp | Protocol::Udp).then_some((port, port))
    };
    Flow {
        direction: match asked["direction"].as_str().unwrap() {
            "inbound" => Direction::Inbound,
            _ => Direction::Outbound,
        },
        protocol,
        source: asked["source"].as_str().unwrap().parse().unwrap(),
        destination: asked["destination"].as_str().unwrap().parse().unwrap(),
        source_ports: port("source_port"),
        ports: port("port"),
    }
}

#[test]
fn what_was_recorded_is_answered_again() {
    let (mut allowed, mut denied, mut routed) = (0, 0, 0);
    for (name, case) in cases() {
        let rules = nsg::parse(&case["rules"]).unwrap();
        let (admin, warnings) = admin::parse(&case["admin"]).unwrap();
        assert!(warnings.is_empty() && rules.warnings.is_empty(), "{name}");
        let table = route::from_value(&case["routes"]).unwrap();
        let tags = tags(&case);
        let compiled = Compiled::new(&rules, Some(&admin), &tags);
        for asked in case["asked"].as_array().unwrap() {
            let question = flow(asked);
            let found = compiled.evaluate(&question, PublicAddress::None).unwrap();
            match asked["dropped"].as_str() {
                None => {
                    assert_eq!(found.verdict, Verdict::Allow, "{name}: {asked}");
                    allowed += 1;
                }
                Some(by) => {
                    assert_eq!(found.verdict, Verdict::Deny, "{name}: {asked}");
                    let rule = found.deciding_rule().unwrap();
                    let gate = found.deciding_gate().unwrap().gate.word();
                    assert!(
                        by.starts_with(gate) && by.ends_with(rule.name.rsplit('/').next().unwrap()),
                        "{name}: {asked}: {gate} {}",
                        rule.name
                    );
                    denied += 1;
                }
            }
            if let Some(wanted) = asked["route"].as_object() {
                let winner = route::lookup(&table, question.destination).winner.unwrap();
                assert_eq!(
                    winner.prefix.unwrap().to_string(),
                    wanted["prefix"],
                    "{name}: {asked}"
                );
                assert_eq!(
                    winner.next_hop_type.unwrap().as_str(),
                    wanted["next_hop_type"],
                    "{name}: {asked}"
                );
                routed += 1;
            }
        }
    }
    assert!(
        allowed > 50 && denied > 20 && routed > 20,
        "{allowed} {denied} {routed}"
    );
}
