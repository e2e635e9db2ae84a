//! The tables of both sides, indexed for looking up who decides.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::{Evidence, Role};
use crate::bytes::Text;
use crate::diff::comparison::{Change, Side};
use crate::netfilter::explain::cover::{Asked, Cover, cover};
use crate::netfilter::explain::ends::{Ways, path};
use crate::netfilter::explain::leads::{hooked, is_vague, targets};
use crate::netfilter::explain::shadow::asked;
use crate::netfilter::explain::touched;
use crate::netfilter::explain::writes::{LastWrites, Writes};
use crate::netfilter::model::{Chain, ChainId, Family, Item, Plane, Rule, Table};
use crate::netfilter::text;
use crate::section::{Content, Gap, Section, SectionName};
use crate::snapshot::find;

/// Pairs of rules that are compared for all changes together.
const MOST_PAIRS: usize = 4_000_000;

type Key = (bool, SectionName, Family, Text);

/// Both sides of one namespace.
pub(super) struct Boards<'s> {
    before: &'s [Section],
    after: &'s [Section],
    known: BTreeMap<Key, Option<Board<'s>>>,
    pairs: usize,
}

/// One table of one side.
pub(super) struct Board<'s> {
    pub(super) side: Side,
    plane: Plane,
    pub(super) table: &'s Table,
    ways: Ways<'s>,
    /// Each chain with the rules that lead to it.
    callers: BTreeMap<Text, Vec<(&'s Chain, usize)>>,
    hooked: BTreeMap<Text, BTreeSet<Text>>,
    /// Something in it may lead to chains without saying so, or was not read.
    vague: bool,
    /// What of its section was not read.
    gaps: &'s [Gap],
    /// Its section as a whole is not what it says.
    torn: bool,
    lines: BTreeMap<Text, Vec<Line<'s>>>,
}

/// A rule, as far as it takes packets.
struct Line<'s> {
    asked: Vec<Asked<'s>>,
    takes: bool,
    writes: Rc<Writes>,
}

/// Who decides about packets at the latest.
pub(super) enum Decider {
    /// The rule at this index.
    Rule(usize),
    /// No rule takes all of them.
    End,
    /// The rule at this index may take all of them; these fields can't be compared.
    NotDecided(usize, Vec<String>),
    /// Too many rules to look.
    NotCompared,
}

impl<'s> Boards<'s> {
    pub(super) fn new(before: &'s [Section], after: &'s [Section]) -> Self {
        Self {
            before,
            after,
            known: BTreeMap::new(),
            pairs: MOST_PAIRS,
        }
    }

    /// True if the section holds rules on either side.
    pub(super) fn are_of_rules(&self, section: SectionName) -> bool {
        [self.before, self.after]
            .iter()
            .filter_map(|sections| find(sections, section)?.content.as_ref())
            .any(|content| matches!(content, Content::Netfilter { .. }))
    }

    /// The table that holds a chain, and what is left to compare.
    pub(super) fn of(
        &mut self,
        side: Side,
        section: SectionName,
        family: Family,
        table: &Text,
    ) -> Option<(&mut Board<'s>, &mut usize)> {
        let sections = match side {
            Side::Baseline => self.before,
            Side::Current => self.after,
        };
        let key = (side == Side::Baseline, section, family, table.clone());
        let board = self
            .known
            .entry(key)
            .or_insert_with(|| Board::new(side, sections, section, family, table));
        Some((board.as_mut()?, &mut self.pairs))
    }

    /// The table and chain of a change on one side.
    pub(super) fn chain(
        &mut self,
        side: Side,
        change: &Change,
    ) -> Option<(&mut Board<'s>, &'s Chain, &mut usize)> {
        let ChainId { family, table, chain } = change.chain.as_ref()?;
        let (board, pairs) = self.of(side, change.section, *family, table)?;
        let chain = board.table.chains.iter().find(|one| one.name == *chain)?;
        Some((board, chain, pairs))
    }
}

impl<'s> Board<'s> {
    fn new(
        side: Side,
        sections: &'s [Section],
        section: SectionName,
        family: Family,
        name: &Text,
    ) -> Option<Self> {
        let section = find(sections, section)?;
        let Some(Content::Netfilter { config, .. }) = &section.content else {
            return None;
        };
        let table = config
            .tables
            .iter()
            .find(|table| table.family == family && table.name == *name)?;
        let mut callers: BTreeMap<Text, Vec<(&Chain, usize)>> = BTreeMap::new();
        for chain in &table.chains {
            for (index, rule) in chain.rules.iter().enumerate() {
                for target in targets(table, rule) {
                    callers.entry(target).or_default().push((chain, index));
                }
            }
        }
        let leads = callers
            .iter()
            .map(|(to, from)| {
                (
                    to.clone(),
                    from.iter().map(|(chain, _)| chain.name.clone()).collect(),
                )
            })
            .collect();
        Some(Self {
            side,
            plane: config.plane,
            table,
            ways: Ways::new(table),
            hooked: hooked(table, &leads),
            callers,
            vague: is_vague(table) || !section.gaps.is_empty() || !section.state.is_known(),
            gaps: &section.gaps,
            torn: !section.state.is_known() && section.gaps.is_empty(),
            lines: BTreeMap::new(),
        })
    }

