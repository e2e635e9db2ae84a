use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::azure::facts::{section, snapshot};
use crate::bytes::Big;
use crate::raw::{HostPart, HostRaw, PartRead};
use crate::section::SectionName;
use crate::snapshot::Snapshot;

const G: &str = "/subscriptions/s1/resourceGroups/Rg/providers/Microsoft.Network";
/// 2026-11-23T10:00:00Z, of which `date -u +%s` says 1795428000.
const TEN: u64 = 1_795_428_000_000_000;
const MINUTE: u64 = 60_000_000;

fn id(rest: &str) -> String {
    format!("{G}/{rest}")
}

/// An interface in a subnet that has a table and a network security group.
fn nic() -> Snapshot {
    let body = json!({"id": id("networkInterfaces/n1"), "properties": {
        "networkSecurityGroup": {"id": id("networkSecurityGroups/nsg-n")},
        "virtualMachine": {"id": "/subscriptions/s1/resourceGroups/Rg/providers/Microsoft.Compute/virtualMachines/vm1"},
        "ipConfigurations": [{"name": "a", "id": id("networkInterfaces/n1/ipConfigurations/a"),
            "properties": {"subnet": {"id": id("virtualNetworks/v/subnets/web")}}}]}});
    let subnet = json!({"id": id("virtualNetworks/v/subnets/web"), "properties": {
        "networkSecurityGroup": {"id": id("networkSecurityGroups/nsg-s")},
        "routeTable": {"id": id("routeTables/t")},
        "ipConfigurations": [{"id": id("networkInterfaces/other/ipConfigurations/a")}]}});
    let part = |source: &str, body: &Value| HostPart {
        source: source.to_owned(),
        read: PartRead::File {
            content: body.to_string().as_str().into(),
        },
    };
    let raw = HostRaw {
        links: Vec::new(),
        parts: vec![part("nic", &body), part("subnet x", &subnet)],
    };
    let id = id("networkInterfaces/n1").parse().unwrap();
    snapshot(id, vec![section(SectionName::Nic, raw, TEN)], "test")
}

fn record(resource: &str, operation: &str, status: &str, minute: u64) -> Value {
    json!({"caller": "alice@example.com", "eventTimestamp": format!("2026-11-23T10:{minute:02}:00.1234567Z"),
        "operationName": {"value": operation, "localizedValue": "x"}, "status": {"value": status, "localizedValue": status},
        "resourceId": resource, "correlationId": format!("c-{resource}"),
        "category": {"value": "Administrative", "localizedValue": "x"}})
}

fn logs(records: &[Value]) -> Logs {
    let log = Log::read(records);
    let searched = Searched {
        index: Index::of(&log),
        gaps: log.gaps.len(),
        period: Period::since(TEN, TEN + 30 * MINUTE),
        read_at_us: TEN + 30 * MINUTE,
    };
    BTreeMap::from([("s1".to_owned(), Ok(searched))])
}

fn said(section: SectionName, path: &str, logs: &Logs) -> Attribution {
    attribute(
        &origins(section, path, &alone()),
        logs,
        Period::wanted(TEN, TEN + 30 * MINUTE),
        TEN,
    )
}

/// What the change may come from, where the network has these peers.
fn origins(section: SectionName, path: &str, peers: &Peers) -> Origins {
    let nic = nic();
    let mut origins = Around::of([&nic, &nic]).of_change(section, path);
    origins.peered(peers);
    origins
}

/// The network has peers in these subscriptions.
fn peered(subscriptions: &[&str]) -> Peers {
    let all = subscriptions.iter().map(ToString::to_string).collect();
    Peers::from([(id("virtualNetworks/v").to_lowercase(), Ok(all))])
}

fn alone() -> Peers {
    peered(&[])
}

fn rule_path(group: &str) -> String {
    let key = id(&format!("networkSecurityGroups/{group}")).to_lowercase();
    format!("rule/subnet/{key}/inbound/own/deny-5001")
}

