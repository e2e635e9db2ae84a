//! Random rulesets and random edits.

use proptest::prelude::*;
use proptest::sample::Index;

use super::made::*;
use crate::diff::{Kind, Verdict as Answer};
use crate::netfilter::model::{Rule, Ruleset, Verdict};

/// Few kinds of rules, so that copies are common.
fn any_rule() -> impl Strategy<Value = Rule> {
    (0u32..8, prop::option::weighted(0.2, 0u32..3)).prop_map(|(number, comment)| Rule {
        comment: comment.map(|number| format!("note {number}").into()),
        ..rule(number)
    })
}

fn any_ruleset() -> impl Strategy<Value = Ruleset> {
    let chain_rules = prop::collection::vec(any_rule(), 0..24);
    let tables = prop::collection::vec(prop::collection::vec(chain_rules, 1..4), 1..4);
    tables.prop_map(|tables| {
        let named = tables.into_iter().enumerate().map(|(number, chains)| {
            let chains = chains.into_iter().enumerate();
            let chains = chains
                .map(|(number, rules)| chain(&format!("c{number}"), rules))
                .collect();
            table(&format!("t{number}"), chains)
        });
        ruleset(named.collect())
    })
}

#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, Rule),
    Remove(Index),
    Replace(Index, Rule),
    Move(Index, Index),
    Comment(Index, u32),
    Policy,
    Priority(i32),
    Flag,
    DropChain,
    DropTable,
}

fn any_edit() -> impl Strategy<Value = (Index, Index, Edit)> {
    let edit = prop_oneof![
        4 => (any::<Index>(), any_rule()).prop_map(|(at, rule)| Edit::Insert(at, rule)),
        4 => any::<Index>().prop_map(Edit::Remove),
        4 => (any::<Index>(), any_rule()).prop_map(|(at, rule)| Edit::Replace(at, rule)),
        4 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Edit::Move(from, to)),
        2 => (any::<Index>(), 0u32..3).prop_map(|(at, text)| Edit::Comment(at, text)),
        1 => Just(Edit::Policy),
        1 => (-9i32..9).prop_map(Edit::Priority),
        1 => Just(Edit::Flag),
        1 => Just(Edit::DropChain),
        1 => Just(Edit::DropTable),
    ];
    (any::<Index>(), any::<Index>(), edit)
}

fn apply(ruleset: &mut Ruleset, (table, chain, edit): &(Index, Index, Edit)) {
    if ruleset.tables.is_empty() {
        return;
    }
    let number = table.index(ruleset.tables.len());
    if matches!(edit, Edit::DropTable) {
        ruleset.tables.remove(number);
        return;
    }
    let table = &mut ruleset.tables[number];
    if matches!(edit, Edit::Flag) {
        table.flags = vec!["dormant".into()];
        return;
    }
    if table.chains.is_empty() {
        return;
    }
    let number = chain.index(table.chains.len());
    if matches!(edit, Edit::DropChain) {
        table.chains.remove(number);
        return;
    }
    let chain = &mut table.chains[number];
    let (rules, base) = (&mut chain.rules, chain.base.as_mut().unwrap());
    match edit {
        Edit::Insert(at, rule) => rules.insert(at.index(rules.len() + 1), rule.clone()),
        Edit::Policy => base.policy = Verdict::Drop,
        Edit::Priority(number) => base.priority = *number,
        _ if rules.is_empty() => {}
        Edit::Remove(at) => drop(rules.remove(at.index(rules.len()))),
        Edit::Replace(at, rule) => *at.get_mut(rules) = rule.clone(),
        Edit::Comment(at, text) => at.get_mut(rules).comment = Some(format!("note {text}").into()),
        Edit::Move(from, to) => {
            let rule = rules.remove(from.index(rules.len()));
            rules.insert(to.index(rules.len() + 1), rule);
        }
        Edit::Flag | Edit::DropChain | Edit::DropTable => {}
    }
}

fn mirrored(kind: Kind) -> Kind {
    match kind {
        Kind::RuleAdded => Kind::RuleRemoved,
        Kind::RuleRemoved => Kind::RuleAdded,
        Kind::ChainAdded => Kind::ChainRemoved,
        Kind::ChainRemoved => Kind::ChainAdded,
        Kind::TableAdded => Kind::TableRemoved,
        Kind::TableRemoved => Kind::TableAdded,
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_single_edit_is_exactly_one_change(before in any_ruleset(), edit in any_edit()) {
        let mut after = before.clone();
        apply(&mut after, &edit);
        let there = of_rulesets(&before, &after);
        let back = of_rulesets(&after, &before);
        prop_assert_eq!(there.changes.len(), usize::from(before != after), "{:#?}", there.changes);
        let mirror: Vec<_> = kinds(&back).into_iter().map(mirrored).collect();
        prop_assert_eq!(kinds(&there), mirror);
    }

    #[test]
    fn many_edits(before in any_ruleset(), edits in prop::collection::vec(any_edit(), 0..8)) {
        let mut after = before.clone();
        edits.iter().for_each(|edit| apply(&mut after, edit));
        let (there, back) = (of_rulesets(&before, &after), of_rulesets(&after, &before));
        // An edited rule that has nothing in common with what stands in its place counts as gone and come.
        prop_assert!(there.changes.len() <= 2 * edits.len());
        let answer = if before == after { Answer::NoDrift } else { Answer::Drift };
        prop_assert_eq!((there.verdict, back.verdict), (answer, answer));
        let count = |found: &crate::diff::Comparison, kind| kinds(found).into_iter().filter(|k| *k == kind).count();
        prop_assert_eq!(count(&there, Kind::RuleMoved), count(&back, Kind::RuleMoved));
        prop_assert_eq!(count(&there, Kind::ChainRemoved), count(&back, Kind::ChainAdded));
        prop_assert_eq!(before == after, there.digests.baseline == there.digests.current);
    }
}
