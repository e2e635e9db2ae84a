//! The single steps that turn one list of rules into another.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use super::align::align;
use crate::netfilter::model::{Item, Rule};
use crate::netfilter::twin::Runs;

/// One step; indexes from 0 into the lists before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Only after.
    Added(usize),
    /// Only before.
    Removed(usize),
    /// In one place: another rule.
    Changed(usize, usize),
    /// In one place: another comment.
    Commented(usize, usize),
    /// The same rule on the other side of rules that stayed.
    Moved(usize, usize),
}

/// Above this many pairs, rules of one gap are not matched by likeness.
const MAX_LIKENESS: usize = 40_000;

/// The steps from `before` to `after`, which have `runs` alike; `None` where too many rules repeat to tell them.
pub(super) fn steps(before: &[Rule], after: &[Rule], runs: Runs) -> Option<Vec<Step>> {
    // What both begin or end with stays; only what lies between is worth numbering.
    let mut steps = between(runs.parts(before).1, runs.parts(after).1)?;
    for step in &mut steps {
        step.shift(runs.head);
    }
    Some(steps)
}

fn between(before: &[Rule], after: &[Rule]) -> Option<Vec<Step>> {
    let (ids_before, ids_after) = intern(before.iter(), after.iter());
    let stayed = align(&ids_before, &ids_after)?;
    let mut gaps = gaps(&stayed, before.len(), after.len());
    let mut out = moved(&mut gaps, &ids_before, &ids_after);
    for (number, gap) in gaps.into_iter().enumerate() {
        for step in gap.steps(before, after)? {
            out.push((number, step));
        }
    }
    out.sort_by_key(|(gap, step)| (*gap, step.place()));
    Some(out.into_iter().map(|(_, step)| step).collect())
}

impl Step {
    /// Moves it down by so many rules that stand above.
    fn shift(&mut self, above: usize) {
        match self {
            Self::Added(index) | Self::Removed(index) => *index += above,
            Self::Changed(from, to) | Self::Commented(from, to) | Self::Moved(from, to) => {
                *from += above;
                *to += above;
            }
        }
    }

    /// For the order of steps within a gap.
    fn place(self) -> (usize, u8) {
        match self {
            Self::Removed(index) => (index, 0),
            Self::Changed(_, index) | Self::Commented(_, index) => (index, 1),
            Self::Moved(_, index) | Self::Added(index) => (index, 2),
        }
    }
}

/// Rules before and after between two rules that stayed.
#[derive(Debug, Default)]
struct Gap {
    before: Vec<usize>,
    after: Vec<usize>,
}

/// Equal values get equal numbers.
fn intern<'a, T: Hash + Eq + ?Sized + 'a>(
    before: impl Iterator<Item = &'a T>,
    after: impl Iterator<Item = &'a T>,
) -> (Vec<u32>, Vec<u32>) {
    let mut known: HashMap<&T, u32> = HashMap::new();
    let mut next = 0u32;
    let mut number = |value: &'a T| {
        *known.entry(value).or_insert_with(|| {
            next += 1;
            next
        })
    };
    (
        before.map(&mut number).collect(),
        after.map(&mut number).collect(),
    )
}

fn gaps(stayed: &[(usize, usize)], before: usize, after: usize) -> Vec<Gap> {
    let mut out = Vec::with_capacity(stayed.len() + 1);
    let (mut i, mut j) = (0, 0);
    for (next_i, next_j) in stayed.iter().copied().chain([(before, after)]) {
        out.push(Gap {
            before: (i..next_i).collect(),
            after: (j..next_j).collect(),
        });
        (i, j) = (next_i + 1, next_j + 1);
    }
    out
}

/// Takes rules out of the gaps that are equal but did not stay in order.
fn moved(gaps: &mut [Gap], ids_before: &[u32], ids_after: &[u32]) -> Vec<(usize, Step)> {
    let mut waiting: HashMap<u32, VecDeque<usize>> = HashMap::new();
    for index in gaps.iter().flat_map(|gap| &gap.before) {
        if let Some(id) = ids_before.get(*index) {
            waiting.entry(*id).or_default().push_back(*index);
        }
    }
    let mut out = Vec::new();
    let mut gone = vec![false; ids_before.len()];
    for (number, gap) in gaps.iter_mut().enumerate() {
        gap.after.retain(|index| {
            let from = ids_after
                .get(*index)
                .and_then(|id| waiting.get_mut(id)?.pop_front());
            if let Some(from) = from {
                out.push((number, Step::Moved(from, *index)));
                if let Some(slot) = gone.get_mut(from) {
                    *slot = true;
                }
            }
            from.is_none()
        });
    }
    for gap in gaps {
        gap.before.retain(|index| gone.get(*index) != Some(&true));
    }
    out
}

