//! The end of a job: its answer, what it left, and the record of it, in one transaction.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::{Event, Outcome};
use netghost_core::job::Work;
use netghost_core::job::baseline::Baseline;

use super::run::Run;
use super::start::{action, name_taken};
use super::{baseline, drift};
use crate::Controller;
use crate::audit;
use crate::store::jobs::{End, JobRow, TargetRow, TargetState};
use crate::store::{Error, baselines, jobs, schedules};

/// What is to be written when a job ends.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) end: End,
    pub(super) targets: Vec<TargetRow>,
    /// The baseline that was made, and its seal.
    pub(super) baseline: Option<(Baseline, Digest)>,
}

/// Ends a job whose targets are all decided.
pub(super) async fn finish(run: &Run) -> Result<(), Error> {
    let mut connection = run.controller.store.pool().acquire().await?;
    let targets = jobs::targets(&mut connection, run.job.id).await?;
    drop(connection);
    let ending = match &run.request.work {
        Work::Baseline { sections, .. } => baseline::ending(run, targets, sections).await?,
        Work::Drift { .. } | Work::Sweep { .. } => drift::ending(run, targets).await?,
    };
    write(&run.controller, &run.job, ending).await
}

/// Writes an ending, once: where another process was quicker, nothing is written.
pub(super) async fn write(controller: &Controller, job: &JobRow, ending: Ending) -> Result<(), Error> {
    let now_us = controller.outside.now_us();
    let mut end = ending.end;
    let mut transaction = controller.store.begin().await?;
    if let Some((baseline, seal)) = &ending.baseline
        && !baselines::insert(&mut transaction, &job.id.to_string(), baseline, *seal).await?
    {
        end = End {
            verdict: "failed".to_owned(),
            why: name_taken(&job.baseline).message().to_owned(),
            ..End::default()
        };
    }
    if !jobs::end(&mut transaction, job.id, now_us, &end).await? {
        return Ok(transaction.rollback().await?);
    }
    for target in &ending.targets {
        jobs::conclude(&mut transaction, job.id, target).await?;
    }
    schedules::release(&mut transaction, job.id).await?;
    audit::append(&mut transaction, now_us, ended(job, &end, &ending.targets)).await?;
    transaction.commit().await?;
    controller.jobs.changed(job.id);
    Ok(())
}

fn ended(job: &JobRow, end: &End, targets: &[TargetRow]) -> Event {
    let outcome = match end.verdict.as_str() {
        "failed" => Outcome::Failed,
        _ => Outcome::Done,
    };
    let captured = targets
        .iter()
        .filter(|target| target.state == TargetState::Captured)
        .count();
    let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string()).unwrap_or_default();
    Event::new("controller", action(&job.kind), outcome)
        .target(&job.baseline)
        .with("job", job.id)
        .with("asked_by", &job.asked_by)
        .with("verdict", &end.verdict)
        .with("why", &end.why)
        .with("targets", targets.len())
        .with("captured", captured)
        .with("certificate", digest(end.certificate))
        .with("document", digest(end.document))
}
