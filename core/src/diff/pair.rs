//! Matching by key, where order means nothing.

use std::collections::BTreeMap;

/// What stands on both sides under one key.
pub(super) type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

/// Both lists by key, in the order of the keys. Of entries that share a key, equal ones are paired first, then the others in
/// order, so none is lost and one more is one more.
pub(super) fn by_key<'a, T: PartialEq, K: Ord>(
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

fn zip<'a, T: PartialEq>(mut left: Vec<&'a T>, mut right: Vec<&'a T>) -> Vec<Pair<'a, T>> {
    let mut out = Vec::new();
    if left.len() + right.len() > 2 {
        left.retain(|entry| match right.iter().position(|other| other == entry) {
            Some(index) => {
                out.push((Some(*entry), Some(right.remove(index))));
                false
            }
            None => true,
        });
    }
    let count = left.len().max(right.len());
    out.extend((0..count).map(|index| (left.get(index).copied(), right.get(index).copied())));
    out
}
