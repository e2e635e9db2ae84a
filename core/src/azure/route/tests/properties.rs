//! Selection, audits and effects of drawn tables against the oracle, address by address.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::oracle::{Outcome, outcome};
use super::*;
use crate::azure::net::{bits, from_bits};

const PREFIXES: [&str; 12] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.0.0/25",
    "10.0.0.128/25",
    "10.0.1.0/24",
    "10.0.0.5/32",
    "255.255.255.0/24",
    "::/0",
    "fd00::/8",
    "fd00::5/128",
];
const HOPS: [&str; 7] = [
    "VnetLocal",
    "VNetPeering",
    "Internet",
    "None",
    "VirtualAppliance",
    "VirtualNetworkServiceEndpoint",
    "ConnectedGroup",
];
const SOURCES: [&str; 3] = ["User", "VirtualNetworkGateway", "Default"];

/// An entry that is understood.
pub(super) fn drawn() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(0..PREFIXES.len(), 1..3),
        0..SOURCES.len(),
        0..HOPS.len(),
        0..3u8,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(prefixes, source, hop, address, active, over)| {
            let prefixes: BTreeSet<&str> = prefixes.into_iter().map(|at| PREFIXES[at]).collect();
            json!({
                "name": if source == 0 { json!(format!("to-{hop}")) } else { Value::Null },
                "source": SOURCES[source],
                "state": if active { "Active" } else { "Invalid" },
                "addressPrefix": prefixes,
                "nextHopType": HOPS[hop],
                "nextHopIpAddress": (0..address).map(|at| format!("10.0.0.{at}")).collect::<Vec<_>>(),
                "hasBgpOverride": over,
            })
        })
}

pub(super) fn tables() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(drawn(), 0..7)
}

/// An address of every piece between the bounds of all prefixes, and their neighbours.
fn addresses() -> Vec<IpAddr> {
    let mut all: BTreeSet<IpAddr> = BTreeSet::new();
    for prefix in PREFIXES {
        let net: crate::azure::net::Net = prefix.parse().unwrap();
        let (first, last) = net.bounds();
        let around = [Some(first), first.checked_sub(1), Some(last), last.checked_add(1)];
        let fits = |number: &u128| !net.is_ipv4() || *number <= u128::from(u32::MAX);
        all.extend(
            around
                .into_iter()
                .flatten()
                .filter(fits)
                .map(|number| from_bits(number, net.address())),
        );
    }
    all.into_iter().collect()
}

/// The answer in the oracle's form; `None`: unknown.
fn told(found: &Lookup) -> Option<Outcome> {
    let face = |route: &Shown| {
        let mut hops = route.next_hop_ips.clone();
        hops.sort();
        hops.dedup();
        let kind = route.next_hop_type.as_ref().unwrap().key();
        let source = route.source.as_ref().unwrap().to_string();
        (
            route.prefix.unwrap().to_string(),
            source,
            format!("{kind} {hops:?}"),
        )
    };
    match found.result {
        Answer::Unknown => None,
        _ => Some(found.winner.iter().chain(&found.tied).map(face).collect()),
    }
}

/// All that a table could say, with every entry that is not understood put right in every way.
fn worlds(entries: &[Value]) -> Vec<Vec<Value>> {
    let Some(at) = entries.iter().position(|entry| {
        ["state", "source", "addressPrefix"]
            .iter()
            .any(|name| entry[*name].is_null())
    }) else {
        return vec![entries.to_vec()];
    };
    let mut all = Vec::new();
    let mut put = |name: &str, value: Value| {
        let mut entries = entries.to_vec();
        entries[at][name] = value;
        all.extend(worlds(&entries));
    };
    if entries[at]["state"].is_null() {
        ["Active", "Invalid"]
            .into_iter()
            .for_each(|word| put("state", json!(word)));
    } else if entries[at]["source"].is_null() {
        SOURCES.into_iter().for_each(|word| put("source", json!(word)));
    } else {
        ["0.0.0.0/0", "10.0.0.0/24", "10.0.0.5/32", "fd00::5/128"]
            .into_iter()
            .for_each(|prefix| put("addressPrefix", json!([prefix])));
        put("addressPrefix", json!([]));
    }
    all
}

