//! Matches on what stands in a packet's headers.

use super::Struct;
use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::xt::forms::{self, equals, matching};

/// `struct xt_tcp` (`linux/netfilter/xt_tcpudp.h`).
pub(super) fn tcp(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let inverted = info.u8(11)?;
    if inverted & !0x0f != 0 {
        return None;
    }
    let option = match info.u8(8)? {
        0 => None,
        kind => Some(equals(
            "tcp.option",
            inverted & 8 != 0,
            Value::Number(kind.into()),
        )),
    };
    let items = [
        forms::ports("tcp.sport", info.u16(0)?, info.u16(2)?, inverted & 1 != 0),
        forms::ports("tcp.dport", info.u16(4)?, info.u16(6)?, inverted & 2 != 0),
        option,
        forms::tcp_flags(info.u8(9)?, info.u8(10)?, inverted & 4 != 0),
    ];
    Some(items.into_iter().flatten().collect())
}

/// `struct xt_udp` (`linux/netfilter/xt_tcpudp.h`).
pub(super) fn udp(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 10)?;
    let inverted = info.u8(8)?;
    if inverted & !0x03 != 0 {
        return None;
    }
    let items = [
        forms::ports("udp.sport", info.u16(0)?, info.u16(2)?, inverted & 1 != 0),
        forms::ports("udp.dport", info.u16(4)?, info.u16(6)?, inverted & 2 != 0),
    ];
    Some(items.into_iter().flatten().collect())
}

/// `struct ipt_icmp` and `struct ip6t_icmp`, laid out alike.
pub(super) fn icmp(protocol: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 4)?;
    let inverted = info.flag8(3)?;
    Some(forms::icmp(
        protocol,
        info.u8(0)?,
        [info.u8(1)?, info.u8(2)?],
        inverted,
    ))
}

/// `struct xt_multiport` (`linux/netfilter/xt_multiport.h`).
pub(super) fn multiport0(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 32)?;
    multiport(info, &[0; PORTS], false)
}

/// `struct xt_multiport_v1`.
pub(super) fn multiport1(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 48)?;
    multiport(info, &info.bytes::<PORTS>(32)?, info.flag8(47)?)
}

const PORTS: usize = 15;

/// A port with its flag set is the lower end of a range whose upper end follows.
fn multiport(info: Struct<'_>, begins_range: &[u8; PORTS], inverted: bool) -> Option<Vec<Item>> {
    let field = *["th.sport", "th.dport", "th.port"].get(usize::from(info.u8(0)?))?;
    let count = usize::from(info.u8(1)?);
    if count == 0 || count > PORTS {
        return None;
    }
    let mut values = Vec::new();
    let mut place = 0;
    while place < count {
        let port = u32::from(info.u16(2 + 2 * place)?);
        let is_range = *begins_range.get(place)? != 0;
        if is_range {
            place += 1;
            let end = (place < count).then(|| info.u16(2 + 2 * place)).flatten()?;
            values.push(forms::numbers(port, end.into()));
        } else {
            values.push(Value::Number(port));
        }
        place += 1;
    }
    let op = if inverted { Op::NotIn } else { Op::In };
    Some(vec![matching(field, op, forms::set(values))])
}

/// `struct xt_addrtype_info` (`linux/netfilter/xt_addrtype.h`).
pub(super) fn addrtype0(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    addrtype(info, [info.flag32(4)?, info.flag32(8)?], "")
}

/// `struct xt_addrtype_info_v1`.
pub(super) fn addrtype1(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 8)?;
    let flags = info.u32(4)?;
    let limit = match flags & !0x3 {
        0 => "",
        0x4 => "iif.",
        0x8 => "oif.",
        _ => return None,
    };
    addrtype(info, [flags & 1 != 0, flags & 2 != 0], limit)
}

fn addrtype(info: Struct<'_>, inverted: [bool; 2], limit: &str) -> Option<Vec<Item>> {
    let [not_source, not_destination] = inverted;
    let source = forms::addrtype("saddr", limit, info.u16(0)?, not_source)?;
    let destination = forms::addrtype("daddr", limit, info.u16(2)?, not_destination)?;
    Some(source.into_iter().chain(destination).collect())
}

/// `struct xt_iprange_mtinfo` (`linux/netfilter/xt_iprange.h`).
pub(super) fn iprange(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 68)?;
    let flags = info.u8(64)?;
    if flags & !0x33 != 0 {
        return None;
    }
    let words = forms::address_fields(family)?;
    let mut items = Vec::new();
    for (bit, inverse, offset, field) in [(1, 0x10, 0, words[0]), (2, 0x20, 32, words[1])] {
        if flags & bit != 0 {
            let from = info.address(family, offset)?;
            let to = info.address(family, offset + 16)?;
            // A range of one address stays a range: it is what `-m iprange` says.
            let value = forms::range(Value::Address(from), Value::Address(to));
            items.push(equals(field, flags & inverse != 0, value));
        }
    }
    Some(items)
}