#[test]
fn a_rule_names_who_wrote_it() {
    let rule = id("networkSecurityGroups/NSG-S/securityRules/deny-5001");
    let operation = "Microsoft.Network/networkSecurityGroups/securityRules/write";
    let logs = logs(&[
        record(&rule, operation, "Started", 4),
        record(&rule, operation, "Accepted", 5),
        record(&rule, operation, "Succeeded", 6),
    ]);
    let said = said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &logs);
    let expected = json!({
        "outcome": "recorded",
        "events": [{"link": "direct", "caller": "alice@example.com", "at_us": (TEN + 6 * MINUTE + 123_456).to_string(),
            "operation": operation, "status": "Succeeded", "resource": rule, "correlation": format!("c-{rule}")}],
        "more": 0,
        "searched": {"from_us": (TEN - MARGIN_US).to_string(), "to_us": (TEN + 30 * MINUTE + MARGIN_US).to_string()},
        "settled_until_us": (TEN + 10 * MINUTE).to_string(),
        "resources": [
            "/subscriptions/s1/resourcegroups/rg",
            "/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/networkinterfaces/n1",
            "/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/networksecuritygroups/nsg-s",
            "/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/virtualnetworks/v",
            "/subscriptions/s1/resourcegroups/rg/providers/microsoft.network/virtualnetworks/v/subnets/web",
        ],
        "why": null,
    });
    assert_eq!(serde_json::to_value(&said).unwrap(), expected);
}

#[test]
fn a_withdrawn_route_has_no_record_and_the_period_is_named() {
    let path = "route/10.9.0.0/16/virtualnetworkgateway/virtualnetworkgateway 10.1.0.4";
    let elsewhere = record(
        &id("networkSecurityGroups/nsg-s"),
        "Microsoft.Network/networkSecurityGroups/write",
        "Succeeded",
        6,
    );
    let said = said(SectionName::EffectiveRoutes, path, &logs(&[elsewhere]));
    assert_eq!((said.outcome, said.events.len()), (Outcome::NoRecord, 0));
    assert_eq!(said.searched, Some(Period::since(TEN, TEN + 30 * MINUTE)));
    let why = said.why.unwrap();
    assert!(
        why.contains("twenty minutes late") && why.contains("beyond a gateway"),
        "{why}"
    );
}

#[test]
fn a_gateway_is_lost_by_the_peering_of_the_network_that_lends_it() {
    let gateway = "route/10.9.0.0/16/virtualnetworkgateway/virtualnetworkgateway 10.1.0.4";
    let lent = "/subscriptions/s2/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/hub/virtualNetworkPeerings/spoke";
    let ended = record(
        lent,
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write",
        "Succeeded",
        6,
    );
    let mut both = logs(&[]);
    both.insert("s2".to_owned(), logs(&[ended]).remove("s1").unwrap());
    let wanted = Period::wanted(TEN, TEN + 30 * MINUTE);
    let origins = origins(SectionName::EffectiveRoutes, gateway, &peered(&["s2"]));
    let found = attribute(&origins, &both, wanted, TEN);
    assert_eq!(found.outcome, Outcome::Recorded, "{:?}", found.why);
}

#[test]
fn what_may_come_from_a_peer_is_no_record_only_where_the_logs_of_the_peers_were_read() {
    let gateway = "route/10.9.0.0/16/virtualnetworkgateway/virtualnetworkgateway 10.1.0.4";
    let of = |path: &str, peers: &Peers, logs: &Logs| {
        let wanted = Period::wanted(TEN, TEN + 30 * MINUTE);
        let origins = origins(SectionName::EffectiveRoutes, path, peers);
        assert_eq!(
            origins.subscriptions().len(),
            1 + peers.values().flatten().flatten().count()
        );
        attribute(&origins, logs, wanted, TEN)
    };
    let quiet = logs(&[]);
    let hub = "/subscriptions/s2/resourceGroups/h/providers/Microsoft.Network/virtualNetworkGateways/g";
    let deleted = record(
        hub,
        "Microsoft.Network/virtualNetworkGateways/delete",
        "Succeeded",
        6,
    );
    let mut both = quiet.clone();
    both.insert("s2".to_owned(), logs(&[deleted]).remove("s1").unwrap());
    for path in [gateway, "route/10.0.0.0/8/default"] {
        assert_eq!(of(path, &alone(), &quiet).outcome, Outcome::NoRecord, "{path}");
        let found = of(path, &peered(&["s2"]), &quiet);
        assert_eq!(found.outcome, Outcome::Unreadable, "{path}");
        assert!(
            found.why.unwrap().contains("subscription s2 was not read"),
            "{path}"
        );
        for unknown in [
            Peers::new(),
            Peers::from([(
                id("virtualNetworks/v").to_lowercase(),
                Err("AuthorizationFailed".to_owned()),
            )]),
        ] {
            let found = of(path, &unknown, &quiet);
            assert_eq!(found.outcome, Outcome::Unreadable, "{path}");
            assert!(
                found.why.unwrap().contains("in which subscriptions the peers"),
                "{path}"
            );
        }
    }
    let found = of(gateway, &peered(&["s2"]), &both);
    assert_eq!(
        found.events.iter().map(|event| event.link).collect::<Vec<_>>(),
        [Link::Possible]
    );
    // A rule of the interface's own comes from nowhere else.
    assert_eq!(
        of("route/0.0.0.0/0/user", &Peers::new(), &quiet).outcome,
        Outcome::NoRecord
    );
}

