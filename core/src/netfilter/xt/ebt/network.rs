//! Matches on ARP, IPv4 and IPv6 inside a frame.

use std::net::IpAddr;

use super::frame::{chosen, known};
use super::{Struct, forms};
use crate::netfilter::model::{Family, Item, Value};
use crate::netfilter::xt::forms::{equals, numbers, under};

/// `struct ebt_arp_info` (`linux/netfilter_bridge/ebt_arp.h`).
pub(super) fn arp(payload: &[u8]) -> Option<Vec<Item>> {
    const GRATUITOUS: u8 = 0x80;
    // The compiler rounds it up to four.
    let info = Struct::new(payload, 52)?;
    let (asked, inverted) = known(info, 48, 0xff)?;
    let number = |at| info.be16(at).map(|number| Value::Number(number.into()));
    let mac = |at| Some(forms::masked_mac(info.bytes(at)?, info.bytes(at + 6)?));
    let all = [
        (0x01, "arp.operation", number(4)?),
        (0x02, "arp.htype", number(0)?),
        (0x04, "arp.ptype", number(2)?),
        (0x08, "arp.saddr ip", network(info, Family::Ip, 8, 12)?),
        (0x10, "arp.daddr ip", network(info, Family::Ip, 16, 20)?),
        (0x20, "arp.saddr ether", mac(24)?),
        (0x40, "arp.daddr ether", mac(36)?),
        (GRATUITOUS, "arp.gratuitous", Value::Number(1)),
    ];
    Some(chosen(all, asked, inverted))
}

/// An address under a mask, even where every address matches. A bit outside the mask makes it match nothing, so it stays.
fn network(info: Struct<'_>, family: Family, at: usize, mask_at: usize) -> Option<Value> {
    let (address, mask) = (info.address(family, at)?, info.address(family, mask_at)?);
    let lost = match (address, mask) {
        (IpAddr::V4(address), IpAddr::V4(mask)) => address & mask != address,
        (IpAddr::V6(address), IpAddr::V6(mask)) => address & mask != address,
        _ => return None,
    };
    if lost {
        return Some(under(Value::Address(mask), Value::Address(address)));
    }
    forms::network(address, mask)
}

/// Where the fields of the two structures lie, and what they are called.
struct Layout {
    family: Family,
    size: usize,
    masks: usize,
    /// Traffic class, protocol, what is asked, what is inverted, two ports from, two ports to.
    rest: usize,
    fields: [&'static str; 4],
    icmp: &'static str,
    known: u8,
}

/// `struct ebt_ip_info` (`linux/netfilter_bridge/ebt_ip.h`).
pub(super) fn ip(payload: &[u8]) -> Option<Vec<Item>> {
    let layout = Layout {
        family: Family::Ip,
        size: 28,
        masks: 8,
        rest: 16,
        fields: ["ip.saddr", "ip.daddr", "ip.tos", "ip.protocol"],
        icmp: "icmp",
        known: 0xff,
    };
    either(&layout, payload)
}

/// `struct ebt_ip6_info` (`linux/netfilter_bridge/ebt_ip6.h`).
pub(super) fn ip6(payload: &[u8]) -> Option<Vec<Item>> {
    let layout = Layout {
        family: Family::Ip6,
        size: 76,
        masks: 32,
        rest: 64,
        fields: ["ip6.saddr", "ip6.daddr", "ip6.tclass", "ip6.nexthdr"],
        icmp: "icmpv6",
        known: 0x7f,
    };
    either(&layout, payload)
}

fn either(layout: &Layout, payload: &[u8]) -> Option<Vec<Item>> {
    const SPORT: u8 = 0x10;
    const DPORT: u8 = 0x20;
    const ICMP: u8 = 0x40;
    const IGMP: u8 = 0x80;
    let info = Struct::new(payload, layout.size)?;
    let rest = layout.rest;
    let (asked, inverted) = known(info, rest + 2, layout.known)?;
    // Ports and the types of messages share their place.
    let shares = [asked & (SPORT | DPORT), asked & ICMP, asked & IGMP];
    if shares.iter().filter(|bits| **bits != 0).count() > 1 {
        return None;
    }
    let half = layout.masks / 2;
    let address = |at| network(info, layout.family, at, at + layout.masks);
    let number = |at| info.u8(at).map(|number| Value::Number(number.into()));
    let [source, destination, tos, protocol] = layout.fields;
    let fixed = [
        (0x01, source, address(0)?),
        (0x02, destination, address(half)?),
        (0x04, tos, number(rest)?),
        (0x08, protocol, number(rest + 1)?),
    ];
    let mut items = chosen(fixed, asked, inverted);
    let ports = |at| Some(numbers(info.u16(at)?.into(), info.u16(at + 2)?.into()));
    let bytes = |at| Some([info.u8(at)?, info.u8(at + 1)?]);
    let (from, to) = (rest + 4, rest + 8);
    let types = |bytes: [u8; 2]| numbers(bytes[0].into(), bytes[1].into());
    items.extend(chosen(
        [(SPORT, "th.sport", ports(from)?), (DPORT, "th.dport", ports(to)?)],
        asked,
        inverted,
    ));
    items.extend(chosen(
        [(IGMP, "igmp.type", types(bytes(from)?))],
        asked,
        inverted,
    ));
    if asked & ICMP != 0 {
        items.extend(icmp(layout.icmp, bytes(from)?, bytes(to)?, inverted & ICMP != 0));
    }
    Some(items)
}

/// A range of types with a range of codes. Not both is one condition.
fn icmp(
    protocol: &str,
    [type_from, type_to]: [u8; 2],
    [code_from, code_to]: [u8; 2],
    inverted: bool,
) -> Vec<Item> {
    let (kind_field, code_field) = (format!("{protocol}.type"), format!("{protocol}.code"));
    let kind = numbers(type_from.into(), type_to.into());
    let code = numbers(code_from.into(), code_to.into());
    match (code_from, code_to, inverted) {
        (0, u8::MAX, _) => vec![equals(&kind_field, inverted, kind)],
        (_, _, false) => vec![equals(&kind_field, false, kind), equals(&code_field, false, code)],
        (_, _, true) => {
            let both = format!("{kind_field} . {code_field}");
            vec![equals(&both, true, Value::Concat(vec![kind, code]))]
        }
    }
}
