//! Whether a call that failed is made again, and when. Pure: what was tried, how much time is left, and chance are given in.

use std::time::Duration;

/// Why a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// More calls than the limit.
    Throttled,
    /// Another operation holds the resource.
    Locked,
    /// An error of the server or of the network.
    Failed,
}

/// How often each is made again.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// After a throttled call. Azure names the time, so many are cheap: a minute of refusals is lived through.
    pub throttled: u32,
    /// While another operation holds the resource.
    pub locked: u32,
    /// After an error of the server or of the network.
    pub failed: u32,
    /// The first wait where Azure named none; each further one is twice as long.
    pub first: Duration,
    /// The longest wait where Azure named none.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            throttled: 15,
            locked: 8,
            failed: 4,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

/// How often a call was made again, by cause.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    throttled: u32,
    locked: u32,
    failed: u32,
}

impl Tally {
    /// One more.
    pub fn count(&mut self, cause: Cause) {
        let counted = match cause {
            Cause::Throttled => &mut self.throttled,
            Cause::Locked => &mut self.locked,
            Cause::Failed => &mut self.failed,
        };
        *counted = counted.saturating_add(1);
    }

    /// How often in all.
    pub fn all(&self) -> u32 {
        self.throttled
            .saturating_add(self.locked)
            .saturating_add(self.failed)
    }

    fn of(&self, cause: Cause) -> u32 {
        match cause {
            Cause::Throttled => self.throttled,
            Cause::Locked => self.locked,
            Cause::Failed => self.failed,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Make the call again after this time.
    Again(Duration),
    /// It was made again often enough.
    Enough,
    /// The time that is left ends before the call may be made again.
    TooLate(Duration),
}

/// What to do after a failure. `named` is the time that Azure asked for: never is the call made earlier, since an early one
/// is refused and its refusal names a new time. `left` is what remains until the caller's deadline; `chance` lies in
/// [0, 1) and keeps many clients from coming back together.
pub fn next(
    policy: &RetryPolicy,
    tally: &Tally,
    cause: Cause,
    named: Option<Duration>,
    left: Duration,
    chance: f64,
) -> Next {
    let most = match cause {
        Cause::Throttled => policy.throttled,
        Cause::Locked => policy.locked,
        Cause::Failed => policy.failed,
    };
    let before = tally.of(cause);
    if before >= most {
        return Next::Enough;
    }
    let chance = if (0.0..1.0).contains(&chance) { chance } else { 0.5 };
    let wait = match named {
        Some(named) => named.saturating_add(named.min(Duration::from_secs(10)).mul_f64(chance / 10.0)),
        None => {
            let doubled = policy
                .first
                .saturating_mul(1u32.checked_shl(before.min(20)).unwrap_or(u32::MAX));
            doubled.min(policy.longest).mul_f64(0.5 + chance / 2.0)
        }
    };
    if wait >= left {
        Next::TooLate(wait)
    } else {
        Next::Again(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn causes() -> impl Strategy<Value = Cause> {
        prop_oneof![Just(Cause::Throttled), Just(Cause::Locked), Just(Cause::Failed)]
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let mut tally = Tally::default();
        let mut waits = Vec::new();
        while let Next::Again(wait) = next(&policy, &tally, Cause::Locked, None, LONG, 0.0) {
            waits.push(wait.as_millis());
            tally.count(Cause::Locked);
        }
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
        assert_eq!(tally.all(), 8);
        // The other causes have a count of their own.
        assert!(matches!(
            next(&policy, &tally, Cause::Failed, None, LONG, 0.0),
            Next::Again(_)
        ));
    }

    #[test]
    fn a_time_behind_the_deadline_is_not_waited_for() {
        let named = Some(Duration::from_secs(60));
        let left = Duration::from_secs(59);
        let next = next(
            &RetryPolicy::default(),
            &Tally::default(),
            Cause::Throttled,
            named,
            left,
            0.0,
        );
        assert_eq!(next, Next::TooLate(Duration::from_secs(60)));
    }

    proptest! {
        #[test]
        fn never_early_never_late_never_for_ever(
            cause in causes(), named in proptest::option::of(0u64..5_000_000), left in 0u64..100_000, chance: f64,
        ) {
            let policy = RetryPolicy::default();
            let named = named.map(Duration::from_millis);
            let left = Duration::from_millis(left);
            let mut tally = Tally::default();
            for round in 0..100 {
                match next(&policy, &tally, cause, named, left, chance) {
                    Next::Again(wait) => {
                        prop_assert!(wait < left && named.is_none_or(|named| wait >= named));
                        prop_assert!(named.is_some() || wait <= policy.longest);
                        tally.count(cause);
                    }
                    Next::Enough => { prop_assert!(round <= 15); return Ok(()); }
                    Next::TooLate(wait) => { prop_assert!(wait >= left); return Ok(()); }
                }
            }
            prop_assert!(false, "for ever");
        }
    }
}
