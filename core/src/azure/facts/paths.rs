//! By which path the fact of a gate, a tag or a rule goes.

use super::rules::key;
use crate::azure::nsg::{Direction, Gate, GateKind, Rule};
use crate::facts::Fact;

/// The gate itself.
pub(crate) fn gate(gate: &Gate) -> String {
    Fact::new("gate", key(gate, &[])).path()
}

/// What a tag stands for at a gate.
pub(crate) fn tag(gate: &Gate, tag: &str) -> String {
    Fact::new("tag", key(gate, &[tag])).path()
}

/// A rule of a gate. One of several that share a direction, origin and name has none.
pub(crate) fn rule(gate: &Gate, rule: &Rule) -> Option<String> {
    if gate.kind == GateKind::Admin {
        return Some(super::admin::named(&rule.raw)?.path());
    }
    let same = |other: &&Rule| {
        other.name == rule.name
            && other.direction == rule.direction
            && other.is_default() == rule.is_default()
    };
    let alone = gate.rules.iter().filter(same).count() == 1;
    alone.then(|| named(gate, rule).path())
}

/// All facts of a gate, itself first.
pub(crate) fn all(of: &Gate) -> Vec<String> {
    let tags = of.tags.keys().map(|name| tag(of, name));
    let rules = of.rules.iter().filter_map(|one| rule(of, one));
    std::iter::once(gate(of)).chain(tags).chain(rules).collect()
}

/// The fact of a rule, with nothing set yet.
pub(super) fn named(gate: &Gate, rule: &Rule) -> Fact {
    let direction = rule.direction.map_or("unknown", Direction::word);
    let collection = if rule.is_default() { "default" } else { "own" };
    Fact::new("rule", key(gate, &[direction, collection, &rule.name]))
}
