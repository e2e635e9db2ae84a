//! A ruleset in plain words: what each rule does, and what is notable about it.
//!
//! Everything here follows from the ruleset alone and is the same each time. It says what is there, not what should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::model::{Chain, Counters, Item, Plane, Rule, RuleRuntime, Ruleset, RulesetRuntime, Table, Value};
use super::text;
use crate::bytes::Text;
use crate::section::Gap;

pub(crate) mod cover;
mod effect;
pub(crate) mod ends;
mod extent;
pub(crate) mod leads;
mod order;
pub(crate) mod shadow;
pub(crate) mod words;
pub(crate) mod writes;

pub use effect::Fate;
pub use ends::End;
pub use order::{HookedChain, Place, order};

use ends::Ways;
use leads::{hooked, is_vague, leads, targets};
use shadow::{Before, Shadows};

/// A ruleset, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The chains in the order of tables and names.
    pub chains: Vec<ExplainedChain>,
    /// What is notable, in the same order.
    pub notes: Vec<Note>,
}

/// A chain, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedChain {
    /// `family/table/chain`.
    pub path: String,
    /// When it runs, and what becomes of packets that no rule decides.
    pub summary: String,
    /// The chains that lead here.
    pub reached_from: Vec<String>,
    /// The base chains from which packets come here, by way of others too; for a base chain itself alone.
    pub hooked_by: Vec<String>,
    /// The verdicts that a packet can meet here, jumps followed.
    pub ends: Vec<End>,
    /// There are more of them than are listed.
    pub more_ends: bool,
    /// Whether a packet can come to the end undecided: to the policy, or back to where it came from.
    pub returns: bool,
    /// Its rules in order.
    pub rules: Vec<ExplainedRule>,
}

/// A rule, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule {
    /// Its place in the chain, from 1.
    pub position: usize,
    /// The rule in the syntax of its owner.
    pub text: String,
    /// What it does.
    pub summary: String,
    /// Where its jump, goto or map leads; `null` for a rule without one.
    pub leads: Option<Leads>,
    /// What it has counted; `null` is "not counted", never nought.
    pub counters: Option<Counters>,
}

/// Where a rule leads that goes to other chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leads {
    /// The verdicts that a packet can meet there.
    pub ends: Vec<End>,
    /// There are more of them than are listed.
    pub more_ends: bool,
    /// Whether it can come back to the next rule.
    pub comes_back: bool,
    /// Whether it can leave this chain undecided: to the policy, or back to where it came from.
    pub leaves: bool,
}

/// Something notable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// A fixed word, such as `UNREACHABLE_RULE`.
    pub code: &'static str,
    /// Where: `family/table/chain` or `family/table/chain/rule[N]`.
    pub path: String,
    /// For people.
    pub message: String,
}

/// Explains a ruleset. Of what a gap touches nothing is said that needs the whole of it; a gap without a path is everywhere.
pub fn explain(ruleset: &Ruleset, runtime: &RulesetRuntime, gaps: &[Gap]) -> Explained {
    let mut out = Explained {
        chains: Vec::new(),
        notes: Vec::new(),
    };
    for (index, table) in ruleset.tables.iter().enumerate() {
        let leads = leads(table);
        let mut reading = Reading {
            plane: ruleset.plane,
            table,
            ways: Ways::new(table),
            hooked: hooked(table, &leads),
            leads,
            gaps,
            vague: is_vague(table),
            out: &mut out,
        };
        for (place, chain) in table.chains.iter().enumerate() {
            let rules = runtime
                .tables
                .get(index)
                .and_then(|table| table.chains.get(place));
            reading.chain(chain, rules.map_or(&[], |chain| &chain.rules));
        }
    }
    out
}

struct Reading<'e> {
    plane: Plane,
    table: &'e Table,
    ways: Ways<'e>,
    /// Each chain with those that lead to it.
    leads: BTreeMap<Text, BTreeSet<Text>>,
    /// Each chain with the base chains from which packets come to it.
    hooked: BTreeMap<Text, BTreeSet<Text>>,
    gaps: &'e [Gap],
    /// Something in the table may lead to chains without saying so.
    vague: bool,
    out: &'e mut Explained,
}

/// Whether a gap lies at, in or above a path.
pub(crate) fn touched(gaps: &[Gap], path: &str) -> bool {
    let below = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    gaps.iter()
        .any(|gap| gap.path.is_empty() || below(&gap.path, path) || below(path, &gap.path))
}

