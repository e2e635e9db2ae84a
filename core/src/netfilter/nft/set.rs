//! Sets and maps with their elements.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::consts;
use super::key_type::{self, Part};
use super::message::{self, Data, required};
use super::typed::{self, Type};
use super::udata;
use crate::bytes::{Big, Text};
use crate::netfilter::model::{ElementData, Family, OpaqueAttribute, Value};
use crate::raw::NetlinkRaw;
use crate::raw::attr::{Attr, Attrs, Malformed};

mod interval;

/// Sets by table and name.
pub(super) type Sets<'a> = BTreeMap<(Family, Text, Text), SetMessage<'a>>;

/// A set (`enum nft_set_attributes`) and its elements.
#[derive(Debug, Clone, Default)]
pub(super) struct SetMessage<'a> {
    pub(super) flags: u32,
    key_type: u32,
    key_length: usize,
    data_type: Option<u32>,
    data_length: usize,
    object_type: Option<u32>,
    pub(super) policy: Option<u32>,
    pub(super) size: Option<u32>,
    field_lengths: Vec<u32>,
    pub(super) timeout: Option<u64>,
    pub(super) gc_interval: Option<u32>,
    pub(super) handle: Option<u64>,
    pub(super) comment: Option<Text>,
    pub(super) auto_merge: bool,
    pub(super) expressions: Vec<Attr<'a>>,
    pub(super) elements: Vec<ElementMessage<'a>>,
    pub(super) opaque: Vec<OpaqueAttribute>,
    holds: OnceLock<Holds>,
}

/// How the values of a map read.
#[derive(Debug, Clone)]
struct Holds {
    /// A map may hold ranges: two values of its type, the lower one first.
    interval: bool,
    parts: Vec<Part>,
}

impl Holds {
    fn of(number: u32, length: usize) -> Self {
        let read = |length| key_type::parts(number, length, &[]);
        let (name, parts) = read(length);
        if name.starts_with("datatype") && length.is_multiple_of(2) {
            let (name, halves) = read(length / 2);
            if !name.starts_with("datatype") && halves.iter().all(|part| part.width.is_some()) {
                return Self {
                    interval: true,
                    parts: halves,
                };
            }
        }
        Self {
            interval: false,
            parts,
        }
    }
}

/// An element (`enum nft_set_elem_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct ElementMessage<'a> {
    key: Option<&'a [u8]>,
    key_end: Option<&'a [u8]>,
    pub(super) data: Option<Data<'a>>,
    flags: u32,
    pub(super) timeout: Option<u64>,
    /// Milliseconds left.
    pub(super) expires: Option<u64>,
    pub(super) comment: Option<Text>,
    pub(super) object: Option<Text>,
    pub(super) expressions: Vec<Attr<'a>>,
    opaque: Vec<OpaqueAttribute>,
}

/// An element with its key read.
#[derive(Debug, Clone)]
pub(super) struct Entry<'e, 'a> {
    pub(super) key: Value,
    pub(super) element: &'e ElementMessage<'a>,
    /// What marks the end of an interval, where the kernel lists it apart.
    pub(super) end: Option<&'e ElementMessage<'a>>,
}

impl Entry<'_, '_> {
    /// Attributes that are not known.
    pub(super) fn opaque(&self) -> Vec<OpaqueAttribute> {
        let ends = self.end.into_iter().flat_map(|end| &end.opaque);
        self.element.opaque.iter().chain(ends).cloned().collect()
    }
}

pub(super) fn set<'a>(attributes: Attrs<'a>) -> Result<(Text, Text, SetMessage<'a>), Malformed> {
    let mut out = SetMessage::default();
    let (mut table, mut name) = (None, None);
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            _ => out.attribute(&attr)?,
        }
    }
    Ok((
        required(table, "NFTA_SET_TABLE")?,
        required(name, "NFTA_SET_NAME")?,
        out,
    ))
}

fn length(attr: &Attr<'_>, what: &'static str) -> Result<usize, Malformed> {
    let value = attr.be32(what)?;
    usize::try_from(value).map_err(|_| Malformed::Value {
        what,
        value: value.into(),
    })
}

