//! Canonical order of filters, what they share, and which places are asked for them.

use std::collections::BTreeMap;

use super::{Chain, Filter, FilterRuntime, Found, Place};
use crate::bytes::Text;
use crate::tc::options::Options;

/// Kinds whose filters of one priority are told apart by their number alone: which is asked first does not matter.
const UNORDERED: [&str; 3] = ["fw", "route", "tcindex"];

/// Filters with their runtime, in order.
pub(in crate::tc) fn filters(mut found: Vec<Found>) -> (Vec<Filter>, Vec<FilterRuntime>) {
    found = without_heads(found);
    // Stable: within one priority the kernel's order stays, but where it is no order of asking.
    found.sort_by(|one, other| place(one).cmp(&place(other)));
    mark_repeated(&mut found);
    share(&mut found);
    found
        .into_iter()
        .map(|one| {
            let mut filter = one.filter;
            let mut runtime = one.runtime;
            for decoded in one.actions {
                filter.actions.push(decoded.action);
                runtime.actions.push(decoded.runtime);
            }
            (filter, runtime)
        })
        .unzip()
}

/// Each priority begins with a message without options; it says something only where nothing follows. So do the tables
/// that the kernel makes for each priority of `u32`.
fn without_heads(found: Vec<Found>) -> Vec<Found> {
    let key = |one: &Found| {
        let filter = &one.filter;
        (
            filter.place.clone(),
            filter.chain,
            filter.priority,
            filter.protocol.clone(),
        )
    };
    let empty = |one: &Found| {
        one.filter.options == Options::None && one.actions.is_empty() && one.filter.class.is_none()
    };
    let bare = |one: &Found| {
        let word = one.filter.kind.as_str();
        one.handle == 0 || (word == Some("u32") && one.handle & 0xf_ffff == 0 && empty(one))
    };
    let mut filled: BTreeMap<_, bool> = BTreeMap::new();
    for one in &found {
        *filled.entry(key(one)).or_default() |= !bare(one);
    }
    let is_filled = |one: &Found| filled.get(&key(one)).copied().unwrap_or_default();
    let keep = |one: &Found| match (bare(one) && empty(one), one.handle) {
        (false, _) => true,
        (true, 0) => !is_filled(one),
        (true, _) => false,
    };
    let kept: Vec<bool> = found.iter().map(keep).collect();
    found
        .into_iter()
        .zip(kept)
        .filter_map(|(one, keep)| keep.then_some(one))
        .collect()
}

type Order<'a> = (&'a Place, u32, u16, &'a str, &'a Text, u32);

fn place(found: &Found) -> Order<'_> {
    let filter = &found.filter;
    let word = filter.kind.as_str().unwrap_or_default();
    let number = match word {
        // Within a bucket the kernel asks by number; which table comes first does not matter, but user's tables have
        // lasting numbers and the kernel's have not.
        "u32" if found.handle >> 20 < 0x800 => found.handle,
        "u32" => 0x8000_0000 | found.handle & 0xf_ffff,
        word if UNORDERED.contains(&word) => found.handle,
        _ => 0,
    };
    (
        &filter.place,
        filter.chain,
        filter.priority,
        &filter.protocol,
        &filter.kind,
        number,
    )
}

/// See [`Filter::somewhere_here`].
fn mark_repeated(found: &mut [Found]) {
    let key = |one: &Found| (one.owner, one.handle);
    let is_u32 = |one: &Found| one.filter.kind.as_str() == Some("u32") && one.handle != 0;
    let mut times: BTreeMap<_, usize> = BTreeMap::new();
    for one in found.iter().filter(|one| is_u32(one)) {
        *times.entry(key(one)).or_default() += 1;
    }
    for one in found.iter_mut().filter(|one| is_u32(one)) {
        one.filter.somewhere_here = times.get(&key(one)).is_some_and(|times| *times > 1);
    }
}

/// Numbers what actions share in the order in which it is first found.
fn share(found: &mut [Found]) {
    let mut numbers: BTreeMap<(Text, String), u32> = BTreeMap::new();
    for decoded in found.iter_mut().flat_map(|one| &mut one.actions) {
        if let Some(key) = decoded.shared_as() {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX).saturating_add(1);
            decoded.action.shared = Some(*numbers.entry(key).or_insert(next));
        }
    }
}

/// Chains that say something: others are there because of their filters, or always.
pub(in crate::tc) fn chains(mut chains: Vec<Chain>, filters: &[Filter]) -> Vec<Chain> {
    let used = |chain: &Chain| {
        filters
            .iter()
            .any(|filter| filter.chain == chain.chain && filter.place == chain.place)
    };
    chains.retain(|chain| chain.kind.is_some() || (chain.chain != 0 && !used(chain)));
    chains.sort();
    chains.dedup();
    chains
}
