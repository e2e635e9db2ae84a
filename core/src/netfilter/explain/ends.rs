//! Where a chain leads: the verdicts that a packet in it can meet, jumps followed.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;

use super::effect::{Effect, Fate, effect};
use super::writes::{Writes, writes};
use crate::bytes::Text;
use crate::netfilter::model::{Chain, ElementData, Item, Rule, Set, Statement, Table, Verdict};

/// A verdict that a packet can meet, and the rule that gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct End {
    /// What becomes of the packet.
    pub result: Fate,
    /// `family/table/chain/rule[N]`.
    pub by: String,
}

/// What a chain does with packets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way {
    /// In the order of the rules, each once.
    pub(crate) ends: Vec<End>,
    /// There are more than are listed.
    pub(crate) more: bool,
    /// A packet can come to the end of the chain, or return from it.
    pub(crate) returns: bool,
    /// What its rules may write.
    pub(crate) writes: Rc<Writes>,
}

/// Ends that are listed for one chain.
const MOST_ENDS: usize = 16;
/// The kernel follows sixteen jumps (`NFT_JUMP_STACK_SIZE`); what goes deeper is not followed here either.
const DEEPEST: usize = 24;

impl Way {
    fn unknown() -> Self {
        Self {
            returns: true,
            more: true,
            writes: Rc::new(Writes::anything()),
            ..Self::default()
        }
    }

    fn end(&mut self, result: Fate, by: &str) {
        let end = End {
            result,
            by: by.to_owned(),
        };
        self.push(end);
    }

    fn push(&mut self, end: End) {
        if self.ends.contains(&end) {
            return;
        }
        if self.ends.len() < MOST_ENDS {
            self.ends.push(end);
        } else {
            self.more = true;
        }
    }

    fn take(&mut self, other: &Self) {
        other.ends.iter().for_each(|end| self.push(end.clone()));
        self.more |= other.more;
    }
}

/// The chains of a table, and where each leads.
#[derive(Debug)]
pub(crate) struct Ways<'t> {
    pub(crate) table: &'t Table,
    chains: BTreeMap<&'t Text, &'t Chain>,
    sets: BTreeMap<&'t Text, &'t Set>,
    known: BTreeMap<&'t Text, Rc<Way>>,
}

/// What one rule does to a packet that meets its leading matches.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Where it leads, jumps followed.
    pub(crate) way: Way,
    /// It can let a packet on to the next rule.
    pub(crate) goes_on: bool,
    /// It can send one out of its chain, to the one that led here or the policy.
    pub(crate) leaves: bool,
    /// A match stands at its beginning.
    asks: bool,
    /// Something behind the leading matches lets only some packets on.
    asks_more: bool,
}

impl Step {
    /// Whether no packet that meets the leading matches comes to the next rule.
    pub(crate) fn takes(&self) -> bool {
        !self.goes_on && !self.asks_more
    }
}

impl<'t> Ways<'t> {
    pub(crate) fn new(table: &'t Table) -> Self {
        Self {
            table,
            chains: table.chains.iter().map(|chain| (&chain.name, chain)).collect(),
            sets: table.sets.iter().map(|set| (&set.name, set)).collect(),
            known: BTreeMap::new(),
        }
    }

