//! Matches on a frame as such.

use super::{Struct, forms};
use crate::netfilter::model::{Item, Value};
use crate::netfilter::names;
use crate::netfilter::xt::forms::{equals, under};

/// `struct ebt_802_3_info` (`linux/netfilter_bridge/ebt_802_3.h`): the access point of LLC and the type of SNAP.
pub(super) fn llc(payload: &[u8]) -> Option<Vec<Item>> {
    const SAP: u8 = 0x01;
    const TYPE: u8 = 0x02;
    let info = Struct::new(payload, 6)?;
    let (asked, inverted) = known(info, 4, SAP | TYPE)?;
    let number = Value::Number;
    let all = [
        (SAP, "llc.sap", number(info.u8(0)?.into())),
        (TYPE, "snap.type", number(info.be16(2)?.into())),
    ];
    Some(chosen(all, asked, inverted))
}

/// `struct ebt_vlan_info` (`linux/netfilter_bridge/ebt_vlan.h`).
pub(super) fn vlan(payload: &[u8]) -> Option<Vec<Item>> {
    const ID: u8 = 0x01;
    const PRIORITY: u8 = 0x02;
    const TYPE: u8 = 0x04;
    let info = Struct::new(payload, 8)?;
    let (asked, inverted) = known(info, 6, ID | PRIORITY | TYPE)?;
    let number = Value::Number;
    let all = [
        (ID, "vlan.id", number(info.u16(0)?.into())),
        (PRIORITY, "vlan.pcp", number(info.u8(2)?.into())),
        (TYPE, "vlan.type", number(info.be16(4)?.into())),
    ];
    Some(chosen(all, asked, inverted))
}

/// What is asked and what is inverted, at `at` and behind it; `None` for a bit without meaning.
pub(super) fn known(info: Struct<'_>, at: usize, bits: u8) -> Option<(u8, u8)> {
    let (asked, inverted) = (info.u8(at)?, info.u8(at + 1)?);
    ((asked | inverted) & !bits == 0).then_some((asked, inverted))
}

/// The conditions whose bit is set.
pub(super) fn chosen<const N: usize>(all: [(u8, &str, Value); N], asked: u8, inverted: u8) -> Vec<Item> {
    let set = all.into_iter().filter(|(bit, ..)| asked & bit != 0);
    set.map(|(bit, field, value)| equals(field, inverted & bit != 0, value))
        .collect()
}

/// `struct ebt_limit_info` (`linux/netfilter_bridge/ebt_limit.h`); all after `burst` is the kernel's own.
pub(super) fn limit(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 32)?;
    Some(vec![forms::limit(info.u32(0)?, info.u32(4)?)?])
}

/// `struct ebt_mark_m_info` (`linux/netfilter_bridge/ebt_mark_m.h`): equal under a mask, or any bit of the mask.
pub(super) fn mark(payload: &[u8]) -> Option<Vec<Item>> {
    const AND: u8 = 0x01;
    const OR: u8 = 0x02;
    let info = Struct::new(payload, 18)?;
    let inverted = info.flag8(16)?;
    // The mark of a frame has 32 bits; the upper ones of the mask meet nothing.
    let [low, high] = [info.u32(0)?, info.u32(4)?];
    let mask = info.u32(8)?;
    match info.u8(17)? {
        AND if high == 0 => Some(vec![equals("meta.mark", inverted, forms::masked(low, mask))]),
        OR => {
            let none = under(Value::Number(mask), Value::Number(0));
            Some(vec![equals("meta.mark", !inverted, none)])
        }
        _ => None,
    }
}

/// `struct ebt_pkttype_info` (`linux/netfilter_bridge/ebt_pkttype.h`).
pub(super) fn pkttype(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 2)?;
    let word = names::name_of(&PACKET_TYPES, info.u8(0)?.into())?;
    let value = Value::Symbol(word.to_owned());
    Some(vec![equals("meta.pkttype", info.flag8(1)?, value)])
}

/// How a frame was addressed (`linux/if_packet.h`), in `nft`'s words.
const PACKET_TYPES: [(u32, &str); 7] = [
    (0, "host"),
    (1, "broadcast"),
    (2, "multicast"),
    (3, "other"),
    (4, "outgoing"),
    (5, "loopback"),
    (6, "fastroute"),
];
