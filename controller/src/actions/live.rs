//! What this process knows of actions beside the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netghost_core::fleet::Id;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Duration, Instant};

use crate::store::actions::Step;

/// How many demands of these kinds one agent has in hand at once: all of them come again when it does, and what it has not read
/// by then must fit the stream's queue.
const PROPOSING: usize = 8;
const PERFORMING: usize = 32;

/// The actions that are under way in this process, when those that wait run out, and who watches.
#[derive(Debug, Default)]
pub struct Live {
    inner: Mutex<Inner>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The actions that are carried on, and whether there is more to do than was seen last.
    running: BTreeMap<Id, bool>,
    /// By a clock that nobody sets.
    until: BTreeMap<Id, Instant>,
    /// By agent and kind of demand.
    in_hand: BTreeMap<(Id, Step), Arc<Semaphore>>,
}

impl Live {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an action as carried on here. False if it is already: whoever carries it on looks once more before the end.
    pub(super) fn begin(&self, id: Id) -> bool {
        let mut inner = self.inner();
        let known = inner.running.contains_key(&id);
        inner.running.insert(id, known);
        !known
    }

    /// True if it is carried on here no more; false if it is to be looked at once more.
    pub(super) fn end(&self, id: Id) -> bool {
        let mut inner = self.inner();
        match inner.running.get(&id) {
            Some(true) => {
                inner.running.insert(id, false);
                false
            }
            _ => {
                inner.running.remove(&id);
                true
            }
        }
    }

    /// Waits until an agent may be given one more demand of this kind. What undoes waits for nothing.
    pub(super) async fn permit(&self, agent: Id, step: Step) -> Option<OwnedSemaphorePermit> {
        let most = match step {
            Step::Propose => PROPOSING,
            Step::Perform => PERFORMING,
            Step::Undo | Step::Withdraw | Step::Standing => return None,
        };
        let in_hand = self
            .inner()
            .in_hand
            .entry((agent, step))
            .or_insert_with(|| Arc::new(Semaphore::new(most)))
            .clone();
        in_hand.acquire_owned().await.ok()
    }

    /// When this action's lifetime ends: so long from the first time that this is asked for it.
    pub(super) fn until(&self, id: Id, left: Duration) -> Instant {
        let now = Instant::now();
        let mut inner = self.inner();
        *inner
            .until
            .entry(id)
            .or_insert_with(|| now.checked_add(left).unwrap_or(now))
    }

    /// Forgets the ends of all but these.
    pub(super) fn keep(&self, open: &BTreeSet<Id>) {
        self.inner().until.retain(|id, _| open.contains(id));
    }

    /// Rows have changed: those who watch are told.
    pub(crate) fn changed(&self) {
        self.changes.send_replace(());
    }

    /// Tells when rows have changed.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_while_it_is_carried_on_is_looked_at_before_the_end() {
        let (live, id) = (Live::default(), Id::from_random([1; 16]));
        assert!(live.begin(id));
        assert!(live.end(id), "nothing came");
        assert!(live.begin(id));
        assert!(!live.begin(id), "one carries it on");
        assert!(!live.end(id), "and looks once more");
        assert!(live.end(id));
        assert!(live.begin(id));
    }
}
