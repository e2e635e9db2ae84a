//! The result of a comparison.

use netghost_core::bytes::Text;
use netghost_core::diff::{ChainState, Change, Comparison, Explanation, NotCovered, Value, Verdict, explain};
use netghost_core::netfilter::model::BaseChain;
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;
use serde::Serialize;
use serde_json::Value as Json;

use super::gaps::{Gap, gaps};
use super::table::columns;
use crate::clock;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;

/// The answer of a command that compares; `explained`: with what each change means for traffic.
pub fn outcome(
    found: &Comparison,
    before: &Snapshot,
    after: &Snapshot,
    explained: bool,
) -> Result<Outcome, Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        found: &'a Comparison,
        baseline: Side<'a>,
        current: Side<'a>,
    }
    let explanations = if explained {
        explain(found, before, after)
    } else {
        Vec::new()
    };
    let document = Document {
        found,
        baseline: side(before),
        current: side(after),
    };
    let internal = |error| Failure::failed("internal", error);
    let mut document = serde_json::to_value(&document).map_err(internal)?;
    if let Some(changes) = document.get_mut("changes").and_then(Json::as_array_mut) {
        attach(changes, &explanations).map_err(internal)?;
    }
    Ok(Outcome {
        status: status(found.verdict),
        document,
        text: text(found, before, after, &explanations),
    })
}

/// Puts each explanation to its change.
pub(crate) fn attach(changes: &mut [Json], explanations: &[Explanation]) -> Result<(), serde_json::Error> {
    for (change, explanation) in changes.iter_mut().zip(explanations) {
        if let Some(fields) = change.as_object_mut() {
            fields.insert("explanation".to_owned(), serde_json::to_value(explanation)?);
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Side<'a> {
    target: &'a netghost_core::snapshot::Target,
    taken_at_us: netghost_core::bytes::Big,
    tool: &'a str,
}

fn side(snapshot: &Snapshot) -> Side<'_> {
    Side {
        target: &snapshot.target,
        taken_at_us: netghost_core::bytes::Big(snapshot.taken_at_us),
        tool: &snapshot.tool,
    }
}

fn status(verdict: Verdict) -> Status {
    match verdict {
        Verdict::NoDrift => Status::Good,
        Verdict::Drift => Status::Act,
        Verdict::Unknown => Status::Unknown,
    }
}

fn text(found: &Comparison, before: &Snapshot, after: &Snapshot, explanations: &[Explanation]) -> String {
    let mut out = format!(
        "{}: {}\n",
        found.verdict.as_str(),
        plural(found.changes.len(), "change")
    );
    for (word, snapshot) in [("baseline", before), ("current", after)] {
        out += &format!(
            "  {word:8}  {}, {}\n",
            snapshot.target.name(),
            clock::shown(snapshot.taken_at_us)
        );
    }
    let mut here = None;
    let mut explanations = explanations.iter();
    for change in &found.changes {
        let place = (&change.namespace, change.section);
        if here != Some(place) {
            here = Some(place);
            let namespace = change.namespace.as_ref();
            // A namespace that came or went is no place inside itself.
            let inside = namespace.filter(|_| change.section != SectionName::Namespaces);
            out += &format!("\n{}\n", of(change.section.to_string(), inside));
        }
        out += &one(change);
        out += &explanations.next().map(meaning).unwrap_or_default();
    }
    for row in &found.muted {
        out += &format!(
            "\nmuted by {}: {}\n",
            row.chain_pattern,
            plural(row.count, "change")
        );
    }
    out += &covered(found);
    out += &not_covered(&found.not_covered);
    for row in &found.warnings {
        out += &format!(
            "\nwarning: {} {}: {}: {}\n",
            row.side,
            of(row.section.to_string(), row.namespace.as_ref()),
            row.code,
            row.message
        );
    }
    out
}

/// A place, with the namespace that it is of.
pub(super) fn of(place: String, namespace: Option<&Text>) -> String {
    match namespace {
        Some(namespace) => format!("{place} in namespace {namespace}"),
        None => place,
    }
}

pub(super) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// One change, with what was there and what is.
pub fn one(change: &Change) -> String {
    let maker = change
        .maker
        .map(|maker| format!("  [{maker}]"))
        .unwrap_or_default();
    let mut out = format!("  {} {}{maker}\n", change.kind, change.path);
    for (mark, value) in [('-', &change.before), ('+', &change.after)] {
        for line in value.iter().flat_map(lines) {
            out += &format!("    {mark} {line}\n");
        }
    }
    if let (Some(Value::Entry(one)), Some(Value::Entry(other))) = (&change.before, &change.after) {
        // Where both read alike, the text leaves something out.
        let lines = if one.text == other.text {
            fields(&one.config, &other.config)
        } else {
            Vec::new()
        };
        for line in lines {
            out += &format!("      {line}\n");
        }
    }
    if let Some(effect) = &change.effect {
        out += &format!("      {}: {effect}\n", change.significance.as_str());
    }
    out
}

/// What a change means, and what shows it.
fn meaning(explanation: &Explanation) -> String {
    let mut out = format!("    {}\n", explanation.text);
    for row in &explanation.evidence {
        out += &format!(
            "      {} ({}): {}: {}\n",
            row.role.words(),
            row.side,
            row.path,
            row.text
        );
    }
    out
}

/// The fields in which two entries differ.
fn fields(one: &serde_json::Value, other: &serde_json::Value) -> Vec<String> {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return Vec::new();
    };
    other
        .iter()
        .filter_map(|(key, now)| Some((key, one.get(key)?, now)).filter(|(_, then, now)| then != now))
        .map(|(key, then, now)| format!("{key}: {then} -> {now}"))
        .collect()
}

