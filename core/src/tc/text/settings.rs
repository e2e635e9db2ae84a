//! Named values in the syntax of `tc`.

use std::fmt;

use super::units::{Bits, Nanoseconds, Share, Size};
use crate::tc::setting::{Setting, Value};

/// Each with a space before it.
pub(in crate::tc) fn write(f: &mut fmt::Formatter<'_>, settings: &[Setting]) -> fmt::Result {
    settings
        .iter()
        // The protocol of a filter says what `flower` calls `eth_type`, and `tc` does not take both.
        .filter(|setting| !setting.name.starts_with("internal_") && setting.name != "eth_type")
        .try_for_each(|setting| write!(f, " {setting}"))
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Flag => f.write_str(&self.name),
            Value::Keyword(word) => f.write_str(word),
            value if self.name.is_empty() => value.fmt(f),
            Value::Group(settings) => {
                f.write_str(&self.name)?;
                write(f, settings)
            }
            value => write!(f, "{} {value}", self.name),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("on"),
            Self::Keyword(word) | Self::Word(word) | Self::Address(word) | Self::Class(word) => {
                f.write_str(word)
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Signed(number) => f.write_str(number),
            Self::Bits(bits) => write!(f, "{:#x}", bits.0),
            Self::Packets(packets) => write!(f, "{packets}p"),
            Self::Bytes(bytes) => write!(f, "{}", Size(bytes.0)),
            Self::Rate(rate) => write!(f, "{}", Bits(*rate)),
            Self::Nanoseconds(time) => write!(f, "{}", Nanoseconds(time.0)),
            Self::Share { parts, of } => write!(f, "{}", Share(parts.0, of.0)),
            Self::Text(text) => write!(f, "{text}"),
            Self::Raw(bytes) => write!(f, "{bytes}"),
            Self::Masked { value, mask } => write!(f, "{value}/{mask}"),
            Self::Range { from, to } => write!(f, "{from}-{to}"),
            Self::Key {
                value,
                mask,
                at,
                next_header,
            } => {
                let base = if *next_header { "nexthdr+" } else { "" };
                write!(f, "u32 {value:#010x} {mask:#010x} at {base}{at}")
            }
            Self::List(values) => separated(f, values),
            Self::Group(settings) => separated(f, settings),
        }
    }
}

fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            f.write_str(" ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
