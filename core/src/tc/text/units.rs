//! Rates, sizes, times and probabilities in the words of `tc`, without floating point.

use std::fmt;

use crate::bytes::Big;

/// Bytes per second, printed as bits per second: `1Mbit`.
pub(super) struct Bits(pub(super) Big);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rate = u128::from(self.0.0) * 8;
        let mut unit = "";
        for larger in ["K", "M", "G", "T"] {
            if rate < 1000 || (rate % 1000 != 0 && rate < 1_000_000) {
                break;
            }
            rate /= 1000;
            unit = larger;
        }
        write!(f, "{rate}{unit}bit")
    }
}

/// Bytes: `32Kb`. As in `tc`, sizes that ticks have cut a little off are given in round numbers.
pub(super) struct Size(pub(super) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, slack, word) in [(1 << 20, 1 << 10, "Mb"), (1 << 10, 1 << 4, "Kb")] {
            let round = self.0.saturating_add(unit / 2) / unit;
            if self.0 >= unit && self.0.abs_diff(round * unit) < slack {
                return write!(f, "{round}{word}");
            }
        }
        write!(f, "{}b", self.0)
    }
}

/// A time: `30ms`, `1.888ms`, with at most three digits behind the point.
pub(super) struct Nanoseconds(pub(super) u64);

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, word) = match self.0 {
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "us"),
            _ => (1, "ns"),
        };
        write_decimal(f, u128::from(self.0) * 1000 / unit, 1000)?;
        f.write_str(word)
    }
}

/// A probability of 2^32−1, printed in per cent with at most four digits behind the point.
pub(super) struct Percent(pub(super) u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certain = u128::from(u32::MAX);
        let scaled = (u128::from(self.0) * 1_000_000 + certain / 2) / certain;
        write_decimal(f, scaled, 10_000)?;
        f.write_str("%")
    }
}

/// `value / scale`, where `scale` is a power of ten, without zeros at the end.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u128, scale: u128) -> fmt::Result {
    write!(f, "{}", value / scale)?;
    let (mut rest, mut scale) = (value % scale, scale);
    if rest != 0 {
        f.write_str(".")?;
    }
    while rest != 0 {
        scale /= 10;
        write!(f, "{}", rest / scale)?;
        rest %= scale;
    }
    Ok(())
}

/// A part of a whole with six digits that count, as C's `%g` prints it.
pub(super) struct Share(pub(super) u64, pub(super) u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, of) = (u128::from(self.0), u128::from(self.1.max(1)));
        if parts == 0 {
            return f.write_str("0");
        }
        // How far the point moves until six digits stand before it.
        let mut moved = 0u32;
        let mut scaled = parts;
        while scaled / of < 100_000 && moved < 30 {
            scaled = scaled.saturating_mul(10);
            moved += 1;
        }
        let mut digits = (scaled + of / 2) / of;
        if digits >= 1_000_000 {
            digits /= 10;
            moved = moved.saturating_sub(1);
        }
        if moved > 9 {
            let exponent = moved - 5;
            write_decimal(f, digits, 100_000)?;
            return write!(f, "e-{exponent:02}");
        }
        write_decimal(f, digits, 10u128.pow(moved))
    }
}
