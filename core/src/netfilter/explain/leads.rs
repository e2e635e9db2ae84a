//! Which chains lead to which.

use std::collections::{BTreeMap, BTreeSet};

use crate::bytes::Text;
use crate::netfilter::model::{ElementData, Item, Rule, Set, Statement, Table, Verdict};

/// Each chain with those that lead to it.
pub(super) fn leads(table: &Table) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut out: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for chain in &table.chains {
        for target in chain.rules.iter().flat_map(|rule| targets(table, rule)) {
            out.entry(target).or_default().insert(chain.name.clone());
        }
    }
    out
}

/// Each chain with the base chains from which packets come to it.
pub(crate) fn hooked(
    table: &Table,
    leads: &BTreeMap<Text, BTreeSet<Text>>,
) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut onward: BTreeMap<&Text, Vec<&Text>> = BTreeMap::new();
    for (to, from) in leads {
        from.iter()
            .for_each(|from| onward.entry(from).or_default().push(to));
    }
    let mut out: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for base in table.chains.iter().filter(|chain| chain.base.is_some()) {
        let mut waiting = vec![&base.name];
        while let Some(name) = waiting.pop() {
            if out.entry(name.clone()).or_default().insert(base.name.clone()) {
                waiting.extend(onward.get(name).into_iter().flatten());
            }
        }
    }
    out
}

/// True if a map that packets fill, or a step that is not decoded, may lead to chains of the table.
pub(crate) fn is_vague(table: &Table) -> bool {
    let dynamic = |flag: &String| flag == "dynamic" || flag == "timeout";
    let unknown = |set: &Set| !set.opaque.is_empty() || set.elements.iter().any(|one| !one.opaque.is_empty());
    let filled = table.sets.iter().any(|set| {
        set.data_type.as_deref() == Some("verdict") && (set.flags.iter().any(dynamic) || unknown(set))
    });
    let opaque = |item: &Item| matches!(item, Item::Opaque(opaque) if opaque.kind != "match");
    let mut rules = table.chains.iter().flat_map(|chain| &chain.rules);
    filled || rules.any(|rule| rule.items.iter().any(opaque))
}

fn target(verdict: &Verdict) -> Option<Text> {
    match verdict {
        Verdict::Jump { chain } | Verdict::Goto { chain } => Some(chain.clone()),
        _ => None,
    }
}

fn of_data(data: Option<&ElementData>) -> Option<Text> {
    match data {
        Some(ElementData::Verdict { verdict }) => target(verdict),
        _ => None,
    }
}

/// The chains that a rule may lead to, by maps too.
pub(crate) fn targets(table: &Table, rule: &Rule) -> Vec<Text> {
    let mut out = Vec::new();
    for item in &rule.items {
        match item {
            Item::Statement(Statement::Verdict(verdict)) => out.extend(target(verdict)),
            Item::Statement(Statement::VerdictMap { map, entries, .. }) => {
                out.extend(entries.iter().filter_map(|(_, data)| of_data(Some(data))));
                let named = table.sets.iter().filter(|set| Some(&set.name) == map.as_ref());
                out.extend(
                    named
                        .flat_map(|set| &set.elements)
                        .filter_map(|element| of_data(element.data.as_ref())),
                );
            }
            _ => {}
        }
    }
    out
}
