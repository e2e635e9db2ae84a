//! Baselines of a fleet.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use netghost_core::artifact::name::Name;
use netghost_core::job::Way;
use netghost_core::section::SectionName;
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;

use super::Call;
use super::drift::job_outcome;
use super::host::section_name;
use crate::documents::baselines::{Baseline as Row, Baselines, SCHEMA};
use crate::documents::document;
use crate::documents::jobs::Job;
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{Doing, Patience, Request, Targets};
use crate::output::Outcome;
use crate::progress::Progress;
use crate::{examples, span, text};

mod export;
mod import;

pub(super) use export::{Export, SCHEMA as EXPORT};
pub(super) use import::digests;

/// Baselines of a fleet.
#[derive(Debug, clap::Subcommand)]
pub enum Baseline {
    /// Read VMs now and seal what was read under a name
    #[command(after_help = examples::BASELINE_CREATE)]
    Create(Box<Create>),
    /// List baselines
    #[command(after_help = examples::BASELINE_LIST)]
    List,
    /// Show one with its members
    #[command(after_help = examples::BASELINE_SHOW)]
    Show {
        /// Its name
        name: Name,
    },
    /// Write one into a directory, with its seal and everything that it consists of
    #[command(after_help = examples::BASELINE_EXPORT)]
    Export {
        /// Its name
        name: Name,
        /// The directory, which must not exist
        directory: PathBuf,
    },
    /// Take one from a directory that `export` wrote
    #[command(after_help = examples::BASELINE_IMPORT)]
    Import {
        /// The directory
        directory: PathBuf,
    },
}

/// Reads VMs and seals what was read.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// The baseline's name, which must be free
    name: Name,
    /// Which.
    #[command(flatten)]
    targets: Targets,
    /// Read only this section; may be repeated
    #[arg(long = "section", value_name = "SECTION", value_parser = section_name)]
    sections: Vec<SectionName>,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET", default_value = "")]
    ticket: String,
    /// A note that is kept with it
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// How long it may take; five minutes if not given
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    deadline: Option<Duration>,
}

/// Runs one of them.
pub fn run(command: &Baseline, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Baseline::Create(args) => create(args, call),
        Baseline::List => list(call),
        Baseline::Show { name } => show(name, call),
        Baseline::Export { name, directory } => export::run(name, directory, call),
        Baseline::Import { directory } => import::run(directory, call),
    }
}

fn create(args: &Create, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut fleet = call.reading(&args.targets, Doing::Reading)?;
    let selected = args.targets.selected(fleet.place(), Doing::Reading)?;
    args.targets
        .account_is_heard(fleet.place(), Doing::Reading, &selected)?;
    let request = Request {
        id: super::draw()?.to_string(),
        kind: Some(Kind::Baseline(v1::BaselineJob {
            name: args.name.to_string(),
            sections: args.sections.iter().map(ToString::to_string).collect(),
        })),
        ticket: args.ticket.clone(),
        note: args.note.clone(),
        deadline_ms: args.deadline.map_or(0, span::milliseconds),
        ..selected.request()
    };
    let mut progress = Progress::new(call.format);
    let job = fleet.run(&request, Patience::of(&request), &mut progress)?;
    if matches!(job.verdict.as_deref(), Some("complete" | "partial")) {
        return job_outcome(&job);
    }
    Err(nothing(&job))
}

/// Nothing was sealed: why, for the whole and for each VM.
pub(super) fn nothing(job: &Job) -> Failure {
    let why = job.missing.iter().map(|row| match &row.target {
        Some(target) => format!("{target}: {}", row.why),
        None => row.why.clone(),
    });
    let why: Vec<String> = why.collect();
    let error = anyhow!("{}", why.join("; ")).context("no baseline was made");
    let of_azure = job.targets.iter().any(|target| target.way == Some(Way::Arm));
    Failure::failed("job_failed", error).hint(if of_azure {
        "`netghost azure vms` shows what your login sees, `netghost azure login-check` what it lacks"
    } else {
        "`netghost agent list` shows which VMs are connected"
    })
}

fn list(call: &Call<'_>) -> Result<Outcome, Failure> {
    let list = call.anywhere()?.call(async |client| {
        let reply = client.list_baselines(v1::ListBaselinesRequest {}).await?;
        Ok(reply.into_inner())
    })?;
    let all = Baselines::try_from(list)?;
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::baselines(&all),
        document: document(SCHEMA, all)?,
    })
}

fn show(name: &Name, call: &Call<'_>) -> Result<Outcome, Failure> {
    let request = v1::ShowBaselineRequest {
        name: name.to_string(),
    };
    let found = call
        .anywhere()?
        .call(async |client| Ok(client.show_baseline(request).await?.into_inner()))?;
    one(Row::try_from(found)?)
}

/// One baseline; what it lacks is in its answer's status.
fn one(baseline: Row) -> Result<Outcome, Failure> {
    let status = if baseline.is_complete() {
        Status::Good
    } else {
        Status::Unknown
    };
    Ok(Outcome {
        status,
        text: text::fleet::baseline(&baseline),
        document: document(
            SCHEMA,
            Baselines {
                baselines: vec![baseline],
            },
        )?,
    })
}
