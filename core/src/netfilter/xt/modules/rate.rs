//! Rates of `-m hashlimit`.
//!
//! The kernel holds a rate of packets as an interval between them and a rate of bytes as a cost; several rates may share
//! one, so both are turned into what the kernel would hold and back into the rate that `iptables-save` prints.

use super::Form;
use super::state::{find, otherwise, part, unless, width};
use super::words::{decimal, text};
use crate::bytes::Big;
use crate::netfilter::model::{Family, LimitUnit, Match, Op, Value};
use crate::netfilter::xt::forms;

/// `XT_HASHLIMIT_SCALE_v2` (`linux/netfilter/xt_hashlimit.h`): an interval is given in units of 1 µs.
const SCALE: u64 = 1_000_000;

/// By what packets are told apart, in the order in which the tool prints it.
pub(in crate::netfilter::xt) const HASH_MODES: [(&str, &str); 4] = [
    ("srcip", "srcip"),
    ("srcport", "srcport"),
    ("dstip", "dstip"),
    ("dstport", "dstport"),
];

/// Periods in the tool's words, with their length in seconds.
const PERIODS: [(LimitUnit, &str, u32); 4] = [
    (LimitUnit::Second, "sec", 1),
    (LimitUnit::Minute, "min", 60),
    (LimitUnit::Hour, "hour", 3_600),
    (LimitUnit::Day, "day", 86_400),
];

const BYTES: &str = "bytes";

/// `5/sec`, or `5kb/s`.
pub(super) const PACKETS: Form = Form::Other {
    words: 1,
    read: |_, words| read_rate(text(words.first()?)?),
    print: print_rate,
};

/// A number of packets, or of bytes with their unit.
pub(super) const BURST: Form = Form::Other {
    words: 1,
    read: |_, words| {
        let word = text(words.first()?)?;
        match decimal(word) {
            Some(number) => Some(Value::Wide(Big(number))),
            None => read_bytes(word).map(|bytes| of(bytes, BYTES)),
        }
    },
    print: |value| {
        let words = match value {
            Value::Wide(number) => number.to_string(),
            other => bytes_words(pair(other).filter(|(_, unit)| *unit == BYTES)?.0),
        };
        Some(words.into_bytes())
    },
};

/// A number with a word behind it.
fn of(number: u64, unit: &str) -> Value {
    Value::Concat(vec![Value::Wide(Big(number)), Value::Symbol(unit.to_owned())])
}

fn pair(value: &Value) -> Option<(u64, &str)> {
    let Value::Concat(both) = value else { return None };
    match both.as_slice() {
        [Value::Wide(number), Value::Symbol(unit)] => Some((number.0, unit)),
        _ => None,
    }
}

/// The rate of packets that the tool prints for an interval in units of `1/scale` s; `None` if none gives it exactly.
pub(in crate::netfilter::xt) fn packets(interval: u64, scale: u64) -> Option<Value> {
    let (rate, unit) = forms::rate(interval, scale)?;
    let (_, word, _) = PERIODS.iter().find(|(known, ..)| *known == unit)?;
    Some(of(rate, word))
}

/// The rate in bytes per second that the tool prints for a cost; `None` if none gives it exactly.
pub(in crate::netfilter::xt) fn bytes_of_cost(cost: u64) -> Option<Value> {
    rounded(rate_of_cost(cost)?, |bytes| cost_of_bytes(bytes) == Some(cost))
}

/// As many whole units as mean the same as this number of bytes, in the largest unit of which there are such.
fn rounded(bytes: u64, same: impl Fn(u64) -> bool) -> Option<Value> {
    let mut units = [20, 10, 0].into_iter().map(|shift: u32| bytes >> shift << shift);
    units
        .find(|bytes| *bytes != 0 && same(*bytes))
        .map(|bytes| of(bytes, BYTES))
}

fn rate_of_cost(cost: u64) -> Option<u64> {
    u64::from(u32::MAX)
        .checked_div(cost)?
        .checked_sub(1)?
        .checked_mul(16)
}

/// What a byte costs at this rate (`XT_HASHLIMIT_BYTE_SHIFT`).
pub(in crate::netfilter::xt) fn cost_of_bytes(bytes: u64) -> Option<u64> {
    u64::from(u32::MAX).checked_div((bytes / 16).checked_add(1)?)
}

fn read_rate(word: &str) -> Option<Value> {
    if let Some(bytes) = word.strip_suffix("b/s").or_else(|| word.strip_suffix("b/sec")) {
        return read_bytes(&format!("{bytes}b")).map(|bytes| of(bytes, BYTES));
    }
    let (rate, unit) = word.split_once('/').unwrap_or((word, "sec"));
    let found = PERIODS
        .iter()
        .find(|(_, name, _)| !unit.is_empty() && (name.starts_with(unit) || long(name).starts_with(unit)));
    Some(of(decimal(rate).filter(|rate| *rate != 0)?, found?.1))
}

fn long(word: &str) -> &'static str {
    match word {
        "sec" => "second",
        "min" => "minute",
        "hour" => "hour",
        _ => "day",
    }
}