impl<'a> SetMessage<'a> {
    fn attribute(&mut self, attr: &Attr<'a>) -> Result<(), Malformed> {
        match attr.kind {
            3 => self.flags = attr.be32("NFTA_SET_FLAGS")?,
            4 => self.key_type = attr.be32("NFTA_SET_KEY_TYPE")?,
            5 => self.key_length = length(attr, "NFTA_SET_KEY_LEN")?,
            6 => self.data_type = Some(attr.be32("NFTA_SET_DATA_TYPE")?),
            7 => self.data_length = length(attr, "NFTA_SET_DATA_LEN")?,
            8 => self.policy = Some(attr.be32("NFTA_SET_POLICY")?),
            9 => self.description(attr)?,
            11 => self.timeout = Some(attr.be64("NFTA_SET_TIMEOUT")?),
            12 => self.gc_interval = Some(attr.be32("NFTA_SET_GC_INTERVAL")?),
            13 => self.user_data(attr.value),
            15 => self.object_type = Some(attr.be32("NFTA_SET_OBJ_TYPE")?),
            16 => self.handle = Some(attr.be64("NFTA_SET_HANDLE")?),
            17 => self.expressions = vec![*attr],
            18 => self.expressions = attr.nested().collect::<Result<_, _>>()?,
            // Padding; then, since Linux 6.16, the kind of store that the kernel chose and how many elements are in it.
            14 | 19 | 20 => {}
            _ => self.opaque.push((*attr).into()),
        }
        Ok(())
    }

    /// `NFTA_SET_DESC_SIZE` and `NFTA_SET_DESC_CONCAT`.
    fn description(&mut self, around: &Attr<'a>) -> Result<(), Malformed> {
        for attr in around.nested() {
            let attr = attr?;
            match attr.kind {
                1 => self.size = Some(attr.be32("NFTA_SET_DESC_SIZE")?),
                2 => self.field_lengths = field_lengths(attr.nested())?,
                _ => self.opaque.push(message::within(around.kind, &attr)),
            }
        }
        Ok(())
    }

    fn user_data(&mut self, data: &[u8]) {
        self.comment = udata::find(data, udata::SET_COMMENT);
        self.auto_merge = udata::number(data, udata::SET_MERGE) == Some(1);
    }

    /// The length of a key in bytes; each part of a concatenation fills whole registers.
    pub(super) fn key_length(&self) -> usize {
        self.key_length
    }

    /// The length in bytes of what a map holds.
    pub(super) fn data_length(&self) -> usize {
        self.data_length
    }

    /// The words for the key's type.
    pub(super) fn key_name(&self) -> String {
        named(self.key_type, self.key_length, &self.field_lengths)
    }

    /// The words for what a map holds; `None` for a set.
    pub(super) fn data_name(&self) -> Option<String> {
        if self.flags & consts::SET_OBJECT != 0 {
            return Some(super::object::object_kind(self.object_type.unwrap_or(0)));
        }
        match self.data_type? {
            consts::DATA_VERDICT => Some("verdict".to_owned()),
            _ if self.holds().interval => {
                let name = named(self.data_type?, self.data_length / 2, &[]);
                Some(format!("interval {name}"))
            }
            number => Some(named(number, self.data_length, &[])),
        }
    }

    fn holds(&self) -> &Holds {
        self.holds
            .get_or_init(|| Holds::of(self.data_type.unwrap_or(0), self.data_length))
    }

    /// The parts of the key by the set's own word. Intervals compare as bytes: `nft` puts numbers of host order into network order
    /// in the parts of a concatenation of intervals, too, in the set and in the rules that ask it.
    pub(super) fn key_parts(&self) -> Vec<Part> {
        let mut parts = key_type::parts(self.key_type, self.key_length, &self.field_lengths).1;
        let compared = consts::SET_INTERVAL | consts::SET_CONCAT;
        if self.flags & compared == compared {
            let host = parts.iter_mut().filter(|part| !part.ty.is_network_order());
            host.for_each(|part| part.ty = part.ty.swapped().unwrap_or(part.ty));
        }
        parts
    }

