//! Drift checks over many VMs, a few at a time, now or by a schedule.

use std::path::PathBuf;
use std::time::Duration;

use netghost_core::artifact::name::Name;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;

use super::Call;
use super::check::{Wanted, ended};
use crate::documents::document;
use crate::documents::sweeps::{SCHEMA, Schedule, Sweeps, runs, schedules};
use crate::error::Failure;
use crate::exit::Status;
use crate::fleet::{Client, Doing, Patience, Request, Targets};
use crate::output::{Outcome, must_be_free};
use crate::progress::Progress;
use crate::{examples, span, text};

/// Drift checks over many VMs.
#[derive(Debug, clap::Subcommand)]
pub enum Sweep {
    /// Sweep now
    #[command(after_help = examples::SWEEP_RUN)]
    Run(Run),
    /// Have the controller sweep again and again
    #[command(after_help = examples::SWEEP_SCHEDULE)]
    Schedule(ScheduleArgs),
    /// List schedules and runs
    #[command(after_help = examples::SWEEP_LIST)]
    List {
        /// How many runs, newest first
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show a schedule with its runs, by name, or one run, by its id
    #[command(after_help = examples::SWEEP_SHOW)]
    Show {
        /// A schedule's name or a run's id
        name: Name,
    },
    /// Stop a schedule; its runs stay
    #[command(after_help = examples::SWEEP_REMOVE)]
    Remove {
        /// Its name
        name: Name,
    },
}

/// What a sweep does.
#[derive(Debug, clap::Args)]
pub struct What {
    /// The baseline to compare with
    #[arg(long, value_name = "NAME")]
    baseline: Name,
    /// Which.
    #[command(flatten)]
    targets: Targets,
    /// How many VMs at a time; the controller's default if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    concurrency: Option<u32>,
    /// Put off each VM's start by up to so much, at random
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    jitter: Option<Duration>,
    /// How long one run may take; the controller's default if not given
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    deadline: Option<Duration>,
    /// Set changes in chains of this name apart: listed, but no drift; `*` stands for any characters; may be repeated
    #[arg(long = "mute", alias = "mute-chain", value_name = "CHAIN")]
    mute: Vec<String>,
}

impl What {
    fn job(&self) -> v1::SweepJob {
        v1::SweepJob {
            baseline: self.baseline.to_string(),
            concurrency: self.concurrency.unwrap_or(0),
            jitter_ms: self.jitter.map_or(0, span::milliseconds),
            mute_chains: self.mute.clone(),
            schedule: String::new(),
        }
    }
}

/// Sweeps now.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// What it does.
    #[command(flatten)]
    what: What,
    /// Write the signed certificate of the result to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET", default_value = "")]
    ticket: String,
}

/// Sweeps again and again.
#[derive(Debug, clap::Args)]
pub struct ScheduleArgs {
    /// The schedule's name, which must be free
    name: Name,
    /// How often
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    every: Duration,
    /// What it does.
    #[command(flatten)]
    what: What,
}

/// Runs one of them.
pub fn run(command: &Sweep, call: &Call<'_>) -> Result<Outcome, Failure> {
    match command {
        Sweep::Run(args) => now(args, call),
        Sweep::Schedule(args) => schedule(args, call),
        Sweep::List { limit } => list(*limit, call),
        Sweep::Show { name } => show(name, call),
        Sweep::Remove { name } => {
            let request = v1::RemoveScheduleRequest {
                name: name.to_string(),
            };
            let gone = call
                .controller()?
                .call(async |client| Ok(client.remove_schedule(request).await?.into_inner()))?;
            outcome(Sweeps {
                schedules: vec![Schedule::try_from(gone)?],
                runs: Vec::new(),
            })
        }
    }
}

fn outcome(sweeps: Sweeps) -> Result<Outcome, Failure> {
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::sweeps(&sweeps),
        document: document(SCHEMA, sweeps)?,
    })
}

fn now(args: &Run, call: &Call<'_>) -> Result<Outcome, Failure> {
    if let Some(path) = &args.certificate {
        must_be_free(path)?;
    }
    let targets = &args.what.targets;
    let mut fleet = call.reading(targets, Doing::Comparing)?;
    let selected = targets.selected(fleet.place(), Doing::Comparing)?;
    targets.account_is_heard(fleet.place(), Doing::Comparing, &selected)?;
    let request = Request {
        id: super::draw()?.to_string(),
        kind: Some(Kind::Sweep(args.what.job())),
        ticket: args.ticket.clone(),
        note: String::new(),
        deadline_ms: args.what.deadline.map_or(0, span::milliseconds),
        ..selected.request()
    };
    let mut progress = Progress::new(call.format);
    let job = fleet.run(&request, Patience::of(&request), &mut progress)?;
    let wanted = Wanted {
        certificate: args.certificate.as_ref(),
        ..Wanted::default()
    };
    ended(&mut fleet, job, &wanted)
}

fn schedule(args: &ScheduleArgs, call: &Call<'_>) -> Result<Outcome, Failure> {
    let targets = &args.what.targets;
    call.controller().map(drop)?;
    let mut fleet = call.reading(targets, Doing::Comparing)?;
    let selected = targets.selected(fleet.place(), Doing::Comparing)?;
    let request = v1::Schedule {
        name: args.name.to_string(),
        sweep: Some(args.what.job()),
        selector: Some(v1::Selector::from(&selected.selector)),
        layers: selected.words(),
        via: selected.via_word(),
        every_ms: span::milliseconds(args.every),
        deadline_ms: args.what.deadline.map_or(0, span::milliseconds),
        ..v1::Schedule::default()
    };
    let made = fleet.call(async |client| Ok(client.schedule_sweep(request).await?.into_inner()))?;
    outcome(Sweeps {
        schedules: vec![Schedule::try_from(made)?],
        runs: Vec::new(),
    })
}

async fn all(
    client: &mut Client,
    schedule: String,
    limit: u32,
) -> Result<(v1::ScheduleList, v1::RunList), tonic::Status> {
    let schedules = client.list_schedules(v1::ListSchedulesRequest {}).await?;
    let request = v1::ListRunsRequest {
        schedule,
        limit,
        kind: "sweep".to_owned(),
    };
    let runs = client.list_runs(request).await?;
    Ok((schedules.into_inner(), runs.into_inner()))
}

fn list(limit: u32, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut fleet = call.anywhere()?;
    let (found, ran) = fleet.call(async |client| all(client, String::new(), limit).await)?;
    outcome(Sweeps {
        schedules: schedules(found)?,
        runs: runs(ran)?,
    })
}

fn show(name: &Name, call: &Call<'_>) -> Result<Outcome, Failure> {
    let mut fleet = call.anywhere()?;
    if let Ok(id) = Id::parse(name.as_str()) {
        let job = fleet.job(id)?;
        if job.document.is_some() {
            return ended(&mut fleet, job, &Wanted::default());
        }
        return super::drift::job_outcome(&job);
    }
    let (found, ran) = fleet.call(async |client| all(client, name.to_string(), 20).await)?;
    let mut schedules = schedules(found)?;
    schedules.retain(|schedule| schedule.name == name.as_str());
    let runs = runs(ran)?;
    if schedules.is_empty() && runs.is_empty() {
        let error = anyhow::anyhow!("there is no schedule {name}");
        return Err(Failure::usage("not_found", error).hint("`netghost sweep list` shows them"));
    }
    outcome(Sweeps { schedules, runs })
}
