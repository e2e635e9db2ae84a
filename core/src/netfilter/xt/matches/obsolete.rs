//! Revisions that kernels had before 2.6.36; what they could ask beyond today's is opaque.

use super::Struct;
use crate::netfilter::model::{Family, Item, Value};
use crate::netfilter::xt::forms::{self, equals};

/// `struct ipt_owner_info` and `struct ip6t_owner_info`: a process or session and, for IPv4, a command are not decoded.
pub(super) fn owner(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    const USER: u8 = 1;
    const GROUP: u8 = 2;
    let (size, at) = if family == Family::Ip6 { (20, 16) } else { (36, 32) };
    let info = Struct::new(payload, size)?;
    let (asked, inverted) = (info.u8(at)?, info.u8(at + 1)?);
    if (asked | inverted) & !(USER | GROUP) != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (bit, field, at) in [(USER, "meta.skuid", 0), (GROUP, "meta.skgid", 4)] {
        if asked & bit != 0 {
            items.push(equals(field, inverted & bit != 0, Value::Number(info.u32(at)?)));
        }
    }
    Some(items)
}

/// `struct ipt_iprange_info`.
pub(super) fn iprange(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 20)?;
    let flags = info.u8(16)?;
    if flags & !0x33 != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (bit, inverse, at, field) in [(1, 0x10, 0, "ip.saddr"), (2, 0x20, 8, "ip.daddr")] {
        if flags & bit != 0 {
            let end = |at| info.address(Family::Ip, at).map(Value::Address);
            let value = forms::range(end(at)?, end(at + 4)?);
            items.push(equals(field, flags & inverse != 0, value));
        }
    }
    Some(items)
}

/// `struct xt_mark_info` and `struct xt_connmark_info`: two numbers of the kernel's word size.
pub(super) fn mark(field: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 24)?;
    let (value, mask) = (info.u64(0)?, info.u64(8)?);
    // The tool of that time wrote a full mask as a word of ones; the marks of packets have 32 bits.
    let mask = if mask == u64::MAX {
        u32::MAX
    } else {
        mask.try_into().ok()?
    };
    Some(vec![equals(
        field,
        info.flag8(16)?,
        forms::masked(value.try_into().ok()?, mask),
    )])
}
