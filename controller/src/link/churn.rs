//! Bounds what an agent that comes and goes all the time writes into the audit log.
//!
//! Each connection of an agent, and its end, stands in the log by itself while they are few: 20 at once, then one every half
//! minute. Beyond that they are counted, and a minute later one record, `agent.reconnect`, says how many were left out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use netghost_core::audit::{Event, Outcome};
use netghost_core::fleet::Id;
use tokio::time::Instant;

use super::presence::event;
use crate::Controller;
use crate::bucket::{Bucket, Kept};
use crate::caller::Agent;

/// So many records at once.
const BURST: u32 = 20;
/// Then one each so often.
const EVERY: Duration = Duration::from_secs(30);

/// What each agent may still write. As many entries as there are agents that connected.
#[derive(Debug, Default)]
pub(super) struct Churn(Mutex<BTreeMap<Id, Arc<Bucket>>>);

impl Churn {
    fn of(&self, id: Id) -> Arc<Bucket> {
        let mut agents = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = agents
            .entry(id)
            .or_insert_with(|| Arc::new(Bucket::new(BURST, EVERY)));
        Arc::clone(bucket)
    }
}

/// The event, if it is to be written by itself; else it is counted.
pub(super) fn bounded(controller: &Controller, agent: &Agent, event: Event) -> Option<Event> {
    let shared = controller.links.shared();
    let bucket = shared.churn.of(agent.id);
    match bucket.keep(Instant::now()) {
        Kept::Written => Some(event),
        Kept::Counted => None,
        Kept::First => {
            let later = shared.timings.summed_up;
            drop(tokio::spawn(sum_up(
                controller.clone(),
                agent.clone(),
                bucket,
                later,
            )));
            None
        }
    }
}

async fn sum_up(controller: Controller, agent: Agent, bucket: Arc<Bucket>, later: Duration) {
    tokio::time::sleep(later).await;
    let sum = event(&agent, "agent.reconnect", Outcome::Done);
    controller.write_down(sum.with("left_out", bucket.sum())).await;
}
