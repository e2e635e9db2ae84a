//! How long to wait before the next try.

use std::time::Duration;

/// The longest first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait of all.
const LONGEST: Duration = Duration::from_secs(60);
/// The shortest wait, so that no draw makes a loop.
const SHORTEST: Duration = Duration::from_millis(50);

/// Draws numbers that need not be secret: the start is given, so a test can repeat a run (splitmix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// Begins with this number.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A time of this range, each equally likely.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let range = to.saturating_sub(from).as_micros().saturating_add(1);
        let extra = u128::from(self.next()) % range;
        from.saturating_add(Duration::from_micros(u64::try_from(extra).unwrap_or(u64::MAX)))
    }
}

/// Exponential back-off with full jitter: before try `n` any time up to 1 s · 2ⁿ, at most 60 s, so that a fleet whose
/// controller was restarted does not come back in one moment.
pub fn wait(tries: u32, draw: &mut Draw) -> Duration {
    let most = FIRST.saturating_mul(1_u32.checked_shl(tries.min(16)).unwrap_or(1));
    draw.between(SHORTEST, most.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_are_spread() {
        let mut draw = Draw::new(1);
        for tries in [0, 1, 2, 5, 6, 7, 40, u32::MAX] {
            let most = Duration::from_secs(1 << tries.min(6)).min(LONGEST);
            let waits: Vec<_> = (0..200).map(|_| wait(tries, &mut draw)).collect();
            assert!(
                waits.iter().all(|wait| *wait >= SHORTEST && *wait <= most),
                "{tries}"
            );
            let low = waits.iter().filter(|wait| **wait < most / 2).count();
            assert!(
                (50..150).contains(&low),
                "{tries}: {low} of 200 in the lower half"
            );
        }
    }
}
