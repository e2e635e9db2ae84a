//! Whether anything in a section was kept undecoded.

use crate::netfilter::model::{Chain, Element, Item, Object, Ruleset, Set, Statement, Table};
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
    let in_chain =
        |chain: &Chain| !chain.opaque.is_empty() || chain.rules.iter().any(|rule| in_items(&rule.items));
    let in_object = |object: &Object| object.definition.is_none() || !object.opaque.is_empty();
    !table.opaque.is_empty()
        || table.chains.iter().any(in_chain)
        || table.objects.iter().any(in_object)
        || table.sets.iter().any(in_set)
}

fn in_set(set: &Set) -> bool {
    let in_element = |element: &Element| !element.opaque.is_empty() || in_items(&element.statements);
    !set.opaque.is_empty() || in_items(&set.statements) || set.elements.iter().any(in_element)
}

fn in_items(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Opaque(_) => true,
        Item::Statement(Statement::Dynset { statements, .. }) => in_items(statements),
        Item::Statement(_) | Item::Match(_) => false,
    })
}
