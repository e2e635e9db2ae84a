//! Sections that are lists of entries with a key: qdiscs and classes, links, routes.

use std::fmt::Display;

use serde::Serialize;

use super::Kind;
use super::comparison::Change;
use super::gaps::Gaps;
use super::pair::by_key;
use super::side::{EntryState, Value};
use crate::facts::{Fact, Facts};
use crate::host::links::{Link, LinksConfig};
use crate::host::routes::{Prefix, Route, RoutesConfig};
use crate::section::SectionName;

mod filters;
mod shaping;

pub(super) use shaping::compare as tc;

/// How the entries of one list are compared.
#[derive(Clone, Copy)]
struct List<K> {
    section: SectionName,
    added: Kind,
    removed: Kind,
    changed: Kind,
    key: K,
}

impl<K> List<K> {
    /// Changes by key; `path` names an entry for people.
    fn compare<'a, T, Key>(
        self,
        before: &'a [T],
        after: &'a [T],
        path: impl Fn(&T) -> String,
        gaps: &Gaps,
    ) -> Result<Vec<Change>, String>
    where
        T: PartialEq + Serialize + Display,
        K: Fn(&'a T) -> Key,
        Key: Ord,
    {
        let mut out = Vec::new();
        for (one, other) in by_key(before, after, self.key) {
            let Some(named) = other.or(one) else { continue };
            let path = path(named);
            if one == other || gaps.touch(&path) {
                continue;
            }
            let kind = match (one, other) {
                (Some(_), Some(_)) => self.changed,
                (Some(_), None) => self.removed,
                _ => self.added,
            };
            let one = one.map(|entry| value(entry, Vec::new())).transpose()?;
            let other = other.map(|entry| value(entry, Vec::new())).transpose()?;
            out.push(Change::new(self.section, kind, path).before(one).after(other));
        }
        Ok(out)
    }
}

/// An entry as a change shows it.
fn value<T: Serialize + Display>(entry: &T, below: Vec<String>) -> Result<Value, String> {
    let config = serde_json::to_value(entry).map_err(text)?;
    Ok(Value::Entry(EntryState {
        text: entry.to_string(),
        config,
        below,
    }))
}

fn text(error: serde_json::Error) -> String {
    format!("an entry has no JSON form: {error}")
}

/// Network interfaces.
pub(super) fn links(before: &LinksConfig, after: &LinksConfig, gaps: &Gaps) -> Result<Vec<Change>, String> {
    let list = List {
        section: SectionName::Links,
        added: Kind::LinkAdded,
        removed: Kind::LinkRemoved,
        changed: Kind::LinkChanged,
        key: |link: &Link| link.name.clone(),
    };
    list.compare(&before.links, &after.links, |link| link.name.to_string(), gaps)
}

/// Routes. What the kernel itself tells routes of one table apart by is their key.
pub(super) fn routes(
    before: &RoutesConfig,
    after: &RoutesConfig,
    gaps: &Gaps,
) -> Result<Vec<Change>, String> {
    let list = List {
        section: SectionName::Routes,
        added: Kind::RouteAdded,
        removed: Kind::RouteRemoved,
        changed: Kind::RouteChanged,
        key: |route: &Route| {
            (
                route.table,
                route.family,
                route.destination,
                route.source,
                route.tos,
                route.priority,
            )
        },
    };
    list.compare(&before.routes, &after.routes, route_path, gaps)
}

/// Facts. Two of one kind and key are told apart by nothing that a person could name.
pub(super) fn facts(
    section: SectionName,
    before: &Facts,
    after: &Facts,
    gaps: &Gaps,
) -> Result<Vec<Change>, String> {
    let list = List {
        section,
        added: Kind::FactAdded,
        removed: Kind::FactRemoved,
        changed: Kind::FactChanged,
        key: |fact: &Fact| (fact.kind.clone(), fact.key.clone()),
    };
    list.compare(&before.facts, &after.facts, Fact::path, gaps)
}

fn route_path(route: &Route) -> String {
    let Prefix { address, length } = route.destination;
    let metric = match route.priority {
        0 => String::new(),
        metric => format!(" metric {metric}"),
    };
    format!("table {}/{address}/{length}{metric}", route.table)
}

#[cfg(test)]
mod tests;
