//! Messages as structures: names and numbers taken out, the rest still bytes.

use super::consts;
use super::udata;
use crate::bytes::Text;
use crate::netfilter::model::{Family, Verdict};
use crate::raw::RawMessage;
use crate::raw::attr::{Attr, Attrs, Malformed, attrs};

/// A table (`enum nft_table_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct TableMessage {
    pub(super) name: Text,
    pub(super) flags: u32,
    pub(super) handle: Option<u64>,
    pub(super) comment: Option<Text>,
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
}

/// Where a base chain is hooked in (`enum nft_hook_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct HookMessage {
    pub(super) number: u32,
    pub(super) priority: i32,
    pub(super) devices: Vec<Text>,
}

/// A rule (`enum nft_rule_attributes`).
#[derive(Debug, Clone, Default)]
pub(super) struct RuleMessage<'a> {
    pub(super) table: Text,
    pub(super) chain: Text,
    pub(super) handle: Option<u64>,
    pub(super) expressions: &'a [u8],
    pub(super) comment: Option<Text>,
}

/// The address family of a message, and its attributes.
pub(super) fn open(message: &RawMessage) -> Result<(Family, Attrs<'_>), Malformed> {
    let payload = message.payload.0.as_slice();
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
            _ => {}
        }
    }
    out.name = required(name, "NFTA_TABLE_NAME")?;
    Ok(out)
}

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
            10 => out.flags = attr.be32("NFTA_CHAIN_FLAGS")?,
            12 => out.comment = udata::find(attr.value, udata::COMMENT),
            _ => {}
        }
    }
    out.table = required(table, "NFTA_CHAIN_TABLE")?;
    out.name = required(name, "NFTA_CHAIN_NAME")?;
    Ok(out)
}

fn hook(attr: &Attr<'_>) -> Result<HookMessage, Malformed> {
    let mut out = HookMessage::default();
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => out.number = attr.be32("NFTA_HOOK_HOOKNUM")?,
            2 => out.priority = attr.be32("NFTA_HOOK_PRIORITY")?.cast_signed(),
            3 => out.devices.push(attr.text()),
            4 => out.devices = devices(&attr)?,
            _ => {}
        }
    }
    out.devices.sort();
    out.devices.dedup();
    Ok(out)
}

/// `NFTA_HOOK_DEVS`; since Linux 6.17 a device may be given by a prefix (`NFTA_DEVICE_PREFIX`).
fn devices(attr: &Attr<'_>) -> Result<Vec<Text>, Malformed> {
    attr.nested()
        .map(|device| {
            let device = device?;
            let mut name = device.text();
            if device.kind == 2 {
                name = Text::from([name.as_bytes(), b"*"].concat());
            }
            Ok(name)
        })
        .collect()
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
            7 => out.comment = udata::find(attr.value, udata::COMMENT),
            _ => {}
        }
    }
    out.table = required(table, "NFTA_RULE_TABLE")?;
    out.chain = required(chain, "NFTA_RULE_CHAIN")?;
    Ok(out)
}

/// An expression: its name and its attributes (`enum nft_expr_attributes`).
pub(super) fn expression<'a>(attr: &Attr<'a>) -> Result<(&'a str, &'a [u8]), Malformed> {
    let (mut name, mut data) = (None, [].as_slice());
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => name = Some(attr.value),
            2 => data = attr.value,
            _ => {}
        }
    }
    let name = required(name, "NFTA_EXPR_NAME")?;
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    let name = std::str::from_utf8(name).map_err(|_| Malformed::Missing {
        what: "NFTA_EXPR_NAME",
    })?;
    Ok((name, data))
}

/// `NFTA_DATA_VALUE` or `NFTA_DATA_VERDICT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data<'a> {
    Value(&'a [u8]),
    Verdict(Verdict),
}

pub(super) fn data<'a>(attr: &Attr<'a>) -> Result<Data<'a>, Malformed> {
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => return Ok(Data::Value(attr.value)),
            2 => return verdict(&attr).map(Data::Verdict),
            _ => {}
        }
    }
    Err(Malformed::Missing {
        what: "NFTA_DATA_VALUE",
    })
}

/// `enum nft_verdict_attributes` and `enum nft_verdicts`.
fn verdict(attr: &Attr<'_>) -> Result<Verdict, Malformed> {
    let (mut code, mut chain) = (None, None);
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => code = Some(attr.be32("NFTA_VERDICT_CODE")?.cast_signed()),
            2 => chain = Some(attr.text()),
            _ => {}
        }
    }
    let target = || required(chain.clone(), "NFTA_VERDICT_CHAIN");
    Ok(match required(code, "NFTA_VERDICT_CODE")? {
        0 => Verdict::Drop,
        1 => Verdict::Accept,
        3 => Verdict::Queue,
        -1 => Verdict::Continue,
        -3 => Verdict::Jump { chain: target()? },
        -4 => Verdict::Goto { chain: target()? },
        -5 => Verdict::Return,
        other => {
            return Err(Malformed::Value {
                what: "NFTA_VERDICT_CODE",
                value: other.cast_unsigned().into(),
            });
        }
    })
}
