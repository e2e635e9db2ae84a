//! Sets that rules of their table fill: `nft` makes them dynamic, with room for 65,535 elements where no size is said.

use std::collections::BTreeSet;

use super::super::ast::{Expr, Judgement, Rule, Statement, Table, Target};

const ROOM: u32 = 65_535;

/// Marks these sets.
pub(super) fn mark(table: &mut Table) {
    let mut names = BTreeSet::new();
    for chain in &table.chains {
        used(&chain.rules, &mut names);
    }
    for set in table.sets.iter_mut().filter(|set| names.contains(&set.name)) {
        if !set.flags.iter().any(|flag| flag == "dynamic") {
            set.flags.push("dynamic".to_owned());
        }
        set.size.get_or_insert(ROOM);
    }
}

fn used(rules: &[Rule], names: &mut BTreeSet<String>) {
    for sourced in rules.iter().flat_map(|rule| &rule.statements) {
        match &sourced.statement {
            Statement::Dynset { set, .. } => drop(names.insert(set.clone())),
            Statement::Verdict(judgement) => inner(judgement, names),
            Statement::VerdictMap(_, Expr::Set(elements)) => {
                for element in elements {
                    if let Some(Expr::Verdict(judgement)) = &element.data {
                        inner(judgement, names);
                    }
                }
            }
            _ => {}
        }
    }
}

fn inner(judgement: &Judgement, names: &mut BTreeSet<String>) {
    if let Judgement::Jump(Target::Rules(rules)) | Judgement::Goto(Target::Rules(rules)) = judgement {
        used(rules, names);
    }
}
