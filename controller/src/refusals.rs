//! Writes refusals down, so many of them that nobody can fill the disk by being refused.
//!
//! Each refusal stands in the audit log by itself while they are few: 60 at once, then one every two seconds. Beyond that
//! they are counted, and a minute later one record says how many there were. Callers who proved no identity are counted
//! apart from those who did, so that strangers can't hide what a user was refused. Nobody is kept out by the count: were
//! the door shut after so many failures, whoever reaches the port could keep a fleet from joining. What keeps secrets from
//! being guessed is their 256 bits.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use netghost_core::audit::{Event, Outcome};
use tokio::time::Instant;

use crate::Controller;
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
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    nobody: Bucket,
    known: Bucket,
}

#[derive(Debug, Default)]
struct Bucket(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    spent: u32,
    /// When the last one that was spent came back.
    refilled: Option<Instant>,
    counted: u64,
}

/// What becomes of one refusal.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Written,
    /// Only counted, as the first since the last sum.
    First,
    Counted,
}

impl Bucket {
    fn keep(&self, now: Instant) -> Kept {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = state
            .refilled
            .map_or(EVERY.saturating_mul(BURST), |then| now.duration_since(then));
        let back = u32::try_from(since.as_secs() / EVERY.as_secs()).unwrap_or(BURST);
        if back > 0 {
            state.spent = state.spent.saturating_sub(back);
            state.refilled = Some(now);
        }
        if state.spent < BURST {
            state.spent += 1;
            return Kept::Written;
        }
        state.counted += 1;
        if state.counted == 1 {
            Kept::First
        } else {
            Kept::Counted
        }
    }

    fn sum(&self) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.counted)
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
            Kept::Written => self.write(event).await,
            Kept::Counted => {}
            Kept::First => {
                let controller = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(SUMMED_UP).await;
                    let count = controller.1.bucket(nobody).sum();
                    let actor = if nobody { NOBODY } else { "controller" };
                    let event = Event::new(actor, "call.refuse", Outcome::Denied);
                    controller.write(event.with("refusals", count)).await;
                });
            }
        }
    }

    async fn write(&self, event: Event) {
        let written: Result<(), Error> = async {
            let mut transaction = self.store.begin().await?;
            crate::audit::append(&mut transaction, self.outside.now_us(), event).await?;
            Ok(transaction.commit().await?)
        }
        .await;
        if let Err(error) = written {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a refusal could not be written down"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_not_written() {
        let bucket = Bucket::default();
        let now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(bucket.keep(now), Kept::Written);
        }
        assert_eq!(bucket.keep(now), Kept::First);
        assert_eq!(bucket.keep(now), Kept::Counted);
        assert_eq!(bucket.keep(now + EVERY), Kept::Written);
        assert_eq!(bucket.keep(now + EVERY), Kept::Counted);
        assert_eq!(bucket.sum(), 3);
        assert_eq!(bucket.keep(now + EVERY), Kept::First);
        for _ in 0..BURST {
            assert_eq!(bucket.keep(now + EVERY * (BURST + 1)), Kept::Written);
        }
        assert_eq!(bucket.keep(now + EVERY * (BURST + 1)), Kept::Counted);
    }
}
