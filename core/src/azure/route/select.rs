//! Which route Azure uses for an address.
//!
//! The rules (Microsoft, "Virtual network traffic routing", "Virtual network service endpoints", and the reference of a
//! route's properties):
//! - the longest prefix wins; of one prefix a route of a person before one of BGP before one of the platform;
//! - platform routes to the virtual network, to a peered one and to a service endpoint are preferred to routes of BGP even
//!   where those are more specific;
//! - a service endpoint's route is overridden by no route table;
//! - a route with `hasBgpOverride` overrides routes of BGP whatever their length;
//! - of routes of people with one prefix, one that names the prefix comes first, then those of service tags from the narrowest
//!   to the widest;
//! - a route that is not `Active` is never used.
//!
//! What is not understood is tried in every way it can be read. If all ways come to one answer, that is the answer.

use std::cmp::Reverse;

use smallvec::SmallVec;

use super::table::{Doubt, Properties, Route, Table, Undecided};
use super::word::{Hop, Origin};
use crate::azure::net::Net;

/// The rows of a table, prepared for selection. A row is named by its place: first the routes, then what is undecided.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    table: &'t Table,
    readings: Vec<SmallVec<[Option<Reading>; 2]>>,
    cut: bool,
}

/// One way to read a row that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// The prefix's length; one that is not known is taken for longer than any, which covers all others: shorter it could only
    /// win less.
    length: u8,
    origin: Origin,
    /// A platform route that is preferred to all of BGP; `None` where Microsoft's pages don't say.
    over_bgp: Option<bool>,
    /// A service endpoint's.
    endpoint: bool,
    overrides: bool,
    /// Among routes of people: 0 names the prefix itself.
    tag_rank: u8,
}

/// Longer than every prefix.
const LONGEST: u8 = u8::MAX;

/// In how many ways undecided rows are tried together. More than nine of them over one address are not worth it.
const MOST_WORLDS: usize = 512;

/// What is decided for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// These rows, which all say the same; the first stands for them.
    Winner(Vec<usize>),
    /// No route contains it.
    NoRoute,
    /// No rule decides between these.
    Tied(Vec<usize>),
    /// It depends on what is not understood; these could be used.
    Unknown(Vec<usize>),
}

impl Decision {
    /// The rows that are used, or could be.
    pub(super) fn rows(&self) -> &[usize] {
        match self {
            Self::Winner(rows) | Self::Tied(rows) | Self::Unknown(rows) => rows,
            Self::NoRoute => &[],
        }
    }
}

/// By which rule a row loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// A longer prefix contains the address.
    ShorterPrefix,
    /// Another maker's route of the same prefix comes first.
    Source,
    /// A route of the same prefix that names it, or a narrower service tag, comes first.
    ServiceTag,
    /// A platform route to the network is preferred to routes of BGP.
    SystemBeforeBgp,
    /// A route with `hasBgpOverride` comes before routes of BGP.
    BgpOverride,
    /// A service endpoint's route is not overridden.
    ServiceEndpoint,
}

/// What takes rows out before prefixes are compared.
#[derive(Debug, Clone, Copy, Default)]
struct Field {
    endpoint: bool,
    over_bgp: bool,
    overrides: bool,
}

impl Field {
    fn of<'r>(readings: impl Iterator<Item = &'r Reading>) -> Self {
        readings.fold(Self::default(), |field, reading| Self {
            endpoint: field.endpoint || reading.endpoint,
            over_bgp: field.over_bgp || reading.over_bgp == Some(true),
            overrides: field.overrides || reading.overrides,
        })
    }

    /// What takes this row out.
    fn takes_out(self, reading: &Reading) -> Option<Loss> {
        match reading.origin {
            Origin::System => None,
            _ if self.endpoint => Some(Loss::ServiceEndpoint),
            Origin::Bgp if self.over_bgp => Some(Loss::SystemBeforeBgp),
            Origin::Bgp if self.overrides => Some(Loss::BgpOverride),
            Origin::User | Origin::Bgp => None,
        }
    }
}

