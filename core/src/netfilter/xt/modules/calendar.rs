//! `-m time`: days, dates and times of day.

use super::state::{find, otherwise, together, unless};
use super::words::text;
use super::{Form, Module, Opt};
use crate::netfilter::model::{Family, Match, Op, Value};
use crate::netfilter::xt::forms;

/// The last second of a day.
pub(in crate::netfilter::xt) const LAST_SECOND: u32 = 86_399;
/// What the tool puts in for the last date that it takes.
const LAST_DATE: u32 = 0x7fff_ffff;

/// The days of a week from bit 1 on (`linux/netfilter/xt_time.h`).
pub(in crate::netfilter::xt) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) const TIME: Module = together(
    "time",
    "time",
    settle,
    &[
        Opt::new("--timestart", "timestart", TIME_OF_DAY),
        Opt::new("--timestop", "timestop", TIME_OF_DAY),
        Opt::new("--monthdays", "monthdays", MONTHDAYS).op(Op::In).not(),
        Opt::new("--weekdays", "weekdays", WEEKDAY_LIST).op(Op::In).not(),
        Opt::new("--datestart", "datestart", DATE),
        Opt::new("--datestop", "datestop", DATE),
        Opt::new("--kerneltz", "kerneltz", Form::Flag),
        Opt::new("--contiguous", "contiguous", Form::Flag),
    ],
);

/// Both ends of the day are printed if one differs from midnight to midnight, and the last date always.
fn settle(_: Family, parts: &mut Vec<Match>) -> Option<()> {
    otherwise(parts, "timestart", Value::Number(0));
    otherwise(parts, "timestop", Value::Number(LAST_SECOND));
    otherwise(parts, "datestop", Value::Number(LAST_DATE));
    unless(parts, "datestart", &Value::Number(0));
    let is = |field, second| find(parts, field).map(|part| &part.value) == Some(&Value::Number(second));
    if is("timestart", 0) && is("timestop", LAST_SECOND) {
        parts.retain(|part| !matches!(part.field.0.as_str(), "timestart" | "timestop"));
    }
    for (field, days) in [("monthdays", 31), ("weekdays", 7)] {
        let Some(part) = parts.iter_mut().find(|part| part.field.0 == field) else {
            continue;
        };
        let Value::Set(chosen) = &part.value else {
            return None;
        };
        if part.op == Op::NotIn {
            part.value = forms::set(
                (1..=days)
                    .map(Value::Number)
                    .filter(|day| !chosen.contains(day))
                    .collect(),
            );
            part.op = Op::In;
        }
        let all = forms::set((1..=days).map(Value::Number).collect());
        if matches!(&part.value, Value::Set(chosen) if chosen.is_empty()) {
            return None;
        }
        parts.retain(|part| part.field.0 != field || part.value != all);
    }
    Some(())
}

/// The days whose bits are set; `None` if a bit stands for no day.
pub(in crate::netfilter::xt) fn days(bits: u32, last: u32) -> Option<Value> {
    let days: Vec<u32> = (0..32).filter(|day| bits >> day & 1 != 0).collect();
    let fits = days.iter().all(|day| (1..=last).contains(day));
    fits.then(|| forms::set(days.into_iter().map(Value::Number).collect()))
}

/// `10:00` or `10:00:30`, as seconds of the day.
const TIME_OF_DAY: Form = Form::Other {
    words: 1,
    read: |_, words| time_of_day(text(words.first()?)?).map(Value::Number),
    print: |value| match value {
        Value::Number(seconds) if *seconds <= LAST_SECOND => Some(clock(*seconds).into_bytes()),
        _ => None,
    },
};