impl Reading<'_> {
    fn note(&mut self, code: &'static str, path: &str, message: String) {
        self.out.notes.push(Note {
            code,
            path: path.to_owned(),
            message,
        });
    }

    fn chain(&mut self, chain: &Chain, runtime: &[RuleRuntime]) {
        let path = format!("{}/{}/{}", self.table.family, self.table.name, chain.name);
        self.chain_notes(chain, &path);
        let partial = touched(self.gaps, &path);
        if partial && !chain.rules.is_empty() {
            let what = "not all of it was read: which of its rules no packet reaches is not decided";
            self.note("NOT_DECIDED", &path, what.to_owned());
        }
        let mut shadows = Shadows::new();
        let mut rules = Vec::new();
        let mut too_long = false;
        for (index, rule) in chain.rules.iter().enumerate() {
            let position = index.saturating_add(1);
            let at = format!("{path}/rule[{position}]");
            self.rule_notes(&at, rule);
            let before = shadows.next(&mut self.ways, chain, position, rule);
            too_long |= before == Before::NotCompared;
            if !partial {
                self.shadow_note(&at, before);
            }
            rules.push(ExplainedRule {
                position,
                text: text::rule(self.plane, self.table, chain, rule),
                summary: words::summary(rule),
                leads: self.rule_leads(rule, &at),
                counters: runtime.get(index).and_then(|runtime| runtime.counters),
            });
        }
        if too_long && !partial {
            let what = "too long to compare each rule with each: of some it is not decided whether a packet reaches them";
            self.note("NOT_DECIDED", &path, what.to_owned());
        }
        let way = self.ways.way(&chain.name);
        self.out.chains.push(ExplainedChain {
            summary: words::chain_summary(chain),
            reached_from: names(self.leads.get(&chain.name)),
            hooked_by: names(self.hooked.get(&chain.name)),
            ends: way.ends.clone(),
            more_ends: way.more,
            returns: way.returns,
            path,
            rules,
        });
    }

    fn chain_notes(&mut self, chain: &Chain, path: &str) {
        if !self.hooked.contains_key(&chain.name) {
            let table = format!("{}/{}", self.table.family, self.table.name);
            if self.vague || touched(self.gaps, &table) {
                let what = "no hook is seen to lead here; what in this table was not read or not decoded may";
                self.note("NOT_DECIDED", path, what.to_owned());
            } else if self.leads.contains_key(&chain.name) {
                let what = "only chains lead here that no hook leads to: none of its rules is ever met";
                self.note("ORPHAN_CHAIN", path, what.to_owned());
            } else {
                let what = "no hook and no rule leads here: none of its rules is ever met";
                self.note("ORPHAN_CHAIN", path, what.to_owned());
            }
        }
        if self.table.flags.iter().any(|flag| flag == "dormant") && chain.base.is_some() {
            let what = "the table is dormant: the chain meets no packet";
            self.note("DORMANT_TABLE", path, what.to_owned());
        }
    }

    fn shadow_note(&mut self, at: &str, before: Before) {
        match before {
            Before::All(before) => {
                let what = format!("rule {before} ends the way of every packet before it");
                self.note("UNREACHABLE_RULE", at, what);
            }
            Before::Covers(before) => {
                let what = format!("rule {before} takes every packet that this one would match");
                self.note("SHADOWED_RULE", at, what);
            }
            Before::NotDecided(before, fields) => {
                let what = format!(
                    "not decided whether a packet reaches it: rule {before} may take them all, and what both ask of {} can't be compared",
                    fields.join(", ")
                );
                self.note("NOT_DECIDED", at, what);
            }
            Before::Nothing | Before::NotCompared => {}
        }
    }

    fn rule_leads(&mut self, rule: &Rule, at: &str) -> Option<Leads> {
        if targets(self.table, rule).is_empty() {
            return None;
        }
        let step = self.ways.rule(rule, at);
        Some(Leads {
            comes_back: step.goes_on,
            leaves: step.leaves,
            more_ends: step.way.more,
            ends: step.way.ends,
        })
    }

    fn rule_notes(&mut self, at: &str, rule: &Rule) {
        for target in targets(self.table, rule) {
            if !self.ways.has(&target) {
                let what = format!("it leads to the chain {target}, which is not there");
                self.note("UNRESOLVED_JUMP", at, what);
            }
        }
        for item in &rule.items {
            match item {
                Item::Match(one) => {
                    if let Value::SetName(name) = &one.value
                        && self.plane == Plane::Nft
                        && self.ways.set(name).is_none()
                    {
                        let what = format!("it uses the set {name}, which is not there");
                        self.note("UNRESOLVED_SET", at, what);
                    }
                }
                Item::Opaque(opaque) => {
                    let what = format!(
                        "{} {} is not decoded: what it does is not known here",
                        opaque.kind, opaque.name
                    );
                    self.note("NOT_DECODED", at, what);
                }
                Item::Statement(_) => {}
            }
        }
    }
}

fn names(of: Option<&BTreeSet<Text>>) -> Vec<String> {
    of.into_iter().flatten().map(Text::to_string).collect()
}

#[cfg(test)]
mod tests;
