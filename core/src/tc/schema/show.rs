//! What a field's number or bytes mean.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Field, Out, big};
use crate::bytes::{Big, Hex, Text};
use crate::tc::options::Stop;
use crate::tc::setting::{Setting, Value};

/// What a field's number or bytes mean, and with which unit.
#[derive(Clone, Copy)]
pub(in crate::tc) enum Show {
    Number,
    Signed,
    Bits,
    Packets,
    Bytes,
    Rate,
    /// A time in units of so many nanoseconds.
    Time(u64),
    /// Seconds as `tc` prints them there: `10sec`.
    Seconds,
    /// Parts of so many.
    Share(u64),
    /// Told where it is not 0, and also by an attribute without payload.
    Flag,
    /// One word for each value, behind the name.
    Words(&'static [(i32, &'static str)]),
    /// One word for each value, that says all.
    Keywords(&'static [(i32, &'static str)]),
    /// One flag for each bit.
    Flags(&'static [(u64, &'static str)]),
    /// Two to this power.
    Power,
    /// Hexadecimal digits without a mark before them.
    Minor,
    /// A class or qdisc.
    Class,
    /// The index of a link, as its name.
    Link,
    /// What becomes of the packet.
    Control,
    Ip4,
    Ip6,
    Mac,
    Text,
    Raw,
    /// Each byte a number.
    Each,
    /// A counter, or what the kernel chooses.
    Runtime,
    /// Says nothing.
    Ignore,
}

impl Out<'_> {
    pub(super) fn number(&mut self, field: &Field, number: i128) -> Result<(), Stop> {
        let value = match field.show {
            Show::Number => Value::Number(big(number)?),
            Show::Signed => Value::Signed(number.to_string()),
            Show::Bits => Value::Bits(big(number)?),
            Show::Packets => Value::Packets(big(number)?),
            Show::Bytes => Value::Bytes(big(number)?),
            Show::Rate => Value::Rate(big(number)?),
            Show::Time(unit) => Value::Nanoseconds(big(number.saturating_mul(unit.into()))?),
            Show::Seconds => Value::Word(format!("{number}sec")),
            Show::Share(of) => Value::Share {
                parts: big(number)?,
                of: Big(of),
            },
            Show::Flag if number == 0 => return Ok(()),
            Show::Flag => Value::Flag,
            Show::Words(words) => Value::Word(word(words, number, field.name)?),
            Show::Keywords(words) => Value::Keyword(word(words, number, field.name)?),
            Show::Flags(bits) => return self.flags(bits, number, field.name),
            Show::Power => Value::Number(Big(power(number).ok_or_else(|| strange(field.name, number))?)),
            Show::Minor => Value::Word(format!("{number:x}")),
            Show::Class => Value::Class((self.names.class)(id(number, field.name)?)),
            Show::Link => match id(number, field.name)? {
                0 => Value::Keyword("(no device)".to_owned()),
                index => Value::Text(self.names.link(index)?),
            },
            Show::Control => Value::Keyword(control(number)),
            Show::Runtime => {
                let value = Value::Signed(number.to_string());
                self.runtime.push(Setting::new(field.name, value));
                return Ok(());
            }
            Show::Ignore => return Ok(()),
            Show::Ip4 | Show::Ip6 | Show::Mac | Show::Text | Show::Raw | Show::Each => {
                return Err(strange(field.name, number));
            }
        };
        self.set(field.name, value);
        Ok(())
    }

    pub(super) fn bytes(&mut self, field: &Field, bytes: &[u8]) -> Result<(), Stop> {
        let value = match field.show {
            Show::Ignore => return Ok(()),
            Show::Flag => Value::Flag,
            Show::Text => Value::Text(Text::from_nul_padded(bytes)),
            Show::Raw => Value::Raw(Hex(bytes.to_vec())),
            Show::Each => Value::List(
                bytes
                    .iter()
                    .map(|byte| Value::Number(Big((*byte).into())))
                    .collect(),
            ),
            Show::Ip4 | Show::Ip6 | Show::Mac => Value::Address(
                address(bytes)
                    .ok_or_else(|| Stop::Unknown(format!("{} has {} bytes", field.name, bytes.len())))?,
            ),
            Show::Runtime => {
                self.runtime
                    .push(Setting::new(field.name, Value::Raw(Hex(bytes.to_vec()))));
                return Ok(());
            }
            _ => return Err(Stop::Unknown(format!("{} is no number", field.name))),
        };
        self.set(field.name, value);
        Ok(())
    }

    fn flags(&mut self, bits: &[(u64, &str)], number: i128, name: &str) -> Result<(), Stop> {
        let mut left = big(number)?.0;
        for (bit, word) in bits {
            if left & bit == *bit {
                if !word.is_empty() {
                    self.set(word, Value::Flag);
                }
                left &= !bit;
            }
        }
        match left {
            0 => Ok(()),
            _ => Err(strange(name, left.into())),
        }
    }
}

/// An address by how many bytes it has.
pub(in crate::tc) fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(bytes).to_string());
    }
    if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        return Some(Ipv6Addr::from(bytes).to_string());
    }
    (bytes.len() == 6).then(|| {
        let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.join(":")
    })
}

fn power(number: i128) -> Option<u64> {
    1u64.checked_shl(u32::try_from(number).ok()?)
}

fn id(number: i128, name: &str) -> Result<u32, Stop> {
    u32::try_from(number).map_err(|_| strange(name, number))
}

pub(in crate::tc) fn strange(name: &str, number: i128) -> Stop {
    Stop::Unknown(format!("{name} has the value {number}"))
}

fn word(words: &[(i32, &str)], number: i128, name: &str) -> Result<String, Stop> {
    words
        .iter()
        .find(|(value, _)| i128::from(*value) == number)
        .map(|(_, word)| (*word).to_owned())
        .ok_or_else(|| strange(name, number))
}

/// `TC_ACT_*` (`linux/pkt_cls.h`), in the words of `tc`: what becomes of a packet. A number that this version does not know
/// stays a number.
pub(in crate::tc) fn control(number: i128) -> String {
    const WORDS: [&str; 10] = [
        "continue",
        "pass",
        "reclassify",
        "drop",
        "pipe",
        "stolen",
        "queued",
        "repeat",
        "redirect",
        "trap",
    ];
    let word = usize::try_from(number.saturating_add(1))
        .ok()
        .and_then(|at| WORDS.get(at));
    match (word, number >> 28) {
        (Some(word), _) => (*word).to_owned(),
        (None, 1) => format!("jump {}", number & 0x0fff_ffff),
        (None, 2) => format!("goto chain {}", number & 0x0fff_ffff),
        (None, _) => number.to_string(),
    }
}
