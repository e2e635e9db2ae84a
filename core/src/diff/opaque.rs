//! Whether anything in a section was kept undecoded.

use crate::netfilter::model::{Item, Ruleset, Set, Statement, Table};
use crate::section::Content;

/// True if a part of the configuration is only known as bytes.
pub(super) fn in_content(content: &Content) -> bool {
    match content {
        Content::Netfilter { config, .. } => in_ruleset(config),
        // No text reader says yet what it can't show of these.
        Content::Tc { .. } | Content::Links { .. } | Content::Routes { .. } | Content::Facts { .. } => true,
    }
}

fn in_ruleset(ruleset: &Ruleset) -> bool {
    ruleset.tables.iter().any(in_table)
}

fn in_table(table: &Table) -> bool {
    let mut rules = table.chains.iter().flat_map(|chain| &chain.rules);
    !table.objects.is_empty() || rules.any(|rule| in_items(&rule.items)) || table.sets.iter().any(in_set)
}

fn in_set(set: &Set) -> bool {
    in_items(&set.statements) || set.elements.iter().any(|element| in_items(&element.statements))
}

fn in_items(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Opaque(_) => true,
        Item::Statement(Statement::Dynset { statements, .. }) => in_items(statements),
        Item::Statement(_) | Item::Match(_) => false,
    })
}
