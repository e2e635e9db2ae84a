//! Matching by key, where order means nothing.

use std::collections::BTreeMap;

/// What stands on both sides under one key.
pub(super) type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

/// Both lists by key, in the order of the keys. Entries that share a key are paired in order, so none is lost.
pub(super) fn by_key<'a, T, K: Ord>(
    before: &'a [T],
    after: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> Vec<Pair<'a, T>> {
    let mut sides: BTreeMap<K, (Vec<&'a T>, Vec<&'a T>)> = BTreeMap::new();
    for entry in before {
        sides.entry(key(entry)).or_default().0.push(entry);
    }
    for entry in after {
        sides.entry(key(entry)).or_default().1.push(entry);
    }
    sides
        .into_values()
        .flat_map(|(left, right)| zip(left, right))
        .collect()
}

fn zip<'a, T>(left: Vec<&'a T>, right: Vec<&'a T>) -> Vec<Pair<'a, T>> {
    let count = left.len().max(right.len());
    (0..count)
        .map(|index| (left.get(index).copied(), right.get(index).copied()))
        .collect()
}
