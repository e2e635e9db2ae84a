//! Which flows change their verdict.

use std::cell::Cell;
use std::sync::Arc;

use serde::Serialize;

use super::super::compiled::{CompiledGate, CompiledRule};
use super::super::evaluate::Verdict;
use super::super::model::{Access, Direction, Effective, Gate, GateKind, Rule};
use super::content::ports;
use crate::azure::space::{Addresses, Block, Budget, Ranges, Region, TooMany};
use crate::azure::tags::{Tags, public};
use crate::diff::Significance;

/// What a difference does to flows, all gates taken together. Flows that are established keep their verdict: Azure asks the
/// rules for new ones only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Effect {
    /// No flow changes its verdict.
    None,
    /// These do.
    Changed {
        /// Samples, each a set of flows that all change; not all that there are.
        flows: Vec<Flows>,
        /// True where there are more.
        more: bool,
    },
    /// It is not known which do.
    Unknown {
        /// Why not.
        why: &'static str,
        /// Samples of flows that may change.
        flows: Vec<Flows>,
    },
}

/// A set of flows: every combination of what the fields list. A list that ends in `…` has more members. Packets to services of
/// the Azure host itself are subject to no rule without a tag of theirs, and never meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flows {
    /// To or from the virtual machine.
    pub direction: Direction,
    /// The protocols.
    pub protocols: Vec<&'static str>,
    /// Where they come from.
    pub sources: Vec<String>,
    /// Where they go.
    pub destinations: Vec<String>,
    /// The ports that they come from.
    pub source_ports: Vec<String>,
    /// The ports that they go to.
    pub ports: Vec<String>,
    /// What became of them before.
    pub from: Verdict,
    /// What becomes of them now.
    pub to: Verdict,
    /// True where some come from addresses of the Internet.
    #[serde(skip)]
    pub public: bool,
}

impl Flows {
    /// How much it matters.
    pub fn significance(&self) -> Significance {
        let opened = self.direction == Direction::Inbound && self.public;
        if self.to == Verdict::Deny || opened {
            Significance::High
        } else {
            Significance::Medium
        }
    }
}

impl Effect {
    /// How much it matters: no flow fares otherwise; new flows come through; new flows are stopped, or come in from the Internet.
    pub fn significance(&self) -> Significance {
        match self {
            Self::None => Significance::Info,
            Self::Changed { flows, .. } => {
                let most = flows.iter().map(Flows::significance).max();
                most.unwrap_or(Significance::Unrated)
            }
            Self::Unknown { .. } => Significance::Unrated,
        }
    }

    /// The samples.
    pub fn flows(&self) -> &[Flows] {
        match self {
            Self::None => &[],
            Self::Changed { flows, .. } | Self::Unknown { flows, .. } => flows,
        }
    }
}

/// Operations on blocks for one change.
const BUDGET: u64 = 300_000;
/// Operations on blocks for all changes of one comparison: some seconds.
const ALL: u64 = 10 * BUDGET;
/// Samples of one effect.
const MOST_FLOWS: usize = 4;
/// Members of one list of a sample.
const MOST_MEMBERS: usize = 8;

const NOT_WHOLE: &str = "not all rules are understood";
const TOO_MANY_CHANGES: &str = "there are too many changes to work out the effect of each";
const TOO_MANY: &str = "the sets of flows have too many parts to be compared";
const TAGS: &str =
    "it depends on tags or groups that are not resolved, or on the public address where no group is left";

/// Both sides, ready for questions.
pub(super) struct Worker<'a> {
    before: Vec<CompiledGate<'a>>,
    after: Vec<CompiledGate<'a>>,
    whole: bool,
    /// What all changes together may still cost.
    left: Cell<u64>,
}

/// What becomes of a set of flows: certainly, and possibly.
#[derive(Debug, Default)]
struct Fate {
    allowed: Tri,
    denied: Tri,
}

#[derive(Debug, Default, Clone)]
struct Tri {
    certain: Region,
    possible: Region,
}

