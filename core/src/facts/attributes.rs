//! Attributes to properties by a table: what most sections of facts are decoded with.
//!
//! A payload that is longer than its form is a form that this version does not know: the attribute is kept whole.

use super::{Property, Value};
use crate::bytes::{Big, Hex, Text};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed};
use crate::raw::lift::{Fault, OpaqueAttribute};

mod words;

pub(crate) use words::{Words, bits, mac, word};

/// How a payload reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// Being there is all.
    Flag,
    /// A number in one byte; set if it is not zero.
    Switch,
    U8,
    U16,
    U32,
    U64,
    I32,
    Be16,
    Be32,
    Be64,
    /// A number with a word for each value.
    Word(Width, Words),
    /// A number whose bits have words.
    Bits(Width, Words),
    /// A number that is shown in hexadecimal.
    Mask(Width),
    /// An IPv4 or IPv6 address by its length.
    Ip,
    /// A hardware address.
    Mac,
    /// A string.
    Text,
    /// The index of a link, shown as its name.
    Link,
    Bytes,
    /// Attributes of their own.
    Nested(&'static [Spec]),
    /// Anything else; `None` for a form that is not known.
    Other(fn(&HostRaw, &[u8]) -> Result<Option<Value>, Fault>),
}

/// How wide a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    One,
    Two,
    Four,
    Eight,
}

/// Where a property belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Config,
    Runtime,
    /// Padding, or taken by the section's own code.
    Apart,
}

/// One row of a section's table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spec {
    number: u16,
    name: &'static str,
    form: Form,
    role: Role,
    unsaid: Option<u64>,
}

/// What somebody sets.
pub(crate) const fn set(number: u16, name: &'static str, form: Form) -> Spec {
    Spec {
        number,
        name,
        form,
        role: Role::Config,
        unsaid: None,
    }
}

/// What changes by itself.
pub(crate) const fn moves(number: u16, name: &'static str, form: Form) -> Spec {
    Spec {
        role: Role::Runtime,
        ..set(number, name, form)
    }
}

/// Padding, or what the section's own code reads.
pub(crate) const fn apart(number: u16) -> Spec {
    Spec {
        role: Role::Apart,
        ..set(number, "", Form::Bytes)
    }
}

impl Spec {
    /// The value that stands for "not set", where the kernel always tells one.
    pub(crate) const fn unless(self, number: u64) -> Self {
        Self {
            unsaid: Some(number),
            ..self
        }
    }
}

/// What a list of attributes says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Decoded {
    pub(crate) config: Vec<Property>,
    pub(crate) runtime: Vec<Property>,
    pub(crate) other: Vec<OpaqueAttribute>,
}

