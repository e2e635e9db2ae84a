//! Which addresses take another route than before.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Change, Significance};
use crate::azure::net::Net;
use crate::azure::route::audit::{join, named, prefixes, split};
use crate::azure::route::lookup::{Answer, answer};
use crate::azure::route::select::{Decision, Rows};
use crate::azure::route::space::{Span, walk};
use crate::azure::route::word::Hop;
use crate::azure::route::{Shown, Table};

/// Addresses that take another route than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The addresses: the fewest prefixes that hold exactly them.
    pub prefixes: Vec<Net>,
    /// What they took.
    pub before: Way,
    /// What they take.
    pub after: Way,
    /// True where the next hop is another too.
    pub next_hop_changes: bool,
}

/// What addresses take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The answer of selection, never `unknown`.
    pub result: Answer,
    /// The route that is used.
    pub winner: Option<Shown>,
    /// The routes between which no rule decides.
    pub tied: Vec<Shown>,
}

impl Way {
    fn of(rows: &Rows<'_>, decision: &Decision) -> Self {
        let (winner, tied) = match decision {
            Decision::Winner(all) => (all.first().and_then(|row| Shown::row(rows, *row)), Vec::new()),
            Decision::Tied(all) => (None, Shown::rows(rows, all)),
            Decision::NoRoute | Decision::Unknown(_) => (None, Vec::new()),
        };
        Self {
            result: answer(decision),
            winner,
            tied,
        }
    }

    /// The routes in it.
    pub fn routes(&self) -> impl Iterator<Item = &Shown> {
        self.winner.iter().chain(&self.tied)
    }

    /// True where packets are dropped.
    pub fn drops(&self) -> bool {
        let nowhere = |route: &Shown| route.next_hop_type.as_ref().map(Hop::of) == Some(Hop::Nowhere);
        self.result == Answer::NoRoute || self.winner.as_ref().is_some_and(nowhere)
    }

    /// In words: `VnetLocal`, `dropped (no route)`.
    pub fn words(&self) -> String {
        let ways: Vec<String> = self.routes().map(Shown::way).collect();
        match self.result {
            Answer::NoRoute => "dropped (no route)".to_owned(),
            Answer::Unknown => "unknown".to_owned(),
            Answer::Winner if self.drops() => "dropped (next hop None)".to_owned(),
            Answer::Winner => ways.join(", "),
            Answer::Tied => format!("one of {}", ways.join(" or ")),
        }
    }
}

/// All of them, and whether these are all. `differs`: whether anything is known to.
pub(super) fn of(before: &Table, after: &Table, differs: bool) -> (Vec<Effect>, bool) {
    let mut complete = before.is_whole() && after.is_whole();
    if !differs || before.cut.is_some() || after.cut.is_some() {
        return (Vec::new(), complete);
    }
    complete = true;
    let (one, other) = (Rows::of(before), Rows::of(after));
    let (placed, anywhere) = split(one.usable());
    let (other_placed, other_anywhere) = split(other.usable());
    let mut found: BTreeMap<(Vec<usize>, Vec<usize>), Vec<Span>> = BTreeMap::new();
    walk([&placed, &other_placed], |span, [here, there]| {
        let decisions = (
            decide(&one, here, &anywhere),
            decide(&other, there, &other_anywhere),
        );
        let (Some(was), Some(is)) = decisions else {
            complete = false;
            return;
        };
        if !alike((&one, &was), (&other, &is)) {
            let rows = (was.rows().to_vec(), is.rows().to_vec());
            join(found.entry(rows).or_default(), span);
        }
    });
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, one), (_, other)| one.cmp(other));
    let effects = found.into_iter().map(|((was, is), spans)| {
        let (before, after) = (again(&one, was), again(&other, is));
        Effect {
            next_hop_changes: ways(&before) != ways(&after),
            prefixes: prefixes(&spans),
            before,
            after,
        }
    });
    (effects.collect(), complete)
}

fn decide(rows: &Rows<'_>, here: &[usize], anywhere: &[usize]) -> Option<Decision> {
    let decision = if anywhere.is_empty() {
        rows.decide(here)
    } else {
        let all: Vec<usize> = here.iter().chain(anywhere).copied().collect();
        rows.decide(&all)
    };
    Some(decision).filter(|decision| !matches!(decision, Decision::Unknown(_)))
}

/// The decision of which these are the rows.
fn again(rows: &Rows<'_>, used: Vec<usize>) -> Way {
    let decision = match used.split_first() {
        None => Decision::NoRoute,
        Some((first, rest)) if rest.iter().all(|row| rows.same_way(*first, *row)) => Decision::Winner(used),
        Some(_) => Decision::Tied(used),
    };
    Way::of(rows, &decision)
}

