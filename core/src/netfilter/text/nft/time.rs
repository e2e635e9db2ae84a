//! Times. Where `nft` shows the time of a place it means that of the host it runs on; these are of UTC.

/// Seconds in a day.
const DAY: u64 = 86_400;

/// A time as `nft` prints it: `1d2h3m4s5ms` without the parts that are zero.
pub(super) fn duration(milliseconds: u64) -> String {
    const PARTS: [(u64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
        (1, "ms"),
    ];
    let mut rest = milliseconds;
    let mut out = String::new();
    for (length, unit) in PARTS {
        if rest >= length {
            out = format!("{out}{}{unit}", rest / length);
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// A time of day in seconds: `"10:00"`, `"10:00:05"`.
pub(super) fn hour(seconds: u32) -> String {
    format!("\"{}\"", clock(seconds.into(), !seconds.is_multiple_of(60)))
}

fn clock(seconds: u64, exact: bool) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    if exact {
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    } else {
        format!("{hours:02}:{minutes:02}")
    }
}

/// Nanoseconds since 1970: `"2020-01-01 00:00:00"`. `nft` has no words for parts of a second.
pub(super) fn date(nanoseconds: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    if !nanoseconds.is_multiple_of(SECOND) {
        return format!("[{nanoseconds} ns]");
    }
    let seconds = nanoseconds / SECOND;
    let (year, month, day) = civil(seconds / DAY);
    format!("\"{year:04}-{month:02}-{day:02} {}\"", clock(seconds % DAY, true))
}

/// Year, month and day of the Gregorian calendar, of a number of days since 1970-01-01.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in months {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        let at = |seconds: u64| date(seconds * 1_000_000_000);
        assert_eq!(at(0), "\"1970-01-01 00:00:00\"");
        assert_eq!(at(951_782_400), "\"2000-02-29 00:00:00\"");
        assert_eq!(at(1_577_836_799), "\"2019-12-31 23:59:59\"");
        assert_eq!(at(1_709_251_200), "\"2024-03-01 00:00:00\"");
        assert_eq!(date(1), "[1 ns]");
    }

    #[test]
    fn hours_have_seconds_only_where_needed() {
        assert_eq!(hour(36_000), "\"10:00\"");
        assert_eq!(hour(36_005), "\"10:00:05\"");
    }
}
