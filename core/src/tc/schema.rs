//! Decoding by tables: each kind's structures and attributes are listed with the words and units of `tc`.
//!
//! What a table does not list is not understood, and makes what it stands in opaque. So does a structure of another size.

use super::options::{Stop, unknown};
use super::setting::{Setting, Value};
use crate::bytes::{Big, Text};
use crate::raw::NetlinkRaw;
use crate::raw::attr::{Attr, Malformed, attrs};
use crate::raw::lift::whole;

mod show;

pub(super) use show::{Show, address};

/// How a field's bytes are read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    U8,
    U16,
    U32,
    U64,
    I16,
    I32,
    I64,
    Be16,
    Be32,
    /// So many bytes.
    Bytes(usize),
    /// All bytes that are left.
    Rest,
    /// A structure, its fields one after the other.
    Struct(&'static [Field]),
    /// Attributes.
    Nest(&'static [Attribute]),
    /// By a function of its own.
    Own(fn(&[u8], &mut Out<'_>) -> Result<(), Stop>),
}

/// A field of a structure, or an attribute's payload.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) read: Read,
    pub(super) show: Show,
    /// The value that says that nothing was told.
    pub(super) unset: Option<u64>,
}

/// An attribute by its number. Those of a table are read in the table's order, which is the order of `tc`'s text.
#[derive(Clone, Copy)]
pub(super) struct Attribute {
    pub(super) number: u16,
    pub(super) field: Field,
}

pub(super) const fn field(name: &'static str, read: Read, show: Show) -> Field {
    Field {
        name,
        read,
        show,
        unset: None,
    }
}

pub(super) const fn attr(number: u16, name: &'static str, read: Read, show: Show) -> Attribute {
    Attribute {
        number,
        field: field(name, read, show),
    }
}

/// An attribute whose bytes a function reads.
pub(super) const fn own(number: u16, read: fn(&[u8], &mut Out<'_>) -> Result<(), Stop>) -> Attribute {
    attr(number, "", Read::Own(read), Show::Ignore)
}

/// An attribute that is a structure.
pub(super) const fn parms(number: u16, fields: &'static [Field]) -> Attribute {
    attr(number, "", Read::Struct(fields), Show::Ignore)
}

/// Padding, and what says nothing.
pub(super) const fn pad(number: u16) -> Attribute {
    attr(number, "", Read::Rest, Show::Ignore)
}

impl Field {
    pub(super) const fn unless(self, unset: u64) -> Self {
        Self {
            unset: Some(unset),
            ..self
        }
    }
}

impl Attribute {
    pub(super) const fn unless(self, unset: u64) -> Self {
        Self {
            number: self.number,
            field: self.field.unless(unset),
        }
    }
}

/// What ids mean in the place that is decoded.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) links: Option<&'a NetlinkRaw>,
    pub(super) class: &'a dyn Fn(u32) -> String,
}

impl Names<'_> {
    /// For what names neither links nor classes.
    pub(super) fn none() -> Names<'static> {
        Names {
            links: None,
            class: &super::order::id_text,
        }
    }

    pub(super) fn link(&self, index: u32) -> Result<Text, Stop> {
        self.links
            .and_then(|links| links.link_name(index))
            .cloned()
            .ok_or(Stop::NoLink(index))
    }
}

/// How a value joins the one before it.
#[derive(Clone, Copy)]
pub(super) enum Behind {
    /// As its mask.
    Mask,
    /// As the end of a range; the same value again is none.
    Last,
    /// As the second of two.
    Second,
}

/// What has been decoded so far.
pub(super) struct Out<'a> {
    pub(super) names: Names<'a>,
    pub(super) settings: Vec<Setting>,
    pub(super) runtime: Vec<Setting>,
}

