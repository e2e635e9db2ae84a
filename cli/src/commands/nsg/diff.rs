//! What differs between two readings.

use netghost_core::azure::nsg::{self, Change, Flows, diff};
use netghost_core::diff::Verdict;
use serde_json::{Value, json};

use super::{Known, rules};
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text::nsg as text;

const SCHEMA: &str = "netghost.nsg-diff/v1";
/// The name that the section of a network interface has.
const SECTION: &str = "effective-nsg";

/// Compares two readings.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// The baseline, or `-` for standard input
    a: String,
    /// The current side, likewise
    b: String,
    /// Say of each change which flows show it
    #[arg(long)]
    explain: bool,
    /// What is known about tags and groups.
    #[command(flatten)]
    known: Known,
}

pub(super) fn run(args: &Diff) -> Result<Outcome, Failure> {
    if args.a == "-" && args.b == "-" {
        let error = anyhow::anyhow!("standard input can be one side only");
        return Err(Failure::usage("wrong_use", error));
    }
    let (before, after) = (rules(&args.a)?, rules(&args.b)?);
    let found = diff(&before, &after, &args.known.tags()?);
    Ok(Outcome {
        status: match found.verdict {
            Verdict::NoDrift => Status::Good,
            Verdict::Drift => Status::Act,
            Verdict::Unknown => Status::Unknown,
        },
        document: document(&found, args.explain)?,
        text: text::diff(&found, args.explain),
    })
}

fn document(found: &nsg::Diff, explain: bool) -> Result<Value, Failure> {
    let changes: Result<Vec<Value>, Failure> = found
        .changes
        .iter()
        .map(|change| shown(change, explain))
        .collect();
    let not_covered = found
        .not_covered
        .iter()
        .map(|row| json!({"section": SECTION, "path": row.path, "why": row.why, "requested": true}));
    let [baseline, current] = &found.digests;
    let digest =
        |digest: &Option<netghost_core::artifact::json::Digest>| digest.as_ref().map(ToString::to_string);
    Ok(json!({
        "schema": SCHEMA,
        "verdict": found.verdict.as_str(),
        "drift_detected": match found.verdict {
            Verdict::NoDrift => Some(false),
            Verdict::Drift => Some(true),
            Verdict::Unknown => None,
        },
        "changes": changes?,
        "not_covered": not_covered.collect::<Vec<Value>>(),
        "digests": {"baseline": digest(baseline), "current": digest(current)},
    }))
}

fn shown(change: &Change, explain: bool) -> Result<Value, Failure> {
    let internal = |error| Failure::failed("internal", error);
    let mut fields = json!({
        "section": SECTION,
        "kind": serde_json::to_value(change.kind).map_err(internal)?,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "significance": change.effect.significance(),
        "effect": change.effect.words(),
        "flows": serde_json::to_value(&change.effect).map_err(internal)?,
    });
    if let (true, Some(fields)) = (explain, fields.as_object_mut()) {
        let lines: Vec<String> = change.effect.flows().iter().map(Flows::words).collect();
        fields.insert("explanation".to_owned(), json!(lines));
    }
    Ok(fields)
}
