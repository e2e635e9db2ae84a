//! The uploads that run, and what is still missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_proto::convert;
use netghost_proto::v1;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::share::Shares;
use crate::Controller;
use crate::caller::Agent;
use crate::store::{Error, Store};

/// How many digests one `Missing` asks for: so many stay under the length of a control message.
const DIGESTS: usize = 400;
/// How much one identity may have on its way, bytes.
const ON_THE_WAY: u64 = 256 * 1024 * 1024;
/// How many uploads are put into the store at a time: each holds its object in memory then.
const AT_ONCE: usize = 2;
/// Partial files that nobody wrote to for so long are given up.
const GIVEN_UP: Duration = Duration::from_secs(24 * 3600);
/// How often is looked for those.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// What was missing of these digests, and how much of each has arrived.
pub(super) async fn missing(
    controller: &Controller,
    agent: &Agent,
    request: v1::MissingRequest,
) -> Result<v1::MissingReply, Status> {
    if request.digests.len() > DIGESTS {
        return Err(Status::invalid_argument(format!(
            "{} digests in one call: ask for at most {DIGESTS}",
            request.digests.len()
        )));
    }
    controller.links.shared().uploads.sweep(controller).await?;
    let mut reply = v1::MissingReply::default();
    for bytes in &request.digests {
        let digest = convert::digest("digests", bytes)?;
        if controller.store.has_object(&digest).await? {
            continue;
        }
        let id = agent.id;
        reply.missing.push(v1::MissingObject {
            digest: bytes.clone(),
            offset: blocking(&controller.store, move |store| store.partial_length(id, &digest)).await?,
        });
    }
    Ok(reply)
}

/// Does something that blocks with the store's files.
pub(super) async fn blocking<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
) -> Result<T, Status> {
    let store = store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    let done = done.map_err(|error| Status::internal(format!("a task of the store ended: {error}")))?;
    Ok(done?)
}

/// The uploads that run.
#[derive(Debug)]
pub(super) struct Uploads {
    running: Mutex<BTreeMap<(Id, Digest), Run>>,
    swept: Mutex<Option<Instant>>,
    pub(super) shares: Shares,
    pub(super) finishing: Semaphore,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            swept: Mutex::default(),
            shares: Shares::default(),
            finishing: Semaphore::new(AT_ONCE),
        }
    }
}

/// The uploads of one object by one identity: one has the turn.
#[derive(Debug, Default)]
struct Run {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Ends the one that came last, when another comes.
    last: CancellationToken,
    entered: u64,
    size: u64,
}

/// An upload's turn, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    controller: Controller,
    key: (Id, Digest),
    /// Set when another upload of the same object wants the turn.
    pub(super) superseded: CancellationToken,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Uploads {
    /// Gives up what nobody wrote to for a day; looks at first, and then once an hour.
    pub(super) async fn sweep(&self, controller: &Controller) -> Result<(), Status> {
        {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            if swept.is_some_and(|at| at.elapsed() < SWEEP_EVERY) {
                return Ok(());
            }
            *swept = Some(Instant::now());
        }
        let now_us = controller.outside.now_us();
        let removed = blocking(&controller.store, move |store| {
            store.sweep_partials(now_us, GIVEN_UP)
        })
        .await?;
        if removed > 0 {
            tracing::info!(removed, "gave up uploads that nobody went on with");
        }
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<(Id, Digest), Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an identity has on its way by uploads that run, this object apart.
    fn others(&self, id: Id, digest: &Digest) -> Vec<(Digest, u64)> {
        let running = self.running();
        let of = running.range((id, Digest::from([0; 32]))..=(id, Digest::from([0xff; 32])));
        of.filter(|((_, other), _)| other != digest)
            .map(|((_, other), run)| (*other, run.size))
            .collect()
    }
}

impl Turn {
    /// Waits for the turn. An upload of the same object that runs is ended: its caller has gone, or does it twice.
    pub(super) async fn take(
        controller: &Controller,
        id: Id,
        digest: Digest,
        size: u64,
    ) -> Result<Self, Status> {
        let superseded = CancellationToken::new();
        let turn = {
            let mut running = controller.links.shared().uploads.running();
            let run = running.entry((id, digest)).or_default();
            run.last.cancel();
            run.last = superseded.clone();
            run.entered += 1;
            run.size = size;
            run.turn.clone()
        };
        let mut taken = Self {
            controller: controller.clone(),
            key: (id, digest),
            superseded,
            turn: None,
        };
        tokio::select! {
            biased;
            () = taken.superseded.cancelled() => return Err(superseded_by_another()),
            turn = turn.lock_owned() => taken.turn = Some(turn),
        }
        taken.make_room(size).await?;
        Ok(taken)
    }

    /// Keeps an identity within what it may have on its way. What it no longer sends gives way, the oldest first.
    async fn make_room(&self, size: u64) -> Result<(), Status> {
        let (id, digest) = self.key;
        let others = self.controller.links.shared().uploads.others(id, &digest);
        let running: u64 = others.iter().map(|(_, size)| size).sum();
        let taken = running.saturating_add(size);
        if taken > ON_THE_WAY {
            return Err(Status::resource_exhausted(format!(
                "{running} bytes of this agent are on their way already, and {size} more would pass {ON_THE_WAY}"
            )));
        }
        blocking(&self.controller.store, move |store| {
            let mut left = ON_THE_WAY - taken;
            let mut idle = store.partials(id)?;
            idle.retain(|partial| {
                partial.digest != digest && !others.iter().any(|(of, _)| *of == partial.digest)
            });
            // The youngest are kept as long as there is room.
            for partial in idle.iter().rev() {
                match left.checked_sub(partial.length) {
                    Some(rest) => left = rest,
                    None => store.remove_partial(id, &partial.digest)?,
                }
            }
            Ok(())
        })
        .await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.turn.take());
        let mut running = self.controller.links.shared().uploads.running();
        if let Some(run) = running.get_mut(&self.key) {
            run.entered -= 1;
            if run.entered == 0 {
                running.remove(&self.key);
            }
        }
    }
}

/// What an upload is told whose object is sent by another call.
pub(super) fn superseded_by_another() -> Status {
    Status::aborted("another upload of the same object took its place")
}
