//! The shapes of Azure's answers.

use serde_json::{Map, Value, json};

use super::gates::{Addresses, Gate, GateKind, GateRule, Named, gates as gates_of};
use super::routes::{Row, Source};
use super::tags::has_v6;
use crate::azure::Prefix;
use crate::azure::world::{Access, Hop, Id, Nic, Ports, Protocol, World, WorldError};

fn shown(prefixes: &[Prefix]) -> Value {
    prefixes.iter().map(Prefix::to_string).collect()
}

pub(super) fn routes(rows: &[Row]) -> Value {
    // An entry of which only some prefixes are used comes apart.
    let entries = rows.chunk_by(|a, b| (a.entry, a.active) == (b.entry, b.active));
    json!({ "value": entries.map(entry).collect::<Vec<Value>>() })
}

fn entry(rows: &[Row]) -> Value {
    let Some(row) = rows.first() else {
        return Value::Null;
    };
    let prefixes: Vec<Prefix> = rows.iter().map(|row| row.prefix).collect();
    json!({
        "name": row.name,
        "source": match row.source {
            Source::Default => "Default",
            Source::User => "User",
            Source::Gateway => "VirtualNetworkGateway",
        },
        "state": if row.active { "Active" } else { "Invalid" },
        "addressPrefix": shown(&prefixes),
        "nextHopType": match row.hop {
            Hop::VnetLocal => "VnetLocal",
            Hop::Peering => "VNetPeering",
            Hop::InterfaceEndpoint => "InterfaceEndpoint",
            Hop::ServiceEndpoint => "VirtualNetworkServiceEndpoint",
            Hop::Internet => "Internet",
            Hop::Gateway => "VirtualNetworkGateway",
            Hop::Appliance(_) => "VirtualAppliance",
            Hop::None => "None",
        },
        "nextHopIpAddress": row.hop_addresses,
        "hasBgpOverride": row.over_gateway_routes,
        "disableBgpRoutePropagation": row.no_gateway_routes,
        "destinationServiceTags": row.tag.iter().collect::<Vec<_>>(),
        "tagMap": {},
    })
}

pub(super) fn gates(world: &World, nic: &Nic) -> Result<Value, WorldError> {
    let v6 = has_v6(world, nic)?;
    let gates = gates_of(world, nic)?;
    Ok(json!({ "value": gates.iter().map(|gate| one_gate(gate, v6)).collect::<Vec<Value>>() }))
}

fn one_gate(gate: &Gate, v6: bool) -> Value {
    let bound = json!({ "id": gate.bound_to.as_str() });
    let mut tags = Map::new();
    for rule in &gate.rules {
        for named in rule.source.named.iter().chain(&rule.destination.named) {
            if let Named::Tag(tag, prefixes) = named {
                tags.insert(tag.clone(), shown(prefixes));
            }
        }
    }
    // A rule about a group without members can match nothing, and Azure's shape has no word for that.
    let rules = gate.rules.iter().filter(|rule| {
        [&rule.source, &rule.destination]
            .iter()
            .all(|side| !side.named.is_empty())
    });
    json!({
        "networkSecurityGroup": { "id": gate.nsg.as_str() },
        "association": match gate.kind {
            GateKind::Subnet => json!({ "subnet": bound }),
            GateKind::Nic => json!({ "networkInterface": bound }),
        },
        "effectiveSecurityRules": rules.map(|rule| one_rule(rule, v6)).collect::<Vec<Value>>(),
        "tagMap": tags,
    })
}

fn one_rule(rule: &GateRule<Access>, v6: bool) -> Value {
    let source = side(&rule.source, v6);
    let destination = side(&rule.destination, v6);
    let range = |ports: &[Ports]| match ports {
        [one] => json!(one.to_string()),
        _ => Value::Null,
    };
    let ranges = |ports: &[Ports]| ports.iter().map(Ports::to_string).collect::<Value>();
    json!({
        "name": rule.name,
        "protocol": protocol(rule.protocol),
        "sourcePortRange": range(&rule.source_ports),
        "destinationPortRange": range(&rule.destination_ports),
        "sourcePortRanges": ranges(&rule.source_ports),
        "destinationPortRanges": ranges(&rule.destination_ports),
        "sourceAddressPrefix": source.one,
        "destinationAddressPrefix": destination.one,
        "sourceAddressPrefixes": source.all,
        "destinationAddressPrefixes": destination.all,
        "expandedSourceAddressPrefix": source.expanded,
        "expandedDestinationAddressPrefix": destination.expanded,
        "access": match rule.access {
            Access::Allow => "Allow",
            Access::Deny => "Deny",
        },
        "priority": rule.priority,
        "direction": rule.direction.word(),
    })
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Any => "All",
        Protocol::Tcp => "Tcp",
        Protocol::Udp => "Udp",
        Protocol::Icmp => "Icmp",
        Protocol::Esp => "Esp",
        Protocol::Ah => "Ah",
    }
}

struct Side {
    one: Value,
    all: Value,
    expanded: Value,
}

/// Azure shows `*` as all of each family that the VNet has, and beside a tag the addresses it stands for.
fn side(addresses: &Addresses, v6: bool) -> Side {
    let mut names = Vec::new();
    for named in &addresses.named {
        match named {
            Named::Any => {
                names.push(Prefix::ALL_V4.to_string());
                names.extend(v6.then(|| Prefix::ALL_V6.to_string()));
            }
            Named::Prefix(prefix) => names.push(prefix.to_string()),
            Named::Tag(tag, _) => names.push(tag.clone()),
        }
    }
    let tagged = addresses.named.iter().any(|one| matches!(one, Named::Tag(..)));
    let mut expanded = addresses.prefixes.clone();
    if addresses.any {
        expanded = vec![Prefix::ALL_V4];
        expanded.extend(v6.then_some(Prefix::ALL_V6));
    }
    Side {
        one: match names.as_slice() {
            [one] => json!(one),
            _ => Value::Null,
        },
        all: json!(names),
        expanded: if tagged { shown(&expanded) } else { Value::Null },
    }
}

pub(super) fn admin(world: &World, vnet: &Id) -> Value {
    let rules = world.admin_rules.iter().filter(|rule| rule.vnets.contains(vnet));
    let row = |rule: &crate::azure::world::AdminRule| {
        let (_, collection) = &rule.collection;
        let of = |name: &str| collection.pointer(&format!("/properties/{name}")).cloned();
        let mut body = rule.body.clone();
        if let Some(body) = body.as_object_mut() {
            body.retain(|name, _| ["id", "kind", "properties"].contains(&name.as_str()));
            body.entry("id").or_insert_with(|| json!(rule.id.as_str()));
            body.entry("kind").or_insert_with(|| json!("Custom"));
            let described = [
                ("ruleCollectionDescription", of("description")),
                ("ruleCollectionAppliesToGroups", of("appliesToGroups")),
            ];
            for (name, value) in described {
                body.insert(name.to_owned(), value.unwrap_or(Value::Null));
            }
            body.insert("ruleGroups".to_owned(), json!([]));
        }
        body
    };
    json!({ "value": rules.map(row).collect::<Vec<Value>>() })
}
