//! Changes of security groups and admin rules: which flows change their verdict.

use std::collections::BTreeSet;

use super::Told;
use crate::azure::facts::paths;
use crate::azure::nsg::{
    Change, Compiled, Effect, Effective, Flows, Gate, GateKind, Kind, PublicAddress, Spot, diff,
};
use crate::azure::path::Interface;
use crate::azure::tags::Tags;
use crate::diff::comparison::{Side, Significance};
use crate::diff::explain::{Evidence, Explanation, Role};
use crate::section::SectionName;

/// Said where a side's admin rules are not known.
const NO_ADMIN: &str = "admin rules, which come before, were not read on both sides";

/// What differs between the gates of both sides, admin rules among them.
pub(super) fn tell([before, after]: &[Interface; 2], explained: bool) -> Vec<Told> {
    let admin = before.admin.captured().zip(after.admin.captured());
    let sides = [
        effective(before, admin.map(|(admin, _)| admin)),
        effective(after, admin.map(|(_, admin)| admin)),
    ];
    let [old, new] = &sides;
    let tags = Tags::default();
    let found = diff(old, new, &tags);
    let compiled = explained.then(|| sides.each_ref().map(|side| Compiled::new(side, None, &tags)));
    let mut told = Vec::new();
    for change in &found.changes {
        let mut rated = rated(change, admin.is_some());
        rated.section = section(change, &sides);
        rated.explanation = compiled
            .as_ref()
            .map(|compiled| explanation(change, &rated, compiled));
        match change.kind {
            Kind::TagsChanged => told.extend(tags_changed(change, &sides, &rated)),
            _ => {
                let [gone, new] = facts(change, &sides);
                told.push(Told { gone, new, ..rated });
            }
        }
    }
    told
}

/// The gates of a side. Where its groups were not read, they count as not read whole, so that nothing is concluded from them.
fn effective(side: &Interface, admin: Option<&Gate>) -> Effective {
    let mut effective = side.rules.captured().cloned().unwrap_or(Effective {
        more: true,
        ..Effective::default()
    });
    effective.gates.extend(admin.cloned());
    effective
}

fn rated(change: &Change, admin: bool) -> Told {
    let mut significance = change.effect.significance();
    let mut effect = change.effect.words();
    // Less comes to the groups if admin rules decide first: what changes nothing without them changes nothing.
    if !admin && change.effect != Effect::None {
        significance = Significance::Unrated;
        effect = format!("{effect}; {NO_ADMIN}");
    }
    Told {
        section: SectionName::EffectiveNsg,
        gone: Vec::new(),
        new: Vec::new(),
        same: false,
        significance,
        effect: Some(effect),
        explanation: None,
    }
}

fn gate(side: &Effective, spot: Option<Spot>) -> Option<&Gate> {
    side.gates.get(spot?.gate)
}

fn section(change: &Change, sides: &[Effective; 2]) -> SectionName {
    let gates = sides.iter().zip(change.spots);
    let mut admin = gates.filter_map(|(side, spot)| gate(side, spot));
    match admin.next().map(|gate| gate.kind) {
        Some(GateKind::Admin) => SectionName::AdminRules,
        _ => SectionName::EffectiveNsg,
    }
}

/// The facts that a change takes away and brings.
fn facts(change: &Change, sides: &[Effective; 2]) -> [Vec<String>; 2] {
    let gates = [0, 1].map(|side: usize| {
        let spot = change.spots.get(side).copied().flatten();
        sides.get(side).and_then(|side| gate(side, spot))
    });
    // Where only its association changed, the gate's rules stay what they are.
    let moved = gates[0].map(paths::gate) != gates[1].map(paths::gate);
    let mut out = [Vec::new(), Vec::new()];
    for ((out, gate), spot) in out.iter_mut().zip(gates).zip(change.spots) {
        let (Some(gate), Some(spot)) = (gate, spot) else {
            continue;
        };
        match spot.rule.and_then(|rule| gate.rules.get(rule)) {
            Some(rule) => out.extend(paths::rule(gate, rule)),
            None if moved => out.extend(paths::all(gate)),
            None => out.push(paths::gate(gate)),
        }
    }
    out
}

/// One for each tag that stands for something else.
fn tags_changed(change: &Change, sides: &[Effective; 2], rated: &Told) -> Vec<Told> {
    let [Some(old), Some(new)] = [0, 1].map(|side: usize| {
        let spot = change.spots.get(side).copied().flatten();
        sides.get(side).and_then(|side| gate(side, spot))
    }) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = old.tags.keys().chain(new.tags.keys()).collect();
    let differs = names
        .into_iter()
        .filter(|name| old.tags.get(*name) != new.tags.get(*name));
    let told = differs.map(|name| Told {
        section: rated.section,
        gone: vec![paths::tag(old, name)],
        new: vec![paths::tag(new, name)],
        same: false,
        significance: rated.significance,
        effect: rated.effect.clone(),
        explanation: rated.explanation.clone(),
    });
    told.collect()
}

fn explanation(change: &Change, rated: &Told, [old, new]: &[Compiled<'_>; 2]) -> Explanation {
    let happened = match change.kind {
        Kind::GateAdded => "is in effect now.",
        Kind::GateRemoved => "is in effect no longer.",
        Kind::GateMoved => "stands in another place.",
        Kind::GroupReplaced => "took the place of another group.",
        Kind::TagsChanged => "has tags that stand for other addresses.",
        Kind::RuleAdded => "is new.",
        Kind::RuleRemoved => "is gone.",
        Kind::RuleChanged => "says something else.",
    };
    let mut text = format!("{} {happened}", change.path);
    if let Some(effect) = &rated.effect {
        let mut letters = effect.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        text += &format!(" {}{}.", first.unwrap_or_default(), letters.as_str());
    }
    if matches!(change.effect, Effect::Changed { .. }) {
        text += " Connections that are established stay as they are.";
    }
    let mut evidence = Vec::new();
    for flows in change.effect.flows() {
        evidence.extend(decides(flows, old, Side::Baseline));
        evidence.extend(decides(flows, new, Side::Current));
    }
    Explanation { text, evidence }
}

/// What decides about such flows on one side.
fn decides(flows: &Flows, side: &Compiled<'_>, which: Side) -> Option<Evidence> {
    let found = side.evaluate(&flows.sample()?, PublicAddress::Standard).ok()?;
    let gate = found.deciding_gate()?;
    let group = gate.nsg.and_then(|id| id.rsplit('/').next());
    Some(Evidence {
        side: which,
        role: Role::Decides,
        path: format!("{}/{}", gate.gate.word(), group.unwrap_or("-")),
        text: format!("{}: {}", flows.words(), gate.why()),
    })
}
