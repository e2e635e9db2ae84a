//! Change windows: what was sealed before a change is compared with what is there when it is over.

use serde::{Deserialize, Serialize};

use crate::artifact::certificate::DriftVerdict;
use crate::artifact::name::Name;
use crate::bytes::Big;

/// How long before a window somebody is warned of what changed, microseconds: an hour.
pub const BEFORE_US: u64 = 3_600 * 1_000_000;

/// By how much the wall clock and the one that nobody sets may differ over a window, microseconds.
pub const CLOCK_US: u64 = 2 * 1_000_000;

/// A window that was closed, as its certificate states it. Times are microseconds since 1970 UTC by the controller's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The change.
    pub ticket: Name,
    /// When it was opened: the change began no earlier.
    pub opened_at_us: Big,
    /// When what was there at its end had been read.
    pub closed_at_us: Big,
    /// When the baseline was sealed, as the sealed document says that was compared with; `null` where none could be used.
    pub baseline_at_us: Option<Big>,
    /// When it was to end; not there where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at_us: Option<Big>,
}

/// What follows from the times of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: DriftVerdict,
    /// Why it is unknown, where the times make it so.
    pub why: Option<String>,
    /// By how much it was closed after its end, microseconds.
    pub late_us: Option<u64>,
}

impl Window {
    /// What a comparison with this result says of the window.
    ///
    /// A baseline that was taken after the change may have begun is no state before the change: whatever the comparison found,
    /// what the change left behind is unknown.
    pub fn judge(&self, found: DriftVerdict) -> Judgement {
        let why = self.why();
        Judgement {
            verdict: if why.is_some() {
                DriftVerdict::Unknown
            } else {
                found
            },
            why,
            late_us: late(self.ends_at_us.map(|ends| ends.0), self.closed_at_us.0),
        }
    }

    fn why(&self) -> Option<String> {
        let (opened, closed) = (self.opened_at_us.0, self.closed_at_us.0);
        let Some(Big(baseline)) = self.baseline_at_us else {
            return Some(
                "when the baseline was sealed is not known, since its seal could not be used".to_owned(),
            );
        };
        if baseline > opened {
            let by = seconds(baseline - opened);
            return Some(format!(
                "the baseline was taken {by} s after the window began: what changed before it can't be seen"
            ));
        }
        (closed < opened).then(|| {
            let by = seconds(opened - closed);
            format!("the window ended {by} s before it began by the controller's clock, which was set back")
        })
    }
}

/// By how much this moment is after the window's end, microseconds.
pub fn late(ends_at_us: Option<u64>, now_us: u64) -> Option<u64> {
    now_us.checked_sub(ends_at_us?).filter(|late| *late > 0)
}

/// By how much the wall clock was set while so much time passed by a clock that nobody sets; `None` where it went right.
/// Microseconds, less than nothing where it was set back.
pub fn clock_set(wall: (u64, u64), passed_us: u64) -> Option<i64> {
    let wall = i128::from(wall.1) - i128::from(wall.0);
    let set = wall - i128::from(passed_us);
    (set.unsigned_abs() > u128::from(CLOCK_US)).then(|| i64::try_from(set).unwrap_or(i64::MAX))
}

/// Whole seconds, at least one.
fn seconds(us: u64) -> u64 {
    us.div_ceil(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(opened: u64, closed: u64, baseline: u64) -> Window {
        Window {
            ticket: Name::parse("CHG0031337").unwrap(),
            opened_at_us: Big(opened),
            closed_at_us: Big(closed),
            baseline_at_us: Some(Big(baseline)),
            ends_at_us: Some(Big(50)),
        }
    }

    const ALL: [DriftVerdict; 3] = [DriftVerdict::NoDrift, DriftVerdict::Drift, DriftVerdict::Unknown];

    #[test]
    fn a_baseline_from_before_leaves_the_answer_as_it_was_found() {
        for found in ALL {
            for baseline in [0, 9, 10] {
                let judged = window(10, 40, baseline).judge(found);
                assert_eq!((judged.verdict, judged.why, judged.late_us), (found, None, None));
            }
        }
    }

    #[test]
    fn a_baseline_later_than_the_start_makes_every_answer_unknown() {
        for found in ALL {
            let judged = window(10, 40, 11).judge(found);
            assert_eq!(judged.verdict, DriftVerdict::Unknown);
            assert!(judged.why.unwrap().contains("1 s after the window began"));
            assert_eq!(window(10, 9, 10).judge(found).verdict, DriftVerdict::Unknown);
        }
    }

    #[test]
    fn without_the_time_of_the_seal_every_answer_is_unknown() {
        for found in ALL {
            let unsealed = Window {
                baseline_at_us: None,
                ..window(10, 40, 9)
            };
            let judged = unsealed.judge(found);
            assert_eq!(judged.verdict, DriftVerdict::Unknown);
            assert!(judged.why.unwrap().contains("not known"));
        }
    }

    #[test]
    fn a_window_past_its_end_is_late_and_no_worse() {
        let judged = window(10, 60, 10).judge(DriftVerdict::NoDrift);
        assert_eq!(
            (judged.verdict, judged.late_us),
            (DriftVerdict::NoDrift, Some(10))
        );
        assert_eq!(late(None, 60), None);
        assert_eq!(late(Some(60), 60), None);
    }

    #[test]
    fn a_clock_that_was_set_is_seen() {
        const S: u64 = 1_000_000;
        assert_eq!(clock_set((0, 100 * S), 99 * S), None);
        assert_eq!(clock_set((0, 100 * S), 10 * S), Some(90_000_000));
        assert_eq!(clock_set((100 * S, 50 * S), 10 * S), Some(-60_000_000));
    }
}
