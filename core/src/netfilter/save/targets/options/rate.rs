//! The times of `RATEEST`: the kernel keeps powers of two, and the tool chooses them from what it is told.

use crate::netfilter::model::{TargetOption, Value};
use crate::netfilter::xt::forms::given;

/// The shortest interval: a quarter of a second, in microseconds.
const SHORTEST: u32 = 250_000;
/// How many doublings there are.
const DOUBLINGS: u32 = 5;

/// `250ms`, `0.5s`, `3us`, or microseconds.
pub(super) fn microseconds(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match word.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => 1_000_000.0,
        "ms" | "msec" | "msecs" => 1_000.0,
        "" | "us" | "usec" | "usecs" => 1.0,
        _ => return None,
    };
    let time = digits.parse::<f64>().ok()? * scale;
    whole(time)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was just found to fit; it is cut to a whole one as the tool does"
)]
fn whole(time: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&time).then_some(time as u32)
}

/// Replaces both times by those that the kernel will use, as the tool chooses them.
pub(super) fn settle(options: &mut [TargetOption]) -> Option<()> {
    let time = |options: &[TargetOption], name: &str| {
        let option = options.iter().find(|option| option.name == name)?;
        match option.value {
            Some(Value::Number(time)) => Some(time),
            _ => None,
        }
    };
    let asked = time(options, "rateest-interval")?;
    let average = time(options, "rateest-ewmalog")?;
    let interval = (0..=DOUBLINGS)
        .map(|n| SHORTEST << n)
        .find(|length| asked <= *length)?;
    let log = (1_u32..32).find(|log| weighted(asked, *log) > f64::from(average));
    let log = log
        .unwrap_or(32)
        .checked_sub(1)
        .filter(|log| (1..31).contains(log))?;
    let length = interval.checked_mul(1_u32.checked_shl(log)?)?;
    for option in options {
        match option.name.as_str() {
            "rateest-interval" => *option = given("rateest-interval", Value::Number(interval)),
            "rateest-ewmalog" => *option = given("rateest-ewmalog", Value::Number(length)),
            _ => {}
        }
    }
    Some(())
}

/// How long an average with this weight reaches back.
fn weighted(interval: u32, log: u32) -> f64 {
    let weight = 1.0 - 2.0_f64.powi(-i32::try_from(log).unwrap_or(i32::MAX));
    f64::from(interval) / -weight.ln()
}
