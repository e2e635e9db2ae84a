//! Bounds what is written down: so many records at once, then one each so often. The rest is counted, to be summed up.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many records may still be written.
#[derive(Debug)]
pub(crate) struct Bucket {
    burst: u32,
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spent: u32,
    /// When the last one that was spent came back.
    refilled: Option<Instant>,
    counted: u64,
}

/// What becomes of one record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is to be written.
    Written,
    /// Only counted, as the first since the last sum: the sum is to be written in a while.
    First,
    /// Only counted.
    Counted,
}

impl Bucket {
    /// So many at once, then one each so often.
    pub(crate) fn new(burst: u32, every: Duration) -> Self {
        Self {
            burst,
            every,
            state: Mutex::default(),
        }
    }

    /// Decides about one record.
    pub(crate) fn keep(&self, now: Instant) -> Kept {
        let mut state = self.lock();
        let back = state.refilled.map_or(u128::from(self.burst), |then| {
            now.duration_since(then).as_millis() / self.every.as_millis().max(1)
        });
        if back > 0 {
            let back = u32::try_from(back).unwrap_or(u32::MAX);
            state.spent = state.spent.saturating_sub(back);
            state.refilled = Some(now);
        }
        if state.spent < self.burst {
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

    /// How many were only counted since this was last asked.
    pub(crate) fn sum(&self) -> u64 {
        std::mem::take(&mut self.lock().counted)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A count is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_not_written() {
        let (burst, every) = (60, Duration::from_secs(2));
        let bucket = Bucket::new(burst, every);
        let now = Instant::now();
        for _ in 0..burst {
            assert_eq!(bucket.keep(now), Kept::Written);
        }
        assert_eq!(bucket.keep(now), Kept::First);
        assert_eq!(bucket.keep(now), Kept::Counted);
        assert_eq!(bucket.keep(now + every), Kept::Written);
        assert_eq!(bucket.keep(now + every), Kept::Counted);
        assert_eq!(bucket.sum(), 3);
        assert_eq!(bucket.keep(now + every), Kept::First);
        for _ in 0..burst {
            assert_eq!(bucket.keep(now + every * (burst + 1)), Kept::Written);
        }
        assert_eq!(bucket.keep(now + every * (burst + 1)), Kept::Counted);
    }
}
