//! One target of a job: its turn, the command, and what came of it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{Manifest, Meta};
use netghost_core::bytes::Text;
use netghost_core::job::{Way, Work, delay};
use netghost_core::section::SectionName;
use tokio::sync::{Notify, SemaphorePermit};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::run::{FAULT, Run};
use super::start::member_of_target;
use super::{Broken, Order, Unreached, agentless, nic};
use crate::store::jobs::{TargetRow, TargetState};
use crate::store::{Error, jobs};

/// How long a target that has not begun may hold a slot while others wait for one: one that is away costs nothing.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whoever reaches the target knows better why it did not answer, and says so when the command's own time is over.
pub(super) const GRACE: Duration = Duration::from_millis(500);

/// Characters of a reason that are kept.
const LONGEST_WHY: usize = 500;

/// Has a target read itself, and stores what came of it.
pub(super) async fn visit(run: Arc<Run>, mut target: TargetRow) -> Result<(), Error> {
    let outcome = match wait(&run).await {
        Ok(()) if agentless::is_one(&target) => agentless::read(&run, &target).await?,
        Ok(()) if target.way == Some(Way::Arm) => nic::read(&run, &target).await?,
        Ok(()) => reach(&run, &target).await?,
        Err(unreached) => Err(unreached),
    };
    match outcome {
        Ok(manifest) => (target.state, target.manifest) = (TargetState::Captured, Some(manifest)),
        Err(unreached) => {
            target.state = TargetState::Failed;
            target.why = short(&format!("{}: {}", unreached.code, unreached.message));
        }
    }
    store(&run, &target).await
}

/// What an agent or Azure says is bounded, since all targets of a job go into one message, and without control characters, which
/// not every database takes.
pub(super) fn short(why: &str) -> String {
    let plain = why.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST_WHY).collect()
}

pub(super) async fn store(run: &Run, target: &TargetRow) -> Result<(), Error> {
    let mut connection = run.controller.store.pool().acquire().await?;
    jobs::advance(&mut connection, run.job.id, target).await?;
    drop(connection);
    run.controller.jobs.changed(run.job.id);
    Ok(())
}

/// Waits for a random while, so that not all begin at once.
async fn wait(run: &Run) -> Result<(), Unreached> {
    let random = run.controller.outside.random::<8>().map_err(|error| Unreached {
        code: "internal".to_owned(),
        message: format!("the system gave no random numbers: {error}"),
    })?;
    let pause = delay(u64::from_le_bytes(random), run.request.work.jitter_ms());
    sleep_until(run.deadline.min(Instant::now() + pause)).await;
    Ok(())
}

/// What came of one try.
enum Try {
    Ended(Result<Digest, Unreached>),
    GaveWay,
}

async fn reach(run: &Run, target: &TargetRow) -> Result<Result<Digest, Unreached>, Error> {
    let order = match order(run, target).await? {
        Ok(order) => order,
        Err(unreached) => return Ok(Err(unreached)),
    };
    loop {
        run.queue.fetch_add(1, Ordering::SeqCst);
        let slot = timeout_at(run.deadline, run.slots.acquire()).await;
        run.queue.fetch_sub(1, Ordering::SeqCst);
        let Ok(Ok(slot)) = slot else {
            return Ok(Err(late("its turn did not come before the job's deadline")));
        };
        if let Try::Ended(outcome) = attempt(run, target, order.clone(), slot).await? {
            return Ok(outcome);
        }
    }
}

async fn attempt(
    run: &Run,
    target: &TargetRow,
    mut order: Order,
    _slot: SemaphorePermit<'_>,
) -> Result<Try, Error> {
    order.lifetime = run.deadline.saturating_duration_since(Instant::now());
    let begun = Notify::new();
    let started = || begun.notify_one();
    let controller = &run.controller;
    // A fault in there is this target's alone.
    let capture = AssertUnwindSafe(async { controller.reach.capture(controller, order, &started).await });
    let mut capture = std::pin::pin!(capture.catch_unwind());
    let mut sent = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut capture => {
                return Ok(Try::Ended(ended.unwrap_or_else(|_| Err(fault()))));
            }
            () = begun.notified(), if !sent => {
                sent = true;
                let target = TargetRow { state: TargetState::Sent, ..target.clone() };
                store(run, &target).await?;
            }
            () = sleep(PATIENCE), if !sent => {
                if run.queue.load(Ordering::SeqCst) > 0 {
                    return Ok(Try::GaveWay);
                }
            }
            () = sleep_until(run.deadline + GRACE) => {
                return Ok(Try::Ended(Err(late("it did not end before the job's deadline"))));
            }
        }
    }
}

pub(super) fn late(what: &str) -> Unreached {
    Unreached {
        code: "expired".to_owned(),
        message: format!("{what}: give the job a longer one, or look whether the agent is connected"),
    }
}

pub(super) fn fault() -> Unreached {
    Unreached {
        code: "internal".to_owned(),
        message: FAULT.to_owned(),
    }
}

/// What the target is asked for.
pub(super) async fn order(run: &Run, target: &TargetRow) -> Result<Result<Order, Unreached>, Error> {
    let asked = match &run.request.work {
        Work::Baseline { sections, .. } => Ok(sections.clone()),
        Work::Drift { .. } | Work::Sweep { .. } => sections(run, target).await?,
    };
    Ok(asked.map(|sections| Order {
        target: target.identity,
        command: target.command,
        lifetime: Duration::ZERO,
        sections,
        meta: meta(run),
    }))
}

/// What stands in the manifests of a job.
pub(super) fn meta(run: &Run) -> Meta {
    let some = |text: &str| (!text.is_empty()).then(|| Text::from(text));
    let name = match &run.request.work {
        Work::Baseline { name, .. } => Some(name.clone()),
        Work::Drift { .. } | Work::Sweep { .. } => None,
    };
    Meta {
        name,
        asked_by: some(&run.job.asked_by),
        ticket: some(&run.job.ticket),
        note: some(&run.job.note),
    }
}

/// The sections that the baseline asked of the target, also those that it did not get, as far as a host can be asked for them.
async fn sections(run: &Run, target: &TargetRow) -> Result<Result<Vec<SectionName>, Unreached>, Error> {
    let mut connection = run.controller.store.pool().acquire().await?;
    let member = member_of_target(&mut connection, &run.members, target).await?;
    drop(connection);
    let refused = |message: String| Unreached {
        code: "refused".to_owned(),
        message,
    };
    let lacking = member
        .map(|member| member.not_captured.as_slice())
        .unwrap_or_default();
    let Some(digest) = member.and_then(|member| member.manifest) else {
        return Ok(Err(refused(
            "the baseline has no manifest of it any more".to_owned(),
        )));
    };
    let bytes = match run
        .controller
        .store
        .get_object(&digest)
        .await
        .map_err(Broken::from)
    {
        Err(Broken::Content(why)) => return Ok(Err(refused(format!("its manifest in the baseline: {why}")))),
        Err(Broken::Store(error)) => return Err(error),
        Ok(bytes) => bytes,
    };
    let manifest =
        Manifest::read(&bytes).map_err(|error| refused(format!("its manifest in the baseline: {error}")));
    Ok(manifest.map(|manifest| {
        let there = |name: &SectionName| {
            lacking.contains(name) || manifest.sections.iter().any(|entry| entry.name == *name)
        };
        SectionName::HOST.into_iter().filter(there).collect()
    }))
}
