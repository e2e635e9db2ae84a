//! Writes refusals down, so many of them that nobody can fill the disk by being refused.
//!
//! Each refusal stands in the audit log by itself while they are few: 60 at once, then one every two seconds. Beyond that
//! they are counted, and a minute later one record says how many there were. Callers who proved no identity are counted
//! apart from those who did, so that strangers can't hide what a user was refused. Nobody is kept out by the count: were
//! the door shut after so many failures, whoever reaches the port could keep a fleet from joining. What keeps secrets from
//! being guessed is their 256 bits.

use std::time::Duration;

use netghost_core::audit::{Event, Outcome};
use tokio::time::Instant;

use crate::Controller;
use crate::bucket::{Bucket, Kept};
use crate::store::Error;

/// So many at once.
const BURST: u32 = 60;
/// Then one each so often.
const EVERY: Duration = Duration::from_secs(2);
/// When the rest is summed up.
const SUMMED_UP: Duration = Duration::from_secs(60);
/// The actor of whoever proved no identity.
pub(crate) const NOBODY: &str = "nobody";

/// How many refusals may still be written down.
#[derive(Debug)]
pub(crate) struct Refusals {
    nobody: Bucket,
    known: Bucket,
}

impl Default for Refusals {
    fn default() -> Self {
        let bucket = || Bucket::new(BURST, EVERY);
        Self {
            nobody: bucket(),
            known: bucket(),
        }
    }
}

impl Refusals {
    fn bucket(&self, nobody: bool) -> &Bucket {
        if nobody { &self.nobody } else { &self.known }
    }
}

impl Controller {
    /// Writes a refusal down, or counts it. That it could not be written down is logged: the caller is refused anyhow.
    pub(crate) async fn refused(&self, event: Event) {
        let nobody = event.actor == NOBODY;
        match self.1.bucket(nobody).keep(Instant::now()) {
            Kept::Written => self.write_down(event).await,
            Kept::Counted => {}
            Kept::First => {
                let controller = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(SUMMED_UP).await;
                    let count = controller.1.bucket(nobody).sum();
                    let actor = if nobody { NOBODY } else { "controller" };
                    let event = Event::new(actor, "call.refuse", Outcome::Denied);
                    controller.write_down(event.with("refusals", count)).await;
                });
            }
        }
    }

    /// Writes an event down that is part of no other change. That it could not be is logged.
    pub(crate) async fn write_down(&self, event: Event) {
        let action = event.action.clone();
        let written: Result<(), Error> = async {
            let mut transaction = self.store.begin().await?;
            crate::audit::append(&mut transaction, self.outside.now_us(), event).await?;
            Ok(transaction.commit().await?)
        }
        .await;
        if let Err(error) = written {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                action,
                "an event could not be written down"
            );
        }
    }
}