proptest! {
    #[test]
    fn selection_is_the_oracles(entries in tables()) {
        let table = table(&entries);
        for address in addresses() {
            let found = told(&lookup(&table, address));
            let both = [true, false].map(|preferred| outcome(&entries, address, preferred));
            let open = both[0] != both[1];
            prop_assert_eq!(found, (!open).then(|| both[0].clone()), "{}", address);
        }
    }

    #[test]
    fn an_audit_says_what_lookups_say(entries in tables()) {
        let table = table(&entries);
        let found = audit(&table);
        let lookups: Vec<Lookup> = addresses().into_iter().map(|address| lookup(&table, address)).collect();
        let used = |route: &Shown| lookups.iter().any(|one| {
            let mut routes = one.winner.iter().chain(&one.tied).chain(&one.possible);
            routes.any(|there| there.line() == route.line())
        });
        for idle in &found.never_used {
            prop_assert!(!used(&idle.route), "{}", idle.route.line());
        }
        let idle = |route: &Shown| found.never_used.iter().any(|idle| idle.route == *route);
        for route in table.routes.iter().filter(|route| route.is_active()).map(Shown::from) {
            // Of two that say the same but in name, the first stands for both.
            let twins = table.routes.iter().filter(|other| Some(other.prefix) == route.prefix).count();
            prop_assert!(idle(&route) || used(&route) || twins > 1, "{}", route.line());
        }
        for one in &lookups {
            let within = |tie: &audit::Tie| tie.prefixes.iter().any(|prefix| prefix.contains(one.destination));
            prop_assert_eq!(found.ties.iter().any(within), one.result == Answer::Tied);
        }
    }

    #[test]
    fn effects_are_where_lookups_differ(before in tables(), after in tables()) {
        let (one, other) = (table(&before), table(&after));
        let found = diff::diff(&one, &other);
        for address in addresses() {
            let (was, is) = (lookup(&one, address), lookup(&other, address));
            let around = |effect: &&diff::Effect| effect.prefixes.iter().any(|prefix| prefix.contains(address));
            let effects: Vec<_> = found.effects.iter().filter(around).collect();
            match told(&was).zip(told(&is)) {
                Some((told_was, told_is)) => {
                    prop_assert_eq!(effects.len(), usize::from(told_was != told_is), "{}", address);
                    for effect in effects {
                        prop_assert_eq!((effect.before.result, effect.after.result), (was.result, is.result));
                    }
                }
                None => {
                    prop_assert!(effects.is_empty());
                    prop_assert!(!found.effects_complete || found.changes.is_empty());
                }
            }
        }
    }
}

proptest! {
    // Each case is worked out in all its worlds.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_told_holds_however_doubts_are_resolved(
        entries in prop::collection::vec(drawn(), 1..6),
        doubts in prop::collection::vec((0..6usize, 0..3usize), 1..3),
    ) {
        let mut doubtful = entries.clone();
        for (at, field) in doubts {
            let at = at % doubtful.len();
            doubtful[at][["state", "source", "addressPrefix"][field]] = Value::Null;
        }
        let table = from_value(&json!({"value": doubtful})).unwrap();
        let worlds = worlds(&doubtful);
        for address in addresses() {
            let found = lookup(&table, address);
            let all: BTreeSet<Outcome> = worlds
                .iter()
                .flat_map(|world| [true, false].map(|preferred| outcome(world, address, preferred)))
                .collect();
            if let Some(told) = told(&found) {
                prop_assert_eq!(all, BTreeSet::from([told]), "{}", address);
            } else if doubtful.iter().all(|entry| !entry["source"].is_null() && !entry["addressPrefix"].is_null()) {
                prop_assert!(all.len() > 1, "unknown without a reason: {}", address);
            }
        }
    }
}

#[test]
fn the_pieces_meet_the_addresses_that_are_asked_for() {
    assert!(addresses().len() > 20);
    assert_eq!(bits(address("0.0.0.5")), 5);
}
