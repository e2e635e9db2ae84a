//! Rates and sizes as `tc` takes them, in bytes.

/// Rates in bits per second, by `tc`'s words; the longest word first.
const RATES: [(&str, u64); 9] = [
    ("gbit", 1_000_000_000),
    ("mbit", 1_000_000),
    ("kbit", 1_000),
    ("bit", 1),
    ("gbps", 8_000_000_000),
    ("mbps", 8_000_000),
    ("kbps", 8_000),
    ("bps", 8),
    ("", 1),
];
/// Sizes in bytes, likewise.
const SIZES: [(&str, u64); 7] = [
    ("gb", 1 << 30),
    ("mb", 1 << 20),
    ("kb", 1 << 10),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("b", 1),
    ("", 1),
];

/// Bytes per second: `10mbit`, `1gbit`, `500kbps` (bytes); a bare number is bits.
pub fn rate(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a rate: write 10mbit, 1gbit or 500kbps (bytes)");
    let (number, unit) = split(text, &RATES).ok_or_else(wrong)?;
    let bits = number.checked_mul(unit).ok_or_else(wrong)?;
    if !bits.is_multiple_of(8) {
        return Err(format!("{text:?} is no whole number of bytes per second"));
    }
    u32::try_from(bits / 8).map_err(|_| format!("{text:?} is more than a qdisc takes here: at most 34gbit"))
}

/// Bytes: `32kb`, `3000b`, `1mb`; a bare number is bytes.
pub fn size(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a size: write 3000, 32kb or 1mb");
    let (number, unit) = split(text, &SIZES).ok_or_else(wrong)?;
    let bytes = number.checked_mul(unit).ok_or_else(wrong)?;
    u32::try_from(bytes).map_err(|_| wrong())
}

fn split(text: &str, units: &[(&str, u64)]) -> Option<(u64, u64)> {
    units.iter().find_map(|(word, unit)| {
        let number = text.strip_suffix(word)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .then(|| number.parse().ok())
            .flatten()
            .map(|number| (number, *unit))
    })
}

/// Bytes per second as bits, in the largest unit that keeps every digit.
pub fn shown(bytes_per_second: u32) -> String {
    let bits = u64::from(bytes_per_second).saturating_mul(8);
    let units = RATES.iter().take(4);
    let found = units.copied().find(|(_, unit)| bits.is_multiple_of(*unit));
    let (word, unit) = found.unwrap_or(("bit", 1));
    format!("{}{word}", bits / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_tc() {
        for (text, bytes) in [
            ("10mbit", 1_250_000),
            ("1gbit", 125_000_000),
            ("8bit", 1),
            ("800", 100),
            ("500kbps", 500_000),
            ("34gbit", 4_250_000_000),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "mbit",
            "1.5mbit",
            "-1mbit",
            "10Mbit",
            "7bit",
            "35gbit",
            "99999999999999999999bit",
            " 1mbit",
        ] {
            assert!(rate(text).is_err(), "{text:?}");
        }
        assert_eq!(shown(1_250_000), "10mbit");
        assert_eq!(shown(1), "8bit");
        assert_eq!(shown(u32::MAX), "34359738360bit");
    }

    #[test]
    fn sizes_are_those_of_tc() {
        for (text, bytes) in [
            ("3000", 3_000),
            ("3000b", 3_000),
            ("32kb", 32_768),
            ("32k", 32_768),
            ("1mb", 1 << 20),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "kb", "1.5kb", "4gb", "5gb", "-1", "+1", "1tb"] {
            assert!(size(text).is_err(), "{text:?}");
        }
    }
}