/// A side of a change, in as many lines as it takes.
pub(super) fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Rule(rule) => vec![format!("{:>4}  {}", rule.position, rule.text)],
        Value::Chain(state) => chain(state),
        Value::Table(table) => {
            let mut out = vec![format!("table {} {}", table.family, table.name)];
            out.extend(table.chains.iter().flat_map(chain));
            out.extend(table.sets.iter().map(|set| format!("set {}", set.name)));
            out.extend(
                table
                    .objects
                    .iter()
                    .map(|object| format!("{} {}", object.kind, object.name)),
            );
            out
        }
        Value::Base(base) => vec![hook(Some(base)).trim().to_owned()],
        Value::Stretch(rules) => vec![plural(rules.rules, "rule")],
        Value::Order(orders) => orders
            .iter()
            .map(|order| {
                let chains: Vec<String> = order.chains.iter().map(ToString::to_string).collect();
                format!("{}: {}", order.family, chains.join(", "))
            })
            .collect(),
        Value::Word(word) => vec![(*word).to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Big(number) => vec![number.to_string()],
        Value::Flag(flag) => vec![flag.to_string()],
        Value::Text(text) => vec![text.to_string()],
        Value::Words(words) => vec![words.join(", ")],
        Value::Texts(texts) => vec![
            texts
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        ],
        Value::Digest(digest) => vec![format!("configuration sha256 {digest}")],
        Value::Entry(entry) => std::iter::once(entry.text.clone())
            .chain(entry.below.iter().map(|line| format!("  {line}")))
            .collect(),
        Value::Set(_) | Value::Element(_) | Value::Object(_) => {
            vec![serde_json::to_string(value).unwrap_or_default()]
        }
    }
}

fn chain(state: &ChainState) -> Vec<String> {
    let head = format!("chain {}{}", state.name, hook(state.base.as_ref()));
    let rules = state
        .rules
        .iter()
        .map(|rule| format!("{:>4}  {}", rule.position, rule.text));
    std::iter::once(head).chain(rules).collect()
}

/// How a chain is hooked in, after a space; empty where it is not.
pub(super) fn hook(base: Option<&BaseChain>) -> String {
    base.map_or_else(String::new, |base| {
        let devices: Vec<String> = base
            .devices
            .iter()
            .map(|device| format!(" device {device}"))
            .collect();
        format!(
            " ({} hook {}{} priority {}, policy {})",
            base.chain_type,
            base.hook.as_str(),
            devices.join(""),
            base.priority,
            base.policy.word()
        )
    })
}

fn covered(found: &Comparison) -> String {
    if found.covered.is_empty() {
        return "\ncompared: nothing\n".to_owned();
    }
    let row = |row: &netghost_core::diff::CoveredSection| {
        let same = row.baseline_config_digest == row.current_config_digest;
        vec![
            of(row.section.to_string(), row.namespace.as_ref()),
            if same { "equal" } else { "differs" }.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = found.covered.iter().map(row).collect();
    format!("\ncompared\n{}", columns(&rows, 2))
}

/// Always shown: parts of sections line by line, mechanisms by what they lack.
fn not_covered(rows: &[NotCovered]) -> String {
    let place = |row: &NotCovered| {
        let section = row.section.map(|section| section.to_string());
        row.mechanism.clone().unwrap_or_else(|| {
            let place: Vec<String> = section.into_iter().chain(row.path.clone()).collect();
            place.join(" ")
        })
    };
    let gap = |row: &NotCovered| Gap {
        // The list of namespaces names them itself.
        place: match row.section {
            Some(SectionName::Namespaces) => place(row),
            _ => of(place(row), row.namespace.as_ref()),
        },
        why: row.why.clone(),
        requested: row.requested,
    };
    gaps(&rows.iter().map(gap).collect::<Vec<_>>())
}