impl Reading {
    fn of(prefix: Option<Net>, properties: &Properties, tag: Option<&str>, origin: Origin) -> Self {
        let hop = Hop::of(&properties.next_hop_type);
        let system = origin == Origin::System;
        Self {
            length: prefix.map_or(LONGEST, Net::length),
            origin,
            over_bgp: match hop {
                _ if !system => Some(false),
                Hop::Network | Hop::ServiceEndpoint => Some(true),
                Hop::Internet | Hop::Nowhere | Hop::Gateway | Hop::Appliance => Some(false),
                Hop::Other => None,
            },
            endpoint: system && hop == Hop::ServiceEndpoint,
            overrides: properties.has_bgp_override && origin != Origin::Bgp,
            tag_rank: if origin == Origin::User {
                tag_rank(tag.or(properties.service_tags.first().map(String::as_str)))
            } else {
                0
            },
        }
    }

    /// The smallest wins.
    fn place(&self) -> (Reverse<u8>, Origin, u8) {
        (Reverse(self.length), self.origin, self.tag_rank)
    }
}

/// The order among service tags: a region's part of a service, the service, a region's part of the cloud, the cloud.
fn tag_rank(tag: Option<&str>) -> u8 {
    let Some(tag) = tag else { return 0 };
    let tag = tag.to_ascii_lowercase();
    // The parts of this service are no regions.
    match tag.split_once('.') {
        _ if tag == "azurecloud" => 4,
        Some(("azurecloud", _)) => 3,
        Some(("azurefrontdoor", _)) | None => 2,
        Some(_) => 1,
    }
}

impl<'t> Rows<'t> {
    pub(super) fn of(table: &'t Table) -> Self {
        let routes = table.routes.iter().map(certain);
        let undecided = table.undecided.iter().map(every_way);
        Self {
            table,
            readings: routes.chain(undecided).collect(),
            cut: table.cut.is_some(),
        }
    }

