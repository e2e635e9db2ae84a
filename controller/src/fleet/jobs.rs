//! Jobs.

use std::time::Duration;

use futures_util::stream;
use netghost_core::fleet::Id;
use netghost_proto::convert::id;
use netghost_proto::v1;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;
use crate::jobs::{Asker, start};
use crate::store::{Error, jobs};

mod wire;

pub(super) use wire::{selector, sweep};

/// How many runs are listed if nobody says otherwise, and at most.
const RUNS: u32 = 100;
const MOST_RUNS: u32 = 10_000;
/// How often a job that runs in another process is looked at, and one that runs here at the latest.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest pause between two states of a job, so that many targets don't make many messages.
const PACE: Duration = Duration::from_millis(50);

pub(super) async fn start_job(
    controller: &Controller,
    user: &User,
    request: v1::StartJobRequest,
) -> Result<v1::Job, Status> {
    let id = id("id", &request.id)?;
    start(controller, id, wire::request(request)?, &Asker::from(user)).await?;
    read(controller, id).await
}

pub(super) async fn watch_job(
    controller: &Controller,
    _user: &User,
    request: v1::WatchJobRequest,
) -> Result<Replies<v1::Job>, Status> {
    let id = id("id", &request.id)?;
    read(controller, id).await?;
    let watching = Watching {
        controller: controller.clone(),
        id,
        changes: controller.jobs.watch(id),
        shown: None,
    };
    Ok(Box::pin(stream::try_unfold(watching, Watching::next)))
}

pub(super) async fn list_runs(
    controller: &Controller,
    _user: &User,
    request: v1::ListRunsRequest,
) -> Result<v1::RunList, Status> {
    let limit = match request.limit {
        0 => RUNS,
        limit => limit.min(MOST_RUNS),
    };
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let which = (request.schedule.as_str(), request.kind.as_str());
    let rows = jobs::list(&mut connection, which, limit.into()).await?;
    Ok(v1::RunList {
        runs: rows.into_iter().map(|job| wire::job(job, Vec::new())).collect(),
    })
}

/// The job as it is.
async fn read(controller: &Controller, id: Id) -> Result<v1::Job, Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let job = jobs::job(&mut connection, id).await?;
    let job = job.ok_or_else(|| Status::not_found(format!("there is no job with the id {id}")))?;
    let targets = jobs::targets(&mut connection, id).await?;
    Ok(wire::job(job, targets))
}

/// Somebody who watches a job.
struct Watching {
    controller: Controller,
    id: Id,
    changes: Option<watch::Receiver<()>>,
    shown: Option<v1::Job>,
}

impl Watching {
    /// The next state that differs from the one before; nothing after the last.
    async fn next(mut self) -> Result<Option<(v1::Job, Self)>, Status> {
        if self.shown.as_ref().is_some_and(|job| job.state == "ended") {
            return Ok(None);
        }
        loop {
            if self.shown.is_some() {
                self.pause().await;
            }
            if let Some(changes) = &mut self.changes {
                changes.mark_unchanged();
            }
            let job = read(&self.controller, self.id).await?;
            if self.shown.as_ref() != Some(&job) {
                self.shown = Some(job.clone());
                return Ok(Some((job, self)));
            }
        }
    }

    /// Waits until something may have changed. What is told may be missed or late: the store is looked at in any case.
    async fn pause(&mut self) {
        sleep(PACE).await;
        let over = match &mut self.changes {
            Some(changes) => matches!(timeout(LOOK, changes.changed()).await, Ok(Err(_))),
            None => {
                sleep(LOOK).await;
                true
            }
        };
        if over {
            self.changes = self.controller.jobs.watch(self.id);
        }
    }
}
