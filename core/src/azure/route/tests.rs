//! Selection, audits and differences of whole tables. The tables are made for the tests, after the shapes of real ones.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::audit::{Severity, audit};
use super::*;

mod differences;
mod oracle;
mod properties;

fn entry(prefix: &str, source: &str, hop: &str) -> Value {
    json!({"name": null, "source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": hop,
        "nextHopIpAddress": [], "disableBgpRoutePropagation": false})
}

fn by(mut entry: Value, addresses: &[&str]) -> Value {
    entry["nextHopIpAddress"] = json!(addresses);
    entry
}

fn with(mut entry: Value, name: &str, value: Value) -> Value {
    entry[name] = value;
    entry
}

fn table(entries: &[Value]) -> Table {
    from_value(&json!({"value": entries})).unwrap()
}

fn to(entries: &[Value], destination: &str) -> Lookup {
    lookup(&table(entries), destination.parse().unwrap())
}

fn winner(found: &Lookup) -> String {
    let winner = found
        .winner
        .as_ref()
        .unwrap_or_else(|| panic!("no winner: {found:?}"));
    format!("{} {}", winner.prefix.unwrap(), winner.way())
}

fn codes(found: &Lookup) -> Vec<&str> {
    found
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

fn vnet(prefix: &str) -> Value {
    entry(prefix, "Default", "VnetLocal")
}

fn bgp(prefix: &str) -> Value {
    by(
        entry(prefix, "VirtualNetworkGateway", "VirtualNetworkGateway"),
        &["10.255.0.4"],
    )
}

fn user(prefix: &str) -> Value {
    by(entry(prefix, "User", "VirtualAppliance"), &["10.0.0.4"])
}

fn internet() -> Value {
    entry("0.0.0.0/0", "Default", "Internet")
}

#[test]
fn the_longest_prefix_wins_and_then_the_maker() {
    let entries = [
        vnet("10.0.0.0/16"),
        bgp("10.9.0.0/16"),
        user("10.9.0.0/16"),
        entry("10.9.0.0/16", "Default", "None"),
        internet(),
    ];
    let found = to(&entries, "10.9.1.1");
    assert_eq!(winner(&found), "10.9.0.0/16 VirtualAppliance 10.0.0.4");
    assert_eq!((found.reason, found.shadowed.len()), (Reason::Source, 3));
    assert_eq!(codes(&found), ["NVA"]);
    let found = to(&entries[..2], "10.9.1.1");
    assert_eq!((found.reason, found.shadowed.len()), (Reason::OnlyRoute, 0));
    let found = to(&entries, "10.0.1.1");
    assert_eq!(
        (winner(&found).as_str(), found.reason),
        ("10.0.0.0/16 VnetLocal", Reason::LongestPrefix)
    );
    let without_user = [entries[1].clone(), entries[3].clone()];
    assert_eq!(
        winner(&to(&without_user, "10.9.1.1")),
        "10.9.0.0/16 VirtualNetworkGateway 10.255.0.4"
    );
}

#[test]
fn routes_to_the_network_come_before_longer_ones_of_bgp_and_not_of_people() {
    for hop in [
        "VnetLocal",
        "VNetPeering",
        "VNetGlobalPeering",
        "VirtualNetworkServiceEndpoint",
    ] {
        let system = entry("10.0.0.0/16", "Default", hop);
        let found = to(&[system.clone(), bgp("10.0.5.0/24"), internet()], "10.0.5.9");
        assert_eq!(
            found.winner.as_ref().unwrap().next_hop_type,
            Some(hop.into()),
            "{hop}"
        );
        assert_eq!(found.reason, Reason::SystemBeforeBgp.min_for(hop), "{hop}");
    }
    let found = to(&[vnet("10.0.0.0/16"), bgp("10.0.0.0/16")], "10.0.5.9");
    assert_eq!(winner(&found), "10.0.0.0/16 VnetLocal");
    let found = to(
        &[vnet("10.0.0.0/16"), bgp("10.0.5.0/24"), user("10.0.5.0/25")],
        "10.0.5.9",
    );
    assert_eq!(winner(&found), "10.0.5.0/25 VirtualAppliance 10.0.0.4");
    for hop in ["None", "Internet"] {
        let found = to(
            &[entry("10.0.0.0/8", "Default", hop), bgp("10.0.5.0/24")],
            "10.0.5.9",
        );
        assert_eq!(
            winner(&found),
            "10.0.5.0/24 VirtualNetworkGateway 10.255.0.4",
            "{hop}"
        );
    }
}

impl Reason {
    /// The rule about service endpoints is the stronger one.
    fn min_for(self, hop: &str) -> Self {
        if hop == "VirtualNetworkServiceEndpoint" {
            Self::ServiceEndpoint
        } else {
            self
        }
    }
}

#[test]
fn a_service_endpoint_is_overridden_by_no_route_table() {
    let endpoint = entry("13.65.0.0/16", "Default", "VirtualNetworkServiceEndpoint");
    let entries = [
        endpoint,
        user("13.65.1.0/24"),
        user("0.0.0.0/0"),
        bgp("13.65.1.1/32"),
    ];
    let found = to(&entries, "13.65.1.1");
    assert_eq!(winner(&found), "13.65.0.0/16 VirtualNetworkServiceEndpoint");
    assert!(
        found
            .shadowed
            .iter()
            .all(|one| one.because == Loss::ServiceEndpoint)
    );
    assert_eq!(
        winner(&to(&entries, "13.66.1.1")),
        "0.0.0.0/0 VirtualAppliance 10.0.0.4"
    );
}

#[test]
fn an_override_comes_before_longer_routes_of_bgp() {
    let over = with(user("10.0.0.0/8"), "hasBgpOverride", json!(true));
    let found = to(&[over.clone(), bgp("10.9.0.0/16")], "10.9.1.1");
    assert_eq!(
        (winner(&found).as_str(), found.reason),
        ("10.0.0.0/8 VirtualAppliance 10.0.0.4", Reason::BgpOverride)
    );
    let plain = with(over.clone(), "hasBgpOverride", json!(false));
    assert_eq!(
        winner(&to(&[plain, bgp("10.9.0.0/16")], "10.9.1.1")),
        "10.9.0.0/16 VirtualNetworkGateway 10.255.0.4"
    );
    let unused = with(over, "state", json!("Invalid"));
    let found = to(&[unused, bgp("10.9.0.0/16")], "10.9.1.1");
    assert_eq!(winner(&found), "10.9.0.0/16 VirtualNetworkGateway 10.255.0.4");
    assert_eq!(codes(&found), ["INVALID_SHADOW"]);
}

#[test]
fn an_invalid_route_never_wins_and_is_told_where_it_would() {
    let invalid = |entry| with(entry, "state", json!("Invalid"));
    let found = to(
        &[
            invalid(user("10.9.1.0/24")),
            invalid(user("10.9.0.0/16")),
            internet(),
        ],
        "10.9.1.1",
    );
    assert_eq!(winner(&found), "0.0.0.0/0 Internet");
    assert_eq!(codes(&found), ["INVALID_SHADOW", "INVALID_SHADOW"]);
    // One that loses anyway says nothing: the platform lists it so where a person's route took its place.
    let found = to(&[invalid(internet()), user("0.0.0.0/0")], "8.8.8.8");
    assert_eq!(codes(&found), ["NVA"]);
    let found = to(&[invalid(bgp("10.0.5.0/24")), vnet("10.0.0.0/16")], "10.0.5.1");
    assert!(codes(&found).is_empty());
    let found = to(&[invalid(user("10.0.0.0/8"))], "10.0.5.1");
    assert_eq!(
        (found.result, codes(&found)),
        (Answer::NoRoute, vec!["INVALID_SHADOW"])
    );
}

#[test]
fn no_rule_is_made_up_between_different_next_hops() {
    let other = by(bgp("10.9.0.0/16"), &["10.255.0.5"]);
    let found = to(&[bgp("10.9.0.0/16"), other, internet()], "10.9.1.1");
    assert_eq!(
        (found.result, found.tied.len(), found.shadowed.len()),
        (Answer::Tied, 2, 1)
    );
    assert!(found.winner.is_none());
    assert_eq!(codes(&found), ["ECMP"]);
    let found = to(&[bgp("10.9.0.0/16"), bgp("10.9.0.0/16"), internet()], "10.9.1.1");
    assert_eq!((found.result, found.shadowed.len()), (Answer::Winner, 1));
    let two = by(bgp("10.9.0.0/16"), &["10.255.0.4", "10.255.0.5"]);
    let turned = by(bgp("10.9.0.0/16"), &["10.255.0.5", "10.255.0.4"]);
    let found = to(&[two, turned], "10.9.1.1");
    assert_eq!((found.result, codes(&found)), (Answer::Winner, vec!["ECMP"]));
    let kinds = [
        vnet("10.0.0.0/16"),
        entry("10.0.0.0/16", "Default", "VnetPeering"),
    ];
    let found = to(&kinds, "10.0.0.1");
    assert_eq!((found.result, codes(&found)), (Answer::Tied, vec![]));
}

#[test]
fn families_do_not_mix_and_a_blackhole_is_told() {
    let entries = [internet(), entry("::/0", "User", "none"), vnet("fd00:1::/48")];
    assert_eq!(winner(&to(&entries, "fd00:1::5")), "fd00:1::/48 VnetLocal");
    let found = to(&entries, "2001:db8::1");
    assert!(found.is_blackhole());
    assert_eq!(codes(&found), ["BLACKHOLE"]);
    assert_eq!(to(&[internet()], "::1").result, Answer::NoRoute);
    let found = to(&[], "10.0.0.1");
    assert_eq!(
        (found.result, codes(&found)),
        (Answer::NoRoute, vec!["EMPTY_TABLE"])
    );
}

#[test]
fn service_tags_come_after_a_prefix_and_the_wide_after_the_narrow() {
    let tagged = |tag: &str, hop: &str| {
        with(
            by(user("20.38.0.0/17"), &[hop]),
            "destinationServiceTags",
            json!([tag]),
        )
    };
    let all = [
        tagged("AzureCloud", "10.0.0.9"),
        tagged("AzureCloud.westeurope", "10.0.0.8"),
        tagged("Storage", "10.0.0.7"),
        tagged("Storage.WestEurope", "10.0.0.6"),
        by(user("20.38.0.0/17"), &["10.0.0.5"]),
    ];
    for (at, hop) in ["10.0.0.9", "10.0.0.8", "10.0.0.7", "10.0.0.6", "10.0.0.5"]
        .iter()
        .enumerate()
    {
        let found = to(&all[..=at], "20.38.1.1");
        assert_eq!(found.winner.unwrap().next_hop_ips, [*hop]);
        assert!(at == 0 || found.reason == Reason::ServiceTag);
    }
}

#[test]
fn what_is_not_understood_matters_only_where_it_could() {
    let doubtful = |prefix: &str| with(user(prefix), "state", json!(null));
    let entries = [
        vnet("10.0.0.0/16"),
        internet(),
        doubtful("10.0.1.0/24"),
        doubtful("0.0.0.0/0"),
    ];
    let found = to(&entries, "10.0.1.1");
    assert_eq!(
        (found.result, found.possible.len(), found.missing.len()),
        (Answer::Unknown, 2, 2)
    );
    let found = to(&entries, "10.0.2.1");
    assert_eq!(
        (winner(&found).as_str(), found.missing.len()),
        ("10.0.0.0/16 VnetLocal", 1)
    );
    assert_eq!(to(&entries, "8.8.8.8").result, Answer::Unknown);
    assert_eq!(to(&entries, "::1").result, Answer::NoRoute);
    // One that says the same as a route that is understood changes nothing.
    let twin = [user("10.0.1.0/24"), doubtful("10.0.1.0/24")];
    assert_eq!(
        winner(&to(&twin, "10.0.1.1")),
        "10.0.1.0/24 VirtualAppliance 10.0.0.4"
    );
    let anywhere = [vnet("10.0.0.0/16"), with(user("x"), "name", json!("by-tag"))];
    assert_eq!(to(&anywhere, "10.0.1.1").result, Answer::Unknown);
    let unused = [vnet("10.0.0.0/16"), with(user("x"), "state", json!("Invalid"))];
    assert_eq!(to(&unused, "10.0.1.1").result, Answer::Winner);
}

#[test]
fn a_next_hop_that_is_not_understood_is_never_an_answer() {
    for (field, value) in [
        ("nextHopType", json!(null)),
        ("nextHopIpAddress", json!({})),
        ("source", json!("Unknown")),
    ] {
        let found = to(&[with(user("10.0.1.0/24"), field, value), internet()], "10.0.1.1");
        assert_eq!(
            (found.result, found.possible.len()),
            (Answer::Unknown, 1),
            "{field}"
        );
    }
}

#[test]
fn what_microsoft_leaves_open_is_tried_both_ways() {
    let group = |prefix| entry(prefix, "Default", "ConnectedGroup");
    assert_eq!(
        to(&[group("10.1.0.0/16"), bgp("10.1.5.0/24")], "10.1.5.1").result,
        Answer::Unknown
    );
    let found = to(&[group("10.1.5.0/24"), bgp("10.1.0.0/16")], "10.1.5.1");
    assert_eq!(winner(&found), "10.1.5.0/24 ConnectedGroup");
}

#[test]
fn a_table_that_is_cut_decides_nothing() {
    let body = json!({"value": [vnet("10.0.0.0/16")], "nextLink": "https://x"});
    let found = lookup(&from_value(&body).unwrap(), "10.0.0.1".parse().unwrap());
    assert_eq!(
        (found.result, found.possible.len(), found.missing.len()),
        (Answer::Unknown, 1, 1)
    );
}

#[test]
fn too_many_doubts_are_no_answer() {
    let mut entries: Vec<Value> = (1..=30)
        .map(|at| with(user(&format!("10.0.0.0/{at}")), "state", json!("?")))
        .collect();
    entries.push(vnet("10.0.0.0/31"));
    assert_eq!(to(&entries, "10.0.0.1").result, Answer::Unknown);
}

#[test]
fn an_audit_tells_what_no_address_takes() {
    let entries = [
        vnet("10.0.0.0/16"),
        user("10.0.0.0/17"),
        user("10.0.128.0/17"),
        bgp("10.0.5.0/24"),
        entry("10.7.0.0/16", "User", "None"),
        with(user("10.8.0.0/16"), "state", json!("Invalid")),
        entry("192.168.0.0/16", "Default", "None"),
        user("0.0.0.0/0"),
        entry("::/0", "Default", "Internet"),
    ];
    let found = audit(&table(&entries));
    let never: Vec<String> = found
        .never_used
        .iter()
        .map(|one| one.route.prefix.unwrap().to_string())
        .collect();
    assert_eq!(never, ["10.0.0.0/16", "10.0.5.0/24"]);
    assert_eq!(found.never_used[0].instead.len(), 2);
    assert_eq!(
        (found.blackholes.user.len(), found.blackholes.system.len()),
        (1, 1)
    );
    assert_eq!(found.invalid[0].would_be_used, ["10.8.0.0/16".parse().unwrap()]);
    assert_eq!(
        (found.counts.active, found.counts.invalid, found.counts.ipv6),
        (8, 1, 1)
    );
    assert_eq!((found.nva.len(), found.bgp.len()), (3, 1));
    let defaults: Vec<Answer> = found.defaults.iter().map(|one| one.result).collect();
    assert_eq!(defaults, [Answer::Winner, Answer::Winner]);
    let told: Vec<(&str, Severity)> = found
        .findings
        .iter()
        .map(|one| (one.code, one.severity))
        .collect();
    assert_eq!(
        told,
        [
            ("USER_BLACKHOLE", Severity::Medium),
            ("INVALID_SHADOW", Severity::Medium),
            ("DEFAULT_BY_NVA", Severity::Info),
            ("SYSTEM_BLACKHOLE", Severity::Info),
        ]
    );
}

#[test]
fn an_audit_tells_ties_and_empty_tables() {
    let entries = [
        bgp("10.9.0.0/16"),
        by(bgp("10.9.0.0/16"), &["10.255.0.5"]),
        user("10.9.1.0/24"),
    ];
    let found = audit(&table(&entries));
    let prefixes: Vec<String> = found.ties[0].prefixes.iter().map(ToString::to_string).collect();
    assert_eq!(
        (prefixes.len(), prefixes[0].as_str(), found.ties[0].same_kind),
        (8, "10.9.0.0/24", true)
    );
    assert_eq!(found.findings[0].code, "ECMP");
    let found = audit(&table(&[]));
    assert_eq!(
        (found.findings[0].code, found.findings[0].severity),
        ("NO_ROUTES", Severity::High)
    );
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}
