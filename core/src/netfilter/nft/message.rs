//! Messages as structures: names and numbers taken out, the rest still bytes.

use super::consts;
use super::udata;
use crate::bytes::{Hex, Text};
use crate::netfilter::model::{Family, OpaqueAttribute};
use crate::raw::RawMessage;
use crate::raw::attr::{Attr, Attrs, Malformed, attrs};

mod data;
mod handles;
mod hook;

pub(super) use data::{Data, data, expression};
pub use handles::{Handles, handles};
pub(super) use hook::{HookMessage, devices, hook};

/// A table (`enum nft_table_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct TableMessage {
    pub(super) name: Text,
    pub(super) flags: u32,
    pub(super) handle: Option<u64>,
    pub(super) comment: Option<Text>,
    pub(super) owner: Option<u32>,
    pub(super) opaque: Vec<OpaqueAttribute>,
}

/// A chain (`enum nft_chain_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct ChainMessage {
    pub(super) table: Text,
    pub(super) name: Text,
    pub(super) handle: Option<u64>,
    pub(super) hook: Option<HookMessage>,
    pub(super) policy: Option<u32>,
    pub(super) chain_type: Text,
    pub(super) uses: Option<u32>,
    pub(super) flags: u32,
    pub(super) counters: Option<(u64, u64)>,
    pub(super) comment: Option<Text>,
    pub(super) opaque: Vec<OpaqueAttribute>,
}

/// A rule (`enum nft_rule_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct RuleMessage<'a> {
    pub(super) table: Text,
    pub(super) chain: Text,
    pub(super) handle: Option<u64>,
    pub(super) expressions: &'a [u8],
    pub(super) comment: Option<Text>,
    pub(super) opaque: Vec<OpaqueAttribute>,
}

/// A rule that the kernel would not give alone: its answer holds the request (`struct nlmsgerr`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefusedMessage {
    pub(super) family: Family,
    pub(super) table: Text,
    pub(super) chain: Text,
    pub(super) handle: u64,
}

/// What stands in `struct nlmsgerr` before the request's own header: the error number and `struct nlmsghdr`.
const BEFORE_REQUEST: usize = 4 + 16;

pub(super) fn refused(message: &RawMessage) -> Result<RefusedMessage, Malformed> {
    let payload = message.payload.0.as_slice();
    let asked = payload.get(BEFORE_REQUEST..).ok_or(Malformed::Short {
        what: "nlmsgerr",
        have: payload.len(),
        need: BEFORE_REQUEST,
    })?;
    let (family, attributes) = parts(asked)?;
    let rule = rule(attributes)?;
    Ok(RefusedMessage {
        family,
        table: rule.table,
        chain: rule.chain,
        handle: required(rule.handle, "NFTA_RULE_HANDLE")?,
    })
}

/// The address family of a message, and its attributes.
pub(super) fn open(message: &RawMessage) -> Result<(Family, Attrs<'_>), Malformed> {
    parts(&message.payload.0)
}

fn parts(payload: &[u8]) -> Result<(Family, Attrs<'_>), Malformed> {
    let short = Malformed::Short {
        what: "nfgenmsg",
        have: payload.len(),
        need: 4,
    };
    let (header, rest) = payload.split_first_chunk::<4>().ok_or(short)?;
    Ok((family(header[0])?, attrs(rest)))
}

/// `nfgenmsg.res_id`: the low half of the generation in which the message was made.
pub fn generation_of(message: &RawMessage) -> Result<u16, Malformed> {
    crate::raw::attr::take_at(&message.payload.0, 2, "nfgenmsg").map(u16::from_be_bytes)
}

/// The generation in an `NFT_MSG_NEWGEN` answer.
pub fn generation(message: &RawMessage) -> Result<u32, Malformed> {
    let payload = message.payload.0.get(4..).unwrap_or_default();
    for attr in attrs(payload) {
        let attr = attr?;
        if attr.kind == 1 {
            return attr.be32("NFTA_GEN_ID");
        }
    }
    Err(Malformed::Missing { what: "NFTA_GEN_ID" })
}

/// The family and names in a message that says which table (first attribute) and object (second) it is about:
/// chains, rules by chain, sets. For readers that ask for each by name.
pub fn names(message: &RawMessage) -> Result<(u8, Text, Text), Malformed> {
    let family = *message
        .payload
        .0
        .first()
        .ok_or(Malformed::Missing { what: "nfgenmsg" })?;
    let (_, attributes) = open(message)?;
    let (mut table, mut name) = (None, None);
    let name_kind = if message.message_type == consts::NEW_CHAIN {
        3
    } else {
        2
    };
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            kind if kind == name_kind => name = Some(attr.text()),
            _ => {}
        }
    }
    Ok((
        family,
        required(table, "the table's name")?,
        required(name, "the object's name")?,
    ))
}

/// The number of a family in `nfgenmsg`, `NFPROTO_*`.
pub fn family_number(family: Family) -> u8 {
    match family {
        Family::Inet => 1,
        Family::Ip => 2,
        Family::Arp => 3,
        Family::Netdev => 5,
        Family::Bridge => 7,
        Family::Ip6 => 10,
    }
}

