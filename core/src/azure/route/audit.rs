//! What is notable about a table as a whole.
//!
//! The address space is cut at the bounds of all prefixes; within a piece every address has the same answer. So what is said
//! of a route ("never used", "would be used if it were Active") holds for every address, not for samples.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::lookup::{Answer, answer, would_change};
use super::select::{Decision, Rows};
use super::shown::{Missing, Shown};
use super::space::{Span, walk};
use super::table::{Route, Table};
use super::word::{Hop, Origin};
use crate::azure::net::Net;
use crate::section::Warning;

mod findings;

pub(super) use findings::named;
pub use findings::{Finding, Severity};

/// The schema of [`Audit`].
pub const SCHEMA: &str = "netghost.route-audit/v1";

/// What is notable about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// How much there is of what.
    pub counts: Counts,
    /// Active routes that drop packets.
    pub blackholes: Blackholes,
    /// Active routes to machines that forward.
    pub nva: Vec<Shown>,
    /// Active routes that gateways gave.
    pub bgp: Vec<Shown>,
    /// The default route of each family.
    pub defaults: Vec<Default>,
    /// Addresses for which no rule decides.
    pub ties: Vec<Tie>,
    /// Active routes that no address takes.
    pub never_used: Vec<NeverUsed>,
    /// Routes that Azure doesn't use.
    pub invalid: Vec<Invalid>,
    /// What a person should know, the gravest first.
    pub findings: Vec<Finding>,
    /// What is not understood.
    pub missing: Vec<Missing>,
    /// What was noticed while reading.
    pub warnings: Vec<Warning>,
}

/// How much there is of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Entries of the body.
    pub entries: usize,
    /// Routes: prefixes of entries, without what is not understood.
    pub routes: usize,
    /// Those that take part in selection.
    pub active: usize,
    /// Those that Azure doesn't use.
    pub invalid: usize,
    /// Active ones that people made.
    pub user: usize,
    /// Active ones of gateways.
    pub bgp: usize,
    /// Active ones of the platform.
    pub system: usize,
    /// Active ones of IPv4.
    pub ipv4: usize,
    /// Active ones of IPv6.
    pub ipv6: usize,
    /// Prefixes and entries that are not understood.
    pub undecided: usize,
}

/// Active routes that drop packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blackholes {
    /// Made by people, or given by a gateway.
    pub user: Vec<Shown>,
    /// Made by the platform, which drops what goes to private ranges that nothing uses.
    pub system: Vec<Shown>,
}

/// The default route of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Default {
    /// `0.0.0.0/0` or `::/0`.
    pub prefix: Net,
    /// Whether one is used; `no_route` where there is none.
    pub result: Answer,
    /// The one that is used.
    pub winner: Option<Shown>,
    /// All that are active, or could be.
    pub routes: Vec<Shown>,
}

/// Addresses for which no rule decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tie {
    /// The addresses.
    pub prefixes: Vec<Net>,
    /// The routes between which no rule decides.
    pub routes: Vec<Shown>,
    /// True where their next hops are of one kind, so that they may share the flows.
    pub same_kind: bool,
}

/// An active route that no address takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeverUsed {
    /// The route.
    #[serde(flatten)]
    pub route: Shown,
    /// The routes that are used in its place.
    pub instead: Vec<Shown>,
}

/// A route that Azure doesn't use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// The route.
    #[serde(flatten)]
    pub route: Shown,
    /// Where it would be used if it were Active; empty where other routes come first everywhere.
    pub would_be_used: Vec<Net>,
}

/// Judges a table.
pub fn audit(table: &Table) -> Audit {
    let rows = Rows::of(table);
    let seen = Seen::of(&rows);
    let active = || table.routes.iter().filter(|route| route.is_active());
    let shown = |wanted: &dyn Fn(&Route) -> bool| -> Vec<Shown> {
        active().filter(|route| wanted(route)).map(Shown::from).collect()
    };
    let drops = |route: &Route| route.hop() == Hop::Nowhere;
    let system = |route: &Route| route.origin() == Some(Origin::System);
    let mut found = Audit {
        schema: SCHEMA,
        counts: counts(table),
        blackholes: Blackholes {
            user: shown(&|route| drops(route) && !system(route)),
            system: shown(&|route| drops(route) && system(route)),
        },
        nva: shown(&|route| route.hop() == Hop::Appliance),
        bgp: shown(&|route| route.origin() == Some(Origin::Bgp)),
        defaults: [Net::ALL_IPV4, Net::ALL_IPV6]
            .map(|prefix| default(&rows, prefix))
            .into(),
        ties: seen.ties(&rows),
        never_used: seen.never_used(&rows),
        invalid: seen.invalid(&rows),
        findings: Vec::new(),
        missing: table.missing(None),
        warnings: table.warnings.clone(),
    };
    found.findings = findings::of(&found);
    found
}

