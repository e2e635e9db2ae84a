//! Times as the log writes them (RFC 3339).

/// Microseconds since 1970 of `2024-05-01T10:00:00.1234567Z`; an offset such as `+02:00` is taken as well. What is finer than a
/// microsecond is cut.
pub fn microseconds(text: &str) -> Option<u64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, offset) = offset(rest)?;
    let (whole, fraction) = match clock.split_once('.') {
        Some((whole, fraction)) => (whole, micros(fraction)?),
        None => (clock, 0),
    };
    let [hour, minute, second] = numbers(whole, ':')?;
    let length = days_of(year, month)?;
    if year < 1970 || !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds)
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}

/// The time of day, and its offset in seconds.
fn offset(rest: &str) -> Option<(&str, i64)> {
    if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = rest.rfind(['+', '-'])?;
    let (clock, shown) = rest.split_at_checked(at)?;
    let (sign, shown) = match shown.strip_prefix('+') {
        Some(shown) => (1, shown),
        None => (-1, shown.strip_prefix('-')?),
    };
    let (hours, minutes) = shown.split_once(':')?;
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some((clock, sign * (hours * 3_600 + minutes * 60)))
}

fn two(text: &str) -> Option<i64> {
    (text.len() == 2).then(|| number(text)).flatten()
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn micros(fraction: &str) -> Option<u64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    six.parse().ok()
}

fn numbers(text: &str, by: char) -> Option<[i64; 3]> {
    let mut parts = text.split(by).map(number);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days from the first of January 1970 to this day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let before = (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let months: i64 = (1..month).filter_map(|month| days_of(year, month)).sum();
    before + months + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use super::microseconds;

    #[test]
    fn times_read_as_azure_writes_them() {
        // `date -u -d '…' +%s` gave the seconds.
        for (text, expected) in [
            ("2020-07-03T03:26:59.2081508Z", Some(1_593_746_819_208_150)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199_000_000)),
            ("2000-03-01T00:00:00.5Z", Some(951_868_800_500_000)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2020-07-03T05:26:59+02:00", Some(1_593_746_819_000_000)),
            ("2020-07-02T22:26:59.0-05:00", Some(1_593_746_819_000_000)),
            ("2100-01-01T00:00:00Z", Some(4_102_444_800_000_000)),
        ] {
            assert_eq!(microseconds(text), expected, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "2020-07-03",
            "2020-07-03T03:26:59",
            "2023-02-29T00:00:00Z",
            "2020-13-01T00:00:00Z",
            "2020-07-03T24:00:00Z",
            "2020-07-03T03:26:59.Z",
            "2020-07-03T03:26:59+2:00",
            "2020-7x-03T03:26:59Z",
            "1970-01-01T00:00:00+02:00",
        ] {
            assert_eq!(microseconds(bad), None, "{bad:?}");
        }
    }
}
