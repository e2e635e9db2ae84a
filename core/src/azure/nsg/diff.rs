//! What differs between two readings of a network interface's effective security rules, and which flows that changes.
//!
//! A gate is known by its network security group and its place, a rule by gate, direction and name. Order in lists is no
//! difference; what a tag stands for is one.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::model::{Direction, Effective, Gate, GateKind, Rule};
use crate::artifact::json::Digest;
use crate::artifact::json::value::to_vec;
use crate::azure::tags::Tags;
use crate::diff::Verdict;

mod content;
mod effect;
mod gates;
mod words;

pub use effect::{Effect, Flows};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// `drift` where something is known to differ, else `unknown` where a side was not understood whole.
    pub verdict: Verdict,
    /// The differences.
    pub changes: Vec<Change>,
    /// What was not understood, on either side.
    pub not_covered: Vec<NotCovered>,
    /// Of each side's configuration; none where the side was not understood whole.
    pub digests: [Option<Digest>; 2],
}

/// A difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What kind.
    pub kind: Kind,
    /// Where: `subnet/GROUP/inbound/RULE`.
    pub path: String,
    /// As it was.
    pub before: Option<Value>,
    /// As it is.
    pub after: Option<Value>,
    /// Which flows change their verdict by it, all gates taken together.
    pub effect: Effect,
    /// Where it is on each side.
    pub(crate) spots: [Option<Spot>; 2],
}

/// A gate, and a rule of it, by their places in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The gate.
    pub(crate) gate: usize,
    /// The rule; none: the gate itself.
    pub(crate) rule: Option<usize>,
}

impl Spot {
    fn of(side: &Effective, gate: &Gate, rule: Option<&Rule>) -> Option<Self> {
        let at = side.gates.iter().position(|other| std::ptr::eq(other, gate))?;
        let same = |other: &Rule| rule.is_some_and(|rule| std::ptr::eq(other, rule));
        Some(Self {
            gate: at,
            rule: gate.rules.iter().position(same),
        })
    }
}

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A network security group came into effect.
    GateAdded,
    /// One is no longer in effect.
    GateRemoved,
    /// One stands in another place.
    GateMoved,
    /// Another one stands in its place.
    GroupReplaced,
    /// What tags stand for.
    TagsChanged,
    /// A rule came.
    RuleAdded,
    /// A rule went.
    RuleRemoved,
    /// A rule says something else.
    RuleChanged,
}

/// Something that the comparison says nothing about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCovered {
    /// Where in the body.
    pub path: String,
    /// Why, naming the side.
    pub why: String,
}

/// Compares two readings.
pub fn diff(before: &Effective, after: &Effective, tags: &Tags) -> Diff {
    let mut changes = Vec::new();
    let worker = effect::Worker::new(before, after, tags);
    for pair in gates::pairs(&before.gates, &after.gates) {
        gate(pair, (before, after), &worker, &mut changes);
    }
    changes.sort_by(|a, b| (&a.path, a.kind).cmp(&(&b.path, b.kind)));
    let mut not_covered = Vec::new();
    for (side, name) in [(before, "the baseline"), (after, "the current side")] {
        not_covered.extend(side.warnings.iter().map(|warning| NotCovered {
            path: warning.at.clone(),
            why: format!("{name}: {}", warning.message),
        }));
    }
    Diff {
        verdict: match (changes.is_empty(), not_covered.is_empty()) {
            (false, _) => Verdict::Drift,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::NoDrift,
        },
        changes,
        not_covered,
        digests: [digest(before), digest(after)],
    }
}

/// Of the configuration, whatever the order of its lists.
fn digest(side: &Effective) -> Option<Digest> {
    if !side.warnings.is_empty() || side.more {
        return None;
    }
    let mut gates: Vec<String> = side
        .gates
        .iter()
        .map(|gate| content::gate(gate).to_string())
        .collect();
    gates.sort();
    to_vec(&json!(gates)).ok().map(|bytes| Digest::of(&bytes))
}

