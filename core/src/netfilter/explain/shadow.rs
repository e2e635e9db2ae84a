//! Rules that no packet reaches, because earlier ones take every packet that they ask for.

use std::collections::HashMap;

use super::cover::{Asked, Cover, cover};
use super::ends::Ways;
use super::writes::LastWrites;
use crate::netfilter::model::{Chain, Match, Rule};

/// Pairs of rules compared in one chain, beyond those that ask the same.
const MOST_PAIRS: usize = 2_000_000;

/// What stands before a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing that takes all that it asks for.
    Nothing,
    /// This rule, counted from 1, ends the way of every packet.
    All(usize),
    /// This one takes every packet that meets the later rule's matches.
    Covers(usize),
    /// This one may: these of its fields can't be compared.
    NotDecided(usize, Vec<String>),
    /// The chain is too long to compare each with each.
    NotCompared,
}

/// An earlier rule that ends the way of what it takes.
struct Ending<'c> {
    position: usize,
    asked: Vec<Asked<'c>>,
}

/// Reads a chain's rules in order.
pub(crate) struct Shadows<'c> {
    all: Option<usize>,
    same: HashMap<Vec<&'c Match>, usize>,
    endings: Vec<Ending<'c>>,
    /// Of those, by a field and the one value of it that they ask for: none of them covers a rule that asks for another.
    exact: HashMap<(String, u128), Vec<usize>>,
    /// The others.
    wide: Vec<usize>,
    /// What was written so far, and by which rule last.
    wrote: LastWrites,
    pairs: usize,
}

impl<'c> Shadows<'c> {
    pub(crate) fn new() -> Self {
        Self {
            all: None,
            same: HashMap::new(),
            endings: Vec::new(),
            exact: HashMap::new(),
            wide: Vec::new(),
            wrote: LastWrites::default(),
            pairs: 0,
        }
    }

    /// What stands before the rule at `position`, the next one.
    pub(crate) fn next(
        &mut self,
        ways: &mut Ways<'_>,
        chain: &Chain,
        position: usize,
        rule: &'c Rule,
    ) -> Before {
        let path = super::ends::path(ways.table, chain, position.saturating_sub(1));
        let step = ways.rule(rule, &path);
        let asked = asked(ways, rule);
        let before = self.before(&asked);
        if step.takes() && asked.is_empty() {
            self.all.get_or_insert(position);
        } else if step.takes() && self.all.is_none() && !matches!(before, Before::Covers(_)) {
            self.same
                .insert(asked.iter().map(|one| one.of).collect(), position);
            let place = self.endings.len();
            match telling(&asked) {
                Some(key) => self.exact.entry(key).or_default().push(place),
                None => self.wide.push(place),
            }
            self.endings.push(Ending { position, asked });
        }
        self.wrote.note(position, &step.way.writes);
        before
    }

    fn before(&mut self, asked: &[Asked<'_>]) -> Before {
        if let Some(position) = self.all {
            return Before::All(position);
        }
        let key: Vec<&Match> = asked.iter().map(|one| one.of).collect();
        if let Some(position) = self.same.get(&key).copied() {
            let written = |field: &str| self.wrote.since(position, field);
            if cover(asked, asked, &written) == Cover::Whole {
                return Before::Covers(position);
            }
        }
        let mut open = Before::Nothing;
        for place in self.candidates(asked) {
            let Some(ending) = self.endings.get(place) else {
                continue;
            };
            if self.pairs >= MOST_PAIRS {
                return Before::NotCompared;
            }
            self.pairs = self.pairs.saturating_add(1);
            let written = |field: &str| self.wrote.since(ending.position, field);
            match cover(&ending.asked, asked, &written) {
                Cover::Whole => return Before::Covers(ending.position),
                Cover::NotDecided(fields) if open == Before::Nothing => {
                    open = Before::NotDecided(ending.position, fields);
                }
                _ => {}
            }
        }
        open
    }

    /// The earlier rules that can cover one that asks this, in order.
    fn candidates(&self, asked: &[Asked<'_>]) -> Vec<usize> {
        if asked.iter().any(|one| !one.is_said()) {
            return (0..self.endings.len()).collect();
        }
        let mut out = self.wide.clone();
        for key in asked.iter().filter_map(Asked::exact) {
            out.extend(self.exact.get(&key).into_iter().flatten());
        }
        out.sort_unstable();
        out
    }
}

/// The field and value that tell most rules apart: hardly a protocol.
fn telling(asked: &[Asked<'_>]) -> Option<(String, u128)> {
    let protocol = |(field, _): &&(String, u128)| field.starts_with("meta.");
    let all: Vec<_> = asked.iter().filter_map(Asked::exact).collect();
    let other = all.iter().find(|key| !protocol(key));
    other.or(all.first()).cloned()
}

/// The matches of a rule; sets stand for their elements where those are all that can be in them.
pub(crate) fn asked<'r>(ways: &Ways<'_>, rule: &'r Rule) -> Vec<Asked<'r>> {
    let fixed = |set: &&crate::netfilter::model::Set| {
        let open = |flag: &String| flag == "dynamic" || flag == "timeout";
        set.timeout_ms.is_none() && set.opaque.is_empty() && !set.flags.iter().any(open)
    };
    Asked::all(rule, &|name| ways.set(name).filter(fixed))
}
