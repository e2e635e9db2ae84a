//! Two rulesets that are nearly the same, walked once side by side: their digests, with what both hold written once, and what the rules of
//! each chain begin and end with alike.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::frame::Frame;
use super::model::{Family, Rule, Ruleset};
use super::written;
use crate::artifact::json::{self, CanonicalError, Digest};
use crate::bytes::Text;

mod bare;
mod runs;
mod streams;

use bare::Bare;
pub(crate) use runs::Runs;
use streams::{Streams, To, hashed};

/// What a walk over two rulesets finds.
#[derive(Debug)]
pub(crate) struct Twin<'a> {
    /// The digests of the canonical bytes of both, as [`json::digest`] gives them.
    pub(crate) digests: (Digest, Digest),
    /// What the rules of chains that are on both sides have alike; a chain that is not here was not looked at.
    pub(crate) runs: ByChain<'a>,
}

/// The family, the table's name, the chain's.
pub(crate) type ChainName<'a> = (Family, &'a Text, &'a Text);

/// What is known of the rules of each chain.
pub(crate) type ByChain<'a> = BTreeMap<ChainName<'a>, Runs>;

/// From so many rules on it is worth a thread to hash what another writes: some milliseconds of work against some ten microseconds.
const MANY: usize = 5_000;

/// Walks over both.
pub(crate) fn walk<'a>(before: &'a Ruleset, after: &'a Ruleset) -> Result<Twin<'a>, CanonicalError> {
    let rules = |ruleset| {
        chains(ruleset)
            .iter()
            .map(|(_, rules)| rules.len())
            .sum::<usize>()
    };
    walk_by(rules(before).max(rules(after)) >= MANY, before, after)
}

fn walk_by<'a>(
    on_a_thread: bool,
    before: &'a Ruleset,
    after: &'a Ruleset,
) -> Result<Twin<'a>, CanonicalError> {
    let (ours, theirs) = (chains(before), chains(after));
    let is_sorted = |chains: &[Named<'_>]| chains.is_sorted_by(|one, other| one.0 < other.0);
    if !is_sorted(&ours) || !is_sorted(&theirs) {
        return Ok(Twin {
            digests: (json::digest(before)?, json::digest(after)?),
            runs: ByChain::new(),
        });
    }
    let frames = [
        Frame::of(&Bare::of(before), ours.len())?,
        Frame::of(&Bare::of(after), theirs.len())?,
    ];
    let (digests, runs) = hashed(on_a_thread, |streams| {
        let mut walk = Walk {
            frames,
            next: [0, 0],
            begun: [false, false],
            streams,
        };
        walk.all(&ours, &theirs)
    })?;
    Ok(Twin { digests, runs })
}

/// A chain's rules under its name.
type Named<'a> = (ChainName<'a>, &'a [Rule]);

/// All chains in the order in which they are written.
fn chains(ruleset: &Ruleset) -> Vec<Named<'_>> {
    let tables = ruleset.tables.iter();
    let chains = tables.flat_map(|table| {
        let name = |chain| (table.family, &table.name, chain);
        table
            .chains
            .iter()
            .map(move |chain| (name(&chain.name), chain.rules.as_slice()))
    });
    chains.collect()
}

/// Two rulesets on their way into their digests; of each pair the first is the one before.
struct Walk<'w> {
    frames: [Frame; 2],
    /// The chain whose turn it is.
    next: [usize; 2],
    /// Whether a rule of it was written.
    begun: [bool; 2],
    streams: &'w mut Streams,
}

impl Walk<'_> {
    fn all<'a>(&mut self, ours: &[Named<'a>], theirs: &[Named<'a>]) -> Result<ByChain<'a>, CanonicalError> {
        let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
        let mut known = ByChain::new();
        loop {
            let turn = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(ours), Some(theirs)) => ours.0.cmp(&theirs.0),
            };
            let left = if turn.is_le() { ours.next() } else { None };
            let right = if turn.is_ge() { theirs.next() } else { None };
            match (left, right) {
                (Some((name, left)), Some((_, right))) => {
                    self.open(To::Both);
                    let runs = self.both(left, right)?;
                    known.insert(*name, runs);
                }
                (Some((_, left)), None) => self.chain(To::Before, left)?,
                (None, Some((_, right))) => self.chain(To::After, right)?,
                (None, None) => break,
            }
        }
        // What comes after the rules of the last.
        self.open(To::Both);
        Ok(known)
    }

    /// A chain that is on one side.
    fn chain(&mut self, to: To, rules: &[Rule]) -> Result<(), CanonicalError> {
        self.open(to);
        self.rules(to, rules)
    }

    /// One chain on both sides. Rules that have as many others before them, and then those that have as many behind them, are compared;
    /// what is equal is written once.
    fn both(&mut self, left: &[Rule], right: &[Rule]) -> Result<Runs, CanonicalError> {
        let mut head = 0;
        for (one, other) in left.iter().zip(right) {
            if one != other {
                break;
            }
            self.rule(To::Both, one)?;
            head += 1;
        }
        let (_, left) = left.split_at_checked(head).unwrap_or_default();
        let (_, right) = right.split_at_checked(head).unwrap_or_default();
        let pairs = left.len().min(right.len());
        let (alone, left) = left.split_at_checked(left.len() - pairs).unwrap_or_default();
        self.rules(To::Before, alone)?;
        let (alone, right) = right.split_at_checked(right.len() - pairs).unwrap_or_default();
        self.rules(To::After, alone)?;
        let mut tail = 0;
        for (one, other) in left.iter().zip(right) {
            if one == other {
                self.rule(To::Both, one)?;
                tail += 1;
            } else {
                self.rule(To::Before, one)?;
                self.rule(To::After, other)?;
                tail = 0;
            }
        }
        Ok(Runs { head, tail })
    }

    fn rules(&mut self, to: To, rules: &[Rule]) -> Result<(), CanonicalError> {
        rules.iter().try_for_each(|rule| self.rule(to, rule))
    }

    /// Begins the next chain.
    fn open(&mut self, to: To) {
        let [ours, theirs] = &self.frames;
        let [our_next, their_next] = self.next;
        let (ours, theirs) = (ours.head(our_next), theirs.head(their_next));
        let [before, after] = to.is_in();
        if to == To::Both && ours == theirs {
            self.streams.push(to, ours);
        } else {
            if before {
                self.streams.push(To::Before, ours);
            }
            if after {
                self.streams.push(To::After, theirs);
            }
        }
        self.next = [our_next + usize::from(before), their_next + usize::from(after)];
        let [ours, theirs] = self.begun;
        self.begun = [ours && !before, theirs && !after];
    }

    fn rule(&mut self, to: To, rule: &Rule) -> Result<(), CanonicalError> {
        let [before, after] = to.is_in();
        let [ours, theirs] = &mut self.begun;
        let commas = [
            before && std::mem::replace(ours, true),
            after && std::mem::replace(theirs, true),
        ];
        if let Some(to) = To::sides(commas) {
            self.streams.push(to, b",");
        }
        self.streams.write(to, |bytes| written::rule(rule, bytes))
    }
}

#[cfg(test)]
mod tests;
