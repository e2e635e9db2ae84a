//! A ruleset in plain words: what each rule does, and what is notable about it.
//!
//! Everything here follows from the ruleset alone and is the same each time. It says what is there, not what should be.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::model::{
    Chain, Counters, ElementData, Item, Match, Op, Plane, Rule, RuleRuntime, Ruleset, RulesetRuntime,
    Statement, Table, Value, Verdict,
};
use super::text;
use crate::bytes::Text;

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
    /// What it has counted; `null` is "not counted", never nought.
    pub counters: Option<Counters>,
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

/// Explains a ruleset.
pub fn explain(ruleset: &Ruleset, runtime: &RulesetRuntime) -> Explained {
    let mut out = Explained {
        chains: Vec::new(),
        notes: Vec::new(),
    };
    for (index, table) in ruleset.tables.iter().enumerate() {
        let mut reading = Reading {
            plane: ruleset.plane,
            table,
            leads: leads(table),
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
    /// Each chain with those that lead to it.
    leads: BTreeMap<Text, BTreeSet<Text>>,
    out: &'e mut Explained,
}

fn leads(table: &Table) -> BTreeMap<Text, BTreeSet<Text>> {
    let mut out: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for chain in &table.chains {
        for target in chain.rules.iter().flat_map(|rule| targets(table, rule)) {
            out.entry(target).or_default().insert(chain.name.clone());
        }
    }
    out
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
fn targets(table: &Table, rule: &Rule) -> Vec<Text> {
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
        let from: Vec<String> = self
            .leads
            .get(&chain.name)
            .into_iter()
            .flatten()
            .map(Text::to_string)
            .collect();
        if chain.base.is_none() && from.is_empty() {
            self.note(
                "ORPHAN_CHAIN",
                &path,
                "no hook and no rule leads here: none of its rules is ever met".to_owned(),
            );
        }
        if self.table.flags.iter().any(|flag| flag == "dormant") && chain.base.is_some() {
            self.note(
                "DORMANT_TABLE",
                &path,
                "the table is dormant: the chain meets no packet".to_owned(),
            );
        }
        let mut decided: Option<usize> = None;
        let mut seen: BTreeMap<Vec<Match>, usize> = BTreeMap::new();
        let mut rules = Vec::new();
        for (index, rule) in chain.rules.iter().enumerate() {
            let position = index.saturating_add(1);
            let at = format!("{path}/rule[{position}]");
            self.rule_notes(&at, rule);
            let matches: Vec<Match> = rule.items.iter().map_while(condition).cloned().collect();
            let ends = ends(rule, matches.len());
            if let Some(before) = decided {
                let what = format!("rule {before} ends the way of every packet before it");
                self.note("UNREACHABLE_RULE", &at, what);
            } else if let Some(before) = seen.get(&matches).filter(|_| !matches.is_empty()) {
                let what = format!("rule {before} takes every packet that this one would match");
                self.note("SHADOWED_RULE", &at, what);
            }
            if ends && matches.is_empty() {
                decided.get_or_insert(position);
            } else if ends {
                seen.entry(matches).or_insert(position);
            }
            rules.push(ExplainedRule {
                position,
                text: text::rule(self.plane, self.table, chain, rule),
                summary: summary(rule),
                counters: runtime.get(index).and_then(|runtime| runtime.counters),
            });
        }
        self.out.chains.push(ExplainedChain {
            summary: chain_summary(chain),
            path,
            reached_from: from,
            rules,
        });
    }

    fn rule_notes(&mut self, at: &str, rule: &Rule) {
        for target in targets(self.table, rule) {
            if self.table.chains.iter().all(|chain| chain.name != target) {
                self.note(
                    "UNRESOLVED_JUMP",
                    at,
                    format!("it leads to the chain {target}, which is not there"),
                );
            }
        }
        for item in &rule.items {
            match item {
                Item::Match(one) => {
                    if let Value::SetName(name) = &one.value
                        && self.plane == Plane::Nft
                        && self.table.sets.iter().all(|set| set.name != *name)
                    {
                        self.note(
                            "UNRESOLVED_SET",
                            at,
                            format!("it uses the set {name}, which is not there"),
                        );
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

fn condition(item: &Item) -> Option<&Match> {
    match item {
        Item::Match(one) => Some(one),
        _ => None,
    }
}

/// True if every packet that meets these matches goes no further in this chain.
fn ends(rule: &Rule, matches: usize) -> bool {
    for item in rule.items.iter().skip(matches) {
        match item {
            Item::Statement(Statement::Verdict(verdict)) => {
                return !matches!(verdict, Verdict::Continue | Verdict::Jump { .. });
            }
            Item::Statement(Statement::Reject { .. }) => return true,
            Item::Statement(Statement::Counter { .. } | Statement::Log { .. } | Statement::Set { .. }) => {}
            _ => return false,
        }
    }
    false
}

fn chain_summary(chain: &Chain) -> String {
    match &chain.base {
        None => "runs only where another chain leads to it".to_owned(),
        Some(base) => {
            let devices: Vec<String> = base.devices.iter().map(Text::to_string).collect();
            let on = if devices.is_empty() {
                String::new()
            } else {
                format!(" of {}", devices.join(", "))
            };
            format!(
                "{} at {}{on}, priority {}; what no rule decides: {}",
                base.chain_type,
                base.hook.as_str(),
                base.priority,
                base.policy.word()
            )
        }
    }
}

fn summary(rule: &Rule) -> String {
    let mut conditions = Vec::new();
    let mut actions = Vec::new();
    for item in &rule.items {
        match item {
            Item::Match(one) if one.field.0 == "comment" => {}
            Item::Match(one) => {
                conditions.push(format!("{} {} {}", one.field, words(one.op), value(&one.value)))
            }
            Item::Statement(statement) => actions.push(action(statement)),
            Item::Opaque(opaque) => actions.push(format!(
                "does what {} {} says, which is not decoded",
                opaque.kind, opaque.name
            )),
        }
    }
    if actions.is_empty() {
        actions.push("does nothing".to_owned());
    }
    let when = if conditions.is_empty() {
        "every packet".to_owned()
    } else {
        format!("if {}", conditions.join(" and "))
    };
    format!("{when}: {}", actions.join(", then "))
}

fn words(op: Op) -> &'static str {
    match op {
        Op::Eq => "is",
        Op::Ne => "is NOT",
        Op::Lt => "is below",
        Op::Le => "is at most",
        Op::Gt => "is above",
        Op::Ge => "is at least",
        Op::In => "is one of",
        Op::NotIn => "is NONE of",
        Op::Any => "has any of",
        Op::None => "has NONE of",
    }
}

fn value(value_of: &Value) -> String {
    let list = |values: &[Value], with: &str| values.iter().map(value).collect::<Vec<_>>().join(with);
    match value_of {
        Value::Number(number) => number.to_string(),
        Value::Wide(number) => number.0.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Prefix { address, length } => format!("{address}/{length}"),
        Value::Mac(word) | Value::Symbol(word) => word.clone(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Flags(flags) => flags.join(", "),
        Value::Masked { mask, value: of } => format!("{} under the mask {}", value(of), value(mask)),
        Value::Range { from, to } => format!("{} to {}", value(from), value(to)),
        Value::Set(values) => list(values, ", "),
        Value::SetName(name) => format!("the set {name}"),
        Value::Concat(values) => list(values, " with "),
        Value::Field(field) => field.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn action(statement: &Statement) -> String {
    match statement {
        Statement::Verdict(verdict) => match verdict {
            Verdict::Accept => "accepts it here; later hooks still see it".to_owned(),
            Verdict::Drop => "drops it silently".to_owned(),
            Verdict::Continue => "goes on with the next rule".to_owned(),
            Verdict::Return => "returns to the chain that led here, or to the policy".to_owned(),
            Verdict::Jump { chain } => format!("goes through the chain {chain} and comes back"),
            Verdict::Goto { chain } => format!("goes to the chain {chain} and does not come back"),
            Verdict::Queue => "hands it to a program".to_owned(),
        },
        Statement::VerdictMap { key, map, entries } => match map {
            Some(name) => format!("decides by {key} in the map {name}"),
            None => format!("decides by {key} among {} entries", entries.len()),
        },
        Statement::Reject { .. } => "refuses it with an answer".to_owned(),
        Statement::Counter { .. } => "counts it".to_owned(),
        Statement::Log { .. } => "logs it".to_owned(),
        Statement::Limit { over, .. } if *over => "goes on only above a rate".to_owned(),
        Statement::Limit { .. } => "goes on only within a rate".to_owned(),
        Statement::Nat { .. } => "translates its addresses".to_owned(),
        Statement::Set { field, value: of } => format!("sets {field} to {}", value(of)),
        Statement::Notrack => "leaves it untracked".to_owned(),
        Statement::Queue { .. } => "hands it to a program".to_owned(),
        Statement::Dynset { op, set, key, .. } => format!("does {op} {key} in the set {set}"),
        other => {
            let name = serde_json::to_value(other).ok();
            let name = name
                .as_ref()
                .and_then(|value| value.get("statement"))
                .and_then(serde_json::Value::as_str);
            format!("does {}", name.unwrap_or("something else"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::nft_file;
    use crate::section::Content;

    fn explained(source: &str) -> Explained {
        let section = nft_file::parse_text(source.as_bytes(), &|_| None).unwrap();
        match section.content.unwrap() {
            Content::Netfilter { config, runtime } => explain(&config, &runtime),
            _ => panic!("not a ruleset"),
        }
    }

    #[test]
    fn each_rule_is_said_and_what_is_notable_is_named() {
        let found = explained(
            "table ip t {\n chain lonely {\n }\n chain c {\n type filter hook input priority 0; policy drop;\n \
             tcp dport != 22 drop\n tcp dport != 22 accept\n ip saddr @gone jump ghost\n counter accept\n log\n }\n}\n",
        );
        let codes: Vec<(&str, &str)> = found
            .notes
            .iter()
            .map(|note| (note.code, note.path.as_str()))
            .collect();
        assert_eq!(
            codes,
            [
                ("SHADOWED_RULE", "ip/t/c/rule[2]"),
                ("UNRESOLVED_JUMP", "ip/t/c/rule[3]"),
                ("UNRESOLVED_SET", "ip/t/c/rule[3]"),
                ("UNREACHABLE_RULE", "ip/t/c/rule[5]"),
                ("ORPHAN_CHAIN", "ip/t/lonely"),
            ]
        );
        let rules = &found.chains[0].rules;
        assert_eq!(
            rules[0].summary,
            "if meta.l4proto is 6 and tcp.dport is NOT 22: drops it silently"
        );
        assert_eq!(rules[3].counters, None, "not said is not nought");
        assert_eq!(
            found.chains[0].summary,
            "filter at input, priority 0; what no rule decides: drop"
        );
    }

    #[test]
    fn a_rule_after_a_limit_is_still_met() {
        let found = explained(
            "table ip t {\n chain c {\n type filter hook input priority 0;\n limit rate 1/second accept\n drop\n }\n}\n",
        );
        assert_eq!(found.notes, []);
    }
}
