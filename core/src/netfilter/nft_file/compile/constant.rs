//! Values into bytes, by the type of the field that they are compared with.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::TIME_ZONE;
use super::super::ast::{Binary, Expr};
use super::super::datatype::{Form, Order, Ty};
use super::super::number::{milliseconds, plain_number};
use super::super::words;
use super::emit::Emitter;
use super::shape::Shape;
use super::{Compiled, Fault, fault};

/// A number in the place of a field among the bytes that are loaded for it.
pub(super) fn encode(number: u128, shape: &Shape) -> Compiled<Vec<u8>> {
    let limit = shape.ty.bits;
    if limit < 128 && number >> limit != 0 {
        return fault(format!("{number} does not fit {limit} bits"));
    }
    let placed = number << shape.shift;
    let bytes = match shape.ty.order {
        Order::Network => {
            let all = placed.to_be_bytes();
            let skip = all.len().saturating_sub(shape.bytes);
            all.get(skip..).unwrap_or_default().to_vec()
        }
        Order::Host => placed.to_le_bytes().iter().take(shape.bytes).copied().collect(),
    };
    if bytes.len() == shape.bytes {
        Ok(bytes)
    } else {
        fault("a value of more than sixteen bytes")
    }
}

/// The longest nesting of operations in a value.
const DEEPEST: usize = 64;

impl Emitter<'_, '_> {
    /// The bytes of one value.
    pub(super) fn constant(&mut self, value: &Expr, shape: &Shape) -> Compiled<Vec<u8>> {
        if shape.ty.is_text() {
            return padded(word(value)?.trim_matches('"'), shape.bytes);
        }
        let number = self.integer(value, shape.ty)?;
        encode(number, shape)
    }

    /// The least and the greatest of an interval, or one value twice. True if it is an interval.
    pub(super) fn bounds(&mut self, value: &Expr, shape: &Shape) -> Compiled<(Vec<u8>, Vec<u8>, bool)> {
        match value {
            Expr::Range(from, to) => {
                let (from, to) = (self.constant(from, shape)?, self.constant(to, shape)?);
                Ok((from, to, true))
            }
            Expr::Prefix(address, length) => {
                let low = self.integer(address, shape.ty)?;
                let free = shape.ty.bits.checked_sub(*length);
                let free = free.ok_or_else(|| Fault(format!("/{length} is too long")))?;
                let ones = if free >= 128 {
                    u128::MAX
                } else {
                    (1_u128 << free) - 1
                };
                Ok((encode(low & !ones, shape)?, encode(low | ones, shape)?, true))
            }
            _ => match wildcard(value, shape.ty) {
                Some(stem) => {
                    let mut high = stem.as_bytes().to_vec();
                    high.resize(shape.bytes, 0xff);
                    Ok((padded(stem, shape.bytes)?, high, true))
                }
                None => {
                    let one = self.constant(value, shape)?;
                    Ok((one.clone(), one, false))
                }
            },
        }
    }

    /// The number of one value.
    pub(super) fn integer(&mut self, value: &Expr, ty: Ty) -> Compiled<u128> {
        self.number(value, ty, 0)
    }

    fn number(&mut self, value: &Expr, ty: Ty, depth: usize) -> Compiled<u128> {
        if depth > DEEPEST {
            return fault("too deep");
        }
        match value {
            Expr::Number(number) => self.scaled(*number, ty),
            Expr::Word(word) | Expr::Quoted(word) => self.word(word, ty),
            Expr::List(parts) => parts
                .iter()
                .try_fold(0, |bits, part| Ok(bits | self.number(part, ty, depth + 1)?)),
            Expr::Binary(binary, left, right) => {
                let (left, right) = (
                    self.number(left, ty, depth + 1)?,
                    self.number(right, ty, depth + 1)?,
                );
                let by = u32::try_from(right).unwrap_or(u32::MAX);
                Ok(match binary {
                    Binary::And => left & right,
                    Binary::Or => left | right,
                    Binary::Xor => left ^ right,
                    Binary::Left => left.checked_shl(by).unwrap_or_default(),
                    Binary::Right => left.checked_shr(by).unwrap_or_default(),
                })
            }
            _ => fault("not a value"),
        }
    }

    /// Bare numbers of time are seconds.
    fn scaled(&self, number: u64, ty: Ty) -> Compiled<u128> {
        let number = u128::from(number);
        Ok(match ty.of.form {
            Form::Time => number * 1000,
            Form::Date => number * 1_000_000_000,
            Form::Label => match u32::try_from(number) {
                Ok(bit) if bit < 128 => 1 << bit,
                _ => return fault(format!("there is no label {number}")),
            },
            _ => number,
        })
    }