/// Decodes attributes by a table; the properties come in the table's order.
pub(crate) fn decode(raw: &HostRaw, specs: &[Spec], all: &[Attr<'_>]) -> Result<Decoded, Fault> {
    let mut out = Decoded::default();
    for spec in specs.iter().filter(|spec| spec.role != Role::Apart) {
        for attr in all.iter().filter(|attr| attr.kind == spec.number) {
            take(raw, spec, *attr, &mut out)?;
        }
    }
    let known = |attr: &&Attr<'_>| specs.iter().any(|spec| spec.number == attr.kind);
    out.other.extend(
        all.iter()
            .filter(|attr| !known(attr))
            .map(|attr| OpaqueAttribute::from(*attr)),
    );
    out.other.sort();
    Ok(out)
}

fn take(raw: &HostRaw, spec: &Spec, attr: Attr<'_>, out: &mut Decoded) -> Result<(), Fault> {
    if let Form::Nested(specs) = spec.form {
        let inner: Vec<_> = attr.nested().collect::<Result<_, _>>()?;
        let mut inner = decode(raw, specs, &inner)?;
        inner.config.extend(inner.other.iter().map(unknown));
        for (into, from) in [(&mut out.config, inner.config), (&mut out.runtime, inner.runtime)] {
            if !from.is_empty() {
                into.push(Property::new(spec.name, Value::Group(from)));
            }
        }
        return Ok(());
    }
    let into = match spec.role {
        Role::Runtime => &mut out.runtime,
        _ => &mut out.config,
    };
    match value(raw, spec, attr)? {
        Reading::Value(value) => into.push(Property::new(spec.name, value)),
        Reading::Unset => {}
        Reading::Unknown => out.other.push(attr.into()),
    }
    Ok(())
}

/// An attribute within another that this version does not know.
fn unknown(attribute: &OpaqueAttribute) -> Property {
    Property::new(
        &format!("attribute {}", attribute.number),
        Value::Bytes(attribute.payload.clone()),
    )
}

enum Reading {
    Value(Value),
    /// As if it was not there.
    Unset,
    /// Not in a form that is known.
    Unknown,
}

fn value(raw: &HostRaw, spec: &Spec, attr: Attr<'_>) -> Result<Reading, Fault> {
    let bytes = attr.value;
    let Some((width, big)) = spec.form.number() else {
        return other_forms(raw, spec, bytes);
    };
    if bytes.len() > width.bytes() {
        return Ok(Reading::Unknown);
    }
    let number = read_number(bytes, width, big, spec.name)?;
    if spec.unsaid == Some(number) {
        return Ok(Reading::Unset);
    }
    Ok(Reading::Value(match spec.form {
        Form::Switch if number == 0 => return Ok(Reading::Unset),
        Form::Switch => Value::Flag,
        Form::Word(_, words) => Value::Word(word(number, words)),
        Form::Bits(..) if number == 0 => return Ok(Reading::Unset),
        Form::Bits(_, words) => bits(number, words),
        Form::Mask(_) => Value::Word(format!("{number:#x}")),
        Form::I32 => {
            let [a, b, c, d, ..] = number.to_le_bytes();
            Value::Word(i32::from_le_bytes([a, b, c, d]).to_string())
        }
        Form::Link => Value::Text(raw.named(u32::try_from(number).unwrap_or(u32::MAX))?),
        _ => Value::Number(Big(number)),
    }))
}

fn other_forms(raw: &HostRaw, spec: &Spec, bytes: &[u8]) -> Result<Reading, Fault> {
    Ok(Reading::Value(match spec.form {
        Form::Flag if bytes.is_empty() => Value::Flag,
        Form::Flag => return Ok(Reading::Unknown),
        Form::Ip => match bytes.len() {
            length @ (4 | 16) => Value::Word(ip(bytes, length == 4)?.to_string()),
            length if length > 16 => return Ok(Reading::Unknown),
            length => {
                return Err(Fault::Malformed(Malformed::Short {
                    what: spec.name,
                    have: length,
                    need: if length < 4 { 4 } else { 16 },
                }));
            }
        },
        Form::Mac => Value::Word(mac(bytes)),
        Form::Text => Value::Text(Text::from_nul_padded(bytes)),
        Form::Other(read) => match read(raw, bytes)? {
            Some(value) => value,
            None => return Ok(Reading::Unknown),
        },
        _ => Value::Bytes(Hex(bytes.to_vec())),
    }))
}

fn ip(bytes: &[u8], short: bool) -> Result<std::net::IpAddr, Malformed> {
    if short {
        return crate::raw::attr::take::<4>(bytes, "an address").map(Into::into);
    }
    crate::raw::attr::take::<16>(bytes, "an address").map(Into::into)
}

impl Form {
    /// How wide the number is and whether it comes in network order; `None` for what is no number.
    fn number(self) -> Option<(Width, bool)> {
        match self {
            Self::Switch | Self::U8 => Some((Width::One, false)),
            Self::U16 => Some((Width::Two, false)),
            Self::U32 | Self::I32 | Self::Link => Some((Width::Four, false)),
            Self::U64 => Some((Width::Eight, false)),
            Self::Be16 => Some((Width::Two, true)),
            Self::Be32 => Some((Width::Four, true)),
            Self::Be64 => Some((Width::Eight, true)),
            Self::Word(width, _) | Self::Bits(width, _) | Self::Mask(width) => Some((width, false)),
            _ => None,
        }
    }
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

fn read_number(bytes: &[u8], width: Width, big: bool, what: &'static str) -> Result<u64, Malformed> {
    use crate::raw::attr::take;
    Ok(match (width, big) {
        (Width::One, _) => take::<1>(bytes, what).map(|[byte]| u64::from(byte))?,
        (Width::Two, false) => u16::from_ne_bytes(take(bytes, what)?).into(),
        (Width::Two, true) => u16::from_be_bytes(take(bytes, what)?).into(),
        (Width::Four, false) => u32::from_ne_bytes(take(bytes, what)?).into(),
        (Width::Four, true) => u32::from_be_bytes(take(bytes, what)?).into(),
        (Width::Eight, false) => u64::from_ne_bytes(take(bytes, what)?),
        (Width::Eight, true) => u64::from_be_bytes(take(bytes, what)?),
    })
}

#[cfg(test)]
mod tests;
