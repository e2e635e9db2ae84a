//! Counters of this process, since its start.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netghost_core::audit::{Event, Outcome};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// At zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds to it.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// As it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes of objects that agents uploaded.
pub static UPLOADED_BYTES: Counter = Counter::new();
/// Errors of the database.
pub static DATABASE_ERRORS: Counter = Counter::new();
/// Heads of agents that the audit log does not lead to.
pub static AUDIT_CONFLICTS: Counter = Counter::new();
/// Heads that could not be signed and stored.
pub static HEAD_FAILURES: Counter = Counter::new();
/// What was written to the audit log.
pub static EVENTS: Events = Events(Mutex::new(BTreeMap::new()));

/// Events by action and outcome.
#[derive(Debug)]
pub struct Events(Mutex<BTreeMap<(String, &'static str), u64>>);

impl Events {
    /// Counts one.
    pub(crate) fn count(&self, event: &Event) {
        *self
            .lock()
            .entry((event.action.clone(), word(event.outcome)))
            .or_default() += 1;
    }

    /// All, in order.
    pub fn all(&self) -> BTreeMap<(String, &'static str), u64> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), u64>> {
        // A count is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Begun => "begun",
        Outcome::Done => "done",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
    }
}
