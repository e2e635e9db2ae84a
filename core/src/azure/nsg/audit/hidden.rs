//! Rules that can never fire, because those before them take all of their flows.

use super::super::compiled::CompiledRule;
use super::super::model::{Protocol, Rule, Side, Term};
use super::{Audit, Doubt, Hidden, Place, Severity};
use crate::azure::space::{Budget, Protocols, Ranges, Region, TooMany};

/// Looks at the rules of one gate and direction, in the order in which they are asked.
pub(super) fn find<'a>(
    rules: &[CompiledRule<'a>],
    place: &impl Fn(&'a Rule) -> Place<'a>,
    budget: &mut Budget,
    found: &mut Audit<'a>,
) {
    let mut before: Vec<(&CompiledRule<'a>, Region)> = Vec::with_capacity(rules.len());
    for rule in rules {
        let its = rule.rule;
        if !its.is_whole() {
            let why = its
                .faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ");
            found.undecided.push(Doubt {
                place: place(its),
                why,
            });
        }
        // A rule whose priority is not known may come before any other.
        let Some(priority) = its.priority else {
            continue;
        };
        let earlier = || {
            before
                .iter()
                .filter(|(other, _)| other.rule.priority < Some(priority))
        };
        match hiding(rule, earlier().map(|(other, region)| (*other, region)), budget) {
            Ok(None) => {}
            Ok(Some(by)) => add(place(its), by, found),
            Err(error) => found.undecided.push(Doubt {
                place: place(its),
                why: error.to_string(),
            }),
        }
        before.push((rule, rule.inner()));
    }
}

fn add<'a>(place: Place<'a>, by: Vec<&'a Rule>, found: &mut Audit<'a>) {
    let same = by
        .iter()
        .all(|other| other.access.is_some() && other.access == place.rule.access);
    let severity = match (same, place.rule.is_default()) {
        // Default rules are there to be overruled.
        (_, true) => Severity::Info,
        (true, false) => Severity::Low,
        (false, false) => Severity::Medium,
    };
    let hidden = Hidden { place, by, severity };
    if same {
        found.redundant.push(hidden);
    } else {
        found.shadowed.push(hidden);
    }
}

/// The rules that together take all flows of `rule`; none where a flow may be left.
fn hiding<'r, 'a: 'r>(
    rule: &CompiledRule<'a>,
    earlier: impl Iterator<Item = (&'r CompiledRule<'a>, &'r Region)>,
    budget: &mut Budget,
) -> Result<Option<Vec<&'a Rule>>, TooMany> {
    let mut left = rule.outer();
    let mut by = Vec::new();
    // A tag without any address: nobody hides what is not there.
    if left.is_empty() {
        return Ok(None);
    }
    for (other, region) in earlier {
        if subsumes(other.rule, rule.rule) {
            by.push(other.rule);
            return Ok(Some(by));
        }
        if left.overlaps(region) {
            left = left.subtract(region, budget)?;
            by.push(other.rule);
        }
        if left.is_empty() {
            return Ok(Some(by));
        }
    }
    Ok(None)
}

/// True where every flow of `rule` is one of `other`, whatever the tags of both stand for: a tag is within itself.
fn subsumes(other: &Rule, rule: &Rule) -> bool {
    let ports = |outer: &Option<Ranges<u16>>, inner: &Option<Ranges<u16>>| match (outer, inner) {
        (Some(outer), Some(inner)) => outer.covers(inner),
        _ => false,
    };
    let protocol = match (other.protocol, rule.protocol) {
        (Some(outer), Some(inner)) => {
            let plain = Protocols::WITH_PORTS.covers(inner.set()) || whole(other);
            let all = outer == Protocol::Any && inner == Protocol::Any;
            outer.set().covers(inner.set()) && (plain || all)
        }
        _ => false,
    };
    other.is_whole()
        && rule.is_whole()
        && protocol
        && ports(&other.ports, &rule.ports)
        && ports(&other.source_ports, &rule.source_ports)
        && side(&other.sources, &rule.sources)
        && side(&other.destinations, &rule.destinations)
}

/// True for a rule on all ports, which packets without ports meet too.
fn whole(rule: &Rule) -> bool {
    let all = |ports: &Option<Ranges<u16>>| ports.as_ref().is_some_and(Ranges::is_full);
    all(&rule.ports) && all(&rule.source_ports)
}

fn side(outer: &Side, inner: &Side) -> bool {
    let keys: Vec<Term> = outer.terms.iter().map(Term::key).collect();
    let same_expansion = outer.expanded == inner.expanded;
    let listed = |term: &Term| keys.contains(&Term::Any) || (same_expansion && keys.contains(&term.key()));
    !inner.terms.is_empty() && inner.terms.iter().all(listed)
}
