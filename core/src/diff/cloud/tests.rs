use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::azure::facts::{section, snapshot};
use crate::azure::nsg::{Compiled, Direction, Flow, Protocol, PublicAddress, Verdict as Fate, parse};
use crate::azure::tags::Tags;
use crate::diff::{Change, Comparison, Kind, Role, Significance, Value, Verdict, compare, explain};
use crate::raw::{HostPart, HostRaw, PartRead};
use crate::section::SectionName;
use crate::snapshot::Snapshot;

mod edits;
mod flows;
mod places;
mod stored;

const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups";
const SUBNET: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/one";
const NIC: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";

/// What one network interface has in Azure.
#[derive(Debug, Clone)]
struct World {
    nic: Json,
    subnet: Json,
    routes: Json,
    rules: Json,
    admin: Option<Json>,
}

impl World {
    fn snapshot(&self) -> Snapshot {
        let part = |source: &str, body: &Json| HostPart {
            source: source.to_owned(),
            read: PartRead::File {
                content: body.to_string().as_str().into(),
            },
        };
        let unread = HostPart {
            source: "admin-rules".to_owned(),
            read: PartRead::Unreadable {
                why: "AuthorizationFailed".to_owned(),
            },
        };
        let subnet = format!("subnet {SUBNET}");
        let admin = self.admin.as_ref().map(|body| part("admin-rules", body));
        let all = [
            (
                SectionName::Nic,
                vec![part("nic", &self.nic), part(&subnet, &self.subnet)],
            ),
            (SectionName::EffectiveRoutes, vec![part("routes", &self.routes)]),
            (SectionName::EffectiveNsg, vec![part("rules", &self.rules)]),
            (SectionName::AdminRules, vec![admin.unwrap_or(unread)]),
        ];
        let sections = all.map(|(name, parts)| {
            let links = Vec::new();
            section(name, HostRaw { links, parts }, 1)
        });
        snapshot(NIC.parse().unwrap(), sections.into(), "test")
    }

    fn against(&self, other: &Self) -> Comparison {
        compare(&self.snapshot(), &other.snapshot(), &SectionName::AZURE)
    }

    /// As [`World::against`], with an edit of this world.
    fn edited(&self, edit: impl FnOnce(&mut Self)) -> Comparison {
        self.against(&self.with(edit))
    }

    fn with(&self, edit: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        edit(&mut other);
        other
    }
}

fn rule(name: &str, priority: u32, access: &str, from: &str, ports: &str) -> Json {
    json!({"name": format!("securityRules/{name}"), "priority": priority, "access": access, "direction": "Inbound",
        "protocol": "Tcp", "sourceAddressPrefix": from, "sourcePortRange": "0-65535", "destinationAddressPrefix": "0.0.0.0/0",
        "destinationPortRange": ports})
}

/// The rules that every group ends in, as far as they matter here.
fn last(direction: &str) -> Json {
    json!({"name": format!("defaultSecurityRules/DenyAll{direction}"), "priority": 65_500, "access": "Deny", "direction": direction,
        "protocol": "All", "sourceAddressPrefix": "*", "sourcePortRange": "0-65535", "destinationAddressPrefix": "*",
        "destinationPortRange": "0-65535"})
}

fn gate(place: &str, group: &str, rules: &[Json]) -> Json {
    let id = if place == "subnet" { SUBNET } else { NIC };
    let all: Vec<Json> = rules
        .iter()
        .cloned()
        .chain([last("Inbound"), last("Outbound")])
        .collect();
    json!({"networkSecurityGroup": {"id": format!("{GROUP}/{group}")}, "association": {place: {"id": id}},
        "effectiveSecurityRules": all})
}

fn admin(name: &str, access: &str, ports: &str) -> Json {
    let id = format!(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkManagers/m/securityAdminConfigurations/c/ruleCollections/rc/rules/{name}"
    );
    json!({"id": id, "kind": "Custom", "properties": {"displayName": name, "protocol": "Tcp", "direction": "Inbound",
        "access": access, "priority": 7, "sources": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
        "destinations": [{"addressPrefixType": "IPPrefix", "addressPrefix": "*"}],
        "sourcePortRanges": ["0-65535"], "destinationPortRanges": [ports]}})
}

fn route(prefix: &str, source: &str, kind: &str, hops: &[&str]) -> Json {
    json!({"source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": kind, "nextHopIpAddress": hops})
}

fn world() -> World {
    let rules = [
        gate(
            "subnet",
            "web",
            &[
                rule("https", 100, "Allow", "10.0.0.0/8", "443"),
                rule("ssh", 110, "Allow", "10.1.0.0/16", "22"),
            ],
        ),
        gate(
            "networkInterface",
            "own",
            &[rule("all", 100, "Allow", "*", "0-65535")],
        ),
    ];
    World {
        nic: json!({"id": NIC, "name": "n", "location": "westeurope", "etag": "W/1", "properties": {
            "provisioningState": "Succeeded", "resourceGuid": "x", "enableIPForwarding": true,
            "networkSecurityGroup": {"id": format!("{GROUP}/own")},
            "ipConfigurations": [{"name": "ipconfig1", "etag": "W/1", "properties": {"privateIPAddress": "10.9.0.4",
                "privateIPAllocationMethod": "Dynamic", "primary": true, "subnet": {"id": SUBNET}}}]}}),
        subnet: json!({"id": SUBNET, "name": "one", "etag": "W/1", "properties": {"addressPrefix": "10.9.0.0/24",
            "networkSecurityGroup": {"id": format!("{GROUP}/web")}, "provisioningState": "Succeeded"}}),
        routes: json!({"value": [
            route("10.9.0.0/16", "Default", "VnetLocal", &[]),
            route("0.0.0.0/0", "Default", "Internet", &[]),
            route("10.50.0.0/16", "VirtualNetworkGateway", "VirtualNetworkGateway", &["10.9.255.4"]),
            route("10.50.0.0/16", "VirtualNetworkGateway", "VirtualNetworkGateway", &["10.9.255.5"]),
            route("10.60.0.0/16", "User", "VirtualAppliance", &["10.9.1.4"]),
        ]}),
        rules: json!({"value": rules}),
        admin: Some(json!({"value": []})),
    }
}

fn only(found: &Comparison) -> &Change {
    assert_eq!(found.changes.len(), 1, "{:#?}", found.changes);
    found.changes.first().unwrap()
}

fn effect(change: &Change) -> &str {
    change.effect.as_deref().unwrap_or_default()
}

#[test]
fn nothing_changes_by_itself() {
    let world = world();
    let found = world.against(&world);
    assert_eq!(
        (found.verdict, found.changes.len()),
        (Verdict::NoDrift, 0),
        "{found:#?}"
    );
    let found = world.edited(|world| {
        world.nic["etag"] = json!("W/2");
        world.nic["properties"]["provisioningState"] = json!("Updating");
        world.subnet["etag"] = json!("W/2");
        for list in [&mut world.routes, &mut world.rules] {
            list["value"].as_array_mut().unwrap().reverse();
        }
        let rules = &mut world.rules["value"][0]["effectiveSecurityRules"];
        rules.as_array_mut().unwrap().reverse();
        rules[0]["etag"] = json!("W/3");
    });
    assert_eq!(
        (found.verdict, found.changes.len()),
        (Verdict::NoDrift, 0),
        "{found:#?}"
    );
}