/// True where both come to the same routes.
fn alike((one, was): (&Rows<'_>, &Decision), (other, is): (&Rows<'_>, &Decision)) -> bool {
    let same = |here: &usize, there: &usize| {
        let properties = one.properties(*here).zip(other.properties(*there));
        one.prefix(*here) == other.prefix(*there)
            && properties.is_some_and(|(here, there)| here.source == there.source && here.same_way(there))
    };
    let (was, is) = (was.rows(), is.rows());
    was.iter().all(|here| is.iter().any(|there| same(here, there)))
        && is.iter().all(|there| was.iter().any(|here| same(here, there)))
}

/// The next hops, to compare.
fn ways(way: &Way) -> Vec<(String, Vec<String>)> {
    let hop = |route: &Shown| {
        let mut addresses = route.next_hop_ips.clone();
        addresses.sort();
        addresses.dedup();
        let kind = route.next_hop_type.as_ref().map(super::super::Word::key);
        (kind.unwrap_or_default(), addresses)
    };
    let mut ways: Vec<_> = way.routes().map(hop).collect();
    ways.sort();
    ways.dedup();
    ways
}

/// Says of each change what it does.
pub(super) fn rate(changes: &mut [Change], effects: &[Effect], complete: bool) {
    let mut owned = vec![false; effects.len()];
    for change in changes.iter_mut() {
        change.effects = places(effects, |effect| decides(change, effect));
        for place in &change.effects {
            if let Some(owned) = owned.get_mut(*place) {
                *owned = true;
            }
        }
    }
    for change in changes.iter_mut() {
        // What no changed route decides comes from one that makes others lose.
        let free = |place: &usize| owned.get(*place) == Some(&false);
        let around = places(effects, |effect| overlaps(change, effect));
        change.effects.extend(around.into_iter().filter(free));
        change.effects.sort_unstable();
        let own: Vec<&Effect> = change
            .effects
            .iter()
            .filter_map(|place| effects.get(*place))
            .collect();
        let known = complete || !own.is_empty();
        change.significance = match own.iter().map(|effect| grave(effect)).max() {
            Some(most) => most,
            None if known => Significance::Info,
            None => Significance::Unrated,
        };
        change.effect = known.then(|| summary(&own));
    }
}

fn places(effects: &[Effect], wanted: impl Fn(&Effect) -> bool) -> Vec<usize> {
    let places = effects.iter().enumerate().filter(|(_, effect)| wanted(effect));
    places.map(|(place, _)| place).collect()
}

/// True where the changed route is what these addresses took, or take.
fn decides(change: &Change, effect: &Effect) -> bool {
    let within = |route: &Option<Shown>, way: &Way| {
        route
            .as_ref()
            .is_some_and(|route| way.routes().any(|there| there == route))
    };
    within(&change.before, &effect.before) || within(&change.after, &effect.after)
}

fn overlaps(change: &Change, effect: &Effect) -> bool {
    let mut prefixes = change
        .before
        .iter()
        .chain(&change.after)
        .filter_map(|route| route.prefix);
    prefixes.any(|prefix| {
        effect
            .prefixes
            .iter()
            .any(|there| there.covers(prefix) || prefix.covers(*there))
    })
}

fn grave(effect: &Effect) -> Significance {
    let kinds = |way: &Way| {
        let mut kinds: Vec<String> = ways(way).into_iter().map(|(kind, _)| kind).collect();
        kinds.dedup();
        kinds.len()
    };
    let lost = effect.after.drops() && !effect.before.drops();
    let open = effect.after.result == Answer::Tied
        && kinds(&effect.after) > 1
        && effect.before.result != Answer::Tied;
    if lost || open {
        Significance::High
    } else if effect.next_hop_changes {
        Significance::Medium
    } else {
        Significance::Low
    }
}

/// How many effects a summary names.
const NAMED: usize = 3;

fn summary(effects: &[&Effect]) -> String {
    if effects.is_empty() {
        return "no address takes another route".to_owned();
    }
    let one = |effect: &&Effect| {
        let places = named(&effect.prefixes);
        if effect.next_hop_changes {
            format!("{places}: {} -> {}", effect.before.words(), effect.after.words())
        } else {
            format!(
                "{places}: another route to the same next hop, {}",
                effect.after.words()
            )
        }
    };
    let mut texts: Vec<String> = effects.iter().take(NAMED).map(one).collect();
    if let Some(more) = effects.len().checked_sub(NAMED).filter(|more| *more > 0) {
        texts.push(format!("{more} more"));
    }
    texts.join("; ")
}