#[test]
fn what_may_still_be_written_is_said() {
    let origins = origins(SectionName::EffectiveNsg, &rule_path("nsg-s"), &alone());
    let asked = |to_us: u64| {
        let wanted = Period {
            from_us: Big(TEN),
            to_us: Big(to_us),
        };
        let said = attribute(&origins, &logs(&[]), wanted, TEN);
        assert_eq!(said.outcome, Outcome::NoRecord);
        (said.settled_until_us.map(|at| at.0), said.why.is_some())
    };
    // Read at half past: by ten past everything stands in it.
    assert_eq!(asked(TEN + 10 * MINUTE), (None, false));
    assert_eq!(asked(TEN + 10 * MINUTE + 1), (Some(TEN + 10 * MINUTE), true));
}

#[test]
fn a_gateway_is_a_possible_origin_of_a_route_of_its_own_and_of_no_other() {
    let logs = logs(&[record(
        &id("connections/c1"),
        "Microsoft.Network/connections/delete",
        "Succeeded",
        6,
    )]);
    let links = |path: &str| {
        let said = said(SectionName::EffectiveRoutes, path, &logs);
        said.events.iter().map(|event| event.link).collect::<Vec<_>>()
    };
    assert_eq!(
        links("route/10.9.0.0/16/virtualnetworkgateway/x"),
        [Link::Possible]
    );
    assert!(links("route/0.0.0.0/0/user").is_empty());
}

#[test]
fn each_kind_of_place_finds_its_resources() {
    let cases: &[(SectionName, &str, &str, bool)] = &[
        (
            SectionName::EffectiveRoutes,
            "route/0.0.0.0/0/user",
            "routeTables/t/routes/r",
            true,
        ),
        (
            SectionName::EffectiveRoutes,
            "route/0.0.0.0/0/user",
            "virtualNetworks/v/subnets/web",
            true,
        ),
        (
            SectionName::EffectiveRoutes,
            "route/10.0.0.0/8/default",
            "virtualNetworks/v/virtualNetworkPeerings/p",
            true,
        ),
        (
            SectionName::EffectiveRoutes,
            "route/0.0.0.0/0/user",
            "routeTables/other/routes/r",
            false,
        ),
        (
            SectionName::EffectiveRoutes,
            "route/0.0.0.0/0/user",
            "virtualNetworks/v/subnets/db",
            false,
        ),
        (SectionName::Nic, "nic//x", "networkInterfaces/n1", true),
        (SectionName::Nic, "nic//x", "networkInterfaces/other", false),
        (SectionName::Nic, "nic//x", "networkInterfaces/n11", false),
        (SectionName::Nic, "subnet//x", "virtualNetworks/v", true),
        (SectionName::Nic, "subnet//x", "networkInterfaces/n1", false),
    ];
    for (section, path, resource, found) in cases {
        let logs = logs(&[record(&id(resource), "Microsoft.Network/x/write", "Succeeded", 6)]);
        let said = said(*section, path, &logs);
        assert_eq!(!said.events.is_empty(), *found, "{section} {path} {resource}");
    }
}

#[test]
fn another_group_is_no_origin_and_a_commit_of_the_manager_is_one() {
    let other = logs(&[record(
        &id("networkSecurityGroups/nsg-n"),
        "Microsoft.Network/x/write",
        "Succeeded",
        6,
    )]);
    assert_eq!(
        said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &other).outcome,
        Outcome::NoRecord
    );
    let manager = id("networkManagers/m/securityAdminConfigurations/c/ruleCollections/rc/rules/r");
    let path = format!("admin-rule/{}", manager.to_lowercase());
    let commit = logs(&[record(
        &id("networkManagers/m"),
        "Microsoft.Network/networkManagers/commit/action",
        "Succeeded",
        6,
    )]);
    assert_eq!(said(SectionName::AdminRules, &path, &commit).events.len(), 1);
}

#[test]
fn whoever_deletes_the_group_deletes_what_is_in_it() {
    let group = "/subscriptions/s1/resourceGroups/Rg";
    let logs = logs(&[record(
        group,
        "Microsoft.Resources/subscriptions/resourceGroups/delete",
        "Succeeded",
        6,
    )]);
    assert_eq!(
        said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &logs)
            .events
            .len(),
        1
    );
}