    pub(super) fn route(&self, row: usize) -> Option<&'t Route> {
        self.table.routes.get(row)
    }

    pub(super) fn undecided(&self, row: usize) -> Option<&'t Undecided> {
        let at = row.checked_sub(self.table.routes.len())?;
        self.table.undecided.get(at)
    }

    /// The rows that may be used, with their prefixes; `None`: it could lead anywhere.
    pub(super) fn usable(&self) -> impl Iterator<Item = (usize, Option<Net>)> + '_ {
        self.listed(|used| used)
    }

    /// The rows that are certainly not used.
    pub(super) fn unused(&self) -> impl Iterator<Item = (usize, Option<Net>)> + '_ {
        self.listed(|used| !used)
    }

    fn listed(&self, wanted: fn(bool) -> bool) -> impl Iterator<Item = (usize, Option<Net>)> + '_ {
        let rows = self.readings.iter().enumerate();
        rows.filter(move |(_, readings)| wanted(!readings.is_empty()))
            .map(|(row, _)| (row, self.prefix(row)))
    }

    pub(super) fn prefix(&self, row: usize) -> Option<Net> {
        match self.route(row) {
            Some(route) => Some(route.prefix),
            None => self.undecided(row).and_then(|undecided| undecided.prefix),
        }
    }

    pub(super) fn properties(&self, row: usize) -> Option<&'t Properties> {
        match self.route(row) {
            Some(route) => Some(&route.properties),
            None => self.undecided(row).map(|undecided| &*undecided.properties),
        }
    }

    fn readings(&self, row: usize) -> &[Option<Reading>] {
        self.readings.get(row).map_or(&[], SmallVec::as_slice)
    }

    /// What is decided among rows that all contain the address, or could. A table that is cut decides nothing.
    pub(super) fn decide(&self, rows: &[usize]) -> Decision {
        let decision = self.decide_seen(rows);
        if self.cut {
            Decision::Unknown(decision.rows().to_vec())
        } else {
            decision
        }
    }

    /// The rows that would win or could, if this route were used, which is not.
    pub(super) fn decide_with(&self, rows: &[usize], unused: usize) -> Vec<usize> {
        let Some((properties, prefix)) = self.properties(unused).zip(self.prefix(unused)) else {
            return Vec::new();
        };
        let Some(origin) = Origin::of(&properties.source) else {
            return Vec::new();
        };
        let tag = self.route(unused).and_then(|route| route.tag.as_deref());
        let reading = Reading::of(Some(prefix), properties, tag, origin);
        let mut ways = self.ways(rows);
        ways.push((unused, spread(&[Some(reading)], true)));
        match worlds(&ways) {
            Some(worlds) => {
                let all = (0..worlds).flat_map(|world| settle(world, &ways));
                all.collect()
            }
            None => rows.to_vec(),
        }
    }

    fn decide_seen(&self, rows: &[usize]) -> Decision {
        let ways = self.ways(rows);
        match worlds(&ways) {
            Some(worlds) => self.agreed((0..worlds).map(|world| settle(world, &ways))),
            None => Decision::Unknown(rows.to_vec()),
        }
    }

    fn ways(&self, rows: &[usize]) -> AllWays {
        let bgp = |row: &usize| {
            let mut ways = self.readings(*row).iter().flatten();
            ways.any(|way| way.origin == Origin::Bgp)
        };
        let bgp = rows.iter().any(bgp);
        rows.iter()
            .map(|row| (*row, spread(self.readings(*row), bgp)))
            .collect()
    }

    /// One decision, where all worlds come to the same.
    fn agreed(&self, mut outcomes: impl Iterator<Item = Vec<usize>>) -> Decision {
        let first = outcomes.next().unwrap_or_default();
        let mut possible = first.clone();
        let mut same = true;
        for other in outcomes {
            same &= other == first || self.look_alike(&first, &other);
            possible.extend(other);
        }
        let clear = possible.iter().all(|row| self.is_clear(*row));
        if !(same && clear) {
            possible.sort_unstable();
            possible.dedup();
            return Decision::Unknown(possible);
        }
        match first.split_first() {
            None => Decision::NoRoute,
            Some((one, rest)) if rest.iter().all(|row| self.same_way(*one, *row)) => Decision::Winner(first),
            Some(_) => Decision::Tied(first),
        }
    }

    /// True where the answer can be told, if this row wins.
    fn is_clear(&self, row: usize) -> bool {
        self.undecided(row).is_none_or(|undecided| {
            let hidden = [
                Doubt::Prefix,
                Doubt::NextHopType,
                Doubt::NextHopAddresses,
                Doubt::Source,
            ];
            !hidden.iter().any(|doubt| undecided.doubts(*doubt))
        })
    }

    /// True where both lists of winners give the same answer.
    fn look_alike(&self, one: &[usize], other: &[usize]) -> bool {
        let within = |these: &[usize], those: &[usize]| {
            let has = |row: &usize| those.iter().any(|there| self.same_face(*row, *there));
            these.iter().all(has)
        };
        within(one, other) && within(other, one)
    }

    fn same_face(&self, one: usize, other: usize) -> bool {
        let source = |row| self.properties(row).map(|properties| &properties.source);
        self.prefix(one) == self.prefix(other) && source(one) == source(other) && self.same_way(one, other)
    }

    /// True where packets go the same way by both.
    pub(super) fn same_way(&self, one: usize, other: usize) -> bool {
        match (self.properties(one), self.properties(other)) {
            (Some(one), Some(other)) => one.same_way(other),
            _ => false,
        }
    }

    /// Why each of the rows that could be used loses to those that win.
    pub(super) fn losses(&self, rows: &[usize], winners: &[usize]) -> Vec<(usize, Loss)> {
        let way = |row: &usize| {
            self.readings(*row)
                .iter()
                .flatten()
                .next()
                .map(|way| (*row, *way))
        };
        let all: Vec<(usize, Reading)> = rows.iter().filter_map(way).collect();
        let field = Field::of(all.iter().map(|(_, way)| way));
        let best = all
            .iter()
            .find(|(row, _)| winners.contains(row))
            .map(|(_, way)| *way);
        let lost = all.iter().filter(|(row, _)| !winners.contains(row));
        let mut losses: Vec<(usize, Loss)> = lost.map(|(row, way)| (*row, loss(way, best, field))).collect();
        losses.sort_by_key(|(row, loss)| (Reverse(self.prefix(*row).map(Net::length)), *loss, *row));
        losses
    }
}

/// The ways to read a row, with those spread out that Microsoft's pages leave open.
type Ways = SmallVec<[Option<Reading>; 4]>;
/// The ways to read each of some rows.
type AllWays = SmallVec<[(usize, Ways); 8]>;

