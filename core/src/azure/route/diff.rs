//! What differs between two tables of one network interface, and what that does to addresses.
//!
//! A route is one prefix with its maker and all that is said of it. How prefixes are grouped into entries, the order of lists
//! and the letter case of words are no difference, and what stands there twice is there once.

use serde::Serialize;

use super::shown::Shown;
use super::table::Table;
pub use crate::diff::Significance;
use crate::diff::{Digests, Side, Verdict};
use crate::section::Warning;

mod changes;
mod effects;
mod explain;
pub(super) mod rows;

pub use effects::{Effect, Way};
pub use explain::{Evidence, Explanation, explain};

/// The schema of [`Difference`].
pub const SCHEMA: &str = "netghost.route-diff/v1";

/// The section that the routes of a network interface make.
pub const SECTION: &str = "effective-routes";

/// What differs between two tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The answer: `drift` if something is known to differ, else `unknown` if anything is not understood, else `no_drift`.
    pub verdict: Verdict,
    /// The answer as a truth value; `None` is "unknown", never "no".
    pub drift_detected: Option<bool>,
    /// What is known to differ, by prefix.
    pub changes: Vec<Change>,
    /// Addresses that take another route than before.
    pub effects: Vec<Effect>,
    /// True where `effects` holds all of them: the routes of all addresses that a change could touch are known on both sides.
    pub effects_complete: bool,
    /// What this says nothing about.
    pub not_covered: Vec<NotCovered>,
    /// Digests over the routes of each side; `None` where a side is not understood whole.
    pub digests: Digests,
    /// What was noticed while reading.
    pub warnings: Vec<SideWarning>,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// [`SECTION`].
    pub section: &'static str,
    /// What happened.
    pub kind: Kind,
    /// Which route: `10.0.0.0/8 User to-firewall`.
    pub path: String,
    /// What was there.
    pub before: Option<Shown>,
    /// What is there now.
    pub after: Option<Shown>,
    /// The fields in which the two differ.
    pub fields: Vec<&'static str>,
    /// How much it matters, by what it does to addresses: none takes another route; another route to the same next hop; another
    /// next hop; what went somewhere is dropped, or it can't be told any more where it goes.
    pub significance: Significance,
    /// What it does to addresses.
    pub effect: Option<String>,
    /// Which of [`Difference::effects`] it has, by their places.
    #[serde(skip)]
    pub effects: Vec<usize>,
    /// The places of the two routes in their tables.
    #[serde(skip)]
    pub(crate) places: [Option<usize>; 2],
}

/// What happened to a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is new.
    RouteAdded,
    /// It is gone.
    RouteRemoved,
    /// It is another than it was.
    RouteModified,
}

impl Kind {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RouteAdded => "route_added",
            Self::RouteRemoved => "route_removed",
            Self::RouteModified => "route_modified",
        }
    }
}

/// Something that a comparison says nothing about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotCovered {
    /// [`SECTION`].
    pub section: &'static str,
    /// The prefix, where it is known.
    pub path: Option<String>,
    /// The side that is not understood.
    pub side: SideName,
    /// Its entry's place in the body, from 0.
    pub entry: Option<usize>,
    /// Why.
    pub why: String,
    /// True: the whole table is always asked for.
    pub requested: bool,
}

/// A side, in the order of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideName {
    /// What it is compared with.
    Baseline,
    /// What is there now.
    Current,
}

impl SideName {
    /// The other one.
    fn other(self) -> Self {
        match self {
            Self::Baseline => Self::Current,
            Self::Current => Self::Baseline,
        }
    }
}

impl From<SideName> for Side {
    fn from(side: SideName) -> Self {
        match side {
            SideName::Baseline => Self::Baseline,
            SideName::Current => Self::Current,
        }
    }
}

impl std::fmt::Display for SideName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Side::from(*self).fmt(f)
    }
}

/// What was noticed while reading a side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideWarning {
    /// The side.
    pub side: SideName,
    /// What was noticed.
    #[serde(flatten)]
    pub warning: Warning,
}

/// Compares two tables, with the digests of both.
pub fn diff(before: &Table, after: &Table) -> Difference {
    Difference {
        digests: Digests {
            baseline: rows::digest(before),
            current: rows::digest(after),
        },
        ..compare(before, after)
    }
}

/// Compares two tables; the digests, which take longer than the rest, are left out.
pub fn compare(before: &Table, after: &Table) -> Difference {
    let sides = [(SideName::Baseline, before), (SideName::Current, after)];
    let mut not_covered: Vec<NotCovered> = sides
        .into_iter()
        .flat_map(|(side, table)| gaps(side, table))
        .collect();
    let mut changes = changes::of(before, after, &mut not_covered);
    not_covered.sort();
    not_covered.dedup();
    let (effects, complete) = effects::of(before, after, &changes);
    effects::rate(&mut changes, &effects, complete);
    let verdict = if !changes.is_empty() {
        Verdict::Drift
    } else if not_covered.is_empty() {
        Verdict::NoDrift
    } else {
        Verdict::Unknown
    };
    Difference {
        schema: SCHEMA,
        verdict,
        drift_detected: match verdict {
            Verdict::Drift => Some(true),
            Verdict::NoDrift => Some(false),
            Verdict::Unknown => None,
        },
        changes,
        effects,
        effects_complete: complete,
        not_covered,
        digests: Digests::default(),
        warnings: sides
            .into_iter()
            .flat_map(|(side, table)| warnings(side, table))
            .collect(),
    }
}

fn gaps(side: SideName, table: &Table) -> impl Iterator<Item = NotCovered> + '_ {
    table.missing(None).into_iter().map(move |missing| NotCovered {
        section: SECTION,
        path: missing.prefix.map(|prefix| prefix.to_string()),
        side,
        entry: missing.entry,
        why: missing.why,
        requested: true,
    })
}

fn warnings(side: SideName, table: &Table) -> impl Iterator<Item = SideWarning> + '_ {
    table.warnings.iter().map(move |warning| SideWarning {
        side,
        warning: warning.clone(),
    })
}
