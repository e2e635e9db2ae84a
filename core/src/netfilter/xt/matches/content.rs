//! Matches on a packet's bytes, on the clock, and on chance.

use super::{Struct, build, flag, part};
use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::xt::forms::eq;
use crate::netfilter::xt::modules::calendar;

/// `struct xt_string_info` (`linux/netfilter/xt_string.h`); revision 0 has only an inversion where 1 has flags.
pub(super) fn string(revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 160)?;
    let flags = info.u8(149)?;
    if flags & !(if revision == 0 { 1 } else { 3 }) != 0 {
        return None;
    }
    let pattern = info.bytes::<128>(20)?;
    let pattern = pattern.get(..usize::from(info.u8(148)?))?;
    let mut parts = vec![
        part("pattern", eq(flags & 1 != 0), Value::Text(pattern.into())),
        part("algo", Op::Eq, Value::Text(info.text::<16>(4)?)),
        part("from", Op::Eq, Value::Number(info.u16(0)?.into())),
        part("to", Op::Eq, Value::Number(info.u16(2)?.into())),
    ];
    parts.extend((flags & 2 != 0).then(|| flag("icase")));
    build(Family::Ip, "string", parts)
}

/// `struct xt_time_info` (`linux/netfilter/xt_time.h`).
pub(super) fn time(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 24)?;
    let flags = info.u8(21)?;
    if flags & !3 != 0 || info.u32(8)?.max(info.u32(12)?) > calendar::LAST_SECOND {
        return None;
    }
    let mut parts = vec![
        part("monthdays", Op::In, calendar::days(info.u32(16)?, 31)?),
        part("weekdays", Op::In, calendar::days(info.u8(20)?.into(), 7)?),
    ];
    for (field, at) in [
        ("datestart", 0),
        ("datestop", 4),
        ("timestart", 8),
        ("timestop", 12),
    ] {
        parts.push(part(field, Op::Eq, Value::Number(info.u32(at)?)));
    }
    for (bit, field) in [(1, "kerneltz"), (2, "contiguous")] {
        parts.extend((flags & bit != 0).then(|| flag(field)));
    }
    build(Family::Ip, "time", parts)
}

/// `struct xt_statistic_info` (`linux/netfilter/xt_statistic.h`); the count of `nth` is the kernel's own.
pub(super) fn statistic(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 24)?;
    let op = match info.u16(2)? {
        0 => Op::Eq,
        1 => Op::Ne,
        _ => return None,
    };
    let mode = |word: &str| part("mode", Op::Eq, Value::Symbol(word.to_owned()));
    let parts = match info.u16(0)? {
        0 => vec![
            mode("random"),
            part("probability", op, Value::Number(info.u32(4)?)),
        ],
        1 => vec![
            mode("nth"),
            // Counted from 0 by the kernel, from 1 by the tools.
            part("every", op, Value::Number(info.u32(4)?.checked_add(1)?)),
            part("packet", Op::Eq, Value::Number(info.u32(8)?)),
        ],
        _ => return None,
    };
    build(Family::Ip, "statistic", parts)
}

/// `struct xt_cluster_match_info` (`linux/netfilter/xt_cluster.h`).
pub(super) fn cluster(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 16)?;
    let parts = vec![
        part("nodes", eq(info.flag32(12)?), Value::Number(info.u32(4)?)),
        part("total", Op::Eq, Value::Number(info.u32(0)?)),
        part("seed", Op::Eq, Value::Number(info.u32(8)?)),
    ];
    build(Family::Ip, "cluster", parts)
}

/// `struct nf_osf_info` (`linux/netfilter/nfnetlink_osf.h`); the length of the name is not looked at.
pub(super) fn osf(payload: &[u8]) -> Option<Vec<Item>> {
    const TTL: u32 = 2;
    const LOG: u32 = 4;
    const INVERTED: u32 = 8;
    let info = Struct::new(payload, 48)?;
    let flags = info.u32(36)?;
    // The tool never sets the flag for the name (1), so what that would mean is not known.
    if flags & !(TTL | LOG | INVERTED) != 0 {
        return None;
    }
    let mut parts = vec![part(
        "genre",
        eq(flags & INVERTED != 0),
        Value::Text(info.text::<32>(0)?),
    )];
    for (bit, field, at) in [(TTL, "ttl", 44), (LOG, "log", 40)] {
        let number = info.u32(at)?;
        if flags & bit != 0 {
            let known = number <= 2;
            parts.push(known.then(|| part(field, Op::Eq, Value::Number(number)))?);
        }
    }
    build(Family::Ip, "osf", parts)
}
