//! A ruleset without its rules, written as [`Ruleset`] is; nothing is copied.

use serde::Serialize;

use crate::bytes::Text;
use crate::netfilter::model::{
    BaseChain, Chain, Family, HookOrder, Object, OpaqueAttribute, Plane, Ruleset, Set, Table,
};

/// [`Ruleset`] without rules.
#[derive(Serialize)]
pub(super) struct Bare<'a> {
    plane: Plane,
    tables: Vec<BareTable<'a>>,
    hook_order: &'a [HookOrder],
}

#[derive(Serialize)]
struct BareTable<'a> {
    family: Family,
    name: &'a Text,
    flags: &'a [String],
    comment: &'a Option<Text>,
    chains: Vec<BareChain<'a>>,
    sets: &'a [Set],
    objects: &'a [Object],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    opaque: &'a [OpaqueAttribute],
}

#[derive(Serialize)]
struct BareChain<'a> {
    name: &'a Text,
    base: &'a Option<BaseChain>,
    comment: &'a Option<Text>,
    rules: [(); 0],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    opaque: &'a [OpaqueAttribute],
}

impl<'a> Bare<'a> {
    pub(super) fn of(ruleset: &'a Ruleset) -> Self {
        let Ruleset {
            plane,
            tables,
            hook_order,
        } = ruleset;
        Self {
            plane: *plane,
            tables: tables.iter().map(BareTable::of).collect(),
            hook_order,
        }
    }
}

impl<'a> BareTable<'a> {
    fn of(table: &'a Table) -> Self {
        let Table {
            family,
            name,
            flags,
            comment,
            chains,
            sets,
            objects,
            opaque,
        } = table;
        Self {
            family: *family,
            name,
            flags,
            comment,
            chains: chains.iter().map(BareChain::of).collect(),
            sets,
            objects,
            opaque,
        }
    }
}

impl<'a> BareChain<'a> {
    fn of(chain: &'a Chain) -> Self {
        let Chain {
            name,
            base,
            comment,
            rules: _,
            opaque,
        } = chain;
        Self {
            name,
            base,
            comment,
            rules: [],
            opaque,
        }
    }
}