    /// The elements with keys read as `parts`, sorted by key.
    pub(super) fn entries<'e>(
        &'e self,
        parts: &[Part],
        links: &NetlinkRaw,
    ) -> Result<Vec<Entry<'e, 'a>>, Malformed> {
        let mut entries = if self.flags & consts::SET_INTERVAL != 0 && self.flags & consts::SET_CONCAT == 0 {
            let part = parts.first().copied().unwrap_or(Part {
                ty: Type::Bytes,
                width: None,
            });
            interval::entries(&self.elements, part, self.key_length, links)?
        } else {
            self.elements
                .iter()
                .map(|element| entry(element, parts, links))
                .collect::<Result<Vec<_>, _>>()?
        };
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// What an element of a map holds.
    pub(super) fn data_of(&self, element: &ElementMessage<'a>, links: &NetlinkRaw) -> Option<ElementData> {
        if let Some(name) = &element.object {
            return Some(ElementData::Object { name: name.clone() });
        }
        match element.data.as_ref()? {
            Data::Verdict(verdict) => Some(ElementData::Verdict {
                verdict: verdict.clone(),
            }),
            Data::Value(bytes) => Some(ElementData::Value {
                value: self.data_value(bytes, links),
            }),
        }
    }

    /// What these bytes mean as the data of this map.
    pub(super) fn data_value(&self, bytes: &[u8], links: &NetlinkRaw) -> Value {
        let holds = self.holds();
        let halves = holds
            .interval
            .then(|| bytes.split_at_checked(self.data_length / 2));
        let (low, high) = match halves.flatten() {
            Some((low, high)) => (low, Some(high)),
            None => (bytes, None),
        };
        concat(low, high, &holds.parts, links)
    }
}

/// The words for a datatype. Where they leave its length open, or the lengths of its parts, these are said too.
fn named(number: u32, length: usize, fields: &[u32]) -> String {
    let (name, parts) = key_type::parts(number, length, fields);
    let open = name.split(" . ").any(|word| matches!(word, "integer" | "string"))
        || parts.iter().any(|part| part.width.is_none());
    if !open {
        return name;
    }
    let lengths = match fields {
        [] => length.to_string(),
        fields => fields.iter().map(u32::to_string).collect::<Vec<_>>().join(" . "),
    };
    format!("{name}, {lengths} bytes")
}

/// `NFTA_SET_FIELD_LEN` of each part of a concatenation.
fn field_lengths(parts: Attrs<'_>) -> Result<Vec<u32>, Malformed> {
    let mut out = Vec::new();
    for part in parts {
        for attr in part?.nested() {
            let attr = attr?;
            if attr.kind != 1 {
                return Err(Malformed::Value {
                    what: "nft_set_field_attributes",
                    value: attr.kind.into(),
                });
            }
            out.push(attr.be32("NFTA_SET_FIELD_LEN")?);
        }
    }
    Ok(out)
}

/// The elements in a message: table, set, elements (`enum nft_set_elem_list_attributes`).
pub(super) fn elements<'a>(
    attributes: Attrs<'a>,
) -> Result<(Text, Text, Vec<ElementMessage<'a>>), Malformed> {
    let (mut table, mut name, mut elements) = (None, None, Vec::new());
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => name = Some(attr.text()),
            3 => {
                for element in attr.nested() {
                    elements.push(element_message(element?.nested())?);
                }
            }
            other => {
                return Err(Malformed::Value {
                    what: "nft_set_elem_list_attributes",
                    value: other.into(),
                });
            }
        }
    }
    Ok((
        required(table, "NFTA_SET_ELEM_LIST_TABLE")?,
        required(name, "NFTA_SET_ELEM_LIST_SET")?,
        elements,
    ))
}

fn element_message<'a>(attributes: Attrs<'a>) -> Result<ElementMessage<'a>, Malformed> {
    let mut out = ElementMessage::default();
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => out.key = Some(bytes(&attr)?),
            2 => out.data = Some(message::data(&attr)?),
            3 => out.flags = attr.be32("NFTA_SET_ELEM_FLAGS")?,
            4 => out.timeout = Some(attr.be64("NFTA_SET_ELEM_TIMEOUT")?),
            6 => out.comment = udata::find(attr.value, udata::COMMENT),
            7 => out.expressions = vec![attr],
            9 => out.object = Some(attr.text()),
            10 => out.key_end = Some(bytes(&attr)?),
            11 => out.expressions = attr.nested().collect::<Result<_, _>>()?,
            5 => out.expires = Some(attr.be64("NFTA_SET_ELEM_EXPIRATION")?),
            8 => {}
            _ => out.opaque.push(attr.into()),
        }
    }
    let known = consts::ELEMENT_INTERVAL_END | consts::ELEMENT_CATCHALL;
    out.opaque.extend(message::unknown_bits(3, out.flags & !known));
    Ok(out)
}

