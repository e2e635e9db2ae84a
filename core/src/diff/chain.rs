//! One chain: how it is hooked in, and its rules.

use super::comparison::Change;
use super::pair::Pair;
use super::ruleset::{Scope, Tables, attributes, comment, table_path};
use super::side::{self, Stretch, Value};
use super::steps::{Step, steps};
use super::{Kind, maker};
use crate::artifact::json;
use crate::netfilter::model::{BaseChain, Chain, ChainId, Plane, Table};
use crate::netfilter::twin::Runs;

/// Everything that differs between two chains of one name.
pub(super) fn compare(scope: &Scope<'_>, tables: Tables<'_>, pair: Pair<'_, Chain>) -> Vec<Change> {
    let Some(named) = pair.0.or(pair.1) else {
        return Vec::new();
    };
    let path = format!("{}/{}", table_path(tables.before), named.name);
    // A gap at one rule hides nothing: the rule is there, and what it means is what is not known.
    if scope.gaps.hide(&path) {
        return Vec::new();
    }
    let before = pair.0.map(|chain| Spot {
        plane: scope.before,
        table: tables.before,
        chain,
    });
    let after = pair.1.map(|chain| Spot {
        plane: scope.after,
        table: tables.after,
        chain,
    });
    let mut out = match (before, after) {
        (Some(one), Some(other)) => both(scope, &path, one, other),
        (Some(one), None) => vec![
            scope
                .change(Kind::ChainRemoved, path.as_str())
                .before(one.whole()),
        ],
        (None, Some(other)) => vec![scope.change(Kind::ChainAdded, path.as_str()).after(other.whole())],
        (None, None) => Vec::new(),
    };
    let id = ChainId {
        family: tables.before.family,
        table: tables.before.name.clone(),
        chain: named.name.clone(),
    };
    let maker =
        maker::of_chain_in(tables.after, &id.chain).or_else(|| maker::of_chain_in(tables.before, &id.chain));
    for change in &mut out {
        change.maker = maker.or(change.maker);
        change.chain = Some(id.clone());
    }
    out
}

/// A chain on one side.
#[derive(Clone, Copy)]
struct Spot<'a> {
    plane: Plane,
    table: &'a Table,
    chain: &'a Chain,
}

impl Spot<'_> {
    fn whole(&self) -> Value {
        Value::Chain(side::chain(self.plane, self.table, self.chain))
    }

    fn rule(&self, index: usize) -> Option<Value> {
        let rule = self.chain.rules.get(index)?;
        Some(Value::Rule(side::rule(
            self.plane, self.table, self.chain, index, rule,
        )))
    }

    fn maker(&self, index: usize) -> Option<&'static str> {
        let rule = self.chain.rules.get(index)?;
        maker::of_rule(self.table, &self.chain.name, rule)
    }

    fn stretch(&self) -> Value {
        let digest = json::digest(&self.chain.rules).ok();
        Value::Stretch(Stretch {
            rules: self.chain.rules.len(),
            digest,
        })
    }
}

fn both(scope: &Scope<'_>, path: &str, before: Spot<'_>, after: Spot<'_>) -> Vec<Change> {
    let mut out = match (&before.chain.base, &after.chain.base) {
        (Some(one), Some(other)) => bases(scope, path, one, other),
        (None, None) => Vec::new(),
        (one, other) => {
            let change = scope.change(Kind::HookChanged, path);
            vec![
                change
                    .before(one.clone().map(Value::Base))
                    .after(other.clone().map(Value::Base)),
            ]
        }
    };
    out.extend(comment(scope, path, &before.chain.comment, &after.chain.comment));
    out.extend(attributes(scope, path, &before.chain.opaque, &after.chain.opaque));
    out.extend(rules(scope, path, before, after));
    out
}

fn bases(scope: &Scope<'_>, path: &str, one: &BaseChain, other: &BaseChain) -> Vec<Change> {
    let text = |base: &BaseChain| Value::Text(base.chain_type.clone());
    let policy = |base: &BaseChain| Value::Word(base.policy.word());
    let devices = |base: &BaseChain| Value::Texts(base.devices.clone());
    [
        (Kind::ChainTypeChanged, text(one), text(other)),
        (
            Kind::HookChanged,
            Value::Word(one.hook.as_str()),
            Value::Word(other.hook.as_str()),
        ),
        (
            Kind::PriorityChanged,
            Value::Number(one.priority),
            Value::Number(other.priority),
        ),
        (Kind::PolicyChanged, policy(one), policy(other)),
        (Kind::DevicesChanged, devices(one), devices(other)),
        (
            Kind::OffloadChanged,
            Value::Flag(one.offload),
            Value::Flag(other.offload),
        ),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(kind, before, after)| scope.change(kind, path).before(before).after(after))
    .collect()
}

fn rules(scope: &Scope<'_>, path: &str, before: Spot<'_>, after: Spot<'_>) -> Vec<Change> {
    let (one, other) = (&before.chain.rules, &after.chain.rules);
    let name = (before.table.family, &before.table.name, &before.chain.name);
    let known = scope.runs.get(&name).copied();
    let Some(steps) = steps(one, other, known.unwrap_or_else(|| Runs::of(one, other))) else {
        let change = scope.change(Kind::RulesReplacedWholesale, path);
        return vec![change.before(before.stretch()).after(after.stretch())];
    };
    steps
        .into_iter()
        .map(|step| rule(scope, path, before, after, step))
        .collect()
}

fn rule(scope: &Scope<'_>, path: &str, before: Spot<'_>, after: Spot<'_>, step: Step) -> Change {
    let at = |kind, index: usize| scope.change(kind, format!("{path}/rule[{}]", index + 1));
    let one = |change: Change, maker| Change { maker, ..change };
    let both = |kind, from, to| {
        // Who changed it is known only if it was and is the same program's.
        let maker = after.maker(to).filter(|maker| before.maker(from) == Some(*maker));
        one(
            at(kind, to).before(before.rule(from)).after(after.rule(to)),
            maker,
        )
    };
    match step {
        Step::Added(index) => one(
            at(Kind::RuleAdded, index).after(after.rule(index)),
            after.maker(index),
        ),
        Step::Removed(index) => {
            let change = at(Kind::RuleRemoved, index).before(before.rule(index));
            one(change, before.maker(index))
        }
        Step::Changed(from, to) => both(Kind::RuleChanged, from, to),
        Step::Commented(from, to) => both(Kind::CommentChanged, from, to),
        Step::Moved(from, to) => both(Kind::RuleMoved, from, to),
    }
}