/// `500b`, `5kb`, `5mb`.
fn read_bytes(word: &str) -> Option<u64> {
    let number = word.strip_suffix('b')?;
    let (number, shift) = match (number.strip_suffix('k'), number.strip_suffix('m')) {
        (Some(number), _) => (number, 10),
        (_, Some(number)) => (number, 20),
        _ => (number, 0),
    };
    decimal(number)?.checked_mul(1 << shift)
}

fn print_rate(value: &Value) -> Option<Vec<u8>> {
    let (rate, unit) = pair(value)?;
    let words = if unit == BYTES {
        format!("{}/s", bytes_words(rate))
    } else {
        format!("{rate}/{unit}")
    };
    Some(words.into_bytes())
}

fn bytes_words(bytes: u64) -> String {
    let units = [(20, "mb"), (10, "kb")];
    let fits = units
        .iter()
        .find(|(shift, _)| bytes >> shift != 0 && bytes.is_multiple_of(1 << shift));
    fits.map_or_else(
        || format!("{bytes}b"),
        |(shift, unit)| format!("{}{unit}", bytes >> shift),
    )
}

/// Seconds of a period.
fn seconds(unit: &str) -> Option<u32> {
    PERIODS
        .iter()
        .find(|(_, word, _)| *word == unit)
        .map(|(.., seconds)| *seconds)
}

/// After how many milliseconds an entry goes if nothing is said (`XT_HASHLIMIT_BYTE_EXPIRE` and `…_BURST` for bytes).
fn default_expiry(unit: &str, has_burst: bool) -> Option<u32> {
    match (unit, has_burst) {
        (BYTES, true) => Some(60_000),
        (BYTES, false) => Some(15_000),
        _ => seconds(unit)?.checked_mul(1_000),
    }
}

/// Puts in what goes without saying, turns the rate into the one that the tool prints, and leaves out what need not be said.
pub(super) fn settle(family: Family, parts: &mut Vec<Match>) -> Option<()> {
    find(parts, "name")?;
    let rate = find(parts, "rate")?.value.clone();
    let (number, mut unit) = pair(&rate)?;
    let is_rate_match = find(parts, "rate-match").is_some();
    if find(parts, "rate-interval").is_some() && !is_rate_match {
        return None;
    }
    let has_burst = find(parts, "burst").is_some();
    otherwise(
        parts,
        "htable-expire",
        Value::Number(default_expiry(unit, has_burst)?),
    );
    let settled = if unit == BYTES {
        bytes_of_cost(cost_of_bytes(number)?)?
    } else {
        if is_rate_match {
            otherwise(parts, "rate-interval", Value::Number(seconds(unit)?));
            unit = "sec";
        }
        packets((SCALE * u64::from(seconds(unit)?)).checked_div(number)?, SCALE)?
    };
    burst(parts, &settled)?;
    let (_, unit) = pair(&settled)?;
    let expiry = default_expiry(unit, find(parts, "burst").is_some())?;
    unless(parts, "htable-expire", &Value::Number(expiry));
    unless(parts, "rate-interval", &Value::Number(1));
    unless(parts, "htable-gcinterval", &Value::Number(1_000));
    unless(parts, "htable-size", &Value::Number(0));
    unless(parts, "htable-max", &Value::Number(0));
    unless(parts, "srcmask", &Value::Number(width(family)));
    unless(parts, "dstmask", &Value::Number(width(family)));
    let rate = parts.iter_mut().find(|part| part.field.0 == "rate")?;
    rate.value = settled;
    Some(())
}

/// Packets burst by five if nothing is said; a burst of bytes is counted in multiples of the rate.
fn burst(parts: &mut Vec<Match>, rate: &Value) -> Option<()> {
    let (per_second, unit) = pair(rate)?;
    if unit != BYTES {
        otherwise(parts, "burst", Value::Wide(Big(5)));
        return matches!(find(parts, "burst")?.value, Value::Wide(_)).then_some(());
    }
    let Some(place) = parts.iter().position(|part| part.field.0 == "burst") else {
        return Some(());
    };
    let asked = match parts.remove(place).value {
        Value::Wide(bytes) => bytes.0,
        other => pair(&other)?.0,
    };
    let times = asked.div_ceil(exact(per_second)?);
    if times != 0 {
        parts.push(part("burst", Op::Eq, bytes_burst(rate, times)?));
    }
    Some(())
}

/// The rate that the kernel's cost of this one means, which is what a burst is counted in.
fn exact(per_second: u64) -> Option<u64> {
    rate_of_cost(cost_of_bytes(per_second)?).filter(|exact| *exact != 0)
}

/// A burst of so many times the rate in bytes.
pub(in crate::netfilter::xt) fn bytes_burst(rate: &Value, times: u64) -> Option<Value> {
    let (per_second, unit) = pair(rate)?;
    let per_second = exact(per_second).filter(|_| unit == BYTES)?;
    rounded(per_second.checked_mul(times)?, |bytes| {
        bytes.div_ceil(per_second) == times
    })
}

/// True for a rate of packets per second, or of bytes.
pub(in crate::netfilter::xt) fn is_per_second(rate: &Value) -> bool {
    matches!(pair(rate), Some((_, "sec" | BYTES)))
}
