//! `-m set`: the kernel names a set by its index, which is resolved here.

use super::{Struct, build, part};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::xt::forms::eq;
use crate::netfilter::xt::modules::words::ipset;
use crate::netfilter::xt::sets::SetNames;

/// Which set, and which ends of a packet are looked up in it.
struct Lookup {
    index: u16,
    sources: Vec<bool>,
    inverted: bool,
    return_nomatch: bool,
}

/// What the rules of the sets' counters say.
#[derive(Default)]
struct Extra {
    flags: u32,
    packets: Option<Match>,
    bytes: Option<Match>,
}

/// All revisions (`linux/netfilter/xt_set.h`); `None` also if the set's name is not known.
pub(in crate::netfilter::xt) fn decode(revision: u8, payload: &[u8], names: &SetNames) -> Option<Vec<Item>> {
    let (lookup, extra) = match revision {
        0 => (oldest(Struct::new(payload, 32)?)?, Extra::default()),
        1 | 2 => (lookup(Struct::new(payload, 4)?, revision)?, Extra::default()),
        3 | 4 => {
            let info = Struct::new(payload, 48)?;
            (lookup(info, revision)?, extra(info, revision)?)
        }
        _ => return None,
    };
    let name: Text = names.get(&lookup.index)?.clone();
    let mut parts = vec![part("name", eq(lookup.inverted), ipset(name, &lookup.sources))];
    let flag = |field: &str, op| part(field, op, Value::Number(1));
    for (bit, field) in [
        (SKIP_COUNTERS, "update-counters"),
        (SKIP_SUBCOUNTERS, "update-subcounters"),
    ] {
        parts.extend((extra.flags & bit != 0).then(|| flag(field, Op::Ne)));
    }
    let nomatch = lookup.return_nomatch || extra.flags & RETURN_NOMATCH != 0;
    parts.extend(nomatch.then(|| flag("return-nomatch", Op::Eq)));
    parts.extend(extra.packets.into_iter().chain(extra.bytes));
    build(Family::Ip, "set", parts)
}

/// `struct xt_set_info_v0`: a word for each dimension; the kernel keeps its own form in the last one.
fn oldest(info: Struct<'_>) -> Option<Lookup> {
    const SOURCE: u32 = 1;
    const DESTINATION: u32 = 2;
    const INVERTED: u32 = 4;
    let mut sources = Vec::new();
    let mut inverted = false;
    for place in 0..6 {
        let flags = info.u32(4 + 4 * place)?;
        if place == 0 {
            inverted = flags & INVERTED != 0;
        }
        let known = if place == 0 { INVERTED } else { 0 };
        match flags & !known {
            SOURCE => sources.push(true),
            DESTINATION => sources.push(false),
            0 => break,
            _ => return None,
        }
    }
    (!sources.is_empty()).then_some(Lookup {
        index: info.u16(0)?,
        sources,
        inverted,
        return_nomatch: false,
    })
}

/// `struct xt_set_info`: the number of dimensions, and a bit for each that is a source.
fn lookup(info: Struct<'_>, revision: u8) -> Option<Lookup> {
    const INVERTED: u8 = 1;
    const NOMATCH: u8 = 0x80;
    let (dimensions, flags) = (info.u8(2)?, info.u8(3)?);
    let known = (1..=dimensions).try_fold(INVERTED, |bits, bit| Some(bits | 1u8.checked_shl(bit.into())?))?;
    let return_nomatch = flags & NOMATCH != 0;
    if !(1..=6).contains(&dimensions) || flags & !(known | NOMATCH) != 0 || (return_nomatch && revision != 2)
    {
        return None;
    }
    Some(Lookup {
        index: info.u16(0)?,
        sources: (1..=dimensions).map(|bit| flags >> bit & 1 != 0).collect(),
        inverted: flags & INVERTED != 0,
        return_nomatch,
    })
}

/// `IPSET_FLAG_*` (`linux/netfilter/ipset/ip_set.h`).
const SKIP_COUNTERS: u32 = 1 << 3;
const SKIP_SUBCOUNTERS: u32 = 1 << 4;
const RETURN_NOMATCH: u32 = 1 << 7;

/// The counters of `struct xt_set_info_match_v3` have the operation before the number, those of `_v4` behind.
fn extra(info: Struct<'_>, revision: u8) -> Option<Extra> {
    let flags = info.u32(40)?;
    if flags & !(SKIP_COUNTERS | SKIP_SUBCOUNTERS | RETURN_NOMATCH) != 0 {
        return None;
    }
    let counter = |field: &str, at: usize| -> Option<Option<Match>> {
        let (op, number) = if revision == 3 { (at, at + 8) } else { (at + 8, at) };
        let op = match info.u8(op)? {
            0 => return Some(None),
            1 => Op::Eq,
            2 => Op::Ne,
            3 => Op::Lt,
            4 => Op::Gt,
            _ => return None,
        };
        Some(Some(part(field, op, Value::Wide(Big(info.u64(number)?)))))
    };
    Some(Extra {
        flags,
        packets: counter("packets", 8)?,
        bytes: counter("bytes", 24)?,
    })
}
