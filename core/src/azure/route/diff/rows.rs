//! Routes in the form in which they are compared.

use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use crate::artifact::json::{self, Digest};
use crate::azure::net::Net;
use crate::azure::route::{Properties, Route, Table};

/// A route as it is compared. Two are equal where everything said of them is.
#[derive(Debug, Clone)]
pub(in crate::azure::route) struct Row<'t> {
    pub(in crate::azure::route) prefix: Net,
    pub(in crate::azure::route) tag: Option<String>,
    pub(in crate::azure::route) said: Rc<Said>,
    /// The route itself.
    pub(in crate::azure::route) route: &'t Route,
    /// Its place among the routes of its table.
    pub(in crate::azure::route) place: usize,
}

/// What an entry says, in one spelling.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(in crate::azure::route) struct Said {
    pub(in crate::azure::route) source: String,
    pub(in crate::azure::route) name: Option<String>,
    pub(in crate::azure::route) next_hop_type: String,
    pub(in crate::azure::route) next_hop_ips: Vec<String>,
    pub(in crate::azure::route) state: String,
    pub(in crate::azure::route) has_bgp_override: bool,
    pub(in crate::azure::route) disable_bgp_propagation: bool,
    pub(in crate::azure::route) service_tags: Vec<String>,
    /// What tags hold, and fields that are not known, as JSON.
    pub(in crate::azure::route) tag_map: String,
    pub(in crate::azure::route) other: String,
}

impl Said {
    fn of(properties: &Properties) -> Self {
        let sorted = |list: &[String]| {
            let mut list: Vec<String> = list.iter().map(|word| word.to_ascii_lowercase()).collect();
            list.sort();
            list.dedup();
            list
        };
        let tags = properties.tag_map.iter();
        let mut tags: Vec<_> = tags
            .map(|(tag, held)| (tag.to_ascii_lowercase(), sorted(held)))
            .collect();
        tags.sort();
        Self {
            source: properties.source.key(),
            name: properties.name.clone().filter(|name| !name.is_empty()),
            next_hop_type: properties.next_hop_type.key(),
            next_hop_ips: properties.hops(),
            state: properties.state.key(),
            has_bgp_override: properties.has_bgp_override,
            // Older versions of the interface leave it out.
            disable_bgp_propagation: properties.disable_bgp_propagation.unwrap_or_default(),
            service_tags: sorted(&properties.service_tags),
            tag_map: text(&tags, tags.is_empty()),
            other: text(&properties.other, properties.other.is_empty()),
        }
    }
}

/// As JSON; nothing where there is nothing.
fn text(value: &impl Serialize, empty: bool) -> String {
    if empty {
        return String::new();
    }
    // Maps of strings and values of JSON always have a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

impl Row<'_> {
    fn key(&self) -> (Net, &Option<String>, &Said) {
        (self.prefix, &self.tag, &self.said)
    }
}

impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Row<'_> {}

impl PartialOrd for Row<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The routes of a table, sorted, each once.
pub(in crate::azure::route) fn rows(table: &Table) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(table.routes.len());
    for (place, route) in table.routes.iter().enumerate() {
        // The prefixes of one entry stand together and share what it says.
        let same = rows
            .last()
            .filter(|last| Arc::ptr_eq(&last.route.properties, &route.properties));
        let said = same.map(|last| Rc::clone(&last.said));
        rows.push(Row {
            prefix: route.prefix,
            tag: route.tag.as_ref().map(|tag| tag.to_ascii_lowercase()),
            said: said.unwrap_or_else(|| Rc::new(Said::of(&route.properties))),
            route,
            place,
        });
    }
    rows.sort();
    rows.dedup();
    rows
}

/// A digest over all routes; `None` where the table is not understood whole.
pub(in crate::azure::route) fn digest(table: &Table) -> Option<Digest> {
    let rows = rows(table);
    let all: Vec<(Net, &Option<String>, &Said)> = rows.iter().map(Row::key).collect();
    table.is_whole().then(|| json::digest(&all).ok()).flatten()
}