fn time_of_day(word: &str) -> Option<u32> {
    let mut parts = word.split(':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    let fits = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    fits.then(|| hours * 3_600 + minutes * 60 + seconds)
}

fn clock(seconds: u32) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// `1,15`.
const MONTHDAYS: Form = Form::Other {
    words: 1,
    read: |_, words| read_days(text(words.first()?)?, 31, |_| None),
    print: |value| print_days(value, |day| Some(day.to_string())),
};

/// `Mon,Tue`, or numbers from Monday on.
const WEEKDAY_LIST: Form = Form::Other {
    words: 1,
    read: |_, words| read_days(text(words.first()?)?, 7, weekday),
    print: |value| {
        print_days(value, |day| {
            let place = usize::try_from(day).ok()?.checked_sub(1)?;
            WEEKDAYS.get(place).map(|name| (*name).to_owned())
        })
    },
};

fn weekday(word: &str) -> Option<u32> {
    let begin = word.get(..2)?;
    let fits = |name: &str| {
        name.get(..2)
            .is_some_and(|known| known.eq_ignore_ascii_case(begin))
    };
    let place = WEEKDAYS.iter().position(|name| fits(name))?;
    u32::try_from(place).ok()?.checked_add(1)
}

fn read_days(list: &str, last: u32, named: fn(&str) -> Option<u32>) -> Option<Value> {
    let days = list.split(',').map(|word| {
        let day = word.parse::<u32>().ok().or_else(|| named(word))?;
        (1..=last).contains(&day).then_some(Value::Number(day))
    });
    days.collect::<Option<Vec<_>>>().map(forms::set)
}

fn print_days(value: &Value, word: fn(u32) -> Option<String>) -> Option<Vec<u8>> {
    let Value::Set(days) = value else { return None };
    let words = days.iter().map(|day| match day {
        Value::Number(day) => word(*day),
        _ => None,
    });
    Some(words.collect::<Option<Vec<_>>>()?.join(",").into_bytes())
}

/// `2020-01-02T03:04:05`, as seconds since 1970.
const DATE: Form = Form::Other {
    words: 1,
    read: |_, words| read_date(text(words.first()?)?).map(Value::Number),
    print: |value| match value {
        Value::Number(second) => Some(date(*second).into_bytes()),
        _ => None,
    },
};

const DAY: u32 = 86_400;

/// The month's length in days.
fn month_length(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn year_length(year: u32) -> u32 {
    (1..=12).map(|month| month_length(year, month)).sum()
}

fn date(second: u32) -> String {
    let (mut days, mut year, mut month) = (second / DAY, 1970, 1);
    while days >= year_length(year) {
        days -= year_length(year);
        year += 1;
    }
    while days >= month_length(year, month) {
        days -= month_length(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}T{}", days + 1, clock(second % DAY))
}

/// Months, days and times may be left out; then they are the first.
fn read_date(word: &str) -> Option<u32> {
    let (date, time) = word.split_once('T').unwrap_or((word, ""));
    let mut parts = date.split('-').map(|part| part.parse::<u32>().ok());
    let year = parts.next()??;
    let (month, day) = (parts.next().unwrap_or(Some(1))?, parts.next().unwrap_or(Some(1))?);
    let in_calendar = (1970..=2106).contains(&year) && (1..=12).contains(&month) && parts.next().is_none();
    if !in_calendar || !(1..=month_length(year, month)).contains(&day) {
        return None;
    }
    let years: u32 = (1970..year).map(year_length).sum();
    let months: u32 = (1..month).map(|month| month_length(year, month)).sum();
    let seconds = match time {
        "" => 0,
        hours if !hours.contains(':') => hours.parse::<u32>().ok().filter(|hours| *hours < 24)? * 3_600,
        time => time_of_day(time)?,
    };
    let days = years.checked_add(months)?.checked_add(day)?.checked_sub(1)?;
    days.checked_mul(DAY)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_both_ways() {
        for (second, shown) in [
            (0, "1970-01-01T00:00:00"),
            (1_577_934_245, "2020-01-02T03:04:05"),
            (951_782_400, "2000-02-29T00:00:00"),
            (LAST_DATE, "2038-01-19T03:14:07"),
            (u32::MAX, "2106-02-07T06:28:15"),
        ] {
            assert_eq!(date(second), shown);
            assert_eq!(read_date(shown), Some(second));
        }
        assert_eq!(read_date("2030"), read_date("2030-01-01T00"));
        assert_eq!(read_date("2106-02-07T06:28:16"), None);
        assert_eq!(read_date("2021-02-29"), None);
    }
}
