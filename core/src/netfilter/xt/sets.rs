//! Rules that use ipsets: the structures name a set by the kernel's index, so its name comes from whoever read the sets.

use std::collections::BTreeMap;

use super::{matches, targets};
use crate::bytes::Text;
use crate::netfilter::model::{Item, Opaque, Ruleset};

/// The names of a network namespace's ipsets by their index (`ip_set_id_t`, `linux/netfilter/ipset/ip_set.h`).
pub type SetNames = BTreeMap<u16, Text>;

/// Decodes what names a set, as far as the names are known; all else stays opaque, and a gap.
pub fn name_sets(ruleset: &mut Ruleset, names: &SetNames) {
    let chains = ruleset.tables.iter_mut().flat_map(|table| &mut table.chains);
    for rule in chains.flat_map(|chain| &mut chain.rules) {
        name_sets_in(&mut rule.items, names);
    }
}

/// The same for the steps of one rule.
pub fn name_sets_in(items: &mut Vec<Item>, names: &SetNames) {
    let named = |item: &Item| matches!(item, Item::Opaque(opaque) if decode(opaque, names).is_some());
    if items.iter().any(named) {
        let all = std::mem::take(items);
        *items = all.into_iter().flat_map(|item| resolved(item, names)).collect();
    }
}

fn resolved(item: Item, names: &SetNames) -> Vec<Item> {
    match &item {
        Item::Opaque(opaque) => decode(opaque, names).unwrap_or_else(|| vec![item]),
        _ => vec![item],
    }
}

/// What an opaque step of xtables says of a set.
fn decode(opaque: &Opaque, names: &SetNames) -> Option<Vec<Item>> {
    if opaque.text.is_some() {
        return None;
    }
    match (opaque.kind.as_str(), opaque.name.as_bytes()) {
        ("match", b"set") => matches::set::decode(opaque.revision?, &opaque.payload.0, names),
        ("target", b"SET") => targets::set::decode(opaque.revision?, &opaque.payload.0, names),
        _ => None,
    }
}
