//! What is done on threads, so that a slow disk holds up no message: writing the spool in order, and reading the host.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_ns::ask::SOCKET;
use tokio::sync::mpsc;

use super::machine::Event;
use crate::capture::capture;
use crate::disk::Disk;
use crate::files::{self, HEAD, Head};
use crate::order::{Capture, Failed, Order, Outcome};
use crate::outside::Host;
use crate::spool::Spool;

/// A change of what is on the disk.
#[derive(Debug)]
pub(super) enum Change {
    Accept(Id, Duration, Order),
    Finish(Id, Outcome),
    Forget(Vec<Id>),
    Head(Box<Head>),
}

/// Where files are changed.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub(super) spool: Arc<Spool>,
    pub(super) state: PathBuf,
    pub(super) disk: Disk,
    pub(super) host: Host,
}

impl Storage {
    /// Makes changes one after the other, up to the end of the process.
    pub(super) async fn work(self, mut changes: mpsc::UnboundedReceiver<Change>, done: mpsc::Sender<Event>) {
        while let Some(change) = changes.recv().await {
            let storage = self.clone();
            let event = tokio::task::spawn_blocking(move || storage.make(change)).await;
            if let Ok(Some(event)) = event
                && done.send(event).await.is_err()
            {
                return;
            }
        }
    }

    fn make(&self, change: Change) -> Option<Event> {
        match change {
            Change::Accept(id, deadline, order) => {
                let result = self.spool.accept(id, &self.host.boot_id, deadline, order);
                Some(Event::Accepted(id, result.map_err(Failed::from)))
            }
            Change::Finish(id, outcome) => {
                let result = self.spool.finish(id, outcome).map_err(Failed::from);
                if let Err(failed) = &result {
                    tracing::error!(command = %id, why = failed.message, "an outcome could not be written down");
                }
                Some(Event::Recorded(id, result))
            }
            Change::Forget(ids) => {
                // A command that stays is told again after the next start, and acknowledged again.
                if let Err(error) = self.spool.forget(&ids) {
                    tracing::warn!(why = crate::capture::chain(&error), "commands stay in the spool");
                }
                None
            }
            Change::Head(head) => {
                if let Err(error) = files::write(&self.disk, &self.state, HEAD, &*head) {
                    tracing::warn!(why = %error, "the audit log's head could not be kept");
                }
                None
            }
        }
    }

    /// Reads the host and puts the snapshot into the spool; the memory that it took is free when it returns.
    pub(super) async fn capture(self, id: Id, order: Capture, done: mpsc::Sender<Event>) {
        let read = move || -> Result<Digest, Failed> {
            let stored = capture(&order, &self.host, Path::new(SOCKET))?;
            Ok(self.spool.keep(id, &stored)?)
        };
        let result = tokio::task::spawn_blocking(read).await;
        let result = result.unwrap_or_else(|error| {
            let message = format!("the reader broke off: {error}: please report this");
            Err(Failed::new("internal", message))
        });
        // Nobody listens any more when the process ends.
        drop(done.send(Event::Captured(id, result)).await);
    }
}