#[test]
fn what_changed_nothing_is_no_origin() {
    let group = id("networkSecurityGroups/nsg-s");
    let write = "Microsoft.Network/networkSecurityGroups/write";
    let mut policy = record(
        &group,
        "Microsoft.Authorization/policies/audit/action",
        "Succeeded",
        6,
    );
    policy["category"]["value"] = json!("Policy");
    let reads = "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action";
    for nothing in [
        record(&group, write, "Failed", 6),
        record(&id("networkInterfaces/n1"), reads, "Succeeded", 6),
        policy,
    ] {
        let found = said(
            SectionName::EffectiveNsg,
            &rule_path("nsg-s"),
            &logs(std::slice::from_ref(&nothing)),
        );
        assert_eq!(found.outcome, Outcome::NoRecord, "{nothing}");
    }
    // Begun, and no end in the log: it may have changed something.
    let begun = logs(&[record(&group, write, "Started", 6)]);
    let found = said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &begun);
    assert_eq!(found.outcome, Outcome::Recorded);
}

#[test]
fn a_log_that_was_not_read_whole_is_never_no_record() {
    let path = rule_path("nsg-s");
    let refused = Logs::from([("s1".to_owned(), Err("AuthorizationFailed".to_owned()))]);
    for unread in [refused, Logs::new()] {
        let found = said(SectionName::EffectiveNsg, &path, &unread);
        assert_eq!((found.outcome, found.searched), (Outcome::Unreadable, None));
        assert!(found.why.is_some());
    }
    let good = record(&id("networkSecurityGroups/nsg-s"), "a/write", "Succeeded", 6);
    for (field, value) in [
        ("eventTimestamp", json!("yesterday")),
        ("eventTimestamp", json!(null)),
        ("operationName", json!({"value": 7})),
        ("operationName", json!(null)),
        ("resourceId", json!(null)),
        ("resourceId", json!(["x"])),
        ("caller", json!({})),
        ("status", json!([])),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let found = said(SectionName::EffectiveNsg, &path, &logs(&[bad.clone()]));
        assert_eq!(found.outcome, Outcome::Unreadable, "{bad}");
        assert_eq!(
            found.why.as_deref(),
            Some("1 of the log's records were not understood")
        );
        // One that is understood is named all the same.
        let found = said(SectionName::EffectiveNsg, &path, &logs(&[bad, good.clone()]));
        assert_eq!(found.outcome, Outcome::Recorded);
    }
    let found = said(SectionName::EffectiveNsg, &path, &logs(&[json!("<html>")]));
    assert_eq!(found.outcome, Outcome::Unreadable);
}

#[test]
fn where_the_resource_was_not_read_no_record_is_not_claimed() {
    let mut before = nic();
    before.sections.clear();
    let after = nic();
    let path = "route/0.0.0.0/0/user";
    let origins = Around::of([&before, &after]).of_change(SectionName::EffectiveRoutes, path);
    let found = attribute(&origins, &logs(&[]), Period::since(TEN, TEN), TEN);
    assert_eq!(found.outcome, Outcome::Unreadable);
    assert!(found.why.unwrap().contains("was not kept"));
}

#[test]
fn an_event_before_the_baseline_is_only_possible() {
    let before = record(&id("networkSecurityGroups/nsg-s"), "a/write", "Succeeded", 0);
    let nic = nic();
    let origins = Around::of([&nic, &nic]).of_change(SectionName::EffectiveNsg, &rule_path("nsg-s"));
    let baseline = TEN + 2 * MINUTE;
    let found = attribute(
        &origins,
        &logs(&[before]),
        Period::since(baseline, baseline),
        baseline,
    );
    assert_eq!(found.events.first().map(|event| event.link), Some(Link::Possible));
}

#[test]
fn an_event_outside_the_period_is_none_of_it() {
    let logs = logs(&[record(
        &id("networkSecurityGroups/nsg-s"),
        "a/write",
        "Succeeded",
        50,
    )]);
    let found = said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &logs);
    assert_eq!(found.outcome, Outcome::NoRecord);
}