/// `NFPROTO_*`, `linux/netfilter.h`.
fn family(number: u8) -> Result<Family, Malformed> {
    Ok(match number {
        1 => Family::Inet,
        2 => Family::Ip,
        3 => Family::Arp,
        5 => Family::Netdev,
        7 => Family::Bridge,
        10 => Family::Ip6,
        other => {
            return Err(Malformed::Value {
                what: "nfgenmsg.nfgen_family",
                value: other.into(),
            });
        }
    })
}

pub(super) fn required<T>(value: Option<T>, what: &'static str) -> Result<T, Malformed> {
    value.ok_or(Malformed::Missing { what })
}

/// An attribute that is not known, as part of the attribute `around` it.
pub(super) fn within(around: u16, attr: &Attr<'_>) -> OpaqueAttribute {
    OpaqueAttribute {
        number: around,
        payload: Hex(encoded(attr)),
    }
}

/// Flag bits that are not known, as the attribute that holds them; nothing where there are none.
pub(super) fn unknown_bits(number: u16, bits: u32) -> Option<OpaqueAttribute> {
    (bits != 0).then(|| OpaqueAttribute {
        number,
        payload: Hex(bits.to_be_bytes().to_vec()),
    })
}

/// An attribute with its header and padding, as the kernel writes it.
pub(super) fn encoded(attr: &Attr<'_>) -> Vec<u8> {
    let length = u16::try_from(attr.value.len().saturating_add(4)).unwrap_or(u16::MAX);
    let mut out = length.to_ne_bytes().to_vec();
    out.extend_from_slice(&attr.kind.to_ne_bytes());
    out.extend_from_slice(attr.value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// The use count (3) is runtime.
pub(super) fn table(attributes: Attrs<'_>) -> Result<TableMessage, Malformed> {
    let mut out = TableMessage::default();
    let mut name = None;
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => name = Some(attr.text()),
            2 => out.flags = attr.be32("NFTA_TABLE_FLAGS")?,
            4 => out.handle = Some(attr.be64("NFTA_TABLE_HANDLE")?),
            6 => out.comment = udata::find(attr.value, udata::COMMENT),
            7 => out.owner = Some(attr.be32("NFTA_TABLE_OWNER")?),
            3 | 5 => {}
            _ => out.opaque.push(attr.into()),
        }
    }
    out.name = required(name, "NFTA_TABLE_NAME")?;
    Ok(out)
}

/// A chain's flags that are known: base chain, offload, binding.
const CHAIN_FLAGS: u32 = 1 | consts::CHAIN_OFFLOAD | consts::CHAIN_BINDING;

pub(super) fn chain(attributes: Attrs<'_>) -> Result<ChainMessage, Malformed> {
    let mut out = ChainMessage::default();
    let (mut table, mut name) = (None, None);
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => out.handle = Some(attr.be64("NFTA_CHAIN_HANDLE")?),
            3 => name = Some(attr.text()),
            4 => out.hook = Some(hook(&attr)?),
            5 => out.policy = Some(attr.be32("NFTA_CHAIN_POLICY")?),
            6 => out.uses = Some(attr.be32("NFTA_CHAIN_USE")?),
            7 => out.chain_type = attr.text(),
            8 => out.counters = Some(counters(attr.nested())?),
            9 => {}
            10 => out.flags = attr.be32("NFTA_CHAIN_FLAGS")?,
            12 => out.comment = udata::find(attr.value, udata::COMMENT),
            _ => out.opaque.push(attr.into()),
        }
    }
    out.opaque.extend(unknown_bits(10, out.flags & !CHAIN_FLAGS));
    let of_hook = out.hook.iter().flat_map(|hook| &hook.opaque).cloned();
    out.opaque.extend(of_hook);
    out.table = required(table, "NFTA_CHAIN_TABLE")?;
    out.name = required(name, "NFTA_CHAIN_NAME")?;
    Ok(out)
}

/// `enum nft_counter_attributes`: bytes, then packets; returned as packets, bytes.
pub(super) fn counters(attributes: Attrs<'_>) -> Result<(u64, u64), Malformed> {
    let (mut bytes, mut packets) = (None, None);
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => bytes = Some(attr.be64("NFTA_COUNTER_BYTES")?),
            2 => packets = Some(attr.be64("NFTA_COUNTER_PACKETS")?),
            _ => {}
        }
    }
    Ok((
        required(packets, "NFTA_COUNTER_PACKETS")?,
        required(bytes, "NFTA_COUNTER_BYTES")?,
    ))
}

pub(super) fn rule(attributes: Attrs<'_>) -> Result<RuleMessage<'_>, Malformed> {
    let mut out = RuleMessage::default();
    let (mut table, mut chain) = (None, None);
    for attr in attributes {
        let attr = attr?;
        match attr.kind {
            1 => table = Some(attr.text()),
            2 => chain = Some(attr.text()),
            3 => out.handle = Some(attr.be64("NFTA_RULE_HANDLE")?),
            4 => out.expressions = attr.value,
            // Which rule stands before it, and padding.
            6 | 8 => {}
            7 => out.comment = udata::find(attr.value, udata::COMMENT),
            _ => out.opaque.push(attr.into()),
        }
    }
    out.table = required(table, "NFTA_RULE_TABLE")?;
    out.chain = required(chain, "NFTA_RULE_CHAIN")?;
    Ok(out)
}
