//! The buckets of all subscriptions, and how many calls are under way at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::answer::Heard;
use crate::bucket::{Bucket, Counts, Limit, Ticket};

/// Which bucket: a subscription in lower case, the region of Resource Manager that answers (empty until one has), and what the
/// call counts as.
type Key = (String, String, Counts);

#[derive(Debug)]
pub(crate) struct Throttle {
    lanes: Mutex<Lanes>,
    at_once: Semaphore,
    limit: fn(Counts) -> Limit,
}

#[derive(Debug, Default)]
struct Lanes {
    lanes: BTreeMap<Key, Arc<Lane>>,
    /// The region that answered last for a subscription: the limits are kept by region, and only its answers name it.
    regions: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Lane {
    /// Callers pass one after the other, in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
}

/// A call that may go now.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    taken: Taken,
    counts: Counts,
    _at_once: Option<SemaphorePermit<'a>>,
}

/// A token that was taken, until its call has landed.
#[derive(Debug)]
struct Taken {
    lane: Arc<Lane>,
    ticket: Ticket,
}

impl Drop for Taken {
    fn drop(&mut self) {
        hold(&self.lane.bucket).landed(Instant::now());
    }
}

impl Throttle {
    pub(crate) fn new(at_once: usize, limit: fn(Counts) -> Limit) -> Self {
        Self {
            lanes: Mutex::default(),
            at_once: Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS)),
            limit,
        }
    }

    /// Waits for a token and for a free place.
    pub(crate) async fn pass(&self, subscription: &str, counts: Counts) -> Pass<'_> {
        let lane = self.lane(subscription, counts);
        loop {
            let ticket = lane.ticket().await;
            let taken = Taken {
                lane: Arc::clone(&lane),
                ticket,
            };
            // The place comes second: who waits for a token takes nobody else's place.
            let at_once = self.at_once.acquire().await.ok();
            let passes = hold(&lane.bucket).passes(Instant::now());
            if passes {
                return Pass {
                    taken,
                    counts,
                    _at_once: at_once,
                };
            }
        }
    }

    /// Corrects the bucket by what an answer says is left, and learns the region.
    pub(crate) fn heard(&self, subscription: &str, pass: &Pass<'_>, heard: &Heard) {
        let now = Instant::now();
        let left = match pass.counts {
            Counts::Read => heard.remaining.reads,
            Counts::Write => heard.remaining.writes,
            Counts::Delete => heard.remaining.deletes,
            Counts::Graph => heard.remaining.graph,
        };
        if let Some(left) = left {
            hold(&pass.taken.lane.bucket).correct(pass.taken.ticket, left, now);
        }
        if let (Counts::Graph, Some(0), Some(after)) =
            (pass.counts, heard.remaining.graph, heard.remaining.graph_after)
        {
            pass.pause(after);
        }
        if let Some(region) = &heard.region {
            self.learn(subscription, region, now);
        }
    }

    fn lane(&self, subscription: &str, counts: Counts) -> Arc<Lane> {
        let subscription = subscription.to_lowercase();
        let mut lanes = hold(&self.lanes);
        let region = lanes.regions.get(&subscription).cloned().unwrap_or_default();
        let lane = lanes
            .lanes
            .entry((subscription, region, counts))
            .or_insert_with(|| Arc::new(Lane::of(Bucket::new((self.limit)(counts), Instant::now()))));
        Arc::clone(lane)
    }

    /// The first region takes over the buckets; each further one begins with what was left in the last.
    fn learn(&self, subscription: &str, region: &str, now: Instant) {
        let subscription = subscription.to_lowercase();
        let mut lanes = hold(&self.lanes);
        let before = lanes
            .regions
            .insert(subscription.clone(), region.to_owned())
            .unwrap_or_default();
        if before == region {
            return;
        }
        for counts in [Counts::Read, Counts::Write, Counts::Delete, Counts::Graph] {
            let Some(lane) = lanes
                .lanes
                .get(&(subscription.clone(), before.clone(), counts))
                .cloned()
            else {
                continue;
            };
            let next = if before.is_empty() {
                lane
            } else {
                Arc::new(Lane::of(hold(&lane.bucket).carried_over()))
            };
            lanes
                .lanes
                .entry((subscription.clone(), region.to_owned(), counts))
                .or_insert(next);
        }
        tracing::debug!(subscription, region, waited = ?now.elapsed(), "resource manager answers from this region");
    }
}

