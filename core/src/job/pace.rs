//! When parts of a job begin and end.

use std::time::Duration;

/// How long a target waits before it is asked, at most `jitter`, from a number drawn at random.
pub fn delay(random: u64, jitter_ms: u64) -> Duration {
    Duration::from_millis(jitter_ms.checked_add(1).map_or(random, |ways| random % ways))
}

/// How long a job may still run after a restart. Wall clocks jump, so that it is never more than the job had at first.
pub fn remaining(now_us: u64, deadline_at_us: u64, length_ms: u64) -> Duration {
    let left = Duration::from_micros(deadline_at_us.saturating_sub(now_us));
    left.min(Duration::from_millis(length_ms))
}

/// When something that was due at `due_us` and is done every so often is due next: in the same rhythm, later than now.
/// Periods that were missed are not made up for.
pub fn next_run(due_us: u64, every_us: u64, now_us: u64) -> u64 {
    let every = every_us.max(1);
    let missed = now_us.saturating_sub(due_us) / every;
    due_us.saturating_add(every.saturating_mul(missed.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_delay_is_within_the_jitter(random: u64, jitter: u64) {
            prop_assert!(delay(random, jitter) <= Duration::from_millis(jitter));
        }

        #[test]
        fn what_remains_is_never_more_than_at_first(now: u64, deadline: u64, length in 0..1_u64 << 40) {
            let left = remaining(now, deadline, length);
            prop_assert!(left <= Duration::from_millis(length));
            prop_assert!(now < deadline || left.is_zero());
        }

        #[test]
        fn the_next_run_is_the_first_one_in_rhythm_after_now(
            due in 0..1_u64 << 50, every in 1..1_u64 << 40, late in 0..1_u64 << 50,
        ) {
            let next = next_run(due, every, due + late);
            prop_assert!(next > due + late && next - every <= due + late);
            prop_assert_eq!((next - due) % every, 0);
        }
    }

    #[test]
    fn a_clock_set_back_does_not_bring_a_run_forward() {
        assert_eq!(next_run(1_000, 100, 0), 1_100);
        assert_eq!(next_run(1_000, 0, 2_000), 2_001);
    }
}
