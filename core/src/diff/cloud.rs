//! What changes of Azure's layer do to packets.
//!
//! The sections of a network interface are lists of facts and are compared as such. Where that finds something, the bodies are
//! compared once more as what they are, routes and security rules: which addresses take another route, which flows change their
//! verdict. Each change gets its effect from there, and facts that belong to one change become one. What is not understood
//! leaves the changes unrated.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::Kind;
use super::comparison::{Change, Comparison, Significance};
use super::explain::Explanation;
use super::side::{EntryState, Value};
use crate::azure::path::Interface;
use crate::section::SectionName;
use crate::snapshot::Snapshot;

mod resources;
mod routes;
mod rules;
#[cfg(test)]
mod tests;

/// A change as the comparison of routes or rules tells it.
#[derive(Debug)]
struct Told {
    section: SectionName,
    /// The paths of the facts that it takes away, the one that it is named by first.
    gone: Vec<String>,
    /// Those of the facts that it brings, likewise.
    new: Vec<String>,
    /// True where only the names of the facts differ: it is no change.
    same: bool,
    significance: Significance,
    effect: Option<String>,
    explanation: Option<Explanation>,
}

/// Works out the effects of what was found in these two snapshots.
pub(super) fn rate(found: &mut Comparison, before: &Snapshot, after: &Snapshot) {
    let has = |section| {
        found
            .changes
            .iter()
            .any(|change| of_azure(change) == Some(section))
    };
    if !SectionName::AZURE.into_iter().any(has) {
        return;
    }
    let sides = [before, after].map(interface);
    let mut told = Vec::new();
    if has(SectionName::EffectiveRoutes) {
        told.extend(routes::tell(&sides, false));
    }
    if has(SectionName::EffectiveNsg) || has(SectionName::AdminRules) {
        told.extend(rules::tell(&sides, false));
    }
    let changes = std::mem::take(&mut found.changes);
    found.changes = join(changes, told);
    resources::rate(found);
}

/// What is told of changes of Azure's layer, by section and path; worked out at the first asking.
#[derive(Default)]
pub(super) struct Explained {
    known: Option<BTreeMap<(SectionName, String), Explanation>>,
}

impl Explained {
    /// What this change means; `None` where that is not told by its routes or rules.
    pub(super) fn of(&mut self, change: &Change, before: &Snapshot, after: &Snapshot) -> Option<Explanation> {
        let section = of_azure(change).filter(|section| *section != SectionName::Nic)?;
        let known = self.known.get_or_insert_with(|| {
            let sides = [before, after].map(interface);
            let told = routes::tell(&sides, true).into_iter();
            let told = told.chain(rules::tell(&sides, true));
            let named = told.filter(|told| !told.same).filter_map(|told| {
                let path = told.new.into_iter().next().or(told.gone.into_iter().next())?;
                Some(((told.section, path), told.explanation?))
            });
            named.collect()
        });
        known.get(&(section, change.path.clone())).cloned()
    }
}

fn of_azure(change: &Change) -> Option<SectionName> {
    let of = SectionName::AZURE.contains(&change.section) && change.namespace.is_none();
    of.then_some(change.section)
}

/// What was read of the interface. No flow is asked about, so its address is of no account.
fn interface(snapshot: &Snapshot) -> Interface {
    Interface::of_snapshot(snapshot, IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Changes by section and path, with their places in the order.
type Left = BTreeMap<(SectionName, String), (usize, Change)>;

/// Gives each change what is told of it, and makes one of those that belong together.
fn join(changes: Vec<Change>, told: Vec<Told>) -> Vec<Change> {
    let mut left = Left::new();
    let mut done = Vec::new();
    for (place, change) in changes.into_iter().enumerate() {
        let key = (change.section, change.path.clone());
        if of_azure(&change).is_some() && !left.contains_key(&key) {
            left.insert(key, (place, change));
        } else {
            done.push((place, change));
        }
    }
    for told in told {
        apply(&told, &mut left);
    }
    done.extend(left.into_values());
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, change)| change).collect()
}

fn apply(told: &Told, left: &mut Left) {
    let take = |left: &mut Left, path: Option<&String>| {
        path.and_then(|path| left.remove_entry(&(told.section, path.clone())))
    };
    let (gone, new) = (told.gone.first(), told.new.first());
    let one = take(left, gone);
    let other = take(left, new.filter(|new| gone != Some(*new)));
    match (one, other) {
        (Some((_, (at, one))), Some((_, (to, other))))
            if one.kind == Kind::FactRemoved && other.kind == Kind::FactAdded =>
        {
            if told.same && properties(&one) == properties(&other) {
                return;
            }
            let both = Change {
                kind: Kind::FactChanged,
                before: one.before,
                ..other
            };
            keep(told, (at.min(to), both), left);
        }
        (one, other) => {
            for (_, entry) in one.into_iter().chain(other) {
                keep(told, entry, left);
            }
        }
    }
}

/// Puts a change back with its effect and what comes or goes with it.
fn keep(told: &Told, (place, mut change): (usize, Change), left: &mut Left) {
    if !told.same {
        change.significance = change.significance.max(told.significance);
        change.effect = match (change.effect.take(), &told.effect) {
            (Some(before), Some(more)) if before != *more => Some(format!("{before}; {more}")),
            (before, more) => before.or(more.clone()),
        };
    }
    for (paths, kind) in [(&told.gone, Kind::FactRemoved), (&told.new, Kind::FactAdded)] {
        for path in paths.iter().skip(1) {
            let key = (told.section, path.clone());
            if left.get(&key).is_some_and(|(_, other)| other.kind == kind)
                && let Some((_, other)) = left.remove(&key)
            {
                below(&mut change, &other);
            }
        }
    }
    left.insert((change.section, change.path.clone()), (place, change));
}

/// Adds what comes or goes with a change to it, as text.
fn below(change: &mut Change, other: &Change) {
    for (side, from) in [
        (&mut change.before, &other.before),
        (&mut change.after, &other.after),
    ] {
        if let (Some(Value::Entry(entry)), Some(Value::Entry(from))) = (side, from) {
            entry.below.push(from.text.clone());
        }
    }
}

/// What is set about the fact of a change, as it is now, or was.
fn properties(change: &Change) -> Option<&serde_json::Value> {
    let entry = entry(change.after.as_ref()).or(entry(change.before.as_ref()))?;
    entry.config.get("properties")
}

fn entry(side: Option<&Value>) -> Option<&EntryState> {
    match side {
        Some(Value::Entry(entry)) => Some(entry),
        _ => None,
    }
}
