//! Matches on the extension headers of IPv6.

use std::net::Ipv6Addr;

use super::{Struct, build, flag, part};
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::xt::forms::{self, eq};
use crate::netfilter::xt::modules::extension_headers::{ADDRESSES_MAX, HEADERS, OPTIONS_MAX, option};

/// A range of numbers.
fn span(field: &str, info: Struct<'_>, offset: usize, inverted: bool) -> Option<Match> {
    let value = forms::numbers(info.u32(offset)?, info.u32(offset + 4)?);
    Some(part(field, eq(inverted), value))
}

/// `struct ip6t_ah` (`linux/netfilter_ipv6/ip6t_ah.h`). A length of 0 is any.
pub(super) fn ah(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 16)?;
    let (reserved, inverted) = (info.flag8(12)?, info.u8(13).filter(|bits| bits & !3 == 0)?);
    let mut parts = vec![span("spi", info, 0, inverted & 1 != 0)?];
    let length = info.u32(8)?;
    if length != 0 {
        parts.push(part("length", eq(inverted & 2 != 0), Value::Number(length)));
    }
    parts.extend(reserved.then(|| flag("reserved-zero")));
    build(Family::Ip6, "ah", parts)
}

/// `struct ip6t_frag` (`linux/netfilter_ipv6/ip6t_frag.h`).
pub(super) fn frag(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 16)?;
    let (asked, inverted) = (info.u8(12)?, info.u8(13)?);
    if asked & !0x3f != 0 || inverted & !3 != 0 {
        return None;
    }
    let mut parts = vec![span("id", info, 0, inverted & 1 != 0)?];
    if asked & 2 != 0 {
        parts.push(part("length", eq(inverted & 2 != 0), Value::Number(info.u32(8)?)));
    }
    for (bit, field) in [(4, "reserved-zero"), (8, "first")] {
        parts.extend((asked & bit != 0).then(|| flag(field)));
    }
    for (bit, word) in [(0x10, "more"), (0x20, "last")] {
        let more = || part("more-fragments", Op::Eq, Value::Symbol(word.to_owned()));
        parts.extend((asked & bit != 0).then(more));
    }
    build(Family::Ip6, "frag", parts)
}

/// `struct ip6t_opts` (`linux/netfilter_ipv6/ip6t_opts.h`) of `-m hbh` and `-m dst`.
pub(super) fn options(module: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 40)?;
    let (asked, inverted) = (info.u8(4)?, info.flag8(5)?);
    // Options that need not be all there (4) are refused by the kernel.
    if asked & !3 != 0 {
        return None;
    }
    let mut parts = Vec::new();
    if asked & 1 != 0 {
        parts.push(part("length", eq(inverted), Value::Number(info.u32(0)?)));
    }
    if asked & 2 != 0 {
        let count = usize::from(info.u8(38)?);
        if count == 0 || count > OPTIONS_MAX {
            return None;
        }
        let mut all = Vec::new();
        for place in 0..count {
            let [kind, length] = info.u16(6 + 2 * place)?.to_be_bytes();
            all.push(option(kind, (length != 0xff).then_some(length)));
        }
        parts.push(part("options", Op::Eq, Value::Concat(all)));
    }
    build(Family::Ip6, module, parts)
}

/// `struct ip6t_rt` (`linux/netfilter_ipv6/ip6t_rt.h`).
pub(super) fn routing(payload: &[u8]) -> Option<Vec<Item>> {
    const ADDRESSES: u8 = 0x10;
    const NOT_STRICT: u8 = 0x20;
    let info = Struct::new(payload, 280)?;
    let (asked, inverted) = (info.u8(16)?, info.u8(17)?);
    if asked & !0x3f != 0 || inverted & !7 != 0 {
        return None;
    }
    let mut parts = Vec::new();
    if asked & 1 != 0 {
        parts.push(part("type", eq(inverted & 1 != 0), Value::Number(info.u32(0)?)));
    }
    parts.push(span("segments-left", info, 4, inverted & 2 != 0)?);
    if asked & 4 != 0 {
        parts.push(part(
            "length",
            eq(inverted & 4 != 0),
            Value::Number(info.u32(12)?),
        ));
    }
    parts.extend((asked & 8 != 0).then(|| flag("reserved-zero")));
    let count = usize::from(info.u8(276)?);
    if asked & ADDRESSES != 0 {
        parts.push(part("addresses", Op::Eq, addresses(info, count)?));
    }
    parts.extend((asked & NOT_STRICT != 0).then(|| flag("not-strict")));
    build(Family::Ip6, "rt", parts)
}

fn addresses(info: Struct<'_>, count: usize) -> Option<Value> {
    if count == 0 || count > ADDRESSES_MAX {
        return None;
    }
    let one = |place| {
        info.bytes::<16>(20 + 16 * place)
            .map(|b| Value::Address(Ipv6Addr::from(b).into()))
    };
    (0..count).map(one).collect::<Option<Vec<_>>>().map(Value::Concat)
}

/// `-m eui64` asks always the same.
pub(super) fn eui64(payload: &[u8]) -> Option<Vec<Item>> {
    // The kernel declares an `int` that it does not look at.
    Struct::new(payload, 4)?;
    build(Family::Ip6, "eui64", Vec::new())
}

/// `struct ip6t_ipv6header_info` (`linux/netfilter_ipv6/ip6t_ipv6header.h`).
pub(super) fn headers(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 3)?;
    let bits = info.u8(0).filter(|bits| *bits != 0)?;
    let inverted = match info.u8(1)? {
        0 => false,
        0xff => true,
        _ => return None,
    };
    let known = HEADERS
        .iter()
        .take(8)
        .enumerate()
        .filter(|(place, _)| bits << place & 0x80 != 0);
    let words = known
        .map(|(_, (word, _))| Value::Symbol((*word).to_owned()))
        .collect();
    let mut parts = vec![part("headers", eq(inverted), forms::set(words))];
    match info.u8(2)? {
        0 => {}
        0xff => parts.push(flag("soft")),
        _ => return None,
    }
    build(Family::Ip6, "ipv6header", parts)
}
