//! Spans of time as people write them.

use std::time::Duration;

/// The units, longest first, with their length in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Parses `90s`, `5m`, `1h30m`, `2d`: whole numbers, each with its unit, longest first. Zero is no span.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time span: write 90s, 5m, 1h30m or 2d");
    let mut rest = text;
    let mut seconds: u64 = 0;
    for (unit, length) in UNITS {
        let Some((number, after)) = rest.split_once(unit) else {
            continue;
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        seconds = number
            .checked_mul(length)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(wrong)?;
        rest = after;
    }
    // A year is longer than anything here waits for, and keeps milliseconds far from overflow.
    if rest.is_empty() && (1..=365 * 86_400).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err(wrong())
    }
}

/// As it goes over the wire.
pub fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// `1h30m`, `5m`, `250ms`.
pub fn shown(milliseconds: u64) -> String {
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    if !milliseconds.is_multiple_of(1_000) {
        return format!("{milliseconds}ms");
    }
    let mut rest = milliseconds / 1_000;
    let mut out = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            out += &format!("{}{unit}", rest / length);
            rest %= length;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_shown_alike() {
        for (text, seconds) in [
            ("1s", 1),
            ("5m", 300),
            ("1h30m", 5_400),
            ("2d", 172_800),
            ("1d1h1m1s", 90_061),
        ] {
            let span = parse(text).unwrap();
            assert_eq!(span, Duration::from_secs(seconds), "{text}");
            assert_eq!(shown(milliseconds(span)), text);
        }
        assert_eq!(shown(1_500), "1500ms");
    }

    #[test]
    fn other_texts_are_no_spans() {
        for text in [
            "",
            "5",
            "m",
            "0s",
            "-5m",
            "+5m",
            "5m1h",
            "1.5h",
            "5M",
            " 5m",
            "5m ",
            "1h1h",
            "366d",
            "99999999999999999999s",
            "999999999999999999d",
            "٣m",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
