//! Interfaces: those of an entry and those of `-m physdev`.

use super::Struct;
use crate::bytes::Hex;
use crate::netfilter::model::{Item, Value};
use crate::netfilter::xt::forms::{self, equals};

/// `struct xt_physdev_info` (`linux/netfilter/xt_physdev.h`).
pub(super) fn physdev(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 66)?;
    let (inverted, asked) = (info.u8(64)?, info.u8(65)?);
    if (inverted | asked) & !0x1f != 0 {
        return None;
    }
    let mut items = Vec::new();
    // In the order in which the tool prints them; those with a name say where it lies.
    for (bit, field, offset) in [
        (8, "physdev.is-in", None),
        (1, "physdev.iifname", Some(0)),
        (0x10, "physdev.is-out", None),
        (2, "physdev.oifname", Some(32)),
        (4, "physdev.is-bridged", None),
    ] {
        if asked & bit == 0 {
            continue;
        }
        let inverted = inverted & bit != 0;
        items.extend(match offset {
            Some(offset) => named(field, &info.bytes(offset)?, &info.bytes(offset + 16)?, inverted),
            None => Some(equals(field, inverted, Value::Number(1))),
        });
    }
    Some(items)
}

/// An interface's name under a mask, as entries and `-m physdev` hold it; `None` where every interface matches.
pub(in crate::netfilter::xt) fn named(
    field: &str,
    name: &[u8; 16],
    mask: &[u8; 16],
    inverted: bool,
) -> Option<Item> {
    let covered = mask.iter().take_while(|byte| **byte == 0xff).count();
    let contiguous = mask.iter().skip(covered).all(|byte| *byte == 0);
    if contiguous && covered == 0 && !inverted {
        return None;
    }
    let under: Vec<u8> = name.iter().zip(mask).map(|(name, mask)| name & mask).collect();
    let begin = under.get(..covered).unwrap_or_default();
    let value = match begin.iter().position(|byte| *byte == 0) {
        Some(end) if contiguous && end + 1 == covered => {
            forms::interface(begin.get(..end).unwrap_or_default())
        }
        None if contiguous && covered < name.len() => forms::interface_prefix(begin),
        // No tool writes this.
        _ => forms::under(Value::Bytes(Hex(mask.to_vec())), Value::Bytes(Hex(under.clone()))),
    };
    Some(equals(field, inverted, value))
}
