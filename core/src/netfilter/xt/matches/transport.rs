//! Matches on the headers above IP.

use super::Struct;
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::xt::forms::{self, equals, matching};
use crate::netfilter::xt::modules::chunks::{self, Asked, FLAG_SLOTS};
use crate::netfilter::xt::modules::fields::DCCP_TYPES;

/// `struct xt_sctp_info` (`linux/netfilter/xt_sctp.h`).
pub(super) fn sctp(payload: &[u8]) -> Option<Vec<Item>> {
    const SOURCE: u32 = 1;
    const DESTINATION: u32 = 2;
    const CHUNKS: u32 = 4;
    let info = Struct::new(payload, 292)?;
    let (asked, inverted) = (info.u32(284)?, info.u32(288)?);
    if (asked | inverted) & !(SOURCE | DESTINATION | CHUNKS) != 0 || inverted & !asked != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (bit, field, place) in [(SOURCE, "sctp.sport", 4), (DESTINATION, "sctp.dport", 0)] {
        if asked & bit != 0 {
            let (from, to) = (info.u16(place)?, info.u16(place + 2)?);
            items.extend(forms::ports(field, from, to, inverted & bit != 0));
        }
    }
    if asked & CHUNKS != 0 {
        let value = chunks::value(info.u32(264)?, &sctp_chunks(info)?)?;
        items.push(equals("sctp.chunk", inverted & CHUNKS != 0, value));
    }
    Some(items)
}

/// A bit for each type of chunk, and up to four of them with flags.
fn sctp_chunks(info: Struct<'_>) -> Option<Asked> {
    let count = usize::try_from(info.u32(280)?)
        .ok()
        .filter(|count| *count <= FLAG_SLOTS)?;
    let mut flagged = Vec::new();
    for slot in 0..count {
        flagged.push(info.bytes::<3>(268 + 3 * slot)?);
    }
    let mut chunks = Vec::new();
    let mut is_all = true;
    for kind in 0..=u8::MAX {
        let word = info.u32(8 + usize::from(kind / 32) * 4)?;
        if word >> (kind % 32) & 1 == 0 {
            is_all = false;
            continue;
        }
        let flags = flagged.iter().find(|[of, ..]| *of == kind);
        let [flag, mask] = flags.map_or([0, 0], |[_, flag, mask]| [*flag, *mask]);
        chunks.push((kind, mask, flag));
    }
    // Flags of a chunk that is not asked for, or two for one chunk.
    let used = flagged.iter().enumerate().all(|(place, [kind, ..])| {
        let first = flagged.iter().position(|[of, ..]| of == kind) == Some(place);
        first && chunks.iter().any(|(asked, ..)| asked == kind)
    });
    if !used || (is_all && count != 0) {
        return None;
    }
    Some(if is_all { Asked::All } else { Asked::Some(chunks) })
}

/// `struct xt_dccp_info` (`linux/netfilter/xt_dccp.h`).
pub(super) fn dccp(payload: &[u8]) -> Option<Vec<Item>> {
    const SOURCE: u16 = 1;
    const DESTINATION: u16 = 2;
    const TYPES: u16 = 4;
    const OPTION: u16 = 8;
    let info = Struct::new(payload, 16)?;
    let (asked, inverted) = (info.u16(8)?, info.u16(10)?);
    if (asked | inverted) & !(SOURCE | DESTINATION | TYPES | OPTION) != 0 || inverted & !asked != 0 {
        return None;
    }
    let not = |bit| inverted & bit != 0;
    let mut items = Vec::new();
    for (bit, field, place) in [(SOURCE, "dccp.sport", 4), (DESTINATION, "dccp.dport", 0)] {
        if asked & bit != 0 {
            items.extend(forms::ports(
                field,
                info.u16(place)?,
                info.u16(place + 2)?,
                not(bit),
            ));
        }
    }
    if asked & TYPES != 0 {
        let op = if not(TYPES) { Op::NotIn } else { Op::In };
        items.push(matching("dccp.type", op, dccp_types(info.u16(12)?)?));
    }
    if asked & OPTION != 0 {
        items.push(equals(
            "dccp.option",
            not(OPTION),
            Value::Number(info.u8(14)?.into()),
        ));
    }
    Some(items)
}

