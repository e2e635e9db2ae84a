//! `SET` (`linux/netfilter/xt_set.h`): the kernel names a set by its index, so its name comes from whoever read the sets.

use std::collections::BTreeMap;

use super::Struct;
use super::forms::{self, given};
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, TargetOption, Value};

/// `IPSET_INVALID_ID`: no set.
const NONE: u16 = u16::MAX;
/// `IPSET_DIM_MAX`.
const DIMENSIONS: u8 = 6;
const EXIST: u32 = 1;
const MAP_MARK: u32 = 1 << 8;
const MAP_PRIORITY: u32 = 1 << 9;
const MAP_QUEUE: u32 = 1 << 10;

/// A set and, for each of its dimensions, whether the source is meant.
type Place = Option<(u16, Vec<bool>)>;

/// All revisions; `None` also if the name of a set is not known.
pub(in crate::netfilter::xt) fn decode(
    revision: u8,
    payload: &[u8],
    names: &BTreeMap<u16, Text>,
) -> Option<Vec<Item>> {
    let size = [64, 8, 16, 20].get(usize::from(revision)).copied()?;
    let info = Struct::new(payload, size)?;
    let place = |at| {
        if revision == 0 {
            oldest(info, 8 * at)
        } else {
            place(info, at)
        }
    };
    let (add, remove) = (place(0)?, place(4)?);
    let map = if revision == 3 { place(8)? } else { None };
    let (flags, timeout) = match revision {
        0 | 1 => (0, u32::MAX),
        2 => (info.u32(8)?, info.u32(12)?),
        _ => (info.u32(12)?, info.u32(16)?),
    };
    let maps = if revision == 3 {
        MAP_MARK | MAP_PRIORITY | MAP_QUEUE
    } else {
        0
    };
    if flags & !(EXIST | maps) != 0 {
        return None;
    }
    let named = |option: &str, place: Place| -> Option<Option<TargetOption>> {
        let Some((index, sources)) = place else {
            return Some(None);
        };
        let mut parts = vec![Value::Text(names.get(&index)?.clone())];
        let word = |source| if source { "src" } else { "dst" };
        parts.extend(
            sources
                .into_iter()
                .map(|source| Value::Symbol(word(source).to_owned())),
        );
        Some(Some(given(option, Value::Concat(parts))))
    };
    let flag = |bit, option| (flags & bit != 0).then(|| given(option, None));
    let options = [
        named("add-set", add)?,
        flag(EXIST, "exist"),
        (timeout != u32::MAX).then(|| given("timeout", Value::Number(timeout))),
        named("del-set", remove)?,
        named("map-set", map)?,
        flag(MAP_MARK, "map-mark"),
        flag(MAP_PRIORITY, "map-prio"),
        flag(MAP_QUEUE, "map-queue"),
    ];
    let options = options.into_iter().flatten().collect();
    // Both families say it alike.
    Some(vec![Item::Statement(forms::target(Family::Ip, "SET", options))])
}

/// `struct xt_set_info`: the index, the number of dimensions, and a bit for each that is a source.
fn place(info: Struct<'_>, at: usize) -> Option<Place> {
    let (index, dimensions, flags) = (info.u16(at)?, info.u8(at + 2)?, info.u8(at + 3)?);
    if index == NONE {
        return Some(None);
    }
    let bit = |dimension: u8| 1_u8.checked_shl(dimension.into()).unwrap_or_default();
    let known = (1..=dimensions).fold(0, |bits, dimension| bits | bit(dimension));
    if !(1..=DIMENSIONS).contains(&dimensions) || flags & !known != 0 {
        return None;
    }
    let sources = (1..=dimensions)
        .map(|dimension| flags & bit(dimension) != 0)
        .collect();
    Some(Some((index, sources)))
}

/// `struct xt_set_info_v0`: a word for each dimension, up to the first that is zero.
fn oldest(info: Struct<'_>, at: usize) -> Option<Place> {
    let index = info.u16(at)?;
    if index == NONE {
        return Some(None);
    }
    let mut sources = Vec::new();
    for dimension in 0..usize::from(DIMENSIONS) {
        match info.u32(at + 4 + 4 * dimension)? {
            0 => break,
            1 => sources.push(true),
            2 => sources.push(false),
            _ => return None,
        }
    }
    (!sources.is_empty()).then_some(Some((index, sources)))
}
