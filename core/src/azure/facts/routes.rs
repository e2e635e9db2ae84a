//! The section `effective-routes`: one fact for each route, however the entries group their prefixes.

use serde_json::Value as Json;

use super::value::{distinct, lifted, texts};
use super::{Bodies, gap};
use crate::azure::route::{self, Origin, Route};
use crate::facts::{Fact, Lifted, Property, Value};

/// Lifts the body of `POST …/effectiveRouteTable` (the part `routes`).
pub(super) fn lift(bodies: &Bodies<'_>, out: &mut Lifted) {
    let Some((source, body)) = bodies.named("routes", out) else {
        return;
    };
    match route::from_value(&body) {
        Ok(table) => table_facts(&table, out),
        Err(error) => out.gaps.push(gap(source, &error.to_string())),
    }
}

fn table_facts(table: &route::Table, out: &mut Lifted) {
    out.warnings.extend(table.warnings.iter().cloned());
    out.gaps.extend(table.cut.iter().map(|why| gap("route", why)));
    out.gaps.extend(table.undecided.iter().map(|entry| {
        let prefix = entry
            .prefix
            .map_or_else(|| format!("entry {}", entry.entry), |net| net.to_string());
        gap(&format!("route/{prefix}"), &entry.why)
    }));
    let facts = table.routes.iter().map(fact).collect();
    out.config.facts.extend(distinct(facts));
}

/// One route. Gateways give several routes for one prefix, each by another next hop: there the next hop is part of what a
/// route is; of any other route it is a property that can change.
fn fact(route: &Route) -> Fact {
    let properties = &route.properties;
    let mut key = vec![
        route.prefix.to_string().as_str().into(),
        properties.source.to_string().to_lowercase().as_str().into(),
    ];
    if let Some(name) = &properties.name {
        key.push(name.as_str().into());
    }
    let hops = properties.hops();
    if route.origin() == Some(Origin::Bgp) {
        key.push(hops.join(",").as_str().into());
    }
    let mut fact = Fact::new("route", key)
        .with("state", Value::word(properties.state.to_string().to_lowercase()))
        .with(
            "next-hop-type",
            Value::word(properties.next_hop_type.to_string().to_lowercase()),
        );
    if !hops.is_empty() {
        fact = fact.with("next-hops", texts(&hops));
    }
    fact = fact
        .with_flag("overrides-bgp", properties.has_bgp_override)
        .with_some(
            "keeps-bgp-out",
            properties.disable_bgp_propagation.map(Value::word),
        )
        .with_some("tag", route.tag.as_deref().map(|tag| Value::Text(tag.into())));
    if !properties.service_tags.is_empty() {
        fact = fact.with("made-for-tags", texts(&properties.service_tags));
    }
    let other = properties.other.iter().filter(|(_, value)| **value != Json::Null);
    fact.properties
        .extend(other.map(|(name, value)| Property::new(name, lifted(value))));
    fact
}