/// The types without a name are one word, so all of them are there or none.
fn dccp_types(bits: u16) -> Option<Value> {
    const NAMELESS: u16 = 0xfc00;
    if !matches!(bits & NAMELESS, 0 | NAMELESS) || bits == 0 {
        return None;
    }
    let words = DCCP_TYPES
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 != 0);
    Some(forms::set(
        words
            .map(|(_, (word, _))| Value::Symbol((*word).to_owned()))
            .collect(),
    ))
}

/// `struct ipt_ah`, `struct xt_esp` and `struct xt_ipcomp`: a range of indexes, and for the last a reserved field.
pub(super) fn spi(field: &str, has_reserved: bool, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let span = forms::span(field, info.u32(0)?, info.u32(4)?, u32::MAX, info.flag8(8)?);
    let reserved = has_reserved && info.flag8(9)?;
    Some(
        span.into_iter()
            .chain(reserved.then(|| equals("comp.reserved-zero", false, Value::Number(1))))
            .collect(),
    )
}

/// `struct ip6t_mh` (`linux/netfilter_ipv6/ip6t_mh.h`).
pub(super) fn mobility(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 3)?;
    let span = forms::span(
        "mh.type",
        info.u8(0)?.into(),
        info.u8(1)?.into(),
        0xff,
        info.flag8(2)?,
    );
    Some(span.into_iter().collect())
}

/// `struct xt_length_info` and `struct xt_tcpmss_match_info`, laid out alike.
pub(super) fn span16(field: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 6)?;
    let value = forms::numbers(info.u16(0)?.into(), info.u16(2)?.into());
    Some(vec![equals(field, info.flag8(4)?, value)])
}

/// `struct xt_ecn_info` (`linux/netfilter/xt_ecn.h`).
pub(super) fn ecn(family: Family, payload: &[u8]) -> Option<Vec<Item>> {
    const IP: u8 = 1;
    const ECE: u8 = 0x10;
    const CWR: u8 = 0x20;
    let info = Struct::new(payload, 4)?;
    let (asked, inverted) = (info.u8(0)?, info.u8(1)?);
    if (asked | inverted) & !(IP | ECE | CWR) != 0 || inverted & !asked != 0 {
        return None;
    }
    let mut items = Vec::new();
    for (bit, field) in [(ECE, "ecn.ece"), (CWR, "ecn.cwr")] {
        if asked & bit != 0 {
            items.push(equals(field, inverted & bit != 0, Value::Number(1)));
        }
    }
    if asked & IP != 0 {
        let field = if family == Family::Ip6 {
            "ip6.ecn"
        } else {
            "ip.ecn"
        };
        let ect = info.u8(2).filter(|ect| *ect <= 3)?;
        items.push(equals(field, inverted & IP != 0, Value::Number(ect.into())));
    }
    Some(items)
}

/// `struct ipt_ttl_info` and `struct ip6t_hl_info`, laid out alike.
pub(super) fn ttl(field: &str, payload: &[u8]) -> Option<Vec<Item>> {
    const OPS: [Op; 4] = [Op::Eq, Op::Ne, Op::Lt, Op::Gt];
    let info = Struct::new(payload, 2)?;
    let op = OPS.get(usize::from(info.u8(0)?))?;
    Some(vec![matching(field, *op, Value::Number(info.u8(1)?.into()))])
}

/// `struct xt_l2tp_info` (`linux/netfilter/xt_l2tp.h`); no released tool has words for it.
pub(super) fn l2tp(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let asked = info.u8(10)?;
    if asked & !0x0f != 0 {
        return None;
    }
    let kind = match info.u8(9)? {
        0 => "control",
        1 => "data",
        _ => return None,
    };
    let parts = [
        (1, "tid", Value::Number(info.u32(0)?)),
        (2, "sid", Value::Number(info.u32(4)?)),
        (4, "version", Value::Number(info.u8(8)?.into())),
        (8, "type", Value::Symbol(kind.to_owned())),
    ];
    let asked = parts.into_iter().filter(|(bit, ..)| asked & bit != 0);
    let parts: Vec<Match> = asked
        .map(|(_, field, value)| super::part(field, Op::Eq, value))
        .collect();
    Some(vec![equals("l2tp", false, Value::Parts(parts))])
}