impl Tri {
    fn add(&mut self, other: &Self) {
        self.certain.add(&other.certain);
        self.possible.add(&other.possible);
    }
}

/// A gate with one of its rules.
type Place<'g, 'r> = (&'g Gate, Option<&'r Rule>);

impl<'a> Worker<'a> {
    pub(super) fn new(before: &'a Effective, after: &'a Effective, tags: &Tags) -> Self {
        let compiled = |side: &'a Effective| -> Vec<CompiledGate<'a>> {
            let mut gates: Vec<_> = side
                .gates
                .iter()
                .map(|gate| CompiledGate::new(gate, tags))
                .collect();
            gates.sort_by_key(|gate| gate.gate.kind);
            gates
        };
        let whole = |side: &Effective| {
            let gate = |gate: &Gate| gate.cut.is_none() && gate.rules.iter().all(Rule::is_whole);
            !side.more && side.gates.iter().all(gate)
        };
        Self {
            before: compiled(before),
            after: compiled(after),
            whole: whole(before) && whole(after),
            left: Cell::new(ALL),
        }
    }

    /// The effect of a gate that came, went or became another.
    pub(super) fn gate(&self, before: Option<&Gate>, after: Option<&Gate>) -> Effect {
        let directions = [Direction::Inbound, Direction::Outbound];
        let both = directions.map(|direction| {
            let same = Self::meaning(&self.before, before, direction)
                == Self::meaning(&self.after, after, direction);
            (
                direction,
                if same {
                    Region::empty()
                } else {
                    Region::of([Block::full()])
                },
            )
        });
        self.effect(&both)
    }

    /// The effect of a rule that came, went or was edited.
    pub(super) fn rule(&self, before: Place<'_, '_>, after: Place<'_, '_>) -> Effect {
        let direction = before.1.or(after.1).and_then(|rule| rule.direction);
        let Some(direction) = direction else {
            return Effect::Unknown {
                why: NOT_WHOLE,
                flows: Vec::new(),
            };
        };
        let meaning = |side, (gate, _): Place<'_, '_>| Self::meaning(side, Some(gate), direction);
        if self.whole && meaning(&self.before, before) == meaning(&self.after, after) {
            return Effect::None;
        }
        let mut budget = self.budget();
        let given = budget.left();
        let mut touched = Region::empty();
        for (side, place) in [(&self.before, before), (&self.after, after)] {
            match reach(side, place, direction, &mut budget) {
                // Mostly both sides' flows are the same.
                Ok(region) if touched == region => {}
                Ok(region) => touched.add(&region),
                Err(TooMany) => {
                    self.spent(given, &budget);
                    return too_many();
                }
            }
        }
        self.spent(given, &budget);
        self.effect(&[(direction, touched)])
    }

    /// What one change may cost.
    fn budget(&self) -> Budget {
        Budget::new(BUDGET.min(self.left.get()))
    }

    /// Takes what a change cost from what is left for all.
    fn spent(&self, given: u64, budget: &Budget) {
        let cost = given.saturating_sub(budget.left());
        self.left.set(self.left.get().saturating_sub(cost));
    }

