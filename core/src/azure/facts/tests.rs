use serde_json::{Value as Json, json};

use super::{lift, section, snapshot};
use crate::artifact::manifest;
use crate::diff::{self, Verdict};
use crate::facts::Lifted;
use crate::raw::{HostPart, HostRaw, PartRead};
use crate::section::{SectionName, State};
use crate::snapshot::Snapshot;

const NSG: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n1";

fn lifted(name: SectionName, parts: &[(&str, Json)]) -> Lifted {
    let part = |(source, body): &(&str, Json)| HostPart {
        source: (*source).to_owned(),
        read: PartRead::File {
            content: body.to_string().as_str().into(),
        },
    };
    let raw = HostRaw {
        links: Vec::new(),
        parts: parts.iter().map(part).collect(),
    };
    lift(name, &raw).unwrap()
}

fn routes(body: Json) -> Lifted {
    lifted(SectionName::EffectiveRoutes, &[("routes", body)])
}

fn route(prefixes: &[&str], source: &str, hops: &[&str]) -> Json {
    json!({"addressPrefix": prefixes, "source": source, "state": "Active", "nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": hops})
}

fn rule(name: &str, access: &str, port: &str) -> Json {
    json!({"name": format!("securityRules/{name}"), "priority": 100, "direction": "Inbound", "access": access, "protocol": "Tcp",
        "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "sourcePortRange": "*", "destinationPortRange": port})
}

fn gates(rules: &[(&str, Json)]) -> Json {
    let entry = |(place, rule): &(&str, Json)| json!({"networkSecurityGroup": {"id": NSG}, "association": {*place: {"id": "/x"}}, "effectiveSecurityRules": [rule]});
    json!({"value": rules.iter().map(entry).collect::<Vec<_>>()})
}

fn rules(body: Json) -> Lifted {
    lifted(SectionName::EffectiveNsg, &[("rules", body)])
}

fn paths(lifted: &Lifted) -> Vec<String> {
    lifted.config.facts.iter().map(crate::facts::Fact::path).collect()
}

#[test]
fn how_entries_group_prefixes_says_nothing() {
    let one = routes(json!({"value": [route(&["10.0.0.0/8", "172.16.0.0/12"], "Default", &[])]}));
    let two = routes(json!([
        route(&["172.16.0.0/12"], "Default", &[]),
        route(&["10.0.0.0/8"], "Default", &[])
    ]));
    assert!(one.gaps.is_empty() && two.gaps.is_empty());
    assert_eq!(one.config, two.config);
    assert_eq!(
        paths(&one),
        ["route/10.0.0.0/8/default", "route/172.16.0.0/12/default"]
    );
}

#[test]
fn each_path_of_a_gateway_is_a_route_of_its_own() {
    let both = routes(json!([
        route(&["10.0.0.0/8"], "VirtualNetworkGateway", &["10.1.0.4"]),
        route(&["10.0.0.0/8"], "VirtualNetworkGateway", &["10.1.0.5"])
    ]));
    let one = routes(json!([route(
        &["10.0.0.0/8"],
        "VirtualNetworkGateway",
        &["10.1.0.5"]
    )]));
    assert_eq!(both.config.facts.len(), 2);
    assert!(both.config.facts.contains(one.config.facts.first().unwrap()));
}

#[test]
fn one_that_goes_away_is_missed_among_its_like() {
    let twice = routes(json!([
        route(&["10.0.0.0/8"], "User", &["10.1.0.4"]),
        route(&["10.0.0.0/8"], "User", &["10.1.0.5"])
    ]));
    assert_eq!(twice.config.facts.len(), 2);
    // What stands twice and says the same is one route.
    let same = routes(json!([
        route(&["10.0.0.0/8"], "User", &["10.1.0.4"]),
        route(&["10.0.0.0/8"], "User", &["10.1.0.4"])
    ]));
    assert_eq!(paths(&same), ["route/10.0.0.0/8/user"]);
}

#[test]
fn the_same_name_at_two_gates_is_two_rules() {
    let both = rules(gates(&[
        ("subnet", rule("deny", "Deny", "22")),
        ("networkInterface", rule("deny", "Deny", "22")),
    ]));
    assert!(both.gaps.is_empty(), "{:?}", both.gaps);
    let found: Vec<String> = paths(&both)
        .into_iter()
        .filter(|path| path.starts_with("rule/"))
        .collect();
    assert_eq!(found.len(), 2, "{found:?}");
    let flipped = rules(gates(&[
        ("subnet", rule("deny", "Allow", "22")),
        ("networkInterface", rule("deny", "Deny", "22")),
    ]));
    let differ = both
        .config
        .facts
        .iter()
        .zip(&flipped.config.facts)
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(differ, 1);
}

#[test]
fn a_change_of_any_field_is_a_change_of_the_fact() {
    let base = gates(&[("subnet", rule("r", "Allow", "22"))]);
    let before = rules(base.clone());
    for (field, value) in [
        ("priority", json!(101)),
        ("access", json!("Deny")),
        ("protocol", json!("Udp")),
        ("sourceAddressPrefix", json!("10.0.0.0/8")),
        ("destinationAddressPrefix", json!("10.0.0.0/8")),
        ("sourcePortRange", json!("1-2")),
        ("destinationPortRange", json!("23")),
        ("destinationPortRanges", json!(["22", "23"])),
        ("expandedSourceAddressPrefix", json!(["10.0.0.0/8"])),
        ("description", json!("x")),
    ] {
        let mut body = base.clone();
        body["value"][0]["effectiveSecurityRules"][0][field] = value;
        let after = rules(body);
        assert!(before.config != after.config || !after.gaps.is_empty(), "{field}");
    }
}

#[test]
fn what_is_not_understood_is_a_gap() {
    let mut word = gates(&[("subnet", rule("r", "Allow", "22"))]);
    word["value"][0]["effectiveSecurityRules"][0]["priority"] = json!("high");
    assert!(!rules(word).gaps.is_empty());
    let mut nowhere = gates(&[("subnet", rule("r", "Deny", "22"))]);
    nowhere["value"][0]["association"] = json!(null);
    assert!(!rules(nowhere).gaps.is_empty());
    let mut more = gates(&[]);
    more["nextLink"] = json!("https://x");
    assert!(!rules(more).gaps.is_empty());
    for bad in [
        json!(null),
        json!("<html>"),
        json!({"error": {"code": "AuthorizationFailed", "message": "no"}}),
        json!({"value": null}),
    ] {
        assert!(!routes(bad.clone()).gaps.is_empty(), "{bad}");
        assert!(!rules(bad.clone()).gaps.is_empty(), "{bad}");
    }
    let mut half = route(&["10.0.0.0/8"], "Default", &[]);
    half["state"] = json!(null);
    let half = routes(json!([half, route(&["1.0.0.0/8"], "Default", &[])]));
    assert_eq!(half.gaps.len(), 1);
    assert_eq!(paths(&half), ["route/1.0.0.0/8/default"]);
}

#[test]
fn an_unread_part_is_a_gap_and_an_empty_table_is_not() {
    let refused = HostRaw {
        links: Vec::new(),
        parts: vec![HostPart {
            source: "routes".to_owned(),
            read: PartRead::Unreadable {
                why: "AuthorizationFailed".to_owned(),
            },
        }],
    };
    assert_eq!(
        lift(SectionName::EffectiveRoutes, &refused).unwrap().gaps.len(),
        1
    );
    for name in SectionName::AZURE {
        assert_eq!(lift(name, &HostRaw::default()).unwrap().gaps.len(), 1, "{name}");
    }
    assert!(lift(SectionName::Tc, &HostRaw::default()).is_err());
    assert!(routes(json!({"value": []})).gaps.is_empty());
    assert!(rules(json!({"value": []})).gaps.is_empty());
}

#[test]
fn what_was_not_read_is_not_what_was_removed() {
    let nic = json!({"id": NIC, "properties": {"ipConfigurations": []}});
    let subnet = json!({"id": "/S/1", "properties": {"addressPrefix": "10.0.0.0/24"}});
    let rule = |id: &str| json!({"value": [{"id": id, "properties": {"priority": 1}}], "skipToken": ""});
    let file = |body: &Json| PartRead::File {
        content: body.to_string().as_str().into(),
    };
    let unread = || PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    let snapshot_of = |name, parts: Vec<(&str, PartRead)>| {
        let part = |(source, read): (&str, PartRead)| HostPart {
            source: source.to_owned(),
            read,
        };
        let raw = HostRaw {
            links: Vec::new(),
            parts: parts.into_iter().map(part).collect(),
        };
        snapshot(NIC.parse().unwrap(), vec![section(name, raw, 7)], "netghost test")
    };
    let verdict = |name, before: &Snapshot, after: &Snapshot| {
        let found = diff::compare(before, after, &[name]);
        (found.verdict, found.changes.len())
    };
    let read = |nic, subnet| snapshot_of(SectionName::Nic, vec![("nic", nic), ("subnet /S/1", subnet)]);
    let whole = read(file(&nic), file(&subnet));
    for partly in [
        read(file(&nic), unread()),
        read(unread(), file(&subnet)),
        snapshot_of(SectionName::Nic, vec![("nic", file(&nic)), ("subnet ", unread())]),
        snapshot_of(SectionName::Nic, vec![("nic", unread())]),
    ] {
        assert_eq!(verdict(SectionName::Nic, &whole, &partly), (Verdict::Unknown, 0));
        assert_eq!(verdict(SectionName::Nic, &partly, &whole), (Verdict::Unknown, 0));
    }
    let pages = |second| {
        let parts = vec![
            ("admin-rules v 1", file(&rule("/r/1"))),
            ("admin-rules v 2", second),
        ];
        snapshot_of(SectionName::AdminRules, parts)
    };
    let (whole, partly) = (pages(file(&rule("/r/2"))), pages(unread()));
    assert_eq!(
        verdict(SectionName::AdminRules, &whole, &partly),
        (Verdict::Unknown, 0)
    );
    assert_eq!(
        verdict(SectionName::AdminRules, &whole, &whole),
        (Verdict::NoDrift, 0)
    );
}

#[test]
fn what_does_not_apply_says_how_that_is_known() {
    let raw = HostRaw {
        links: Vec::new(),
        parts: vec![HostPart {
            source: "routes".to_owned(),
            read: PartRead::Absent {
                why: "no VM".to_owned(),
            },
        }],
    };
    let section = section(SectionName::EffectiveRoutes, raw, 7);
    let why = "no VM".to_owned();
    assert_eq!(section.state, State::NotApplicable { why });
    assert!(section.content.is_none() && section.gaps.is_empty());
}

#[test]
fn a_network_interface_is_compared_with_its_subnet_and_without_what_is_runtime() {
    let nic = |forwarding: bool, etag: &str| {
        json!({"id": "/n/1", "etag": etag, "location": "we", "properties": {"provisioningState": "Succeeded", "enableIPForwarding": forwarding,
            "ipConfigurations": [{"name": "ip1", "etag": etag, "properties": {"privateIPAddress": "10.0.0.4", "primary": true}}]}})
    };
    let subnet = json!({"id": "/s/1", "properties": {"addressPrefix": "10.0.0.0/24", "ipConfigurations": [{"id": "/other"}]}});
    let read = |nic: Json| lifted(SectionName::Nic, &[("nic", nic), ("subnet /s/1", subnet.clone())]);
    let before = read(nic(false, "W/1"));
    assert!(before.gaps.is_empty(), "{:?}", before.gaps);
    assert_eq!(
        paths(&before),
        ["ip-configuration//n/1/ip1", "nic//n/1", "subnet//s/1"]
    );
    assert_eq!(before.config, read(nic(false, "W/2")).config);
    assert_ne!(before.config, read(nic(true, "W/1")).config);
    assert!(!read(json!({"id": "/n/1"})).gaps.is_empty());
}

const NIC: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n1";

fn whole(routes: &Json, rules: &Json) -> Snapshot {
    let nic = json!({"id": NIC, "properties": {"ipConfigurations": []}});
    let part = |name, source: &str, body: &Json| {
        let read = PartRead::File {
            content: body.to_string().as_str().into(),
        };
        let raw = HostRaw {
            links: Vec::new(),
            parts: vec![HostPart {
                source: source.to_owned(),
                read,
            }],
        };
        section(name, raw, 7)
    };
    let sections = vec![
        part(SectionName::EffectiveNsg, "rules", rules),
        part(SectionName::EffectiveRoutes, "routes", routes),
        part(SectionName::Nic, "nic", &nic),
        part(SectionName::AdminRules, "admin-rules", &json!({"value": []})),
    ];
    snapshot(NIC.parse().unwrap(), sections, "netghost test")
}

fn verdict(before: &Snapshot, after: &Snapshot) -> (Verdict, usize, usize) {
    let found = diff::compare(before, after, &SectionName::AZURE);
    (found.verdict, found.changes.len(), found.not_covered.len())
}

#[test]
fn what_azure_computed_is_stored_and_compared_like_what_a_kernel_holds() {
    let routes = json!({"value": [route(&["10.0.0.0/8"], "User", &["10.1.0.4"])]});
    let rules = gates(&[("subnet", rule("r", "Allow", "22"))]);
    let before = whole(&routes, &rules);
    assert_eq!(verdict(&before, &before), (Verdict::NoDrift, 0, 0));
    assert_eq!(
        verdict(
            &before,
            &whole(&routes, &gates(&[("subnet", rule("r", "Deny", "22"))]))
        ),
        (Verdict::Drift, 1, 0)
    );
    assert_eq!(
        verdict(&before, &whole(&json!({"value": []}), &rules)),
        (Verdict::Drift, 1, 0)
    );
    let refused = json!({"error": {"code": "AuthorizationFailed", "message": "no"}});
    assert_eq!(
        verdict(&before, &whole(&refused, &rules)),
        (Verdict::Unknown, 0, 1)
    );
    assert_eq!(
        verdict(&whole(&refused, &rules), &whole(&refused, &rules)),
        (Verdict::Unknown, 0, 1)
    );

    let stored = manifest::store(&before, &manifest::Meta::default()).unwrap();
    let loaded = manifest::load(&stored.manifest_bytes, &|digest| {
        let found = stored.objects.iter().find(|(known, _)| known == digest);
        found
            .map(|(_, bytes)| bytes.clone())
            .ok_or(manifest::ObjectError::Missing)
    });
    assert_eq!(loaded.unwrap(), before);
}
