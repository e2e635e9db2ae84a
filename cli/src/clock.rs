//! The clock, and times for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970 UTC; zero on a machine whose clock stands before that.
pub fn now_us() -> u64 {
    since_1970(SystemTime::now())
}

/// Microseconds since 1970 UTC of a time, likewise.
pub fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// `2026-11-22 19:43:41 UTC`.
pub fn shown(us: u64) -> String {
    let (year, month, day, seconds) = civil(us);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// `20261122T194341Z`: ISO 8601's basic form, which can stand in a name.
pub fn stamp(us: u64) -> String {
    let (year, month, day, seconds) = civil(us);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month, day and second of the day, by the civil calendar: years of 400 from a first of March, the leap day last.
fn civil(us: u64) -> (u64, u64, u64, u64) {
    let seconds = us / 1_000_000;
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day, seconds % 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let cases = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_795_375_421, "2026-11-22 19:23:41 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ];
        for (seconds, text) in cases {
            assert_eq!(shown(seconds * 1_000_000), text);
        }
        assert_eq!(stamp(1_795_375_421_000_000), "20261122T192341Z");
    }
}