fn gate(
    (before, after): (Option<&Gate>, Option<&Gate>),
    sides: (&Effective, &Effective),
    worker: &effect::Worker<'_>,
    changes: &mut Vec<Change>,
) {
    let spots = [
        before.and_then(|gate| Spot::of(sides.0, gate, None)),
        after.and_then(|gate| Spot::of(sides.1, gate, None)),
    ];
    let mut add = |kind, path: String, effect| {
        changes.push(Change {
            kind,
            path,
            before: before.map(content::summary),
            after: after.map(content::summary),
            effect,
            spots,
        });
    };
    let (Some(old), Some(new)) = (before, after) else {
        let (kind, there) = match (before, after) {
            (Some(gate), _) => (Kind::GateRemoved, gate),
            (None, Some(gate)) => (Kind::GateAdded, gate),
            (None, None) => return,
        };
        add(kind, content::path(there), worker.gate(before, after));
        return;
    };
    if content::key(old.nsg.as_deref()) != content::key(new.nsg.as_deref()) {
        add(
            Kind::GroupReplaced,
            content::path(new),
            worker.gate(before, after),
        );
        return;
    }
    let place = |gate: &Gate| (gate.kind, content::key(gate.association.as_deref()));
    if place(old) != place(new) {
        add(Kind::GateMoved, content::path(new), worker.gate(before, after));
    }
    if content::tags(old) != content::tags(new) {
        changes.push(Change {
            kind: Kind::TagsChanged,
            path: content::path(new),
            before: Some(content::tags(old)),
            after: Some(content::tags(new)),
            effect: worker.gate(before, after),
            spots,
        });
    }
    rules((old, new), sides, worker, changes);
}

/// Rules with one direction, origin and name; of admin rules, which may share names, with one resource id.
type Named<'a> = BTreeMap<(Option<Direction>, bool, String), Vec<&'a Rule>>;

fn named(gate: &Gate) -> Named<'_> {
    let mut named = Named::new();
    for rule in &gate.rules {
        let id = rule.raw.get("id").and_then(Value::as_str);
        let name = id.filter(|_| gate.kind == GateKind::Admin).unwrap_or(&rule.name);
        let key = (rule.direction, rule.is_default(), name.to_lowercase());
        named.entry(key).or_default().push(rule);
    }
    named
}

fn rules(
    (old, new): (&Gate, &Gate),
    sides: (&Effective, &Effective),
    worker: &effect::Worker<'_>,
    changes: &mut Vec<Change>,
) {
    let (mut befores, mut afters) = (named(old), named(new));
    let mut keys: Vec<_> = befores.keys().chain(afters.keys()).cloned().collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let (mut befores, mut afters) = (
            befores.remove(&key).unwrap_or_default(),
            afters.remove(&key).unwrap_or_default(),
        );
        // Several rules of one name: what is equal is the same, in whatever order.
        befores.retain(|rule| {
            let same = afters
                .iter()
                .position(|other| content::rule(other) == content::rule(rule));
            same.map(|at| afters.remove(at)).is_none()
        });
        let most = befores.len().max(afters.len());
        for at in 0..most {
            let (before, after) = (befores.get(at).copied(), afters.get(at).copied());
            let there = after.or(before);
            let name = there.map_or("", |rule| rule.name.as_str());
            let direction = key.0.map_or("unknown", Direction::word);
            changes.push(Change {
                kind: match (before, after) {
                    (Some(_), Some(_)) => Kind::RuleChanged,
                    (Some(_), None) => Kind::RuleRemoved,
                    _ => Kind::RuleAdded,
                },
                path: format!("{}/{direction}/{name}", content::path(new)),
                before: before.map(content::rule),
                after: after.map(content::rule),
                effect: worker.rule((old, before), (new, after)),
                spots: [
                    before.and_then(|rule| Spot::of(sides.0, old, Some(rule))),
                    after.and_then(|rule| Spot::of(sides.1, new, Some(rule))),
                ],
            });
        }
    }
}

#[cfg(test)]
mod tests;