impl Gap {
    /// Pairs rules that differ in their comment only, then those between them by likeness.
    fn steps(&self, before: &[Rule], after: &[Rule]) -> Option<Vec<Step>> {
        if self.before.is_empty() || self.after.is_empty() {
            return Some(self.alone());
        }
        let (left, right) = (items(before, &self.before), items(after, &self.after));
        let (left_ids, right_ids) = intern(left.iter().copied(), right.iter().copied());
        let same = align(&left_ids, &right_ids)?;
        let mut out = Vec::new();
        for part in gaps(&same, left.len(), right.len()) {
            out.extend(part.by_likeness(&left, &right));
        }
        out.extend(same.into_iter().map(|(i, j)| Step::Commented(i, j)));
        Some(out.into_iter().filter_map(|step| self.outward(step)).collect())
    }

    /// From indexes into this gap to indexes into the whole lists.
    fn outward(&self, step: Step) -> Option<Step> {
        let before = |index: usize| self.before.get(index).copied();
        let after = |index: usize| self.after.get(index).copied();
        Some(match step {
            Step::Added(j) => Step::Added(after(j)?),
            Step::Removed(i) => Step::Removed(before(i)?),
            Step::Changed(i, j) => Step::Changed(before(i)?, after(j)?),
            Step::Commented(i, j) => Step::Commented(before(i)?, after(j)?),
            Step::Moved(i, j) => Step::Moved(before(i)?, after(j)?),
        })
    }

    fn alone(&self) -> Vec<Step> {
        let removed = self.before.iter().map(|index| Step::Removed(*index));
        removed
            .chain(self.after.iter().map(|index| Step::Added(*index)))
            .collect()
    }

    /// As many before as after: each is the change of the one in its place. Else those are paired, in order, that share most.
    fn by_likeness(&self, left: &[&[Item]], right: &[&[Item]]) -> Vec<Step> {
        let pairs: Vec<(usize, usize)> = if self.before.len() == self.after.len() {
            (0..self.before.len()).map(|index| (index, index)).collect()
        } else if self.before.len() * self.after.len() <= MAX_LIKENESS {
            likest(self.before.len(), self.after.len(), |i, j| {
                let one = self.before.get(i).and_then(|index| left.get(*index));
                let other = self.after.get(j).and_then(|index| right.get(*index));
                one.zip(other).map_or(0, |(one, other)| shared(one, other))
            })
        } else {
            Vec::new()
        };
        let mut out = Vec::new();
        for part in gaps(&pairs, self.before.len(), self.after.len()) {
            out.extend(part.alone());
        }
        out.extend(pairs.into_iter().map(|(i, j)| Step::Changed(i, j)));
        out.into_iter().filter_map(|step| self.outward(step)).collect()
    }
}

/// What the rules at some indexes do.
fn items<'a>(rules: &'a [Rule], indexes: &[usize]) -> Vec<&'a [Item]> {
    let rules = indexes.iter().filter_map(|index| rules.get(*index));
    rules.map(|rule| rule.items.as_slice()).collect()
}

/// How many items two rules have in common.
fn shared(one: &[Item], other: &[Item]) -> usize {
    let mut left: Vec<&Item> = other.iter().collect();
    one.iter()
        .filter(|item| {
            let found = left.iter().position(|candidate| candidate == item);
            found.map(|index| left.swap_remove(index)).is_some()
        })
        .count()
}

/// The rising pairs with the largest sum of likeness; nothing unlike is paired.
fn likest(before: usize, after: usize, likeness: impl Fn(usize, usize) -> usize) -> Vec<(usize, usize)> {
    // best(i, j): the sum for the first i and the first j.
    let mut best = vec![0usize; (before + 1) * (after + 1)];
    let at = |i: usize, j: usize| i * (after + 1) + j;
    let read = |best: &[usize], i, j| best.get(at(i, j)).copied().unwrap_or(0);
    for i in 1..=before {
        for j in 1..=after {
            let paired = read(&best, i - 1, j - 1) + likeness(i - 1, j - 1);
            let sum = paired.max(read(&best, i - 1, j)).max(read(&best, i, j - 1));
            if let Some(slot) = best.get_mut(at(i, j)) {
                *slot = sum;
            }
        }
    }
    let (mut i, mut j, mut out) = (before, after, Vec::new());
    while i > 0 && j > 0 {
        let here = read(&best, i, j);
        if here == read(&best, i - 1, j) {
            i -= 1;
        } else if here == read(&best, i, j - 1) {
            j -= 1;
        } else {
            (i, j) = (i - 1, j - 1);
            out.push((i, j));
        }
    }
    out.reverse();
    out
}
