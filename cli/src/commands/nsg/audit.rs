//! What is notable about rules.

use netghost_core::azure::nsg::{self, Doubt, Hidden, Permissive, Place, Severity, Warning};
use serde_json::{Value, json};

use super::{Known, admin_rules, rules, warning_lines, warnings};
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text::nsg as text;

const SCHEMA: &str = "netghost.nsg-audit/v1";

/// Finds what is notable about rules.
#[derive(Debug, clap::Args)]
pub struct Audit {
    /// The effective security rules of the network interface, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    rules: String,
    /// What is known about tags and groups.
    #[command(flatten)]
    known: Known,
    /// The security admin rules of the virtual network, which are looked at too
    #[arg(long, value_name = "FILE")]
    admin_rules: Option<String>,
}

pub(super) fn run(args: &Audit) -> Result<Outcome, Failure> {
    let effective = rules(&args.rules)?;
    let admin = admin_rules(args.admin_rules.as_ref())?;
    let tags = args.known.tags()?;
    let found = nsg::audit(&effective, admin.as_ref().map(|(gate, _)| gate), &tags);
    let mut all: Vec<Warning> = effective.warnings.clone();
    all.extend(admin.iter().flat_map(|(_, warnings)| warnings.clone()));
    let severities = found.permissive.iter().map(|one| one.severity);
    let mut severities = severities.chain(found.shadowed.iter().map(|one| one.severity));
    let status = if severities.any(|severity| severity >= Severity::Medium) {
        Status::Act
    } else if !found.undecided.is_empty() || !all.is_empty() {
        Status::Unknown
    } else {
        Status::Good
    };
    Ok(Outcome {
        status,
        document: document(&found, warnings(&all)?),
        text: text::audit(&found) + &warning_lines(&all),
    })
}

fn document(found: &nsg::Audit<'_>, warnings: Value) -> Value {
    let default_only = found.default_only.iter().map(|gate| {
        json!({
            "gate": gate.gate.word(),
            "nsg": gate.nsg,
            "direction": gate.direction.word(),
            "absent": gate.absent,
        })
    });
    json!({
        "schema": SCHEMA,
        "permissive": found.permissive.iter().map(permissive).collect::<Vec<Value>>(),
        "shadowed": found.shadowed.iter().map(hidden).collect::<Vec<Value>>(),
        "redundant": found.redundant.iter().map(hidden).collect::<Vec<Value>>(),
        "default_only": default_only.collect::<Vec<Value>>(),
        "undecided": found.undecided.iter().map(doubt).collect::<Vec<Value>>(),
        "warnings": warnings,
    })
}

/// The fields of a rule in its place, with others.
fn placed(place: &Place<'_>, more: Value) -> Value {
    let mut fields = json!({
        "rule": place.rule.name,
        "gate": place.gate.word(),
        "nsg": place.nsg,
        "direction": place.direction.word(),
        "priority": place.rule.priority,
        "access": place.rule.access.map(nsg::Access::word),
    });
    if let (Some(fields), Value::Object(more)) = (fields.as_object_mut(), more) {
        fields.extend(more);
    }
    fields
}

fn permissive(one: &Permissive<'_>) -> Value {
    let wildcards: Vec<&str> = one.wildcards.iter().map(|wildcard| wildcard.word()).collect();
    placed(
        &one.place,
        json!({"wildcards": wildcards, "severity": one.severity.word()}),
    )
}

fn hidden(one: &Hidden<'_>) -> Value {
    let by = one.by.iter().map(|rule| {
        json!({"rule": rule.name, "priority": rule.priority, "access": rule.access.map(nsg::Access::word)})
    });
    let by: Vec<Value> = by.collect();
    placed(
        &one.place,
        json!({"shadowed_by": by, "severity": one.severity.word()}),
    )
}

fn doubt(one: &Doubt<'_>) -> Value {
    placed(&one.place, json!({"why": one.why}))
}
