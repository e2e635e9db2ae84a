//! `stp` (`linux/netfilter_bridge/ebt_stp.h`).

use super::{Struct, forms};
use crate::netfilter::model::{Item, Value};
use crate::netfilter::xt::forms::{equals, numbers};

const KNOWN: u16 = 0x0fff;

/// What a part of the message is.
#[derive(Clone, Copy)]
enum Part {
    Byte,
    /// Two numbers of 16 bits, from and to.
    Short,
    /// Two numbers of 32 bits.
    Long,
    /// An address, then its mask.
    Mac,
}

/// By bit: the field and where it lies in the structure.
const PARTS: [(&str, Part, usize); 12] = [
    ("stp.type", Part::Byte, 0),
    ("stp.flags", Part::Byte, 4),
    ("stp.root-prio", Part::Short, 6),
    ("stp.root-addr", Part::Mac, 10),
    ("stp.root-cost", Part::Long, 24),
    ("stp.sender-prio", Part::Short, 32),
    ("stp.sender-addr", Part::Mac, 36),
    ("stp.port", Part::Short, 48),
    ("stp.msg-age", Part::Short, 52),
    ("stp.max-age", Part::Short, 56),
    ("stp.hello-time", Part::Short, 60),
    ("stp.forward-delay", Part::Short, 64),
];

/// `struct ebt_stp_info`.
pub(super) fn stp(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 72)?;
    let (asked, inverted) = (info.u16(68)?, info.u16(70)?);
    if (asked | inverted) & !KNOWN != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (bit, (field, part, at)) in PARTS.into_iter().enumerate() {
        let bit = 1_u16 << bit;
        if asked & bit != 0 {
            let value = match part {
                Part::Byte => Value::Number(info.u8(at)?.into()),
                Part::Short => numbers(info.u16(at)?.into(), info.u16(at + 2)?.into()),
                Part::Long => numbers(info.u32(at)?, info.u32(at + 4)?),
                Part::Mac => forms::masked_mac(info.bytes(at)?, info.bytes(at + 6)?),
            };
            items.push(equals(field, inverted & bit != 0, value));
        }
    }
    Some(items)
}
