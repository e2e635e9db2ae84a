//! The answer, as it stands in JSON.

use serde::Serialize;

use super::super::Kind;
use super::super::comparison::{Change, NotCovered};
use super::super::side::Value;
use crate::netfilter::model::{ChainId, Plane};
use crate::section::SectionName;

/// The schema of [`Persisted`].
pub const SCHEMA: &str = "netghost.persisted/v1";

/// What a reboot does to the rules that run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Persisted {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The answer.
    pub verdict: Answer,
    /// The answer as a truth value; `None` is "unknown".
    pub survives_reboot: Option<bool>,
    /// The services that load rules, as far as they are installed.
    pub services: Vec<ServiceRow>,
    /// What they load, and files that nothing loads.
    pub loads: Vec<LoadRow>,
    /// The planes that were compared, whole or but for what `not_covered` names.
    pub compared: Vec<SectionName>,
    /// What differs.
    pub findings: Vec<Finding>,
    /// What programs make again by themselves.
    pub muted: Vec<MutedMaker>,
    /// What can't be said.
    pub not_covered: Vec<NotCovered>,
}

/// The answer of [`super::persisted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The next boot loads what runs.
    Same,
    /// Something is lost, or comes back.
    Differs,
    /// Nothing is known to differ, and not everything is known.
    Unknown,
}

impl Answer {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Unknown => "unknown",
        }
    }
}

/// A service that loads rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceRow {
    /// Its unit.
    pub unit: &'static str,
    /// Whether it starts at the next boot; `None` is unknown.
    pub starts: Option<bool>,
    /// Why not, or why that is unknown.
    pub why: Option<String>,
    /// What it runs.
    pub runs: Vec<String>,
}

/// Something that is loaded, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadRow {
    /// The service; `None` where none loads it.
    pub unit: Option<&'static str>,
    /// Whether it is loaded at the next boot; `None` is unknown.
    pub loaded: Option<bool>,
    /// Why not, or why that is unknown.
    pub why: Option<String>,
    /// The files.
    pub files: Vec<String>,
    /// The plane, where it is known.
    pub plane: Option<Plane>,
    /// How the plane is known, or why it is not.
    pub plane_from: Option<String>,
}

/// What happens to something at the next boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AtReboot {
    /// It runs, and does not survive.
    Lost,
    /// It does not run, and comes back.
    ComesBack,
}

impl AtReboot {
    /// For people.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Lost => "runs but does not survive a reboot",
            Self::ComesBack => "comes back at the next reboot",
        }
    }
}

/// Something that differs between what runs and what the next boot loads.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// One of them, or both: what runs is lost, and something else comes back in its place.
    pub at_reboot: Vec<AtReboot>,
    /// The plane that it runs in, or comes back in.
    pub plane: Plane,
    /// The section of what runs.
    pub section: SectionName,
    /// What happened since the boot that the files would make.
    pub kind: Kind,
    /// Where: as in a [`Change`].
    pub path: String,
    /// What runs.
    pub running: Option<Value>,
    /// What the next boot loads.
    pub persisted: Option<Value>,
    /// The chain it is in.
    pub chain: Option<ChainId>,
    /// The program that makes chains or tables of this name.
    pub maker: Option<&'static str>,
}

/// What one program makes again by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MutedMaker {
    /// The program.
    pub maker: &'static str,
    /// How many findings.
    pub count: usize,
    /// They.
    pub findings: Vec<Finding>,
}

impl Persisted {
    /// Gives the answer that follows from what was found.
    pub(super) fn judge(&mut self) {
        self.not_covered.sort();
        self.not_covered.dedup();
        let known = !self.not_covered.iter().any(|row| row.requested);
        self.verdict = match (self.findings.is_empty(), known) {
            (false, _) => Answer::Differs,
            (true, false) => Answer::Unknown,
            (true, true) => Answer::Same,
        };
        self.survives_reboot = match self.verdict {
            Answer::Same => Some(true),
            Answer::Differs => Some(false),
            Answer::Unknown => None,
        };
    }
}

impl Finding {
    pub(super) fn of(plane: Plane, change: Change, maker: Option<&'static str>) -> Self {
        let lost = change.after.is_some() || change.before.is_none();
        let back = change.before.is_some() || change.after.is_none();
        let all = [(lost, AtReboot::Lost), (back, AtReboot::ComesBack)];
        Self {
            at_reboot: all
                .into_iter()
                .filter_map(|(is, what)| is.then_some(what))
                .collect(),
            plane,
            section: change.section,
            kind: change.kind,
            path: change.path,
            running: change.after,
            persisted: change.before,
            chain: change.chain,
            maker,
        }
    }

    /// A table that a program makes of its own configuration.
    pub(super) fn made(plane: Plane, section: SectionName, (path, maker): (String, &'static str)) -> Self {
        Self {
            at_reboot: vec![AtReboot::ComesBack],
            plane,
            section,
            kind: Kind::TableRemoved,
            path,
            running: None,
            persisted: None,
            chain: None,
            maker: Some(maker),
        }
    }
}