impl<'a> Out<'a> {
    pub(super) fn new(names: Names<'a>) -> Self {
        Self {
            names,
            settings: Vec::new(),
            runtime: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.settings.push(Setting::new(name, value));
    }

    /// Attributes that must all be in the table.
    pub(super) fn attributes(&mut self, table: &'static [Attribute], payload: &[u8]) -> Result<(), Stop> {
        let all = whole(attrs(payload))?;
        if let Some(stranger) = all
            .iter()
            .find(|attr| !table.iter().any(|row| row.number == attr.kind))
        {
            return Err(unknown(stranger.kind));
        }
        for row in table {
            for attr in all.iter().filter(|attr| attr.kind == row.number) {
                let rest = self.field(&row.field, attr.value)?;
                ended(row.field.name, rest)?;
            }
        }
        Ok(())
    }

    /// The same, as a group or list of its own.
    pub(super) fn group(
        &self,
        table: &'static [Attribute],
        payload: &[u8],
    ) -> Result<(Vec<Setting>, Vec<Setting>), Stop> {
        let mut inner = Out::new(self.names);
        inner.attributes(table, payload)?;
        Ok((inner.settings, inner.runtime))
    }

    /// A value that joins the setting with the field's name.
    pub(super) fn behind(&mut self, field: &Field, payload: &[u8], how: Behind) -> Result<(), Stop> {
        let mut inner = Out::new(self.names);
        let rest = inner.field(field, payload)?;
        ended(field.name, rest)?;
        let Some(second) = inner.settings.pop().map(|setting| Box::new(setting.value)) else {
            return Ok(());
        };
        let first = self
            .settings
            .iter_mut()
            .find(|setting| setting.name == field.name)
            .ok_or_else(|| Stop::Unknown(format!("a second {} without a first", field.name)))?;
        let value = Box::new(first.value.clone());
        first.value = match how {
            Behind::Last if value == second => return Ok(()),
            Behind::Mask => Value::Masked { value, mask: second },
            Behind::Last => Value::Range {
                from: value,
                to: second,
            },
            Behind::Second => Value::List(vec![*value, *second]),
        };
        Ok(())
    }

    /// A structure of exactly this size.
    pub(super) fn structure(&mut self, fields: &'static [Field], payload: &[u8]) -> Result<(), Stop> {
        let rest = self.fields(fields, payload)?;
        ended("the structure", rest)
    }

    /// A structure; gives what follows it.
    pub(super) fn fields<'b>(
        &mut self,
        fields: &'static [Field],
        payload: &'b [u8],
    ) -> Result<&'b [u8], Stop> {
        fields
            .iter()
            .try_fold(payload, |rest, field| self.field(field, rest))
    }

    fn field<'b>(&mut self, field: &Field, bytes: &'b [u8]) -> Result<&'b [u8], Stop> {
        let (number, rest) = match field.read {
            Read::Struct(fields) => return self.fields(fields, bytes),
            Read::Nest(table) => return self.attributes(table, bytes).map(|()| Default::default()),
            Read::Own(read) => return read(bytes, self).map(|()| Default::default()),
            Read::Rest => return self.bytes(field, bytes).map(|()| Default::default()),
            Read::Bytes(length) => {
                let (taken, rest) = bytes.split_at_checked(length).ok_or_else(|| short(field.name))?;
                return self.bytes(field, taken).map(|()| rest);
            }
            read => number(read, bytes).ok_or_else(|| short(field.name))?,
        };
        if field.unset.map(i128::from) != Some(number) {
            self.number(field, number)?;
        }
        Ok(rest)
    }
}

fn short(name: &str) -> Stop {
    Stop::Unknown(format!("bytes of {name} are missing"))
}

/// Attributes are often longer than their value by padding that their length counts; only zeros may follow.
fn ended(name: &str, rest: &[u8]) -> Result<(), Stop> {
    if rest.is_empty() {
        Ok(())
    } else {
        Err(Stop::Unknown(format!("{} bytes too many in {name}", rest.len())))
    }
}

fn number(read: Read, bytes: &[u8]) -> Option<(i128, &[u8])> {
    fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
        bytes.split_first_chunk::<N>().map(|(taken, rest)| (*taken, rest))
    }
    Some(match read {
        Read::U8 => take(bytes).map(|(b, r)| (i128::from(u8::from_ne_bytes(b)), r))?,
        Read::U16 => take(bytes).map(|(b, r)| (i128::from(u16::from_ne_bytes(b)), r))?,
        Read::U32 => take(bytes).map(|(b, r)| (i128::from(u32::from_ne_bytes(b)), r))?,
        Read::U64 => take(bytes).map(|(b, r)| (i128::from(u64::from_ne_bytes(b)), r))?,
        Read::I16 => take(bytes).map(|(b, r)| (i128::from(i16::from_ne_bytes(b)), r))?,
        Read::I32 => take(bytes).map(|(b, r)| (i128::from(i32::from_ne_bytes(b)), r))?,
        Read::I64 => take(bytes).map(|(b, r)| (i128::from(i64::from_ne_bytes(b)), r))?,
        Read::Be16 => take(bytes).map(|(b, r)| (i128::from(u16::from_be_bytes(b)), r))?,
        Read::Be32 => take(bytes).map(|(b, r)| (i128::from(u32::from_be_bytes(b)), r))?,
        _ => return None,
    })
}

/// The attributes of `payload` but for these, one after the other: what is kept of something that is not understood when
/// parts of it are runtime or stand elsewhere.
pub(super) fn without(payload: &[u8], numbers: &[u16]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::new();
    for attr in whole(attrs(payload))? {
        if !numbers.contains(&attr.kind) {
            push(&mut out, attr);
        }
    }
    Ok(out)
}

fn push(out: &mut Vec<u8>, attr: Attr<'_>) {
    // A value came out of an attribute, so it fits into one.
    let length = u16::try_from(attr.value.len().saturating_add(4)).unwrap_or(u16::MAX);
    out.extend(length.to_ne_bytes());
    out.extend(attr.kind.to_ne_bytes());
    out.extend(attr.value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A number that is known not to be negative.
pub(super) fn big(number: i128) -> Result<Big, Stop> {
    u64::try_from(number)
        .map(Big)
        .map_err(|_| Stop::Unknown(format!("the value {number}")))
}
