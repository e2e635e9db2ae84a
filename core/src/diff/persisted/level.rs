//! Making two sides alike in what makes no difference.

use std::collections::BTreeSet;

use super::super::maker;
use crate::bytes::Text;
use crate::netfilter::builtin;
use crate::netfilter::model::{BaseChain, Chain, Family, Item, Ruleset, Statement, Table, Verdict};

/// Without what has no effect and comes by looking: built-in chains of iptables without rules that accept, and tables of
/// nothing else.
pub(super) fn without_trifles(of: &Ruleset) -> Ruleset {
    let mut out = of.clone();
    for table in &mut out.tables {
        if !is_of_iptables(table) {
            continue;
        }
        let name = table.name.clone();
        table.chains.retain(|chain| {
            let built_in = builtin::base(&name, &chain.name, Verdict::Accept);
            let accepts = chain
                .base
                .as_ref()
                .is_some_and(|base| base.policy == Verdict::Accept);
            let bare = chain.rules.is_empty() && chain.opaque.is_empty() && chain.comment.is_none();
            !(built_in.is_some() && accepts && bare)
        });
    }
    out.tables.retain(|table| {
        let bare = table.chains.is_empty() && table.sets.is_empty() && table.objects.is_empty();
        !(is_of_iptables(table) && bare && table.opaque.is_empty())
    });
    out
}

/// True for a table that iptables makes by itself.
pub(super) fn is_of_iptables(table: &Table) -> bool {
    matches!(table.family, Family::Ip | Family::Ip6) && builtin::is_table(&table.name)
}

/// What iptables looks at in the header of a packet, in the order of its text; `iptables-nft` has another.
const HEADER: [&str; 9] = [
    "ip.saddr",
    "ip6.saddr",
    "ip.daddr",
    "ip6.daddr",
    "meta.iifname",
    "meta.oifname",
    "meta.l4proto",
    "ip.protocol",
    "ip6.nexthdr",
];

/// Rules of tables that iptables fills, without what its text does not tell: the counter in each, and in which order the
/// conditions on the header are tried.
pub(super) fn as_in_text(of: &mut Ruleset, tables: &BTreeSet<(Family, Text)>) {
    let counter = |item: &Item| matches!(item, Item::Statement(Statement::Counter { name: None }));
    let counted = |table: &&mut Table| tables.contains(&(table.family, table.name.clone()));
    let chains = of
        .tables
        .iter_mut()
        .filter(counted)
        .flat_map(|table| &mut table.chains);
    for rule in chains.flat_map(|chain| &mut chain.rules) {
        rule.items.retain(|item| !counter(item));
        let conditions = rule
            .items
            .iter()
            .take_while(|item| matches!(item, Item::Match(_)))
            .count();
        if let Some(conditions) = rule.items.get_mut(..conditions) {
            conditions.sort_by_key(place);
        }
    }
}

/// Where a condition stands in the text: what is not on the header stays behind it, in its order.
fn place(item: &Item) -> usize {
    let Item::Match(condition) = item else {
        return HEADER.len();
    };
    let known = HEADER.iter().position(|field| *field == condition.field.0);
    known.unwrap_or(HEADER.len())
}

/// Where a program has chains in a table of iptables, both sides get the table and its built-in chains: what is the
/// program's is told from what is not chain by chain and rule by rule.
pub(super) fn level(one: &mut Ruleset, other: &mut Ruleset) {
    let shared: BTreeSet<(Family, Text)> = [&*one, &*other]
        .into_iter()
        .flat_map(|side| &side.tables)
        .filter(|table| is_of_iptables(table))
        .filter(|table| {
            table
                .chains
                .iter()
                .any(|chain| maker::of_chain(&chain.name).is_some_and(|maker| maker != "ufw"))
        })
        .map(|table| (table.family, table.name.clone()))
        .collect();
    for key in &shared {
        fill(one, other, key);
        fill(other, one, key);
    }
}

/// Gives a side the table, and the built-in chains that the other side has in it.
fn fill(side: &mut Ruleset, from: &Ruleset, (family, name): &(Family, Text)) {
    let is_it = |table: &&Table| table.family == *family && table.name == *name;
    let built_in = |chain: &&Chain| builtin::base(name, &chain.name, Verdict::Accept).is_some();
    let has: Vec<Chain> = from
        .tables
        .iter()
        .filter(is_it)
        .flat_map(|table| table.chains.iter().filter(built_in))
        .map(bare)
        .collect();
    if !side.tables.iter().any(|table| is_it(&table)) {
        side.tables.push(Table {
            family: *family,
            name: name.clone(),
            flags: Vec::new(),
            comment: None,
            chains: Vec::new(),
            sets: Vec::new(),
            objects: Vec::new(),
            opaque: Vec::new(),
        });
        side.tables
            .sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
    }
    let Some(table) = side.tables.iter_mut().find(|table| is_it(&&**table)) else {
        return;
    };
    for chain in has {
        if !table.chains.iter().any(|known| known.name == chain.name) {
            table.chains.push(chain);
        }
    }
    table.chains.sort_by(|a, b| a.name.cmp(&b.name));
}

/// The chain as it is before anybody touches it.
fn bare(chain: &Chain) -> Chain {
    Chain {
        name: chain.name.clone(),
        base: chain.base.clone().map(|base| BaseChain {
            policy: Verdict::Accept,
            ..base
        }),
        comment: None,
        rules: Vec::new(),
        opaque: Vec::new(),
    }
}
