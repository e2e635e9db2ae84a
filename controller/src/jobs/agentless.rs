//! A host without an agent as the target of a job: the static probe runs there, and what it printed is kept as a snapshot.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest;
use netghost_core::fleet::Id;
use netghost_core::job::{Known, Via, Way, choose};
use netghost_core::probe::parts::Parts;
use netghost_core::probe::{self, ReadError};
use netghost_core::section::SectionName;
use netghost_reach::run_command::{RunCommand, RunCommandError};
use netghost_reach::ssh::{BadTarget, SshError, Target};
use tokio::time::{Instant, timeout_at};

use super::keep::{keep, kept};
use super::run::Run;
use super::visit::{GRACE, fault, late, order, store};
use super::{Unreached, chain};
use crate::store::Error;
use crate::store::jobs::{TargetRow, TargetState};

mod plan;

pub(super) use plan::split;

/// True for a target that is read here.
pub(super) fn is_one(target: &TargetRow) -> bool {
    matches!(target.way, Some(Way::RunCommand | Way::Ssh))
}

/// Reads a host, unless that was done before for the same command.
pub(super) async fn read(run: &Run, target: &TargetRow) -> Result<Result<Digest, Unreached>, Error> {
    if let Some(digest) = kept(&run.controller, target.command).await? {
        return Ok(Ok(digest));
    }
    let order = match order(run, target).await? {
        Ok(order) => order,
        Err(unreached) => return Ok(Err(unreached)),
    };
    run.queue.fetch_add(1, Ordering::SeqCst);
    let slot = timeout_at(run.deadline, run.slots.acquire()).await;
    run.queue.fetch_sub(1, Ordering::SeqCst);
    let Ok(Ok(_slot)) = slot else {
        return Ok(Err(late("its turn did not come before the job's deadline")));
    };
    let begun = TargetRow {
        state: TargetState::Sent,
        ..target.clone()
    };
    store(run, &begun).await?;
    // A fault in there is this target's alone.
    let reading = std::panic::AssertUnwindSafe(parts(run, target)).catch_unwind();
    let parts = match timeout_at(run.deadline + GRACE, reading).await {
        Ok(Ok(Ok(parts))) => parts,
        Ok(Ok(Err(unreached))) => return Ok(Err(unreached)),
        Ok(Err(_)) => return Ok(Err(fault())),
        Err(_) => return Ok(Err(late("it did not end before the job's deadline"))),
    };
    let stored = tokio::task::spawn_blocking(move || {
        let names = match order.sections.as_slice() {
            [] => SectionName::DEFAULT.as_slice(),
            names => names,
        };
        manifest::store(&probe::snapshot(&parts, names, crate::tool()), &order.meta)
    });
    match stored.await {
        Ok(Ok(stored)) => {
            let whose = (target.identity, target.command);
            Ok(Ok(keep(&run.controller, whose, stored).await?))
        }
        Err(error) if error.is_cancelled() => Err(Error::Ending(error)),
        Ok(Err(_)) | Err(_) => Ok(Err(fault())),
    }
}

/// What the probe printed there.
async fn parts(run: &Run, target: &TargetRow) -> Result<Parts, Unreached> {
    // What was allowed when the job began may be so no longer.
    let known = Known {
        agent: false,
        vm: target.way == Some(Way::RunCommand),
        destination: target.way == Some(Way::Ssh),
    };
    let via = match target.way {
        Some(Way::Ssh) => Via::Ssh,
        _ => Via::RunCommand,
    };
    let allowed = run.controller.probe().allowed();
    choose(via, known, allowed).map_err(|no| refused(&no.to_string()))?;
    let left = run.deadline.saturating_duration_since(Instant::now());
    match via {
        Via::Ssh => by_ssh(run, target.identity, left).await,
        _ => by_run_command(run, target, left).await,
    }
}

async fn by_run_command(run: &Run, target: &TargetRow, left: Duration) -> Result<Parts, Unreached> {
    let azure = run.controller.azure().ok_or_else(|| refused(super::NO_AZURE))?;
    let vm = target.resource.as_ref();
    let vm = vm.ok_or_else(|| refused("it is not known which VM it is"))?;
    let mut way = RunCommand::new(azure.arm.clone(), vm.clone()).within(left);
    let read = probe::read(&mut way).await;
    read.map_err(|error| unread(&error, RunCommandError::code))
}

async fn by_ssh(run: &Run, identity: Id, left: Duration) -> Result<Parts, Unreached> {
    let mut words = run.request.selector.names.iter();
    let word = words.find(|word| Id::of_ssh_host(word) == identity);
    let word = word.ok_or_else(|| refused(plan::NOT_NAMED))?;
    let target: Target = word.parse().map_err(|bad: BadTarget| refused(&bad.to_string()))?;
    let by = run.controller.probe().ssh.clone().unwrap_or_default();
    let way = by.to(target).map_err(|bad| refused(&bad.to_string()))?;
    let read = probe::read(&mut way.within(left)).await;
    read.map_err(|error| unread(&error, SshError::code))
}

fn unread<E: std::error::Error + 'static>(error: &ReadError<E>, code: fn(&E) -> &'static str) -> Unreached {
    let (code, message) = match error {
        ReadError::Carrier(error) => (code(error), chain(error)),
        ReadError::Answer(error) => ("probe_answer", chain(error)),
    };
    Unreached {
        code: code.to_owned(),
        message,
    }
}

fn refused(why: &str) -> Unreached {
    Unreached {
        code: "refused".to_owned(),
        message: why.to_owned(),
    }
}