impl Lane {
    fn of(bucket: Bucket) -> Self {
        Self {
            turn: tokio::sync::Mutex::default(),
            bucket: Mutex::new(bucket),
        }
    }

    async fn ticket(&self) -> Ticket {
        let _turn = self.turn.lock().await;
        loop {
            let wait = match hold(&self.bucket).take(Instant::now()) {
                Ok(ticket) => return ticket,
                Err(wait) => wait,
            };
            tokio::time::sleep(wait).await;
        }
    }
}

impl Pass<'_> {
    /// No further call of this kind before that time.
    pub(crate) fn pause(&self, after: Duration) {
        if let Some(until) = Instant::now().checked_add(after) {
            hold(&self.taken.lane.bucket).pause(until);
        }
    }
}

/// What a panic elsewhere left is as good as any other count.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(at_once: usize) -> Throttle {
        Throttle::new(at_once, Counts::limit)
    }

    fn answered(region: &str, writes: u32) -> Heard {
        let mut heard = Heard {
            region: Some(region.to_owned()),
            ..Heard::default()
        };
        heard.remaining.writes = Some(writes);
        heard
    }

    async fn passes(throttle: &Throttle, subscription: &str, count: usize) -> bool {
        let all = async {
            for _ in 0..count {
                drop(throttle.pass(subscription, Counts::Write).await);
            }
        };
        tokio::time::timeout(Duration::from_millis(60), all).await.is_ok()
    }

    #[tokio::test]
    async fn each_subscription_has_a_limit_of_its_own() {
        let throttle = throttle(8);
        let pass = throttle.pass("S1", Counts::Write).await;
        pass.pause(Duration::from_secs(60));
        drop(pass);
        assert!(!passes(&throttle, "s1", 1).await);
        assert!(passes(&throttle, "s2", 3).await);
        // And so has each kind of call.
        assert!(
            tokio::time::timeout(Duration::from_millis(60), throttle.pass("s1", Counts::Read))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_region_begins_with_what_the_last_one_left() {
        let throttle = throttle(8);
        let pass = throttle.pass("s", Counts::Write).await;
        throttle.heard("s", &pass, &answered("westeurope", 3));
        drop(pass);
        assert!(passes(&throttle, "s", 3).await);
        let pass = throttle.pass("s", Counts::Write).await;
        throttle.heard("s", &pass, &answered("northeurope", 0));
        drop(pass);
        assert!(
            !passes(&throttle, "s", 4).await,
            "a new region must not fill the bucket"
        );
    }

    #[tokio::test]
    async fn no_more_than_so_many_at_once() {
        let throttle = throttle(2);
        let (first, _second) = (
            throttle.pass("s", Counts::Read).await,
            throttle.pass("s", Counts::Write).await,
        );
        let third = throttle.pass("t", Counts::Read);
        assert!(
            tokio::time::timeout(Duration::from_millis(30), third)
                .await
                .is_err()
        );
        drop(first);
        assert!(
            tokio::time::timeout(Duration::from_secs(5), throttle.pass("t", Counts::Read))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_takes_nothing_along() {
        let throttle = throttle(8);
        let pass = throttle.pass("s", Counts::Write).await;
        pass.pause(Duration::from_millis(80));
        drop(pass);
        for _ in 0..5 {
            assert!(
                tokio::time::timeout(Duration::from_millis(5), throttle.pass("s", Counts::Write))
                    .await
                    .is_err()
            );
        }
        assert!(
            tokio::time::timeout(Duration::from_secs(5), throttle.pass("s", Counts::Write))
                .await
                .is_ok()
        );
    }
}