#[test]
fn what_is_searched_is_what_azure_keeps() {
    let year = 365 * 86_400 * 1_000_000;
    let period = Period::since(TEN, TEN + year);
    assert!(period.from_us.0 > TEN + year - KEPT_US);
    let origins = origins(SectionName::EffectiveNsg, &rule_path("nsg-s"), &alone());
    let read = |now_us: u64| {
        let mut logs = logs(&[]);
        let log = logs.get_mut("s1").unwrap().as_mut().unwrap();
        (log.period, log.read_at_us) = (Period::since(TEN, now_us), now_us);
        logs
    };
    // Of a part of the time there is a log, and no record in it.
    let found = attribute(&origins, &read(TEN + year), Period::wanted(TEN, TEN + year), TEN);
    assert_eq!(
        (found.outcome, found.searched),
        (Outcome::Unreadable, Some(period))
    );
    assert!(found.why.unwrap().contains("90 days"));
    // Of none of it.
    let hour = Period {
        from_us: Big(TEN),
        to_us: Big(TEN + 60 * MINUTE),
    };
    let found = attribute(&origins, &read(TEN + year), hour, TEN);
    assert_eq!((found.outcome, found.searched), (Outcome::Unreadable, None));
    assert!(found.why.unwrap().contains("90 days"));
    let found = attribute(&origins, &read(TEN + KEPT_US / 2), hour, TEN);
    assert_eq!((found.outcome, found.why), (Outcome::NoRecord, None));
    // A baseline of the future, by another clock, makes no period that ends before it begins.
    let period = Period::since(TEN + year, TEN);
    assert!(period.from_us.0 <= period.to_us.0);
}

#[test]
fn the_surroundings_of_an_interface_are_its_own() {
    let resources = Around::of([&nic(), &nic()]).everything().resources();
    let has = |part: &str| resources.iter().any(|id| id.ends_with(part));
    assert!(has("/networksecuritygroups/nsg-s") && has("/networksecuritygroups/nsg-n"));
    assert!(has("/routetables/t") && has("/subnets/web") && has("/virtualnetworks/v"));
    assert!(!resources.iter().any(|id| id.contains("/other")), "{resources:?}");
}

proptest! {
    /// Whatever the log holds, each of its records is an event or a gap; the order of the records changes nothing.
    #[test]
    fn no_record_is_dropped_and_their_order_says_nothing(
        records in proptest::collection::vec((0usize..6, 0usize..5, 0usize..5, 0u64..30), 0..25),
        seed in 0usize..97,
    ) {
        const RESOURCES: [&str; 6] = ["networkSecurityGroups/nsg-s", "networkSecurityGroups/nsg-s/securityRules/r",
            "networkInterfaces/n1", "virtualNetworks/v/subnets/web", "routeTables/t", ""];
        const OPERATIONS: [&str; 5] = ["a/write", "a/delete", "a/commit/action", "a/read", ""];
        const STATES: [&str; 5] = ["Started", "Accepted", "Succeeded", "Failed", "Resolved"];
        let all: Vec<Value> = records.iter().enumerate().map(|(n, (resource, operation, status, minute))| {
            let name = RESOURCES[*resource];
            let resource = if name.is_empty() { String::new() } else { id(name) };
            let mut record = record(&resource, OPERATIONS[*operation], STATES[*status], *minute);
            record["correlationId"] = json!(format!("c{}", n % 4));
            record
        }).collect();
        let log = Log::read(&all);
        prop_assert_eq!(log.events.len() + log.gaps.len(), all.len());
        let mut other = all.clone();
        if !other.is_empty() {
            let by = seed % other.len();
            other.rotate_left(by);
            other.reverse();
        }
        let of = |all: &[Value]| said(SectionName::EffectiveNsg, &rule_path("nsg-s"), &logs(all));
        let (one, two) = (of(&all), of(&other));
        prop_assert_eq!(one.outcome, two.outcome);
        prop_assert_eq!(one.events.len() + one.more, two.events.len() + two.more);
        if !log.gaps.is_empty() {
            prop_assert_ne!(one.outcome, Outcome::NoRecord);
        }
        // A plain oracle: some act that did not fail, on a resource of the change.
        let concerns = |resource: &str| resource.contains("/nsg-s") || resource.ends_with("/n1") || resource.ends_with("/web");
        let act = |event: &&Event| event.operation != "a/read" && concerns(&event.resource);
        let acts: Vec<&Event> = log.events.iter().filter(act).collect();
        let never_failed = acts.iter().any(|act| !acts.iter().any(|other| other.status.as_deref() == Some("Failed")
            && other.correlation == act.correlation && other.resource == act.resource && other.operation == act.operation));
        if never_failed {
            prop_assert_eq!(one.outcome, Outcome::Recorded);
        }
        if acts.is_empty() {
            prop_assert_ne!(one.outcome, Outcome::Recorded);
        }
    }
}
