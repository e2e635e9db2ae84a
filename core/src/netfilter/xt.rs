//! xtables: the structures of legacy entries, which are also the payloads of `nft_compat` expressions.
//!
//! A structure is decoded only if every byte that decides is understood: an unexpected size, an unknown flag or a value
//! that this model can't say leaves the whole structure opaque. Numbers are in host order unless a header says otherwise.

use super::model::{Family, Item, Match, Op, Opaque, Value};
use crate::bytes::{Hex, Text};

pub mod ebt;
mod entry;
pub(crate) mod forms;
mod lift;
mod matches;
pub(crate) mod modules;
mod private;
mod read;
mod sets;
mod targets;

pub use lift::{LiftError, chains_are_told, lift, pieces, same_but_counters, same_table_but_counters};
pub use sets::{SetNames, name_sets, name_sets_in};

/// What an xtables match (`struct xt_entry_match`, `linux/netfilter/x_tables.h`) asks of a packet.
///
/// `payload` is the match's own structure with or without its trailing padding. The result is empty where the match asks
/// nothing (`-m tcp` without options), and one [`Item::Opaque`] where this version can't say exactly what it asks.
pub fn decode_match(family: Family, name: &Text, revision: u8, payload: &[u8]) -> Vec<Item> {
    match_of(family, name.as_bytes(), revision, payload)
}

fn match_of(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Vec<Item> {
    let own = (family == Family::Bridge).then(|| ebt::decode_match(name, revision, payload));
    own.flatten()
        .unwrap_or_else(|| matches::decode(family, name, revision, payload))
        .unwrap_or_else(|| vec![opaque("match", &name.into(), revision, payload)])
}

/// What an xtables target (`struct xt_entry_target`) does.
///
/// A standard target that jumps can't be decoded alone, since its payload is an offset into the table: it is opaque here.
pub fn decode_target(family: Family, name: &Text, revision: u8, payload: &[u8]) -> Vec<Item> {
    target_of(family, name.as_bytes(), revision, payload)
}

fn target_of(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Vec<Item> {
    let own = (family == Family::Bridge).then(|| ebt::decode_target(name, revision, payload));
    own.flatten()
        .unwrap_or_else(|| targets::decode(family, name, revision, payload))
        .unwrap_or_else(|| vec![opaque("target", &name.into(), revision, payload)])
}

/// Takes the first comment out of `items`; it becomes the rule's. Further ones stay as matches that always hold.
pub fn take_comment(items: &mut Vec<Item>) -> Option<Text> {
    let place = items.iter().position(|item| comment_of(item).is_some())?;
    comment_of(&items.remove(place)).cloned()
}

fn comment_of(item: &Item) -> Option<&Text> {
    match item {
        Item::Match(Match {
            field,
            op: Op::Eq,
            value: Value::Text(text),
        }) if field.0 == "comment" => Some(text),
        _ => None,
    }
}

fn opaque(kind: &str, name: &Text, revision: u8, payload: &[u8]) -> Item {
    Item::Opaque(Opaque {
        kind: kind.to_owned(),
        name: name.clone(),
        revision: Some(revision),
        payload: Hex(private::without(kind, name.as_bytes(), revision, payload)),
        text: None,
    })
}

#[cfg(test)]
mod tests;
