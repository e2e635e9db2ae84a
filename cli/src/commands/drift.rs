//! What changed on VMs since a baseline.

use std::path::PathBuf;
use std::time::Duration;

use netghost_core::artifact::name::Name;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;

use super::Call;
use super::check::{Wanted, ended, uncertified};
use crate::documents::document;
use crate::documents::jobs::{Job, SCHEMA};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{Doing, Patience, Request, Targets};
use crate::output::{Outcome, must_be_free};
use crate::progress::Progress;
use crate::{examples, span, text};

/// What changed on VMs since a baseline.
#[derive(Debug, clap::Subcommand)]
pub enum Drift {
    /// Read VMs now and compare them with a baseline
    #[command(after_help = examples::DRIFT_CHECK)]
    Check(Box<Check>),
    /// Show a job by its id: what came of it, or how far it is
    #[command(after_help = examples::DRIFT_SHOW)]
    Show {
        /// The job's id
        #[arg(value_parser = Id::parse)]
        id: Id,
        /// Write the signed certificate to this file, which must not exist
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// Say of each change what it means for traffic, and which rules show it
        #[arg(long)]
        explain: bool,
    },
}

/// Compares VMs with a baseline.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The baseline to compare with
    #[arg(long, value_name = "NAME")]
    baseline: Name,
    /// Which.
    #[command(flatten)]
    targets: Targets,
    /// Set changes in chains of this name apart: listed, but no drift; `*` stands for any characters; may be repeated
    #[arg(long = "mute", alias = "mute-chain", value_name = "CHAIN")]
    mute: Vec<String>,
    /// Say of each change what it means for traffic, and which rules show it
    #[arg(long)]
    explain: bool,
    /// Write the signed certificate of the result to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET", default_value = "")]
    ticket: String,
    /// How long it may take; five minutes if not given
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    deadline: Option<Duration>,
}

/// Runs one of them.
pub fn run(command: &Drift, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Drift::Check(args) => check(args, call),
        Drift::Show {
            id,
            certificate,
            explain,
        } => {
            let wanted = Wanted {
                certificate: certificate.as_ref(),
                explain: *explain,
            };
            show(*id, &wanted, call)
        }
    }
}

fn check(args: &Check, call: &Call<'_>) -> Result<Outcome, Failure> {
    if let Some(path) = &args.certificate {
        must_be_free(path)?;
    }
    let mut fleet = call.reading(&args.targets, Doing::Comparing)?;
    let selected = args.targets.selected(fleet.place(), Doing::Comparing)?;
    args.targets
        .account_is_heard(fleet.place(), Doing::Comparing, &selected)?;
    let request = Request {
        id: super::draw()?.to_string(),
        kind: Some(Kind::Drift(v1::DriftJob {
            baseline: args.baseline.to_string(),
            mute_chains: args.mute.clone(),
        })),
        ticket: args.ticket.clone(),
        note: String::new(),
        deadline_ms: args.deadline.map_or(0, span::milliseconds),
        ..selected.request()
    };
    let mut progress = Progress::new(call.format);
    let job = fleet.run(&request, Patience::of(&request), &mut progress)?;
    ended(
        &mut fleet,
        job,
        &Wanted {
            certificate: args.certificate.as_ref(),
            explain: args.explain,
        },
    )
}

fn show(id: Id, wanted: &Wanted<'_>, call: &Call<'_>) -> Result<Outcome, Failure> {
    if let Some(path) = wanted.certificate {
        must_be_free(path)?;
    }
    let mut fleet = call.anywhere()?;
    let job = fleet.job(id)?;
    if job.document.is_some() {
        return ended(&mut fleet, job, wanted);
    }
    job_outcome(&job)
}

/// A job that left no comparison: it still runs, or it makes a baseline.
pub(super) fn job_outcome(job: &Job) -> Result<Outcome, Failure> {
    let status = match job.verdict.as_deref() {
        Some("complete") => Status::Good,
        // A comparison leaves a document and a certificate.
        Some(verdict @ ("no_drift" | "drift")) => return Err(uncertified(job, verdict)),
        Some("failed") => Status::Failed,
        // It runs, or it is partial or unknown.
        _ => Status::Unknown,
    };
    Ok(Outcome {
        status,
        text: text::fleet::job(job),
        document: document(SCHEMA, job)?,
    })
}
