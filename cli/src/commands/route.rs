//! Effective routes in files.

use std::net::IpAddr;

use netghost_core::azure::route::audit::{Audit, Severity, audit};
use netghost_core::azure::route::diff::diff;
use netghost_core::azure::route::{Answer, Lookup, ParseError, Table, lookup, parse};
use netghost_core::diff::Verdict;

use super::source;
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::output::Outcome;
use crate::text;

/// Effective routes of an Azure network interface, in files.
#[derive(Debug, clap::Subcommand)]
pub enum Route {
    /// Say which route an address takes
    #[command(after_help = examples::ROUTE_LOOKUP)]
    Lookup(LookupArgs),
    /// Say what is notable about a table
    #[command(after_help = examples::ROUTE_AUDIT)]
    Audit(AuditArgs),
    /// Compare two tables, and say which addresses take another route
    #[command(after_help = examples::ROUTE_DIFF)]
    Diff(DiffArgs),
}

/// Says which route an address takes.
#[derive(Debug, clap::Args)]
pub struct LookupArgs {
    /// The table, as Azure Resource Manager or `az` prints it; `-` for standard input
    #[arg(long, value_name = "FILE")]
    table: String,
    /// The address, IPv4 or IPv6
    #[arg(long, value_name = "IP")]
    destination: IpAddr,
}

/// Says what is notable about a table.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    /// The table, as Azure Resource Manager or `az` prints it; `-` for standard input
    #[arg(long, value_name = "FILE")]
    table: String,
}

/// Compares two tables.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The baseline: a file, or `-` for standard input
    a: String,
    /// The current side, likewise
    b: String,
    /// Say of each change what it means for addresses, and which routes show it
    #[arg(long)]
    explain: bool,
}

/// Runs one of them.
pub fn run(command: &Route) -> Result<Outcome, Failure> {
    match command {
        Route::Lookup(args) => look_up(args),
        Route::Audit(args) => audit_table(args),
        Route::Diff(args) => compare(args),
    }
}

/// How a table is got.
const TAKES: &str =
    "give what `az network nic show-effective-route-table -o json` or the effectiveRouteTable request prints";

fn table(file: &str) -> Result<Table, Failure> {
    let bytes = source::read_word(file)?;
    let name = if file == "-" { "standard input" } else { file };
    parse(&bytes).map_err(|error| {
        let refused = matches!(error, ParseError::Refused { .. });
        let failure = Failure::format(error).context(format!("cannot take {name}"));
        // What Azure says is what to do.
        if refused { failure } else { failure.hint(TAKES) }
    })
}

fn look_up(args: &LookupArgs) -> Result<Outcome, Failure> {
    let found = lookup(&table(&args.table)?, args.destination);
    Ok(Outcome {
        status: route_status(&found),
        document: document(&found)?,
        text: text::route::lookup(&found),
    })
}

fn route_status(found: &Lookup) -> Status {
    match found.result {
        Answer::Winner if found.is_blackhole() => Status::Act,
        Answer::Winner => Status::Good,
        Answer::NoRoute => Status::Act,
        Answer::Tied | Answer::Unknown => Status::Unknown,
    }
}

fn audit_table(args: &AuditArgs) -> Result<Outcome, Failure> {
    let found = audit(&table(&args.table)?);
    Ok(Outcome {
        status: audit_status(&found),
        document: document(&found)?,
        text: text::route::audit(&found),
    })
}

fn audit_status(found: &Audit) -> Status {
    let grave = |severity| severity >= Severity::Medium;
    if found.findings.iter().any(|finding| grave(finding.severity)) {
        Status::Act
    } else if found.missing.is_empty() {
        Status::Good
    } else {
        Status::Unknown
    }
}

fn compare(args: &DiffArgs) -> Result<Outcome, Failure> {
    if args.a == "-" && args.b == "-" {
        let error = anyhow::anyhow!("standard input can be one side only");
        return Err(Failure::usage("wrong_use", error));
    }
    let found = diff(&table(&args.a)?, &table(&args.b)?);
    let explanations = if args.explain {
        netghost_core::azure::route::diff::explain(&found)
    } else {
        Vec::new()
    };
    let mut document = document(&found)?;
    if let Some(changes) = document
        .get_mut("changes")
        .and_then(serde_json::Value::as_array_mut)
    {
        for (change, explanation) in changes.iter_mut().zip(&explanations) {
            let explanation =
                serde_json::to_value(explanation).map_err(|error| Failure::failed("internal", error))?;
            if let Some(fields) = change.as_object_mut() {
                fields.insert("explanation".to_owned(), explanation);
            }
        }
    }
    Ok(Outcome {
        status: match found.verdict {
            Verdict::NoDrift => Status::Good,
            Verdict::Drift => Status::Act,
            Verdict::Unknown => Status::Unknown,
        },
        document,
        text: text::route::diff(&found, &explanations),
    })
}

fn document(found: &impl serde::Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(found).map_err(|error| Failure::failed("internal", error))
}