fn counts(table: &Table) -> Counts {
    let active = |wanted: &dyn Fn(&Route) -> bool| {
        let active = table.routes.iter().filter(|route| route.is_active());
        active.filter(|route| wanted(route)).count()
    };
    let of = |origin| active(&|route| route.origin() == Some(origin));
    Counts {
        entries: table.entries,
        routes: table.routes.len(),
        active: active(&|_| true),
        invalid: table.routes.len() - active(&|_| true),
        user: of(Origin::User),
        bgp: of(Origin::Bgp),
        system: of(Origin::System),
        ipv4: active(&|route| route.prefix.is_ipv4()),
        ipv6: active(&|route| !route.prefix.is_ipv4()),
        undecided: table.undecided.len(),
    }
}

fn default(rows: &Rows<'_>, prefix: Net) -> Default {
    let usable = rows.usable();
    let all: Vec<usize> = usable
        .filter(|(_, there)| there.is_none_or(|there| there == prefix))
        .map(|(row, _)| row)
        .collect();
    let decision = rows.decide(&all);
    let winner = match &decision {
        Decision::Winner(winners) => winners.first().and_then(|row| Shown::row(rows, *row)),
        _ => None,
    };
    let known: Vec<usize> = all
        .into_iter()
        .filter(|row| rows.prefix(*row).is_some())
        .collect();
    Default {
        prefix,
        result: answer(&decision),
        winner,
        routes: Shown::rows(rows, &known),
    }
}

/// What a walk over all addresses showed.
#[derive(Debug, Default)]
struct Seen {
    /// Rows that are used somewhere, or could be.
    used: BTreeSet<usize>,
    /// For a row that contains addresses: what is used there in its place.
    instead: BTreeMap<usize, BTreeSet<usize>>,
    /// Where no rule decides between these.
    ties: BTreeMap<Vec<usize>, Vec<Span>>,
    /// Where a row that is not used would be.
    would: BTreeMap<usize, Vec<Span>>,
}

impl Seen {
    fn of(rows: &Rows<'_>) -> Self {
        let (usable, anywhere) = split(rows.usable());
        let (unused, _) = split(rows.unused());
        let mut seen = Self::default();
        walk([&usable, &unused], |span, [usable, unused]| {
            let all: Vec<usize> = usable.iter().chain(&anywhere).copied().collect();
            let decision = rows.decide(&all);
            seen.used.extend(decision.rows());
            for row in usable {
                seen.instead.entry(*row).or_default().extend(decision.rows());
            }
            if let Decision::Tied(tied) = &decision {
                join(seen.ties.entry(tied.clone()).or_default(), span);
            }
            for row in unused {
                if would_change(rows, &all, &decision, *row) {
                    join(seen.would.entry(*row).or_default(), span);
                }
            }
        });
        seen
    }

    fn ties(&self, rows: &Rows<'_>) -> Vec<Tie> {
        let tie = |(tied, spans): (&Vec<usize>, &Vec<Span>)| {
            let routes = Shown::rows(rows, tied);
            let kind = |route: &Shown| route.next_hop_type.clone();
            Tie {
                prefixes: prefixes(spans),
                same_kind: routes
                    .windows(2)
                    .all(|pair| pair.first().map(kind) == pair.last().map(kind)),
                routes,
            }
        };
        self.ties.iter().map(tie).collect()
    }

    fn never_used(&self, rows: &Rows<'_>) -> Vec<NeverUsed> {
        let idle = self.instead.iter().filter(|(row, _)| !self.used.contains(row));
        idle.filter_map(|(row, instead)| {
            let instead: Vec<usize> = instead.iter().copied().collect();
            Some(NeverUsed {
                route: Shown::from(rows.route(*row)?),
                instead: Shown::rows(rows, &instead),
            })
        })
        .collect()
    }

    fn invalid(&self, rows: &Rows<'_>) -> Vec<Invalid> {
        let invalid = rows.unused().filter_map(|(row, _)| {
            Some(Invalid {
                route: Shown::from(rows.route(row)?),
                would_be_used: self
                    .would
                    .get(&row)
                    .map(|spans| prefixes(spans))
                    .unwrap_or_default(),
            })
        });
        invalid.collect()
    }
}

/// Rows with their prefixes, and those that could lead anywhere.
pub(super) fn split(rows: impl Iterator<Item = (usize, Option<Net>)>) -> (Vec<(Net, usize)>, Vec<usize>) {
    let mut placed = Vec::new();
    let mut anywhere = Vec::new();
    for (row, prefix) in rows {
        match prefix {
            Some(prefix) => placed.push((prefix, row)),
            None => anywhere.push(row),
        }
    }
    (placed, anywhere)
}

/// Adds a piece, as one with the last where it goes on from there.
pub(super) fn join(spans: &mut Vec<Span>, span: Span) {
    match spans.last_mut() {
        Some(last) if last.meets(span) => last.last = span.last,
        _ => spans.push(span),
    }
}

/// The fewest prefixes that hold exactly these addresses.
pub(super) fn prefixes(spans: &[Span]) -> Vec<Net> {
    spans.iter().flat_map(|span| span.prefixes()).collect()
}