fn spread(readings: &[Option<Reading>], bgp: bool) -> Ways {
    let mut all = Ways::new();
    for reading in readings {
        match reading {
            Some(open) if open.over_bgp.is_none() && bgp => {
                for over_bgp in [Some(true), Some(false)] {
                    all.push(Some(Reading { over_bgp, ..*open }));
                }
            }
            other => all.push(*other),
        }
    }
    all
}

/// How many worlds there are; `None` where they are too many to try.
fn worlds(ways: &AllWays) -> Option<usize> {
    let count = |worlds: usize, all: &Ways| worlds.saturating_mul(all.len().max(1));
    let worlds = ways.iter().fold(1, |worlds, (_, all)| count(worlds, all));
    Some(worlds).filter(|worlds| *worlds <= MOST_WORLDS)
}

/// The rows that win in one world: a number that says for each row which of its ways holds.
fn settle(world: usize, ways: &AllWays) -> Vec<usize> {
    let mut rest = world;
    let mut there: SmallVec<[(usize, Reading); 8]> = SmallVec::new();
    for (row, all) in ways {
        let count = all.len().max(1);
        let way = all.get(rest % count).copied().flatten();
        rest /= count;
        there.extend(way.map(|way| (*row, way)));
    }
    winners(&there)
}

/// The rows of the best place, in the order of the table.
fn winners(there: &[(usize, Reading)]) -> Vec<usize> {
    let field = Field::of(there.iter().map(|(_, way)| way));
    let stays = || there.iter().filter(|(_, way)| field.takes_out(way).is_none());
    let best = stays().map(|(_, way)| way.place()).min();
    let mut rows: Vec<usize> = stays()
        .filter(|(_, way)| Some(way.place()) == best)
        .map(|(row, _)| *row)
        .collect();
    rows.sort_unstable();
    rows
}

fn loss(way: &Reading, best: Option<Reading>, field: Field) -> Loss {
    if let Some(out) = field.takes_out(way) {
        return out;
    }
    match best {
        Some(best) if best.length == way.length && best.origin == way.origin => Loss::ServiceTag,
        Some(best) if best.length == way.length => Loss::Source,
        _ => Loss::ShorterPrefix,
    }
}

/// The one way to read a route that is understood; none where it is not used.
fn certain(route: &Route) -> SmallVec<[Option<Reading>; 2]> {
    let origin = route.origin().filter(|_| route.is_active());
    let reading = |origin| {
        Reading::of(
            Some(route.prefix),
            &route.properties,
            route.tag.as_deref(),
            origin,
        )
    };
    origin.map(|origin| Some(reading(origin))).into_iter().collect()
}

/// Every way to read what is not understood; `None`: it is not used, or leads elsewhere.
fn every_way(undecided: &Undecided) -> SmallVec<[Option<Reading>; 2]> {
    let mut ways = SmallVec::new();
    if undecided.is_out() {
        return ways;
    }
    if undecided.doubts(Doubt::Prefix) || undecided.doubts(Doubt::State) {
        ways.push(None);
    }
    let properties = &undecided.properties;
    let known = Origin::of(&properties.source).filter(|_| !undecided.doubts(Doubt::Source));
    for origin in Origin::ALL {
        if known.is_some_and(|known| known != origin) {
            continue;
        }
        let plain = Reading::of(undecided.prefix, properties, undecided.tag.as_deref(), origin);
        let mut kinds: SmallVec<[Reading; 4]> = SmallVec::from_slice(&[plain]);
        if undecided.doubts(Doubt::NextHopType) && origin == Origin::System {
            let over_bgp = Some(true);
            kinds = SmallVec::from_slice(&[
                Reading {
                    over_bgp: Some(false),
                    ..plain
                },
                Reading { over_bgp, ..plain },
                Reading {
                    over_bgp,
                    endpoint: true,
                    ..plain
                },
            ]);
        }
        for kind in kinds {
            ways.push(Some(kind));
            if undecided.doubts(Doubt::BgpOverride) && origin != Origin::Bgp {
                ways.push(Some(Reading {
                    overrides: true,
                    ..kind
                }));
            }
        }
    }
    ways
}
