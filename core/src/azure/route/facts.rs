//! The section `effective-routes` as facts: one for each route, in the spelling in which routes are compared.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::diff::rows::{Row, rows};
use super::{Origin, Table, from_value};
use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::section::Gap;

/// The kind of these facts, and the path of what could be any of them.
pub const KIND: &str = "route";

/// Lifts a body as Azure Resource Manager gave it. What is not understood is a gap: at its prefix where that is known, else at
/// [`KIND`], since it could be any route.
pub fn lift(body: &Json) -> Lifted {
    match from_value(body) {
        Ok(table) => Lifted {
            config: Facts::new(facts(&table)),
            gaps: gaps(&table),
            warnings: table.warnings,
            ..Lifted::default()
        },
        Err(error) => Lifted {
            gaps: vec![gap(KIND.to_owned(), error.to_string())],
            ..Lifted::default()
        },
    }
}

/// One fact for each route. Its key is the prefix and the maker. A gateway gives a prefix by as many routes as it has paths, so
/// there the next hop is part of the key, that the loss of one path is one change; elsewhere it is so only where several share
/// the rest. Where they share that too, a number is.
fn facts(table: &Table) -> Vec<Fact> {
    let rows = rows(table);
    let keys = keys(&rows);
    rows.iter().zip(keys).map(|(row, key)| fact(row, key)).collect()
}

/// The path of the fact of each route that is one, by the route's place in the table.
pub(crate) fn paths(table: &Table) -> BTreeMap<usize, String> {
    let rows = rows(table);
    let keys = keys(&rows).into_iter().map(|key| Fact::new(KIND, key).path());
    rows.iter().map(|row| row.place).zip(keys).collect()
}

/// The paths before and after of routes that are equal on both sides and whose facts go by other names: a key says more where
/// several share it.
pub(crate) fn renamed(before: &Table, after: &Table) -> Vec<(String, String)> {
    let path = |key| Fact::new(KIND, key).path();
    let (one, other) = (rows(before), rows(after));
    let news: BTreeMap<&Row<'_>, Vec<Text>> = other.iter().zip(keys(&other)).collect();
    let olds = one.iter().zip(keys(&one));
    let both = olds.filter_map(|(row, old)| Some((old, news.get(row)?)));
    let renamed = both.filter(|(old, new)| old != *new);
    renamed.map(|(old, new)| (path(old), path(new.clone()))).collect()
}

