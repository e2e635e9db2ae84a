//! The jobs that run in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use netghost_core::fleet::Id;
use tokio::sync::watch;

/// The jobs that run in this process, and who watches them.
#[derive(Debug, Default)]
pub struct Running {
    jobs: Mutex<BTreeMap<Id, watch::Sender<()>>>,
}

impl Running {
    /// Counts a job as running. False if it runs already: it must not run twice.
    pub(super) fn begin(&self, id: Id) -> bool {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.contains_key(&id) {
            return false;
        }
        jobs.insert(id, watch::Sender::new(()));
        true
    }

    /// Tells those who watch a job that its rows have changed.
    pub(super) fn changed(&self, id: Id) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = jobs.get(&id) {
            job.send_replace(());
        }
    }

    /// The job no longer runs here; its watchers are told.
    pub(super) fn end(&self, id: Id) {
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    /// Tells when rows of a job have changed; nothing if it does not run in this process.
    pub fn watch(&self, id: Id) -> Option<watch::Receiver<()>> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.get(&id).map(watch::Sender::subscribe)
    }

    /// How many jobs run in this process.
    pub fn count(&self) -> usize {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
