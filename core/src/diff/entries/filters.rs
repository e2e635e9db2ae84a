//! Filters of traffic control: order matters among those of one place, chain and priority, and nowhere else. An edit of one
//! action is a change of that action.

use std::collections::BTreeMap;

use super::value;
use crate::diff::Kind;
use crate::diff::align::align;
use crate::diff::comparison::Change;
use crate::diff::gaps::Gaps;
use crate::diff::pair::by_key;
use crate::section::SectionName;
use crate::tc::{Action, Chain, Filter, Place, TcConfig};

/// The filters among which order matters.
type Group<'a> = (&'a Place, u32, u16);

/// Everything that differs between the filters and chains of two sides.
pub(super) fn compare(before: &TcConfig, after: &TcConfig, gaps: &Gaps) -> Result<Vec<Change>, String> {
    let mut out = chains(before, after)?;
    let mut groups: BTreeMap<Group<'_>, (Vec<&Filter>, Vec<&Filter>)> = BTreeMap::new();
    for filter in &before.filters {
        groups.entry(group(filter)).or_default().0.push(filter);
    }
    for filter in &after.filters {
        groups.entry(group(filter)).or_default().1.push(filter);
    }
    for (group, (left, right)) in groups {
        let both = Both { group, left, right };
        out.extend(both.changes()?);
    }
    out.retain(|change| !gaps.touch(&change.path));
    Ok(out)
}

fn group(filter: &Filter) -> Group<'_> {
    (&filter.place, filter.chain, filter.priority)
}

fn where_it_is(place: &Place) -> String {
    match place {
        Place::Block { block } => format!("block {block}"),
        Place::Device { device, parent } => format!("{device}/{parent}"),
    }
}

fn chains(before: &TcConfig, after: &TcConfig) -> Result<Vec<Change>, String> {
    let mut out = Vec::new();
    let key = |chain: &Chain| (chain.place.clone(), chain.chain);
    for (one, other) in by_key(&before.chains, &after.chains, key) {
        let Some(named) = other.or(one).filter(|_| one != other) else {
            continue;
        };
        let path = format!("{}/chain[{}]", where_it_is(&named.place), named.chain);
        let kind = match (one, other) {
            (None, _) => Kind::FilterChainAdded,
            (Some(_), None) => Kind::FilterChainRemoved,
            (Some(_), Some(_)) => Kind::FilterChainChanged,
        };
        let state = |chain: Option<&Chain>| chain.map(|chain| value(chain, Vec::new())).transpose();
        let change = Change::new(SectionName::Tc, kind, path);
        out.push(change.before(state(one)?).after(state(other)?));
    }
    Ok(out)
}

/// One group on both sides.
struct Both<'a> {
    group: Group<'a>,
    left: Vec<&'a Filter>,
    right: Vec<&'a Filter>,
}

/// A filter of one side, or a pair.
type Step = (Option<usize>, Option<usize>);

impl<'a> Both<'a> {
    fn changes(&self) -> Result<Vec<Change>, String> {
        let stayed = aligned(&self.left, &self.right);
        let mut out = Vec::new();
        for (one, other) in self.steps(&stayed) {
            out.push(self.change(one, other)?);
        }
        Ok(out)
    }

    /// What did not stay: in each stretch between those that stayed, pairs by likeness, then what is left over.
    fn steps(&self, stayed: &[(usize, usize)]) -> Vec<Step> {
        let mut left: Vec<usize> = (0..self.left.len()).collect();
        let mut right: Vec<usize> = (0..self.right.len()).collect();
        left.retain(|at| !stayed.iter().any(|pair| pair.0 == *at));
        right.retain(|at| !stayed.iter().any(|pair| pair.1 == *at));
        let stretch = |at: usize, second: bool| {
            let before = stayed
                .iter()
                .filter(|pair| if second { pair.1 < at } else { pair.0 < at });
            before.count()
        };
        let mut steps = Vec::new();
        for likeness in [
            Self::same,
            Self::same_but_actions,
            Self::same_actions,
            Self::same_kind,
        ] {
            left.retain(|one| {
                let pair = right.iter().position(|other| {
                    let near = stretch(*one, false) == stretch(*other, true);
                    likeness(self, *one, *other) && (near || self.same(*one, *other))
                });
                let Some(other) = pair.map(|at| right.remove(at)) else {
                    return true;
                };
                steps.push((Some(*one), Some(other)));
                false
            });
        }
        steps.extend(left.into_iter().map(|one| (Some(one), None)));
        steps.extend(right.into_iter().map(|other| (None, Some(other))));
        steps.sort_by_key(|(one, other)| other.or(*one));
        steps
    }

