//! `struct arpt_entry` (`linux/netfilter_arp/arp_tables.h`).

use std::net::{IpAddr, Ipv4Addr};

use super::{Layout, value};
use crate::bytes::Hex;
use crate::netfilter::model::{Item, Value};
use crate::netfilter::xt::forms::{self, equals, under};
use crate::netfilter::xt::matches::device;
use crate::raw::attr::{Malformed, take_at};

/// Only what every entry has is used; the rest is read here.
pub(super) const LAYOUT: Layout = Layout {
    devices: 94,
    protocol: 0,
    flags: FLAGS,
    inverted: INVERTED,
    offsets: 164,
    counters: 176,
    size: 192,
};

const FLAGS: usize = 158;
const INVERTED: usize = 160;

const NOT_IN: u16 = 0x0001;
const NOT_OUT: u16 = 0x0002;
const NOT_SOURCE: u16 = 0x0004;
const NOT_TARGET: u16 = 0x0008;
const NOT_SOURCE_MAC: u16 = 0x0010;
const NOT_TARGET_MAC: u16 = 0x0020;
const NOT_OPERATION: u16 = 0x0040;
const NOT_HARDWARE: u16 = 0x0080;
const NOT_PROTOCOL: u16 = 0x0100;
const NOT_LENGTH: u16 = 0x0200;
const KNOWN: u16 = 0x03ff;

/// What the entry asks of an ARP packet, in canonical order.
pub(super) fn header(bytes: &[u8]) -> Result<Vec<Item>, Malformed> {
    let [flags] = take_at::<1>(bytes, FLAGS, "entry")?;
    let inverted = u16::from_ne_bytes(take_at(bytes, INVERTED, "entry")?);
    if flags != 0 {
        return Err(value("flags", flags.into()));
    }
    if inverted & !KNOWN != 0 {
        return Err(value("invflags", inverted.into()));
    }
    let not = |bit| inverted & bit != 0;
    let device = |field, at: usize, bit| -> Result<_, Malformed> {
        let (name, mask) = (take_at(bytes, at, "entry")?, take_at(bytes, at + 32, "entry")?);
        Ok(device::named(field, &name, &mask, not(bit)))
    };
    let [length, length_mask] = take_at::<2>(bytes, 16, "entry")?;
    let length = masked(
        "arp.hlen",
        length.into(),
        length_mask.into(),
        0xff,
        not(NOT_LENGTH),
    );
    let word = |field, at: usize, bit| -> Result<_, Malformed> {
        let number = |at| take_at(bytes, at, "entry").map(u16::from_be_bytes);
        Ok(masked(
            field,
            number(at)?.into(),
            number(at + 2)?.into(),
            0xffff,
            not(bit),
        ))
    };
    let items = [
        device("meta.iifname", 94, NOT_IN)?,
        device("meta.oifname", 110, NOT_OUT)?,
        address("arp.saddr ip", bytes, 0, not(NOT_SOURCE))?,
        address("arp.daddr ip", bytes, 4, not(NOT_TARGET))?,
        hardware("arp.saddr ether", bytes, 18, not(NOT_SOURCE_MAC))?,
        hardware("arp.daddr ether", bytes, 50, not(NOT_TARGET_MAC))?,
        length,
        word("arp.operation", 82, NOT_OPERATION)?,
        word("arp.htype", 86, NOT_HARDWARE)?,
        word("arp.ptype", 90, NOT_PROTOCOL)?,
    ];
    Ok(items.into_iter().flatten().collect())
}

/// A number under a mask; `None` where every number matches.
fn masked(field: &str, number: u32, mask: u32, full: u32, inverted: bool) -> Option<Item> {
    let value = match mask {
        0 if number == 0 && !inverted => return None,
        mask if mask == full => Value::Number(number),
        mask => under(Value::Number(mask), Value::Number(number)),
    };
    Some(equals(field, inverted, value))
}

fn address(field: &str, bytes: &[u8], at: usize, inverted: bool) -> Result<Option<Item>, Malformed> {
    let number = |at| take_at::<4>(bytes, at, "entry").map(Ipv4Addr::from);
    let (address, mask) = (number(at)?, number(at + 8)?);
    if address & mask != address {
        // No address is like this, and the kernel takes it all the same.
        let value = under(Value::Address(mask.into()), Value::Address(address.into()));
        return Ok(Some(equals(field, inverted, value)));
    }
    Ok(forms::address(
        field,
        IpAddr::from(address),
        mask.into(),
        inverted,
    ))
}

/// `struct arpt_devaddr_info`: sixteen bytes, then their mask.
fn hardware(field: &str, bytes: &[u8], at: usize, inverted: bool) -> Result<Option<Item>, Malformed> {
    let address = take_at::<16>(bytes, at, "entry")?;
    let mask = take_at::<16>(bytes, at + 16, "entry")?;
    Ok(mac(field, &address, &mask, inverted))
}

/// A hardware address under a mask; `None` where every address matches.
fn mac(field: &str, address: &[u8; 16], mask: &[u8; 16], inverted: bool) -> Option<Item> {
    let (begin, behind) = address.split_first_chunk::<6>()?;
    let (mask_begin, mask_behind) = mask.split_first_chunk::<6>()?;
    if !inverted && *mask == [0; 16] && *address == [0; 16] {
        return None;
    }
    let plain = behind.iter().chain(mask_behind).all(|byte| *byte == 0);
    let value = if plain {
        forms::masked_mac(*begin, *mask_begin)
    } else {
        under(
            Value::Bytes(Hex(mask.to_vec())),
            Value::Bytes(Hex(address.to_vec())),
        )
    };
    Some(equals(field, inverted, value))
}
