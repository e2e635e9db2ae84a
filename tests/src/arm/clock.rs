//! Times as Azure writes them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One instant on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// What a person's clock shows.
    pub(crate) wall: SystemTime,
    /// What durations are measured on.
    pub(crate) mono: Instant,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self {
            wall: SystemTime::now(),
            mono: Instant::now(),
        }
    }
}

/// The parts of a time in UTC.
struct Parts {
    days: i64,
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
}

/// Splits a time by the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn parts(at: SystemTime) -> Parts {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    Parts {
        days,
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * shifted_month + 2) / 5 + 1,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
        nanos: since.subsec_nanos(),
    }
}

/// `2020-07-03T03:26:59.2081508Z`, seven digits after the point.
pub(crate) fn iso(at: SystemTime) -> String {
    iso_with(at, "Z")
}

/// `2020-07-03T03:26:59.2081508+00:00`, as Microsoft.Compute writes it.
pub(crate) fn iso_offset(at: SystemTime) -> String {
    iso_with(at, "+00:00")
}

fn iso_with(at: SystemTime, zone: &str) -> String {
    let Parts {
        year,
        month,
        day,
        hour,
        minute,
        second,
        nanos,
        ..
    } = parts(at);
    let fraction = nanos / 100;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}{zone}")
}

/// `20170927T091406Z`, as in `x-ms-routing-request-id`.
pub(crate) fn compact(at: SystemTime) -> String {
    let Parts {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = parts(at);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `Mon, 02 Oct 2017 08:54:44 GMT` (RFC 9110 §5.6.7).
pub(crate) fn http(at: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let parts = parts(at);
    let name = |names: &[&'static str], index: i64| {
        usize::try_from(index)
            .ok()
            .and_then(|index| names.get(index).copied())
            .unwrap_or_default()
    };
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, parts.days.rem_euclid(7)),
        parts.day,
        name(&MONTHS, parts.month - 1),
        parts.year,
        parts.hour,
        parts.minute,
        parts.second,
    )
}

/// Seconds since 1970.
pub(crate) fn epoch(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A time as filters of the Activity Log write it: `2024-05-01`, `2024-05-01T10:00:00Z`, with a fraction, with `+00:00`.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let time = time
        .strip_suffix('Z')
        .or_else(|| time.strip_suffix("+00:00"))
        .unwrap_or(time);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(whole, ':')?;
    let in_range =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * shifted_month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    Some(UNIX_EPOCH + Duration::new(u64::try_from(seconds).ok()?, padded.parse().ok()?))
}

fn numbers(text: &str, by: char) -> Option<[i64; 3]> {
    let mut found = text.split(by).map(|part| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())
            .flatten()
    });
    let three = [found.next()??, found.next()??, found.next()??];
    found.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, nanos: u32) -> SystemTime {
        UNIX_EPOCH + Duration::new(seconds, nanos)
    }

    #[test]
    fn times_read_as_azure_writes_them() {
        // date -u -d @1593746819 and @951782400.
        assert_eq!(
            iso(at(1_593_746_819, 208_150_800)),
            "2020-07-03T03:26:59.2081508Z"
        );
        assert_eq!(compact(at(951_782_400, 0)), "20000229T000000Z");
        assert_eq!(http(at(1_506_934_484, 0)), "Mon, 02 Oct 2017 08:54:44 GMT");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for seconds in [0, 951_782_399, 951_868_800, 1_593_746_819, 4_102_444_800] {
            let time = at(seconds, 1_234_500);
            assert_eq!(parse(&iso(time)), Some(time));
            assert_eq!(parse(&iso_offset(time)), Some(time));
        }
        assert_eq!(parse("2000-02-29"), Some(at(951_782_400, 0)));
        for bad in [
            "",
            "yesterday",
            "2000-13-01",
            "2000-01-01T24:00:00Z",
            "2000-01",
            "2000-01-01T1:2:3:4",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
