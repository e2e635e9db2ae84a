//! Whether anything in a section was kept undecoded.

use super::side::{RuleState, Value};
use crate::host::routes::Route;
use crate::netfilter::model::{Chain, Element, Item, Object, Ruleset, Set, Statement, Table};
use crate::section::Content;

/// True if a part of the configuration is only known as bytes.
pub(super) fn in_content(content: &Content) -> bool {
    match content {
        Content::Netfilter { config, .. } => in_ruleset(config),
        Content::Links { config, .. } => config.links.iter().any(|link| !link.other.is_empty()),
        Content::Routes { config, .. } => config.routes.iter().any(in_route),
        Content::Facts { config, .. } => config.facts.iter().any(|fact| !fact.other.is_empty()),
        // No text reader says yet what it can't show of these.
        Content::Tc { .. } => true,
    }
}

fn in_route(route: &Route) -> bool {
    !route.other.is_empty() || route.nexthops.iter().any(|nexthop| !nexthop.other.is_empty())
}

/// True if a side of a change is only known as bytes.
pub(super) fn in_value(value: &Value) -> bool {
    let in_rules = |rules: &[RuleState]| rules.iter().any(|rule| in_items(&rule.items));
    match value {
        Value::Rule(rule) => in_items(&rule.items),
        Value::Chain(chain) => in_rules(&chain.rules),
        Value::Table(table) => {
            table.chains.iter().any(|chain| in_rules(&chain.rules))
                || table.sets.iter().any(in_set)
                || table.objects.iter().any(in_object)
        }
        Value::Set(set) => in_set(set),
        Value::Element(element) => in_element(element),
        Value::Object(object) => in_object(object),
        _ => false,
    }
}

fn in_object(object: &Object) -> bool {
    object.definition.is_none() || !object.opaque.is_empty()
}

fn in_element(element: &Element) -> bool {
    !element.opaque.is_empty() || in_items(&element.statements)
}

fn in_ruleset(ruleset: &Ruleset) -> bool {
    ruleset.tables.iter().any(in_table)
}

fn in_table(table: &Table) -> bool {
    let in_chain =
        |chain: &Chain| !chain.opaque.is_empty() || chain.rules.iter().any(|rule| in_items(&rule.items));
    !table.opaque.is_empty()
        || table.chains.iter().any(in_chain)
        || table.objects.iter().any(in_object)
        || table.sets.iter().any(in_set)
}

fn in_set(set: &Set) -> bool {
    !set.opaque.is_empty() || in_items(&set.statements) || set.elements.iter().any(in_element)
}

fn in_items(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Opaque(_) => true,
        Item::Statement(Statement::Dynset { statements, .. }) => in_items(statements),
        Item::Statement(_) | Item::Match(_) => false,
    })
}
