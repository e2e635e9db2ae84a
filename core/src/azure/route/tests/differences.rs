//! Differences of tables.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::diff::{Difference, Kind, SideName, Significance, diff, explain};
use super::properties::tables;
use super::*;
use crate::diff::Verdict;

fn between(before: &[Value], after: &[Value]) -> Difference {
    diff(&table(before), &table(after))
}

fn kinds(found: &Difference) -> Vec<(Kind, &str)> {
    found
        .changes
        .iter()
        .map(|change| (change.kind, change.path.as_str()))
        .collect()
}

#[test]
fn grouping_and_order_are_no_drift() {
    let several = with(vnet("x"), "addressPrefix", json!(["10.0.0.0/16", "10.1.0.0/16"]));
    let one = [
        several,
        by(user("0.0.0.0/0"), &["10.0.0.4", "10.0.0.5"]),
        entry("10.2.0.0/16", "Default", "VNetPeering"),
    ];
    let other = [
        entry("10.2.0.0/16", "default", "VnetPeering"),
        vnet("10.1.0.0/16"),
        by(user("0.0.0.0/0"), &["10.0.0.5", "10.0.0.4"]),
        vnet("10.0.0.0/16"),
    ];
    let found = between(&one, &other);
    assert_eq!(
        (found.verdict, found.drift_detected),
        (Verdict::NoDrift, Some(false)),
        "{found:?}"
    );
    assert!(found.digests.baseline.is_some() && found.digests.baseline == found.digests.current);
}

#[test]
fn two_paths_of_bgp_for_one_prefix_are_two() {
    let second = by(bgp("10.9.0.0/16"), &["10.255.0.5"]);
    let both = [bgp("10.9.0.0/16"), second.clone()];
    let found = between(&both, &[second]);
    assert_eq!(
        kinds(&found),
        [(Kind::RouteRemoved, "10.9.0.0/16 VirtualNetworkGateway")]
    );
    assert_eq!(
        found.changes[0].before.as_ref().unwrap().next_hop_ips,
        ["10.255.0.4"]
    );
    assert_eq!(found.effects[0].before.result, Answer::Tied);
    assert!(found.digests.baseline != found.digests.current);
}

#[test]
fn a_modification_is_one_change() {
    let named = |prefix: &str, hop: &str| with(by(user(prefix), &[hop]), "name", json!("to-firewall"));
    let found = between(
        &[named("10.1.0.0/16", "10.0.0.4"), internet()],
        &[named("10.1.0.0/16", "10.0.0.5"), internet()],
    );
    assert_eq!(
        kinds(&found),
        [(Kind::RouteModified, "10.1.0.0/16 User to-firewall")]
    );
    let change = &found.changes[0];
    assert_eq!(
        (change.fields.as_slice(), change.significance),
        (&["next_hop_ips"][..], Significance::Medium)
    );
    assert_eq!(
        change.effect.as_deref(),
        Some("10.1.0.0/16: VirtualAppliance 10.0.0.4 -> VirtualAppliance 10.0.0.5")
    );
    // The name tells that it is the same route with another prefix.
    let found = between(
        &[named("10.1.0.0/16", "10.0.0.4")],
        &[named("10.2.0.0/16", "10.0.0.4")],
    );
    assert_eq!(found.changes.len(), 1);
    assert_eq!(
        (found.changes[0].kind, found.changes[0].fields.as_slice()),
        (Kind::RouteModified, &["prefix"][..])
    );
    // Other makers' routes of the same prefix are other routes.
    let found = between(&[bgp("10.1.0.0/16")], &[user("10.1.0.0/16")]);
    assert_eq!(found.changes.len(), 2);
}

#[test]
fn an_effect_is_exact() {
    let base = [vnet("10.0.0.0/16"), internet()];
    let found = between(&base, &[vnet("10.0.0.0/16"), internet(), user("10.0.0.0/8")]);
    let change = &found.changes[0];
    assert_eq!(change.significance, Significance::Medium);
    let places: Vec<String> = found.effects[0]
        .prefixes
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        places,
        [
            "10.1.0.0/16",
            "10.2.0.0/15",
            "10.4.0.0/14",
            "10.8.0.0/13",
            "10.16.0.0/12",
            "10.32.0.0/11",
            "10.64.0.0/10",
            "10.128.0.0/9"
        ]
    );
    // A default route that is taken away leaves nothing.
    let found = between(&base, &[vnet("10.0.0.0/16")]);
    assert_eq!(found.changes[0].significance, Significance::High);
    assert!(
        found.changes[0]
            .effect
            .as_ref()
            .unwrap()
            .ends_with("Internet -> dropped (no route)")
    );
    // What loses everywhere has no effect.
    let found = between(&base, &[vnet("10.0.0.0/16"), internet(), bgp("10.0.5.0/24")]);
    assert_eq!(
        (found.changes[0].significance, found.effects.len()),
        (Significance::Info, 0)
    );
    // Another route to the same next hop.
    let found = between(
        &[vnet("10.0.0.0/16"), vnet("10.0.1.0/24")],
        &[vnet("10.0.0.0/16")],
    );
    assert_eq!(
        (found.changes[0].significance, found.effects[0].next_hop_changes),
        (Significance::Low, false)
    );
}

#[test]
fn an_explanation_names_the_routes() {
    let found = between(
        &[vnet("10.0.0.0/16"), internet()],
        &[vnet("10.0.0.0/16"), internet(), user("10.0.1.0/24")],
    );
    let said = explain(&found);
    assert!(
        said[0]
            .text
            .contains("10.0.1.0/24: was VnetLocal, by Default 10.0.0.0/16"),
        "{}",
        said[0].text
    );
    let roles: Vec<&str> = said[0].evidence.iter().map(|row| row.role).collect();
    assert_eq!(roles, ["changed", "used", "used"]);
}

