//! Recorded cases: what Azure would answer of a NIC, and how packets from and to it fared in the fabric.
//!
//! Written by `NETGHOST_RECORD=DIR` with `root_packets_fare_as_the_verdict_says`, after its packets have proved each verdict;
//! `core/tests/recorded` holds some, which a test without the fabric asks again.

use std::path::Path;

use netghost_core::azure::nsg::Direction;
use netghost_lab::azure::{World, effective};
use serde_json::{Value, json};

use crate::packets::{Flow, Kind};
use crate::state::id;
use crate::verdicts::{Fate, Judge};

/// Questions of one NIC and direction.
const EACH: usize = 12;

/// A file for each NIC from which or to which packets went.
pub(crate) fn write(place: &Path, seed: u64, world: &World, judge: &Judge<'_>, flows: &[Flow]) {
    for nic in world.nics.values().filter(|nic| nic.vm.is_some()) {
        let name = nic.id.name();
        let own = |address| nic.addresses().any(|own| own == address);
        let out = flows.iter().filter(|flow| own(flow.from)).take(EACH);
        // Those that came so far: whatever let them through before.
        let came = flows.iter().filter(|flow| {
            own(flow.to)
                && match judge.fate(flow) {
                    Fate::Arrives(_) => true,
                    Fate::Dropped(by) => by.starts_with(&format!("{name} Inbound")),
                    Fate::Unknown => false,
                }
        });
        let mut asked: Vec<Value> = out
            .map(|flow| question(judge, name, Direction::Outbound, flow))
            .collect();
        asked.extend(
            came.take(EACH)
                .map(|flow| question(judge, name, Direction::Inbound, flow)),
        );
        let id = id(&format!("networkInterfaces/{name}"));
        let id = id.as_str();
        let case = json!({
            "routes": effective::routes(world, id).unwrap(),
            "rules": effective::nsg(world, id).unwrap(),
            "admin": effective::admin(world, id).unwrap(),
            "tags": world.tags.values().map(|tag| {
                let prefixes: Vec<String> = tag.prefixes.iter().map(ToString::to_string).collect();
                (tag.name.to_lowercase(), json!(prefixes))
            }).collect::<serde_json::Map<_, _>>(),
            "asked": asked,
        });
        let file = place.join(format!("{seed}-{name}.json"));
        std::fs::write(file, format!("{case}\n")).unwrap();
    }
}

fn question(judge: &Judge<'_>, nic: &str, direction: Direction, flow: &Flow) -> Value {
    let fate = judge.gate(nic, direction, flow);
    let route = match (direction, &fate) {
        (Direction::Outbound, None) => judge.route(nic, flow.to),
        _ => None,
    };
    json!({
        "direction": direction.word(),
        "protocol": match flow.kind {
            Kind::Tcp => "tcp",
            Kind::Udp => "udp",
            Kind::Icmp => "icmp",
            Kind::Esp => "esp",
            Kind::Ah => "ah",
        },
        "source": flow.from,
        "destination": flow.to,
        "source_port": flow.source_port,
        "port": flow.destination_port,
        // `NIC WAY GATE RULE`, or nothing where it went on.
        "dropped": match fate {
            None => Value::Null,
            Some(Fate::Dropped(by)) => json!(by.splitn(3, ' ').nth(2)),
            Some(other) => panic!("{other:?}"),
        },
        "route": route.map(|(prefix, hop)| json!({"prefix": prefix, "next_hop_type": hop})),
    })
}