    /// What the rules of a gate mean, in their order, whatever they are called and however they are numbered.
    fn meaning(side: &[CompiledGate<'a>], gate: Option<&Gate>, direction: Direction) -> Option<Vec<String>> {
        let gate = side
            .iter()
            .find(|other| gate.is_some_and(|gate| std::ptr::eq(other.gate, gate)))?;
        let rules = gate.rules(direction).iter().map(|rule| {
            let its = rule.rule;
            let (from, to) = (its.source_ports.as_ref(), its.ports.as_ref());
            let sides = [&its.sources, &its.destinations].map(|side| {
                let mut keys: Vec<String> = side.terms.iter().map(|term| term.key().text()).collect();
                keys.sort();
                keys
            });
            let (sources, destinations) = (&rule.sources, &rule.destinations);
            let what = (its.access, its.protocol, from, to, sides, sources, destinations);
            format!("{what:?}")
        });
        Some(rules.collect())
    }

    /// Compares what becomes of these flows on both sides.
    fn effect(&self, regions: &[(Direction, Region)]) -> Effect {
        if self.left.get() == 0 {
            return Effect::Unknown {
                why: TOO_MANY_CHANGES,
                flows: Vec::new(),
            };
        }
        if !self.whole {
            return Effect::Unknown {
                why: NOT_WHOLE,
                flows: Vec::new(),
            };
        }
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        for (direction, region) in regions {
            if region.is_empty() {
                continue;
            }
            let mut budget = self.budget();
            let given = budget.left();
            let worked = self.compare(*direction, region, &mut budget, &mut certain, &mut possible);
            self.spent(given, &budget);
            if worked.is_err() {
                return too_many();
            }
        }
        if !certain.is_empty() {
            let more = certain.len() > MOST_FLOWS;
            if more {
                // What matters most is among those that are shown.
                certain.sort_by_key(|flows| std::cmp::Reverse(flows.significance()));
            }
            certain.truncate(MOST_FLOWS);
            return Effect::Changed { flows: certain, more };
        }
        if possible.is_empty() {
            return Effect::None;
        }
        possible.truncate(MOST_FLOWS);
        Effect::Unknown {
            why: TAGS,
            flows: possible,
        }
    }

    fn compare(
        &self,
        direction: Direction,
        region: &Region,
        budget: &mut Budget,
        certain: &mut Vec<Flows>,
        possible: &mut Vec<Flows>,
    ) -> Result<(), TooMany> {
        let before = fate(&self.before, direction, region, budget)?;
        let after = fate(&self.after, direction, region, budget)?;
        let turns = [
            (&before.denied, &after.allowed, Verdict::Deny, Verdict::Allow),
            (&before.allowed, &after.denied, Verdict::Allow, Verdict::Deny),
        ];
        for (was, is, from, to) in turns {
            let sure = was.certain.intersect(&is.certain, budget)?;
            certain.extend(
                sure.blocks()
                    .iter()
                    .map(|block| flows(direction, block, from, to)),
            );
            let maybe = was.possible.intersect(&is.possible, budget)?;
            possible.extend(
                maybe
                    .blocks()
                    .iter()
                    .map(|block| flows(direction, block, from, to)),
            );
        }
        Ok(())
    }
}

fn too_many() -> Effect {
    Effect::Unknown {
        why: TOO_MANY,
        flows: Vec::new(),
    }
}

/// The flows that come to a rule.
fn reach(
    side: &[CompiledGate<'_>],
    (gate, rule): Place<'_, '_>,
    direction: Direction,
    budget: &mut Budget,
) -> Result<Region, TooMany> {
    let Some(rule) = rule else {
        return Ok(Region::empty());
    };
    let gate = side.iter().find(|other| std::ptr::eq(other.gate, gate));
    let rules = gate.map_or(&[][..], |gate| gate.rules(direction));
    let mut left = Region::empty();
    for other in rules.iter().filter(|other| std::ptr::eq(other.rule, rule)) {
        left = other.outer();
    }
    // A rule of the same priority may come later, so it takes nothing away.
    let earlier = rules.iter().filter(|other| other.rule.priority < rule.priority);
    for other in earlier {
        let taken = other.inner();
        if left.overlaps(&taken) {
            left = left.subtract(&taken, budget)?;
        }
    }
    Ok(left)
}

/// What all gates of a side make of these flows.
fn fate(
    side: &[CompiledGate<'_>],
    direction: Direction,
    region: &Region,
    budget: &mut Budget,
) -> Result<Fate, TooMany> {
    let mut fate = Fate::default();
    let mut going = Tri {
        certain: region.clone(),
        possible: region.clone(),
    };
    for gate in side {
        let mut on = Tri::default();
        for (access, flows) in split(gate, direction, &going, budget)? {
            match access {
                Access::Allow => on.add(&flows),
                Access::AlwaysAllow => fate.allowed.add(&flows),
                Access::Deny => fate.denied.add(&flows),
            }
        }
        going = on;
    }
    let groups = side.iter().any(|gate| gate.gate.kind != GateKind::Admin);
    if !groups && direction == Direction::Inbound {
        // Whether they come in hangs on the public address, which the rules don't tell.
        let open = Tri {
            certain: Region::empty(),
            possible: going.possible.intersect(&from_public(), budget)?,
        };
        going.certain = going.certain.subtract(&from_public(), budget)?;
        fate.denied.add(&open);
    }
    fate.allowed.add(&going);
    Ok(fate)
}

/// The flows from addresses of the Internet.
fn from_public() -> Region {
    Region::of([Block {
        sources: Arc::new(public()),
        ..Block::full()
    }])
}

/// What one gate does with which of these flows.
fn split(
    gate: &CompiledGate<'_>,
    direction: Direction,
    flows: &Tri,
    budget: &mut Budget,
) -> Result<Vec<(Access, Tri)>, TooMany> {
    let mut left = flows.clone();
    let mut parts = Vec::new();
    let rules = gate.rules(direction);
    for (at, rule) in rules.iter().enumerate() {
        if left.possible.is_empty() {
            break;
        }
        let (inner, outer) = (rule.inner(), rule.outer());
        if !left.possible.overlaps(&outer) {
            continue;
        }
        let Some(access) = rule.access(gate.gate.kind) else {
            return Err(TooMany);
        };
        // Nothing is certain where another rule of the same priority may come first.
        let sure = inner.subtract(&contested(rules, at), budget)?;
        let certain = left.certain.intersect(&sure, budget)?;
        let possible = left.possible.intersect(&outer, budget)?;
        parts.push((access, Tri { certain, possible }));
        left.certain = left.certain.subtract(&outer, budget)?;
        left.possible = left.possible.subtract(&sure, budget)?;
    }
    let listed = |rule: &CompiledRule<'_>| rule.rule.is_default();
    if gate.gate.kind == GateKind::Admin {
        parts.push((Access::Allow, left));
    } else if rules.iter().any(listed) {
        parts.push((Access::Deny, left));
    } else {
        // The rules that every group ends in are not listed, so that what they let through is not known here.
        left.certain = Region::empty();
        parts.push((Access::Allow, left.clone()));
        parts.push((Access::Deny, left));
    }
    Ok(parts)
}

/// The flows of rules of the same priority that do otherwise.
fn contested(rules: &[CompiledRule<'_>], at: usize) -> Region {
    let mut contested = Region::empty();
    if let Some(rule) = rules.get(at).map(|rule| rule.rule) {
        let ties = |other: &&CompiledRule<'_>| {
            other.rule.priority == rule.priority && other.rule.access != rule.access
        };
        for other in rules.iter().filter(ties) {
            contested.add(&other.outer());
        }
    }
    contested
}

fn flows(direction: Direction, block: &Block, from: Verdict, to: Verdict) -> Flows {
    Flows {
        direction,
        protocols: block.protocols.words(),
        sources: few(meeting(&block.sources, &block.destinations).words()),
        destinations: few(meeting(&block.destinations, &block.sources).words()),
        source_ports: few(ports(&block.source_ports)),
        ports: few(ports(&block.ports)),
        from,
        to,
        public: block.sources.overlaps(&public()),
    }
}

/// The addresses of the families that the other side has too.
fn meeting(addresses: &Addresses, others: &Addresses) -> Addresses {
    let mut meeting = addresses.clone();
    if others.v4.is_empty() {
        meeting.v4 = Ranges::empty();
    }
    if others.v6.is_empty() {
        meeting.v6 = Ranges::empty();
    }
    meeting
}

fn few(mut words: Vec<String>) -> Vec<String> {
    if words.len() > MOST_MEMBERS {
        words.truncate(MOST_MEMBERS);
        words.push("…".to_owned());
    }
    words
}
