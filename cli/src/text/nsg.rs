//! Security rules of Azure.

use std::collections::BTreeMap;

use netghost_core::azure::nsg::{Audit, Change, Diff, Evaluation, Hidden, Place, Rule};
use serde_json::Value;

use super::table::columns;

/// Why a verdict is what it is.
pub fn reason(found: &Evaluation<'_>) -> String {
    let own = found.why.map(str::to_owned);
    own.or_else(|| {
        found
            .deciding_gate()
            .map(|gate| format!("{} gate: {}", gate.gate.word(), gate.why()))
    })
    .unwrap_or_default()
}

/// What becomes of a flow.
pub fn evaluation(found: &Evaluation<'_>, missing: &BTreeMap<String, &'static str>) -> String {
    let mut text = format!("{}: {}\n", found.verdict.word(), reason(found));
    let gates = found.gates.iter().map(|gate| {
        let verdict = gate.verdict.word().to_owned();
        vec![
            gate.gate.word().to_owned(),
            verdict,
            gate.why(),
            gate.nsg.unwrap_or_default().to_owned(),
        ]
    });
    text += &columns(&gates.collect::<Vec<_>>(), 2);
    if !found.protocols.is_empty() {
        let each = found
            .protocols
            .iter()
            .map(|(protocol, verdict)| format!("{protocol} {}", verdict.word()));
        text += &format!("  by protocol: {}\n", each.collect::<Vec<_>>().join(", "));
    }
    for (what, why) in missing {
        text += &format!("not read: {what}: {why}\n");
    }
    text
}

/// What is notable about rules.
pub fn audit(found: &Audit<'_>) -> String {
    let mut text = String::new();
    let permissive = found.permissive.iter().map(|one| {
        let wildcards: Vec<&str> = one.wildcards.iter().map(|wildcard| wildcard.word()).collect();
        row(
            &one.place,
            one.severity.word(),
            &format!("any {}", wildcards.join(", ")),
        )
    });
    list(&mut text, "Rules that let much through", permissive.collect());
    let hidden = |all: &[Hidden<'_>]| -> Vec<Vec<String>> {
        let rows = all.iter().map(|one| {
            let by: Vec<String> = one.by.iter().map(|rule| named(rule)).collect();
            row(
                &one.place,
                one.severity.word(),
                &format!("behind {}", by.join(", ")),
            )
        });
        rows.collect()
    };
    list(
        &mut text,
        "Rules that can never fire, though they would decide otherwise",
        hidden(&found.shadowed),
    );
    list(
        &mut text,
        "Rules that can never fire, and change nothing",
        hidden(&found.redundant),
    );
    let bare = found.default_only.iter().map(|gate| {
        let what = if gate.absent {
            "no network security group"
        } else {
            "default rules only"
        };
        vec![
            gate.gate.word().to_owned(),
            gate.direction.word().to_owned(),
            what.to_owned(),
        ]
    });
    list(&mut text, "Gates without rules of their own", bare.collect());
    let doubts = found
        .undecided
        .iter()
        .map(|one| row(&one.place, "unknown", &one.why));
    list(
        &mut text,
        "Rules of which it is not known whether they can fire",
        doubts.collect(),
    );
    if text.is_empty() {
        "nothing notable\n".to_owned()
    } else {
        text
    }
}

fn list(text: &mut String, title: &str, rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        *text += &format!("{title}:\n{}", columns(&rows, 2));
    }
}

fn row(place: &Place<'_>, word: &str, what: &str) -> Vec<String> {
    let gate = format!("{} {}", place.gate.word(), place.direction.word());
    vec![word.to_owned(), gate, named(place.rule), what.to_owned()]
}

/// A rule as people name it.
fn named(rule: &Rule) -> String {
    let access = rule.access.map_or("?", netghost_core::azure::nsg::Access::word);
    let priority = rule
        .priority
        .map_or_else(|| "?".to_owned(), |priority| priority.to_string());
    format!("{} ({priority} {access})", rule.name)
}

/// What differs; `explained`: with the flows that show it.
pub fn diff(found: &Diff, explained: bool) -> String {
    let mut text = format!("{}\n", found.verdict.as_str());
    for change in &found.changes {
        text += &format!("  {} {}: {}\n", kind(change), change.path, change.effect.words());
        for line in edits(change) {
            text += &format!("    {line}\n");
        }
        for flows in change.effect.flows().iter().filter(|_| explained) {
            text += &format!("    {}\n", flows.words());
        }
    }
    for row in &found.not_covered {
        text += &format!("  not covered: {}: {}\n", row.path, row.why);
    }
    text
}

fn kind(change: &Change) -> String {
    let word = serde_json::to_value(change.kind).unwrap_or_default();
    word.as_str().unwrap_or_default().replace('_', " ")
}

/// The fields that a change edits.
fn edits(change: &Change) -> Vec<String> {
    let (Some(Value::Object(before)), Some(Value::Object(after))) = (&change.before, &change.after) else {
        return Vec::new();
    };
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let edited = names.filter(|name| before.get(*name) != after.get(*name));
    let word = |value: Option<&Value>| match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(members)) => {
            let words = members
                .iter()
                .map(|member| member.as_str().map_or_else(|| member.to_string(), str::to_owned));
            words.collect::<Vec<_>>().join(", ")
        }
        Some(other) => other.to_string(),
    };
    edited
        .map(|name| format!("{name}: {} -> {}", word(before.get(name)), word(after.get(name))))
        .collect()
}