fn bytes<'a>(attr: &Attr<'a>) -> Result<&'a [u8], Malformed> {
    match message::data(attr)? {
        Data::Value(bytes) => Ok(bytes),
        Data::Verdict(_) => Err(Malformed::Missing {
            what: "NFTA_DATA_VALUE",
        }),
    }
}

impl ElementMessage<'_> {
    fn is_interval_end(&self) -> bool {
        self.flags & consts::ELEMENT_INTERVAL_END != 0
    }

    fn is_catch_all(&self) -> bool {
        self.flags & consts::ELEMENT_CATCHALL != 0
    }
}

fn entry<'e, 'a>(
    element: &'e ElementMessage<'a>,
    parts: &[Part],
    links: &NetlinkRaw,
) -> Result<Entry<'e, 'a>, Malformed> {
    if element.is_catch_all() {
        return Ok(Entry {
            key: catch_all(),
            element,
            end: None,
        });
    }
    let key = required(element.key, "NFTA_SET_ELEM_KEY")?;
    Ok(Entry {
        key: concat(key, element.key_end, parts, links),
        element,
        end: None,
    })
}

/// `*`: what no other element matches.
fn catch_all() -> Value {
    Value::Symbol("*".to_owned())
}

/// A key of one or more parts; each part of a concatenation begins at a register.
fn concat(from: &[u8], to: Option<&[u8]>, parts: &[Part], links: &NetlinkRaw) -> Value {
    let mut at = 0usize;
    let mut out = Vec::new();
    for part in parts {
        let width = part.width.unwrap_or(from.len());
        let slice = |bytes: &[u8]| bytes.get(at..at.saturating_add(width)).map(<[u8]>::to_vec);
        let (Some(low), high) = (slice(from), to.and_then(slice)) else {
            return Value::Bytes(crate::bytes::Hex(from.to_vec()));
        };
        out.push(match high {
            Some(high) => range(part.ty, &low, &high, links),
            None => part.ty.value(&low, links),
        });
        at = at.saturating_add(width.next_multiple_of(4));
    }
    if out.len() == 1 {
        out.remove(0)
    } else {
        Value::Concat(out)
    }
}

/// From `low` to `high`, both within: one value, a prefix, or a range.
pub(super) fn range(ty: Type, low: &[u8], high: &[u8], links: &NetlinkRaw) -> Value {
    if low == high {
        return ty.value(low, links);
    }
    if let Some(beginning) = (ty == Type::IfName).then(|| beginning(low, high)).flatten() {
        return ty.value(beginning, links);
    }
    let mask: Vec<u8> = low.iter().zip(high).map(|(a, b)| !(a ^ b)).collect();
    let is_prefix =
        low.iter().zip(&mask).all(|(a, m)| a & !m == 0) && high.iter().zip(&mask).all(|(b, m)| b | m == 0xff);
    let length = is_prefix.then(|| typed::prefix_length(&mask)).flatten();
    length
        .and_then(|length| typed::prefix(ty, low, length))
        .unwrap_or_else(|| Value::Range {
            from: Box::new(ty.value(low, links)),
            to: Box::new(ty.value(high, links)),
        })
}

/// What all names from `low` to `high` begin with, where these are all the names that do.
fn beginning<'a>(low: &'a [u8], high: &[u8]) -> Option<&'a [u8]> {
    let length = low.iter().position(|byte| *byte == 0)?;
    let (stem, rest) = low.split_at_checked(length)?;
    let filled = high.strip_prefix(stem)?.iter().all(|byte| *byte == 0xff);
    (filled && rest.iter().all(|byte| *byte == 0)).then_some(stem)
}

/// The kernel's jiffies-rounded milliseconds as they are.
pub(super) fn milliseconds(value: Option<u64>) -> Option<Big> {
    value.filter(|value| *value != 0).map(Big)
}
