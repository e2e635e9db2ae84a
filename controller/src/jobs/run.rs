//! A job from its rows to its end. Everything that is decided stands in the store first, so that a process that ends at any
//! point leaves a job that the next one takes up where it was.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use netghost_azure::NicReader;
use netghost_core::artifact::json;
use netghost_core::fleet::Id;
use netghost_core::job::baseline::Member;
use netghost_core::job::{Request, Way, remaining};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::finish::{self, Ending};
use super::visit::visit;
use super::{nic, resolve};
use crate::Controller;
use crate::store::jobs::{End, JobRow, TargetRow, TargetState};
use crate::store::{Error, baselines, jobs};

/// The longest pause before a job is tried again that the store did not let go on.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What stands where this program failed.
pub(super) const FAULT: &str = "a fault of the controller: its log says more; please report it";

/// When a job began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// Just now: its deadline is its whole length away.
    Now,
    /// In an earlier process: what is left of it is read off the wall clock.
    Before,
}

/// What all targets of a job share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) controller: Controller,
    pub(super) job: JobRow,
    pub(super) request: Request,
    pub(super) members: Vec<Member>,
    pub(super) deadline: Instant,
    pub(super) slots: Semaphore,
    /// As `slots`, for network interfaces.
    pub(super) nics: Semaphore,
    /// Reads network interfaces, when the first one is to be read.
    pub(super) reader: OnceLock<NicReader>,
    /// How many wait for a slot.
    pub(super) queue: AtomicUsize,
}

/// Runs a job in this process until it has ended, unless it runs already.
pub(crate) fn spawn(controller: &Controller, id: Id, begun: Begun) {
    if !controller.jobs.begin(id) {
        return;
    }
    let controller = controller.clone();
    drop(tokio::spawn(async move {
        to_the_end(&controller, id, begun).await;
        controller.jobs.end(id);
    }));
}

/// Tries until the job has ended. A full disk or a database that is away for a while only delays it.
async fn to_the_end(controller: &Controller, id: Id, begun: Begun) {
    let mut deadline = None;
    let mut pause = Duration::from_millis(100);
    loop {
        match AssertUnwindSafe(once(controller, id, begun, &mut deadline))
            .catch_unwind()
            .await
        {
            Ok(Ok(())) => return,
            Ok(Err(error @ Error::Damaged { .. })) => {
                tracing::error!(job = %id, error = &error as &dyn std::error::Error, "the job can't go on");
                if give_up(controller, id, &error.to_string()).await.is_ok() {
                    return;
                }
            }
            Ok(Err(error)) => {
                tracing::error!(job = %id, error = &error as &dyn std::error::Error, "the job is tried again");
            }
            Err(_) => {
                tracing::error!(job = %id, "the job met a fault of this program");
                if give_up(controller, id, FAULT).await.is_ok() {
                    return;
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn once(
    controller: &Controller,
    id: Id,
    begun: Begun,
    deadline: &mut Option<Instant>,
) -> Result<(), Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let Some(job) = jobs::job(&mut connection, id).await?.filter(|job| !job.ended) else {
        return Ok(());
    };
    let request: Request = json::from_slice(job.request.as_bytes()).map_err(|_| Error::Damaged {
        what: format!("the request of job {id}"),
    })?;
    let members = baselines::baseline(&mut connection, &job.baseline).await?;
    let targets = jobs::targets(&mut connection, id).await?;
    drop(connection);
    let left = match begun {
        Begun::Now => Duration::from_millis(request.length_ms()),
        Begun::Before => remaining(
            controller.outside.now_us(),
            job.deadline_at_us,
            request.length_ms(),
        ),
    };
    let run = Arc::new(Run {
        controller: controller.clone(),
        deadline: *deadline.get_or_insert_with(|| Instant::now() + left),
        slots: slots(request.work.concurrency()),
        nics: slots(request.work.concurrency_of_nics(nic::AT_ONCE)),
        reader: OnceLock::new(),
        queue: AtomicUsize::new(0),
        members: members.map(|baseline| baseline.members).unwrap_or_default(),
        job,
        request,
    });
    tokio::try_join!(gather(&run, targets), in_azure(&run))?;
    finish::finish(&run).await
}

fn slots(count: u32) -> Semaphore {
    Semaphore::new(usize::try_from(count).unwrap_or(1))
}

/// Finds what the job means in Azure, unless that is known, and has that read too.
async fn in_azure(run: &Arc<Run>) -> Result<(), Error> {
    if run.job.planned {
        return Ok(());
    }
    resolve::resolve(run).await?;
    let mut connection = run.controller.store.pool().acquire().await?;
    let mut targets = jobs::targets(&mut connection, run.job.id).await?;
    drop(connection);
    targets.retain(|target| target.way == Some(Way::Arm));
    gather(run, targets).await
}

/// Has every target that is not decided read itself.
async fn gather(run: &Arc<Run>, targets: Vec<TargetRow>) -> Result<(), Error> {
    let mut visits = JoinSet::new();
    let open = |target: &TargetRow| matches!(target.state, TargetState::Waiting | TargetState::Sent);
    for target in targets.into_iter().filter(open) {
        visits.spawn(visit(Arc::clone(run), target));
    }
    while let Some(visit) = visits.join_next().await {
        match visit {
            Ok(done) => done?,
            // The target stays open, and is asked again with the same command when the job is tried again.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Ends a job that this program can't go on with. What is not known stays unknown; targets that can't be read stay as they are.
async fn give_up(controller: &Controller, id: Id, why: &str) -> Result<(), Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let Some(job) = jobs::job(&mut connection, id).await? else {
        return Ok(());
    };
    let targets = match jobs::targets(&mut connection, id).await {
        Err(Error::Damaged { .. }) => Vec::new(),
        targets => targets?,
    };
    drop(connection);
    let verdict = if job.kind == "baseline" {
        "failed"
    } else {
        "unknown"
    };
    let why = if job.why.is_empty() {
        why.to_owned()
    } else {
        job.why.clone()
    };
    let concluded = targets.into_iter().map(|target| TargetRow {
        state: match target.state {
            TargetState::Captured => TargetState::Captured,
            _ => TargetState::Failed,
        },
        why: if target.why.is_empty() {
            why.clone()
        } else {
            target.why
        },
        verdict: if job.kind == "baseline" {
            String::new()
        } else {
            verdict.to_owned()
        },
        ..target
    });
    let ending = Ending {
        end: End {
            verdict: verdict.to_owned(),
            why: why.clone(),
            ..End::default()
        },
        targets: concluded.collect(),
        baseline: None,
    };
    finish::write(controller, &job, ending).await
}