    fn word(&mut self, word: &str, ty: Ty) -> Compiled<u128> {
        let unknown = || Fault(format!("{word} is no {} that is known here", ty.of.name));
        let plain = plain_number(word);
        match ty.of.form {
            Form::Ipv4 => match (word.parse::<Ipv4Addr>(), plain) {
                (Ok(address), _) => Ok(u32::from(address).into()),
                (_, Some(number)) => Ok(number),
                _ => Err(unknown()),
            },
            Form::Ipv6 => match word.parse::<Ipv6Addr>() {
                Ok(address) => Ok(u128::from(address)),
                Err(_) => plain.filter(|_| word.starts_with("0x")).ok_or_else(unknown),
            },
            Form::Mac => mac(word)
                .or(plain.filter(|_| word.starts_with("0x")))
                .ok_or_else(unknown),
            Form::LinkIndex => match plain {
                Some(index) => Ok(index),
                None if is_link(word) => Ok(self.side.link(word).into()),
                None => Err(unknown()),
            },
            Form::Group => Ok(plain.unwrap_or_else(|| self.side.group(word).into())),
            Form::Time => milliseconds(word).map(u128::from).ok_or_else(unknown),
            Form::TcHandle => tc_handle(word)
                .or_else(|| words::number(ty.of.words, word).map(u128::from))
                .or(plain)
                .ok_or_else(unknown),
            Form::Hour | Form::Date => self.clock(word, ty.of.form).or(plain).ok_or_else(unknown),
            Form::Day => words::number(ty.of.words, &word.to_ascii_lowercase())
                .map(u128::from)
                .or(plain)
                .ok_or_else(unknown),
            Form::Number | Form::Flags | Form::Label => {
                if let Some(number) = plain {
                    return match u64::try_from(number) {
                        Ok(number) if ty.of.form == Form::Label => self.scaled(number, ty),
                        _ => Ok(number),
                    };
                }
                words::number(ty.of.words, word)
                    .map(u128::from)
                    .ok_or_else(unknown)
            }
            Form::Link | Form::Text => Err(unknown()),
        }
    }

    /// Times of the clock are in the zone of whoever loads the file, which the file does not say.
    fn clock(&mut self, word: &str, form: Form) -> Option<u128> {
        let seconds = if form == Form::Hour {
            hour(word)?
        } else {
            date(word)? * 1_000_000_000
        };
        let what = format!(
            "{}: {word} is taken as UTC; the file does not say its zone",
            self.path
        );
        self.side.notes.warn(TIME_ZONE, what);
        Some(seconds)
    }
}

/// A link's name in the kernel has at most fifteen bytes (`IFNAMSIZ`).
fn is_link(word: &str) -> bool {
    !word.is_empty() && word.len() < 16 && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

/// The text of a value that is a name.
pub(super) fn word(value: &Expr) -> Compiled<&str> {
    match value {
        Expr::Word(word) | Expr::Quoted(word) => Ok(word),
        _ => fault("not a name"),
    }
}

/// The beginning that a link's name with a `*` stands for.
pub(super) fn wildcard(value: &Expr, ty: Ty) -> Option<&str> {
    let word = word(value).ok()?;
    let stem = word.strip_suffix('*')?;
    (ty.of.form == Form::Link && !stem.ends_with('\\')).then_some(stem)
}

fn padded(word: &str, bytes: usize) -> Compiled<Vec<u8>> {
    let mut out = word.replace("\\*", "*").into_bytes();
    if out.len() >= bytes {
        return fault(format!("{word} is longer than {} bytes", bytes.saturating_sub(1)));
    }
    out.resize(bytes, 0);
    Ok(out)
}

fn mac(word: &str) -> Option<u128> {
    let mut parts = 0;
    let mut out = 0_u128;
    for part in word.split(':') {
        out = out.checked_shl(8)? | u128::from(u8::from_str_radix(part, 16).ok()?);
        parts += 1;
        if parts > 6 {
            return None;
        }
    }
    (parts == 6).then_some(out)
}

/// `major:minor`, hexadecimal.
fn tc_handle(word: &str) -> Option<u128> {
    let (major, minor) = word.split_once(':')?;
    let half = |text: &str| match text {
        "" => Some(0),
        text => u16::from_str_radix(text, 16).ok(),
    };
    Some(u128::from(half(major)?) << 16 | u128::from(half(minor)?))
}

/// `HH:MM` or `HH:MM:SS` as seconds of the day.
fn hour(word: &str) -> Option<u128> {
    let parts: Option<Vec<u128>> = word.split(':').map(|part| part.parse().ok()).collect();
    let (hours, minutes, seconds) = match parts?.as_slice() {
        [hours, minutes] => (*hours, *minutes, 0),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    (hours < 24 && minutes < 60 && seconds < 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

/// `YYYY-MM-DD` with or without a time, as seconds since 1970 (days by the civil calendar).
fn date(word: &str) -> Option<u128> {
    let (day, time) = word
        .split_once(' ')
        .map_or((word, None), |(day, time)| (day, Some(time)));
    let parts: Option<Vec<i64>> = day.split('-').map(|part| part.parse().ok()).collect();
    let [year, month, date] = *parts?.as_slice() else {
        return None;
    };
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&date) {
        return None;
    }
    let shifted = if month > 2 { year } else { year - 1 };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(u128::try_from(days).ok()? * 86_400 + time.map_or(Some(0), hour)?)
}