fn keys(rows: &[Row<'_>]) -> Vec<Vec<Text>> {
    let mut keys: Vec<Vec<Text>> = rows.iter().map(key).collect();
    for more in [
        |row: &Row<'_>, _| way(row),
        |_: &Row<'_>, nth: usize| nth.to_string(),
    ] {
        let mut count: BTreeMap<Vec<Text>, usize> = BTreeMap::new();
        for key in &keys {
            *count.entry(key.clone()).or_default() += 1;
        }
        let mut nth: BTreeMap<Vec<Text>, usize> = BTreeMap::new();
        for (row, key) in rows.iter().zip(&mut keys) {
            if count.get(key).is_some_and(|count| *count > 1) {
                let nth = nth.entry(key.clone()).or_default();
                *nth += 1;
                key.push(more(row, *nth).into());
            }
        }
    }
    keys
}

fn key(row: &Row<'_>) -> Vec<Text> {
    let mut key = vec![row.prefix.to_string().into(), row.said.source.clone().into()];
    if Origin::of(&row.said.source.as_str().into()) == Some(Origin::Bgp) {
        key.push(way(row).into());
    }
    key
}

fn way(row: &Row<'_>) -> String {
    let said = &row.said;
    format!("{} {}", said.next_hop_type, said.next_hop_ips.join(","))
        .trim_end()
        .to_owned()
}

fn fact(row: &Row<'_>, key: Vec<Text>) -> Fact {
    let said = &row.said;
    let text = |text: &String| (!text.is_empty()).then(|| Value::Text(text.clone().into()));
    let list = |list: &[String]| {
        let members = list.iter().map(Value::word).collect();
        (!list.is_empty()).then_some(Value::List(members))
    };
    Fact::new(KIND, key)
        .with("state", Value::word(&said.state))
        .with("next_hop_type", Value::word(&said.next_hop_type))
        .with_some("next_hop_ips", list(&said.next_hop_ips))
        .with_some("name", said.name.as_ref().and_then(text))
        .with_some("service_tag", row.tag.as_ref().and_then(text))
        .with_flag("has_bgp_override", said.has_bgp_override)
        .with_flag("disable_bgp_propagation", said.disable_bgp_propagation)
        .with_some("service_tags", list(&said.service_tags))
        .with_some("tag_map", text(&said.tag_map))
        .with_some("other", text(&said.other))
}

fn gaps(table: &Table) -> Vec<Gap> {
    let missing = table.missing(None).into_iter().map(|missing| {
        let path = missing
            .prefix
            .map_or(KIND.to_owned(), |prefix| format!("{KIND}/{prefix}"));
        let entry = missing.entry.map(|entry| format!("entry {entry}: "));
        gap(path, entry.unwrap_or_default() + &missing.why)
    });
    missing.collect()
}

fn gap(path: String, why: String) -> Gap {
    Gap { path, why }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(prefixes: &[&str], source: &str, address: &str) -> Json {
        json!({"name": null, "source": source, "state": "Active", "addressPrefix": prefixes,
            "nextHopType": "VirtualNetworkGateway", "nextHopIpAddress": [address]})
    }

    fn paths(lifted: &Lifted) -> Vec<String> {
        lifted.config.facts.iter().map(Fact::path).collect()
    }

    #[test]
    fn a_route_is_a_fact_with_a_key_of_its_own() {
        let body = json!({"value": [
            entry(&["10.1.0.0/16", "10.2.0.0/16"], "User", "10.0.0.4"),
            entry(&["10.1.0.0/16"], "VirtualNetworkGateway", "10.255.0.4"),
            entry(&["10.1.0.0/16"], "VirtualNetworkGateway", "10.255.0.5"),
            entry(&["10.1.0.0/16"], "VirtualNetworkGateway", "10.255.0.5"),
        ]});
        let mut same_way = body.clone();
        same_way["value"][3]["name"] = json!("twin");
        let lifted = lift(&body);
        let expected = [
            "route/10.1.0.0/16/user",
            "route/10.1.0.0/16/virtualnetworkgateway/virtualnetworkgateway 10.255.0.4",
            "route/10.1.0.0/16/virtualnetworkgateway/virtualnetworkgateway 10.255.0.5",
            "route/10.2.0.0/16/user",
        ];
        assert_eq!(paths(&lifted), expected);
        assert!(lifted.gaps.is_empty());
        let keys = paths(&lift(&same_way));
        let unique: std::collections::BTreeSet<&String> = keys.iter().collect();
        assert_eq!((keys.len(), unique.len()), (5, 5));
    }

    #[test]
    fn spelling_and_grouping_make_no_other_facts() {
        let one = json!([entry(&["10.1.0.0/16", "10.2.0.0/16"], "User", "10.0.0.4")]);
        let other = json!({"value": [entry(&["10.2.0.0/16"], "user", "10.0.0.4"), entry(&["10.1.0.0/16"], "User", "10.0.0.4")]});
        assert_eq!(lift(&one).config, lift(&other).config);
        let edited = json!([entry(&["10.1.0.0/16", "10.2.0.0/16"], "User", "10.0.0.5")]);
        assert_ne!(lift(&one).config, lift(&edited).config);
        assert_eq!(paths(&lift(&one)), paths(&lift(&edited)));
    }

    #[test]
    fn what_is_not_understood_is_a_gap() {
        let mut body = json!({"value": [entry(&["10.1.0.0/16"], "Unknown", ""), entry(&["x"], "User", "")], "nextLink": "y"});
        let path = |lifted: &Lifted| lifted.gaps.iter().map(|gap| gap.path.clone()).collect::<Vec<_>>();
        assert_eq!(path(&lift(&body)), ["route", "route/10.1.0.0/16", "route"]);
        body["value"] = Json::Null;
        assert_eq!(path(&lift(&body)), ["route"]);
        let lifted = lift(&json!({"value": []}));
        assert!(lifted.gaps.is_empty() && lifted.config.facts.is_empty() && lifted.warnings.len() == 1);
    }
}