#[test]
fn what_is_not_understood_is_never_no_drift() {
    let doubtful = with(user("10.0.1.0/24"), "state", json!("Pending"));
    let found = between(std::slice::from_ref(&doubtful), std::slice::from_ref(&doubtful));
    assert_eq!(
        (found.verdict, found.drift_detected, found.not_covered.len()),
        (Verdict::Unknown, None, 2)
    );
    assert!(found.digests.baseline.is_none());
    // It may be the route of the other side.
    let found = between(&[user("10.0.1.0/24")], std::slice::from_ref(&doubtful));
    assert_eq!((found.verdict, found.changes.len()), (Verdict::Unknown, 0));
    assert_eq!(found.not_covered.len(), 2);
    assert!(found.not_covered.iter().all(|row| row.side == SideName::Current));
    // Something else is known to differ.
    let found = between(
        &[vnet("10.0.0.0/16"), internet()],
        &[vnet("10.0.0.0/16"), doubtful],
    );
    assert_eq!(
        (found.verdict, found.changes.len(), found.not_covered.len()),
        (Verdict::Drift, 1, 1)
    );
    assert!(!found.effects_complete);
}

#[test]
fn a_page_that_is_missing_may_hold_what_is_gone() {
    let whole = table(&[vnet("10.0.0.0/16"), internet()]);
    let cut = from_value(&json!({"value": [internet()], "nextLink": "x"})).unwrap();
    let found = diff(&whole, &cut);
    assert_eq!(
        (found.verdict, found.changes.len(), found.not_covered.len()),
        (Verdict::Unknown, 0, 2)
    );
    let more = from_value(&json!({"value": [internet(), user("10.0.0.0/8")], "nextLink": "x"})).unwrap();
    let found = diff(&whole, &more);
    assert_eq!(
        (found.verdict, kinds(&found)),
        (Verdict::Drift, vec![(Kind::RouteAdded, "10.0.0.0/8 User")])
    );
    assert_eq!(
        (found.changes[0].significance, found.effects.len()),
        (Significance::Unrated, 0)
    );
    assert_eq!(diff(&cut, &cut).verdict, Verdict::Unknown);
}

#[test]
fn an_empty_table_is_known() {
    let found = between(&[], &[]);
    assert_eq!(found.verdict, Verdict::NoDrift);
    assert_eq!(found.warnings.len(), 2);
    assert_eq!(
        between(&[internet()], &[]).changes[0].significance,
        Significance::High
    );
}

/// What a table says, from its text: each prefix with all that its entry says.
fn said(entries: &[Value]) -> BTreeSet<String> {
    let rows = entries.iter().flat_map(|entry| {
        let prefixes = entry["addressPrefix"].as_array().unwrap().iter();
        prefixes.map(|prefix| with(entry.clone(), "addressPrefix", prefix.clone()).to_string())
    });
    rows.collect()
}

proptest! {
    #[test]
    fn a_difference_is_a_difference_of_what_is_said(before in tables(), after in tables()) {
        let found = between(&before, &after);
        let differs = said(&before) != said(&after);
        prop_assert_eq!(found.drift_detected, Some(differs));
        prop_assert_eq!(found.changes.is_empty(), !differs);
        prop_assert_eq!(found.digests.baseline != found.digests.current, differs);
        let gone = found.changes.iter().filter(|change| change.before.is_some()).count();
        let new = found.changes.iter().filter(|change| change.after.is_some()).count();
        prop_assert_eq!((gone, new), (
            said(&before).difference(&said(&after)).count(),
            said(&after).difference(&said(&before)).count(),
        ));
    }

    #[test]
    fn a_table_does_not_differ_from_itself_however_it_is_grouped(entries in tables(), order in any::<u64>()) {
        let mut rows: Vec<Value> = entries.iter().flat_map(|entry| {
            let prefixes = entry["addressPrefix"].as_array().unwrap().clone();
            prefixes.into_iter().map(move |prefix| with(entry.clone(), "addressPrefix", prefix))
        }).collect();
        rows.sort_by_key(|row| row.to_string().bytes().fold(order, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let found = between(&entries, &rows);
        prop_assert_eq!((found.verdict, found.changes.len()), (Verdict::NoDrift, 0));
        prop_assert_eq!(found.digests.baseline, found.digests.current);
        prop_assert_eq!(between(&entries, &entries).verdict, Verdict::NoDrift);
    }

    #[test]
    fn each_edit_is_drift_or_unknown(
        entries in prop::collection::vec(super::properties::drawn(), 1..6),
        at in any::<prop::sample::Index>(),
        edit in 0..10usize,
    ) {
        let edits = [
            ("state", json!("Active")), ("state", json!("Invalid")), ("source", json!("User")),
            ("nextHopType", json!("HyperNet")), ("nextHopIpAddress", json!(["10.0.0.77"])), ("name", json!("edited")),
            ("hasBgpOverride", json!(true)), ("addressPrefix", json!(["172.16.0.0/12"])), ("state", json!("Broken")),
            ("someday", json!(1)),
        ];
        let (name, value) = edits[edit].clone();
        let mut edited = entries.clone();
        let place = at.index(entries.len());
        edited[place][name] = value;
        let found = between(&entries, &edited);
        if edit == 8 {
            prop_assert!(found.verdict == Verdict::Unknown || !found.changes.is_empty());
            prop_assert!(!found.not_covered.is_empty());
        } else {
            prop_assert_eq!(found.verdict == Verdict::Drift, said(&entries) != said(&edited));
        }
    }
}