    pub(crate) fn set(&self, name: &Text) -> Option<&'t Set> {
        self.sets.get(name).copied()
    }

    pub(crate) fn has(&self, chain: &Text) -> bool {
        self.chains.contains_key(chain)
    }

    /// Where the chain of this name leads.
    pub(crate) fn way(&mut self, name: &Text) -> Rc<Way> {
        self.deep(name, 0)
    }

    fn deep(&mut self, name: &Text, depth: usize) -> Rc<Way> {
        if let Some(known) = self.known.get(name) {
            return Rc::clone(known);
        }
        let (Some(chain), true) = (self.chains.get(name).copied(), depth < DEEPEST) else {
            return Rc::new(Way::unknown());
        };
        // The kernel takes no loops; a file can hold one, and then nothing is known of what it leads to.
        self.known.insert(&chain.name, Rc::new(Way::unknown()));
        let mut way = Way::default();
        let mut written = Writes::default();
        let mut open = true;
        for (index, rule) in chain.rules.iter().enumerate() {
            let by = path(self.table, chain, index);
            let step = self.step(rule, &by, depth);
            way.take(&step.way);
            written.add(&step.way.writes);
            way.returns |= step.leaves;
            if step.takes() && !step.asks {
                open = false;
                break;
            }
        }
        way.returns |= open;
        way.writes = Rc::new(written);
        let way = Rc::new(way);
        self.known.insert(&chain.name, Rc::clone(&way));
        way
    }

    /// What one rule does, `by` being its path.
    pub(crate) fn rule(&mut self, rule: &Rule, by: &str) -> Step {
        self.step(rule, by, 0)
    }

    fn step(&mut self, rule: &Rule, by: &str, depth: usize) -> Step {
        let mut step = Step {
            goes_on: true,
            ..Step::default()
        };
        let mut written = writes(rule);
        let mut leading = true;
        for item in &rule.items {
            match item {
                Item::Match(one) if one.field.0 == "comment" => {}
                Item::Match(_) if leading => step.asks = true,
                Item::Match(_) => step.asks_more = true,
                Item::Opaque(opaque) => {
                    if opaque.kind != "match" {
                        step.way.end(Fate::Unknown, by);
                    }
                    step.asks_more = true;
                }
                Item::Statement(statement) => {
                    if !self.statement(statement, by, depth, &mut step, &mut written) {
                        break;
                    }
                }
            }
            leading &= matches!(item, Item::Match(_));
        }
        step.way.writes = Rc::new(written);
        step
    }

    /// False if nothing behind the statement is met.
    fn statement(
        &mut self,
        of: &Statement,
        by: &str,
        depth: usize,
        step: &mut Step,
        written: &mut Writes,
    ) -> bool {
        match of {
            Statement::Verdict(verdict) => {
                step.goes_on = self.verdict(verdict, by, depth, step, written);
                // What a conditional rule does not take goes on, and that is not this rule's doing.
                return matches!(verdict, Verdict::Continue);
            }
            Statement::VerdictMap { map, entries, .. } => {
                let named = map.as_ref().and_then(|name| self.set(name));
                let dynamic =
                    map.is_some() && named.is_none_or(|set| set.flags.iter().any(|flag| flag == "dynamic"));
                if dynamic {
                    step.way.end(Fate::Unknown, by);
                }
                let elements = named.iter().flat_map(|set| &set.elements);
                let data = elements.filter_map(|element| element.data.as_ref());
                for data in data.chain(entries.iter().map(|(_, data)| data)) {
                    if let ElementData::Verdict { verdict } = data {
                        self.verdict(verdict, by, depth, step, written);
                    }
                }
                // A packet whose key is not in the map goes on.
                step.asks_more = true;
            }
            other => match effect(other) {
                Effect::Ends(fate) => {
                    step.way.end(fate, by);
                    step.goes_on = false;
                    return false;
                }
                Effect::MayEnd(fate) => {
                    step.way.end(fate, by);
                    step.asks_more = true;
                }
                Effect::Asks => step.asks_more = true,
                Effect::None => {}
            },
        }
        true
    }

    /// True if the packet can go on with the next rule.
    fn verdict(
        &mut self,
        of: &Verdict,
        by: &str,
        depth: usize,
        step: &mut Step,
        written: &mut Writes,
    ) -> bool {
        match of {
            Verdict::Accept => step.way.end(Fate::Accept, by),
            Verdict::Drop => step.way.end(Fate::Drop, by),
            Verdict::Queue => step.way.end(Fate::Queue, by),
            Verdict::Continue => return true,
            Verdict::Return => step.leaves = true,
            Verdict::Jump { chain } | Verdict::Goto { chain } => {
                if !self.has(chain) {
                    step.way.end(Fate::Unknown, by);
                }
                let way = self.deep(chain, depth.saturating_add(1));
                step.way.take(&way);
                written.add(&way.writes);
                if matches!(of, Verdict::Jump { .. }) {
                    return way.returns;
                }
                step.leaves |= way.returns;
            }
        }
        false
    }
}

/// `family/table/chain/rule[N]`, N from 1.
pub(crate) fn path(table: &Table, chain: &Chain, index: usize) -> String {
    format!(
        "{}/{}/{}/rule[{}]",
        table.family,
        table.name,
        chain.name,
        index.saturating_add(1)
    )
}
