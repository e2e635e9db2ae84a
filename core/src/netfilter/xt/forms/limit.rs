//! Rates, as the kernel holds them: an interval between packets.

use crate::bytes::Big;
use crate::netfilter::model::{Item, LimitUnit, Statement};

/// `XT_LIMIT_SCALE` (`linux/netfilter/xt_limit.h`): an interval is given in units of 0.1 ms.
const SCALE: u32 = 10_000;

/// Periods from the longest on, with their length in units of `1/SCALE` s.
const PERIODS: [(LimitUnit, u32); 4] = [
    (LimitUnit::Day, SCALE * 86_400),
    (LimitUnit::Hour, SCALE * 3_600),
    (LimitUnit::Minute, SCALE * 60),
    (LimitUnit::Second, SCALE),
];

/// The interval that a rate means to the kernel: the period divided by the rate, rounded down.
pub(crate) fn limit_interval(rate: u32, unit: LimitUnit) -> Option<u32> {
    let (_, length) = PERIODS.iter().find(|(known, _)| *known == unit)?;
    length.checked_div(rate).filter(|interval| *interval != 0)
}

/// `-m limit` from the interval between packets: the rate that `iptables-save` prints, or where that is not exact (it prints
/// `1202/min` as `20/sec`) the first of its units that is. `None` if no rate gives this interval.
pub(crate) fn limit(interval: u32, burst: u32) -> Option<Item> {
    let printed = printed_unit(interval)?;
    let units = PERIODS.iter().map(|(unit, _)| *unit);
    let (rate, unit) = std::iter::once(printed)
        .chain(units)
        .find_map(|unit| exact_rate(interval, unit))?;
    Some(Item::Statement(Statement::Limit {
        rate: Big(rate.into()),
        unit,
        burst,
        bytes: false,
        over: false,
    }))
}

fn exact_rate(interval: u32, unit: LimitUnit) -> Option<(u32, LimitUnit)> {
    let (_, length) = PERIODS.iter().find(|(known, _)| *known == unit)?;
    // The largest rate that can give the interval; several may.
    let rate = length.checked_div(interval)?;
    (limit_interval(rate, unit)? == interval).then_some((rate, unit))
}

/// The unit that `iptables-save` chooses (`print_rate`): the shortest that it takes for exact.
fn printed_unit(interval: u32) -> Option<LimitUnit> {
    let coarse = |length: u32| {
        let (quotient, rest) = (length.checked_div(interval)?, length.checked_rem(interval)?);
        Some(interval > length || quotient < rest)
    };
    let mut chosen = PERIODS.first()?;
    for period in PERIODS.iter().skip(1) {
        if coarse(period.1)? {
            break;
        }
        chosen = period;
    }
    Some(chosen.0)
}
