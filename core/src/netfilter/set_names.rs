//! Gives rules that hold an ipset by the kernel's number the set's name.

use super::model::{Item, Ruleset};
use super::xt::{self, SetNames};
use crate::raw::SetName;

/// Names the sets of every rule, as far as the names are known.
pub fn resolve(ruleset: &mut Ruleset, sets: &[SetName]) {
    if !sets.is_empty() {
        xt::name_sets(ruleset, &names(sets));
    }
}

/// Names the sets of one rule.
pub fn resolve_items(items: &mut Vec<Item>, sets: &[SetName]) {
    if !sets.is_empty() && items.iter().any(|item| matches!(item, Item::Opaque(_))) {
        xt::name_sets_in(items, &names(sets));
    }
}

fn names(sets: &[SetName]) -> SetNames {
    sets.iter().map(|set| (set.index, set.name.clone())).collect()
}
