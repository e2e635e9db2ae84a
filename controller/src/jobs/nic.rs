//! A network interface as the target of a job: Azure is asked, and what it says is kept as a snapshot.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use netghost_azure::{NicReader, Reading};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{self, Meta};
use netghost_core::raw::{PartRead, Raw};
use netghost_core::section::{SectionName, State};
use netghost_core::snapshot::Snapshot;
use tokio::time::timeout_at;

use super::Unreached;
use super::keep::{keep, kept};
use super::run::Run;
use super::visit::{GRACE, fault, late, meta, store};
use crate::store::Error;
use crate::store::jobs::{TargetRow, TargetState};

/// How many network interfaces are read at once if nobody says otherwise. Azure takes some ten seconds for one, and the
/// client's own limits hold beside it.
pub(super) const AT_ONCE: u32 = 128;

/// How a missing resource is told in the reason of a part (`netghost_azure`'s words).
const NOT_FOUND: &str = "not found (404";

/// One reader for all network interfaces of a job: what they share is asked for once.
pub(super) fn reader(run: &Run) -> Option<&NicReader> {
    let azure = run.controller.azure()?;
    let make = || {
        let reading = Reading {
            deadline: run.deadline.into_std(),
            ..Reading::new(crate::tool(), Duration::ZERO)
        };
        NicReader::new(azure.arm.clone(), reading)
    };
    Some(run.reader.get_or_init(make))
}

/// Reads a network interface, unless that was done before for the same command.
pub(super) async fn read(run: &Run, target: &TargetRow) -> Result<Result<Digest, Unreached>, Error> {
    if let Some(digest) = kept(&run.controller, target.command).await? {
        return Ok(Ok(digest));
    }
    let Some(nic) = &target.resource else {
        return Err(Error::Damaged {
            what: format!("the resource of target {}", target.name),
        });
    };
    let Some(reader) = reader(run) else {
        return Ok(Err(no_login()));
    };
    let slot = timeout_at(run.deadline, run.nics.acquire()).await;
    let Ok(Ok(_slot)) = slot else {
        return Ok(Err(late("its turn did not come before the job's deadline")));
    };
    let begun = TargetRow {
        state: TargetState::Sent,
        ..target.clone()
    };
    store(run, &begun).await?;
    // A fault in there is this target's alone.
    let reading = AssertUnwindSafe(reader.read(nic).boxed()).catch_unwind();
    let snapshot = match timeout_at(run.deadline + GRACE, reading).await {
        Ok(Ok(snapshot)) => snapshot,
        Ok(Err(_)) => return Ok(Err(fault())),
        Err(_) => return Ok(Err(late("it did not end before the job's deadline"))),
    };
    let meta: Meta = meta(run);
    let stored = tokio::task::spawn_blocking(move || manifest::store(&snapshot, &meta)).await;
    match stored {
        Ok(Ok(stored)) => {
            let whose = (target.identity, target.command);
            Ok(Ok(keep(&run.controller, whose, stored).await?))
        }
        Err(error) if error.is_cancelled() => Err(Error::Ending(error)),
        Ok(Err(_)) | Err(_) => Ok(Err(fault())),
    }
}

/// This controller may not ask Azure.
fn no_login() -> Unreached {
    Unreached {
        code: "refused".to_owned(),
        message: super::NO_AZURE.to_owned(),
    }
}

/// Why sections of a network interface are not known, for people; empty if all are.
pub(super) fn unread(snapshot: &Snapshot) -> String {
    let why = |state: &State| match state {
        State::Captured | State::NotApplicable { .. } => None,
        State::Unreadable { why } | State::Torn { why } => Some(why.clone()),
    };
    let sections = snapshot.sections.iter();
    let whys = sections.filter_map(|section| Some(format!("{}: {}", section.name, why(&section.state)?)));
    whys.collect::<Vec<_>>().join("; ")
}

/// True if Azure says that there is no such network interface any more.
pub(super) fn is_gone(snapshot: &Snapshot) -> bool {
    let raw = snapshot
        .section(SectionName::Nic)
        .and_then(|section| section.raw.as_ref());
    let Some(Raw::Host(raw)) = raw else { return false };
    let own = raw.parts.iter().find(|part| part.source == "nic");
    matches!(own.map(|part| &part.read), Some(PartRead::Unreadable { why }) if why.contains(NOT_FOUND))
}