    fn pair(&self, one: usize, other: usize) -> Option<(&'a Filter, &'a Filter)> {
        Some((*self.left.get(one)?, *self.right.get(other)?))
    }

    fn same(&self, one: usize, other: usize) -> bool {
        self.pair(one, other).is_some_and(|(one, other)| one == other)
    }

    fn same_but_actions(&self, one: usize, other: usize) -> bool {
        self.pair(one, other)
            .is_some_and(|(one, other)| only_actions_differ(one, other))
    }

    fn same_actions(&self, one: usize, other: usize) -> bool {
        let pair = self.pair(one, other);
        pair.is_some_and(|(one, other)| one.kind == other.kind && one.actions == other.actions)
    }

    fn same_kind(&self, one: usize, other: usize) -> bool {
        self.pair(one, other)
            .is_some_and(|(one, other)| one.kind == other.kind)
    }

    fn change(&self, one: Option<usize>, other: Option<usize>) -> Result<Change, String> {
        let (place, chain, priority) = self.group;
        let number = other.or(one).unwrap_or_default().saturating_add(1);
        let path = format!(
            "{}/filter[chain {chain} pref {priority} #{number}]",
            where_it_is(place)
        );
        let left = one.and_then(|at| self.left.get(at)).copied();
        let right = other.and_then(|at| self.right.get(at)).copied();
        let kind = match (left, right) {
            (None, _) => Kind::FilterAdded,
            (Some(_), None) => Kind::FilterRemoved,
            (Some(one), Some(other)) if one == other => Kind::FilterMoved,
            (Some(one), Some(other)) => {
                if let Some(change) = action(one, other, &path)? {
                    return Ok(change);
                }
                Kind::FilterChanged
            }
        };
        let state = |filter: Option<&Filter>| filter.map(|filter| value(filter, Vec::new())).transpose();
        let change = Change::new(SectionName::Tc, kind, path);
        Ok(change.before(state(left)?).after(state(right)?))
    }
}

fn only_actions_differ(one: &Filter, other: &Filter) -> bool {
    let without = |filter: &Filter| Filter {
        actions: Vec::new(),
        ..filter.clone()
    };
    without(one) == without(other)
}

/// The change of the one action that differs, if it is one.
fn action(one: &Filter, other: &Filter, path: &str) -> Result<Option<Change>, String> {
    if !only_actions_differ(one, other) {
        return Ok(None);
    }
    let (left, right): (Vec<&Action>, Vec<&Action>) =
        (one.actions.iter().collect(), other.actions.iter().collect());
    let stayed = aligned(&left, &right);
    let gone: Vec<usize> = (0..left.len())
        .filter(|at| !stayed.iter().any(|pair| pair.0 == *at))
        .collect();
    let new: Vec<usize> = (0..right.len())
        .filter(|at| !stayed.iter().any(|pair| pair.1 == *at))
        .collect();
    let (kind, at) = match (gone.as_slice(), new.as_slice()) {
        ([], [new]) => (Kind::ActionAdded, *new),
        ([gone], []) => (Kind::ActionRemoved, *gone),
        ([gone], [new]) if gone == new => (Kind::ActionChanged, *new),
        _ => return Ok(None),
    };
    let state = |side: &[&Action], at: Option<&usize>| {
        at.and_then(|at| side.get(*at))
            .map(|action| value(*action, Vec::new()))
            .transpose()
    };
    let path = format!("{path}/action[{}]", at.saturating_add(1));
    let change = Change::new(SectionName::Tc, kind, path);
    Ok(Some(
        change
            .before(state(&left, gone.first())?)
            .after(state(&right, new.first())?),
    ))
}

/// Places of what stayed. Where too much repeats, only what stands in the same place on both sides counts.
fn aligned<T: Ord>(left: &[&T], right: &[&T]) -> Vec<(usize, usize)> {
    let mut all: Vec<&T> = left.iter().chain(right).copied().collect();
    all.sort();
    all.dedup();
    let place = |one: &&T| {
        let at = all.binary_search(one).unwrap_or_default();
        u32::try_from(at).unwrap_or(u32::MAX)
    };
    let (one, other): (Vec<u32>, Vec<u32>) = (
        left.iter().map(place).collect(),
        right.iter().map(place).collect(),
    );
    align(&one, &other).unwrap_or_else(|| {
        let both = one.iter().zip(&other).enumerate();
        both.filter(|(_, (one, other))| one == other)
            .map(|(at, _)| (at, at))
            .collect()
    })
}