    /// What a rule asks, its sets looked up here.
    pub(super) fn asked<'r>(&self, rule: &'r Rule) -> Vec<Asked<'r>> {
        asked(&self.ways, rule)
    }

    /// Whether a packet can come to the end of the chain undecided.
    pub(super) fn returns(&mut self, chain: &Chain) -> bool {
        self.ways.way(&chain.name).returns
    }

    /// Whether rules of the chain may not have been read.
    pub(super) fn is_partial(&self, chain: &Chain) -> bool {
        self.torn || touched(self.gaps, &self.chain_path(chain))
    }

    /// Whether every rule of the table was read and decoded.
    pub(super) fn is_whole(&self) -> bool {
        let path = format!("{}/{}", self.table.family, self.table.name);
        let mut items = self
            .table
            .chains
            .iter()
            .flat_map(|chain| &chain.rules)
            .flat_map(|rule| &rule.items);
        !self.torn && !touched(self.gaps, &path) && !items.any(|item| matches!(item, Item::Opaque(_)))
    }

    pub(super) fn is_dormant(&self) -> bool {
        self.table.flags.iter().any(|flag| flag == "dormant")
    }

    /// Whether packets come to the chain; `None` where that can't be said.
    pub(super) fn is_met(&self, chain: &Text) -> Option<bool> {
        match self.hooked.contains_key(chain) {
            _ if self.is_dormant() => Some(false),
            true => Some(true),
            false if self.vague => None,
            false => Some(false),
        }
    }

    pub(super) fn evidence(&self, role: Role, chain: &Chain, index: usize) -> Evidence {
        let rule = chain.rules.get(index);
        Evidence {
            side: self.side,
            role,
            path: path(self.table, chain, index),
            text: rule.map_or_else(String::new, |rule| {
                text::rule(self.plane, self.table, chain, rule)
            }),
        }
    }

    pub(super) fn chain_path(&self, chain: &Chain) -> String {
        format!("{}/{}/{}", self.table.family, self.table.name, chain.name)
    }

    /// The hook by which packets come to a chain, and the jumps on the shortest way from there.
    pub(super) fn way_here(&self, to: &Chain) -> Vec<Evidence> {
        let mut seen: BTreeSet<&Text> = BTreeSet::from([&to.name]);
        let mut waiting: VecDeque<(&Chain, Vec<(&Chain, usize)>)> = VecDeque::from([(to, Vec::new())]);
        while let Some((at, jumps)) = waiting.pop_front() {
            if let Some(base) = &at.base {
                let hook = Evidence {
                    side: self.side,
                    role: Role::Hook,
                    path: self.chain_path(at),
                    text: format!(
                        "{} at {}, priority {}",
                        base.chain_type,
                        base.hook.as_str(),
                        base.priority
                    ),
                };
                let jumps = jumps.iter().rev();
                let jumps = jumps.map(|(chain, index)| self.evidence(Role::Jump, chain, *index));
                return std::iter::once(hook).chain(jumps).collect();
            }
            for (caller, index) in self.callers.get(&at.name).into_iter().flatten() {
                if seen.insert(&caller.name) {
                    let mut jumps = jumps.clone();
                    jumps.push((*caller, *index));
                    waiting.push_back((*caller, jumps));
                }
            }
        }
        Vec::new()
    }

    /// Who decides about packets that ask `asked` when they come to `chain`: the rule that takes all of them first, among
    /// the rules before `until`.
    pub(super) fn decider(
        &mut self,
        chain: &'s Chain,
        asked: &[Asked<'_>],
        until: usize,
        pairs: &mut usize,
    ) -> Decider {
        self.fill(chain);
        let mut wrote = LastWrites::default();
        let mut open = None;
        let lines = self.lines.get(&chain.name).into_iter().flatten();
        for (index, line) in lines.enumerate().take(until) {
            let Some(left) = pairs.checked_sub(1) else {
                return Decider::NotCompared;
            };
            *pairs = left;
            if line.takes {
                match cover(&line.asked, asked, &|field| wrote.since(0, field)) {
                    Cover::Whole => return open.unwrap_or(Decider::Rule(index)),
                    Cover::NotDecided(fields) => {
                        open.get_or_insert(Decider::NotDecided(index, fields));
                    }
                    Cover::No => {}
                }
            }
            wrote.note(index.saturating_add(1), &line.writes);
        }
        open.unwrap_or(Decider::End)
    }

    fn fill(&mut self, chain: &'s Chain) {
        if self.lines.contains_key(&chain.name) {
            return;
        }
        let lines = chain.rules.iter().map(|rule| {
            let step = self.ways.rule(rule, "");
            Line {
                takes: step.takes(),
                asked: asked(&self.ways, rule),
                writes: step.way.writes,
            }
        });
        let lines = lines.collect();
        self.lines.insert(chain.name.clone(), lines);
    }
}
