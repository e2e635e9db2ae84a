//! `struct tcmsg` (`linux/rtnetlink.h`) and the attributes that every kind has.

use super::filter::{self, Chain, Found, Message};
use super::options::{self, Decoded};
use super::order::Trees;
use super::places::GET_FILTER;
use super::stats;
use super::{Options, Statistics};
use crate::bytes::{Hex, Text};
use crate::raw::attr::{Attr, Malformed, take_at};
use crate::raw::lift::{Fault, Fields, LiftError, OpaqueAttribute, whole};
use crate::raw::{NetlinkRaw, RawMessage};

const NEW_QDISC: u16 = 36;
const NEW_CLASS: u16 = 40;
const NEW_FILTER: u16 = 44;
const NEW_CHAIN: u16 = 100;

// TCA_*, `linux/rtnetlink.h`.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS: u16 = 3;
const XSTATS: u16 = 4;
const STATS2: u16 = 7;
const STAB: u16 = 8;
const PAD: u16 = 9;
const HW_OFFLOAD: u16 = 12;
const INGRESS_BLOCK: u16 = 13;
const EGRESS_BLOCK: u16 = 14;

/// One message, decoded, with the kernel's own numbers.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) is_class: bool,
    pub(super) device: Text,
    pub(super) handle: u32,
    pub(super) parent: u32,
    /// References of a qdisc, the leaf of a class.
    pub(super) info: u32,
    pub(super) kind: Text,
    pub(super) decoded: Decoded,
    pub(super) offloaded: Option<bool>,
    pub(super) ingress_block: Option<u32>,
    pub(super) egress_block: Option<u32>,
    pub(super) size_table: Option<Hex>,
    pub(super) statistics: Statistics,
    pub(super) other: Vec<OpaqueAttribute>,
}

/// Everything but filters and chains, which name what is found here.
pub(super) fn nodes(raw: &NetlinkRaw) -> Result<Vec<Node>, LiftError> {
    let each = raw.messages.iter().enumerate();
    each.filter(|(_, message)| !matches!(message.message_type, NEW_FILTER | NEW_CHAIN | GET_FILTER))
        .map(|(position, message)| match message.message_type {
            NEW_QDISC | NEW_CLASS => node(raw, message).map_err(|fault| fault.at(position)),
            message_type => Err(LiftError::Type {
                position,
                message_type,
            }),
        })
        .collect()
}

/// Filters and chains.
pub(super) fn filters(raw: &NetlinkRaw, trees: &Trees<'_>) -> Result<(Vec<Found>, Vec<Chain>), LiftError> {
    let (mut filters, mut chains) = (Vec::new(), Vec::new());
    let mut asked = None;
    for (position, message) in raw.messages.iter().enumerate() {
        if message.message_type == GET_FILTER {
            let parent = take_at(&message.payload.0, 12, "struct tcmsg");
            asked = Some(
                parent
                    .map(u32::from_ne_bytes)
                    .map_err(|source| Fault::from(source).at(position))?,
            );
        }
        if !matches!(message.message_type, NEW_FILTER | NEW_CHAIN) {
            continue;
        }
        match filter::message(raw, trees, message, asked).map_err(|fault| fault.at(position))? {
            Message::Filter(found) => filters.push(*found),
            Message::Chain(chain) => chains.push(chain),
        }
    }
    Ok((filters, chains))
}

fn node(raw: &NetlinkRaw, message: &RawMessage) -> Result<Node, Fault> {
    let mut fields = Fields::new(&message.payload.0, "struct tcmsg");
    // tcm_family and its padding say nothing here.
    let _family_and_padding = fields.u32()?;
    let index = fields.u32()?;
    let (handle, parent, info) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let attrs = whole(crate::raw::attr::attrs(fields.rest()))?;
    let is_class = message.message_type == NEW_CLASS;
    let kind = find(&attrs, KIND)
        .ok_or(Malformed::Missing { what: "TCA_KIND" })?
        .text();
    let told = find(&attrs, OPTIONS).map(|attr| attr.value);
    let mut node = Node {
        is_class,
        device: raw.named(index)?,
        handle,
        parent,
        info,
        decoded: options::decode(&kind, is_class, told)?,
        kind,
        offloaded: None,
        ingress_block: None,
        egress_block: None,
        size_table: None,
        statistics: Statistics::default(),
        other: Vec::new(),
    };
    for attr in attrs {
        common(&mut node, attr)?;
    }
    node.other.sort();
    Ok(node)
}

fn find<'a>(attrs: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    attrs.iter().copied().find(|attr| attr.kind == kind)
}

fn common(node: &mut Node, attr: Attr<'_>) -> Result<(), Malformed> {
    match attr.kind {
        // STATS and XSTATS repeat STATS2 in the form of older kernels.
        KIND | OPTIONS | STATS | XSTATS | PAD => {}
        STATS2 => {
            let kind = node.kind.as_str().unwrap_or_default();
            node.statistics = stats::decode(kind, node.is_class, attr)?;
        }
        STAB => node.size_table = Some(Hex(attr.value.to_vec())),
        HW_OFFLOAD => node.offloaded = Some(attr.u8("TCA_HW_OFFLOAD")? != 0),
        INGRESS_BLOCK => node.ingress_block = Some(attr.ne32("TCA_INGRESS_BLOCK")?),
        EGRESS_BLOCK => node.egress_block = Some(attr.ne32("TCA_EGRESS_BLOCK")?),
        _ => node.other.push(attr.into()),
    }
    Ok(())
}

impl Node {
    pub(super) fn options(&self) -> Options {
        self.decoded.options.clone()
    }
}
