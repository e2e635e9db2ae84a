//! Rates, as the kernel holds them: an interval between packets.

use crate::bytes::Big;
use crate::netfilter::model::{Item, LimitUnit, Statement};

/// `XT_LIMIT_SCALE` (`linux/netfilter/xt_limit.h`): an interval is given in units of 0.1 ms.
const SCALE: u64 = 10_000;

/// Periods from the longest on, with their length in seconds.
const PERIODS: [(LimitUnit, u64); 4] = [
    (LimitUnit::Day, 86_400),
    (LimitUnit::Hour, 3_600),
    (LimitUnit::Minute, 60),
    (LimitUnit::Second, 1),
];

/// The interval that a rate means to the kernel: the period divided by the rate, rounded down.
pub(crate) fn limit_interval(rate: u32, unit: LimitUnit) -> Option<u32> {
    interval(rate.into(), unit, SCALE)?.try_into().ok()
}

/// The same in units of `1/scale` s.
fn interval(rate: u64, unit: LimitUnit, scale: u64) -> Option<u64> {
    let length = length(unit, scale)?;
    length.checked_div(rate).filter(|interval| *interval != 0)
}

fn length(unit: LimitUnit, scale: u64) -> Option<u64> {
    let (_, seconds) = PERIODS.iter().find(|(known, _)| *known == unit)?;
    seconds.checked_mul(scale)
}

/// `-m limit` from the interval between packets; `None` if no rate gives this interval.
pub(crate) fn limit(interval: u32, burst: u32) -> Option<Item> {
    let (rate, unit) = rate(interval.into(), SCALE)?;
    Some(Item::Statement(Statement::Limit {
        rate: Big(rate),
        unit,
        burst,
        bytes: false,
        over: false,
    }))
}

/// The rate that `iptables-save` prints for an interval in units of `1/scale` s, or where that is not exact (it prints
/// `1202/min` of `-m limit` as `20/sec`) the first of its units that is. `None` if no rate gives this interval.
pub(crate) fn rate(interval: u64, scale: u64) -> Option<(u64, LimitUnit)> {
    let printed = printed_unit(interval, scale)?;
    let units = PERIODS.iter().map(|(unit, _)| *unit);
    std::iter::once(printed)
        .chain(units)
        .find_map(|unit| exact_rate(interval, unit, scale))
}

fn exact_rate(between: u64, unit: LimitUnit, scale: u64) -> Option<(u64, LimitUnit)> {
    // The largest rate that can give the interval; several may.
    let rate = length(unit, scale)?.checked_div(between)?;
    (interval(rate, unit, scale)? == between).then_some((rate, unit))
}

/// The unit that `iptables-save` chooses (`print_rate`): the shortest that it takes for exact.
fn printed_unit(interval: u64, scale: u64) -> Option<LimitUnit> {
    let coarse = |unit| {
        let length = length(unit, scale)?;
        let (quotient, rest) = (length.checked_div(interval)?, length.checked_rem(interval)?);
        Some(interval > length || quotient < rest)
    };
    let mut chosen = PERIODS.first()?;
    for period in PERIODS.iter().skip(1) {
        if coarse(period.0)? {
            break;
        }
        chosen = period;
    }
    Some(chosen.0)
}
