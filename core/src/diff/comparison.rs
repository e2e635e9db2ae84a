//! The result of a comparison, as it stands in JSON.

use serde::Serialize;

use super::side::Value;
use super::{Kind, Mute, Muted, mute};
use crate::artifact::json::{self, Digest};
use crate::artifact::manifest;
use crate::bytes::Text;
use crate::netfilter::model::ChainId;
use crate::section::{Reader, SectionName};
use crate::snapshot::Snapshot;

/// The schema of [`Comparison`].
pub const SCHEMA: &str = "netghost.diff/v1";

/// What differs between a baseline and a current snapshot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The answer.
    pub verdict: Verdict,
    /// The answer as a truth value; `None` is "unknown", never "no".
    pub drift_detected: Option<bool>,
    /// What is known to differ, in the order of sections, then places.
    pub changes: Vec<Change>,
    /// What this comparison says nothing about.
    pub not_covered: Vec<NotCovered>,
    /// Sections that were known whole on both sides.
    pub covered: Vec<CoveredSection>,
    /// Digests over the configuration of all covered sections.
    pub digests: Digests,
    /// Changes that a pattern set apart.
    pub muted: Vec<Muted>,
    /// What the readers noticed on either side.
    pub warnings: Vec<SideWarning>,
}

/// The answer of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything requested is known on both sides and equal.
    NoDrift,
    /// Something is known to differ.
    Drift,
    /// Nothing is known to differ, and not everything requested is known.
    Unknown,
}

impl Verdict {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoDrift => "no_drift",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The section it is in.
    pub section: SectionName,
    /// What happened.
    pub kind: Kind,
    /// Where, for people: `ip/filter/INPUT/rule[3]`, positions from 1; after the change, before it for what is gone.
    pub path: String,
    /// What was there.
    pub before: Option<Value>,
    /// What is there now.
    pub after: Option<Value>,
    /// How much it matters.
    pub significance: Significance,
    /// What it does to packets, once that is worked out.
    pub effect: Option<String>,
    /// The chain it is in, exactly.
    pub chain: Option<ChainId>,
    /// The program that makes chains or tables of this name.
    pub maker: Option<&'static str>,
    /// The other network namespace that it is in; not there for the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// How much a change matters. It follows from the effect on packets and is never guessed from a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Significance {
    /// The effect was not worked out, or not all of it is known.
    Unrated,
    /// No packet fares otherwise.
    Info,
    /// Packets take another way to the same end.
    Low,
    /// Packets go elsewhere, or some come through that did not.
    Medium,
    /// What came through is stopped, or anybody on the Internet comes through who did not, or it can't be told any more where
    /// packets go.
    High,
}

impl Significance {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unrated => "unrated",
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something that a comparison says nothing about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotCovered {
    /// The section, or the one that would hold the mechanism.
    pub section: Option<SectionName>,
    /// The mechanism of the fixed coverage list.
    pub mechanism: Option<String>,
    /// The part of the section: `inet/filter/input`. `None`: all of it.
    pub path: Option<String>,
    /// The host or file.
    pub target: Text,
    /// Why, naming the side.
    pub why: String,
    /// Whether it was asked for; if so, the verdict can't be `no_drift`.
    pub requested: bool,
    /// The other network namespace that it is of; not there for the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// A section that was known whole on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoveredSection {
    /// The section.
    pub section: SectionName,
    /// How the current side was read.
    pub reader: Reader,
    /// How the baseline was read.
    pub baseline_reader: Reader,
    /// The digest of the baseline's configuration; that of an empty one where the mechanism is proven not to be there, and
    /// `None` where it is there on neither side.
    pub baseline_config_digest: Option<Digest>,
    /// The digest of the current configuration, likewise.
    pub current_config_digest: Option<Digest>,
    /// The other network namespace that it is of; not there for the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// Digests over the configuration of all covered sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Digests {
    /// The baseline's.
    pub baseline: Option<Digest>,
    /// The current side's.
    pub current: Option<Digest>,
}

/// A side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What it is compared with.
    Baseline,
    /// What is there now.
    Current,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Current => "current",
        })
    }
}

/// What a reader noticed on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideWarning {
    /// The side.
    pub side: Side,
    /// The section.
    pub section: SectionName,
    /// A fixed word, such as `EMPTY_INPUT`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The other network namespace that it is of; not there for the host's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

impl Change {
    /// A change whose two sides are not filled in yet.
    pub(super) fn new(section: SectionName, kind: Kind, path: String) -> Self {
        Self {
            section,
            kind,
            path,
            before: None,
            after: None,
            significance: Significance::Unrated,
            effect: None,
            chain: None,
            maker: None,
            namespace: None,
        }
    }

    pub(super) fn before(self, value: impl Into<Option<Value>>) -> Self {
        Self {
            before: value.into(),
            ..self
        }
    }

    pub(super) fn after(self, value: impl Into<Option<Value>>) -> Self {
        Self {
            after: value.into(),
            ..self
        }
    }
}

impl Comparison {
    /// A comparison of nothing yet, with the warnings of both sides.
    pub(super) fn blank(before: &Snapshot, after: &Snapshot) -> Self {
        let warnings = [(Side::Baseline, before), (Side::Current, after)]
            .into_iter()
            .flat_map(|(side, snapshot)| warnings(side, snapshot))
            .collect();
        Self {
            warnings,
            ..Self::empty()
        }
    }

    /// A comparison of nothing.
    pub(super) fn empty() -> Self {
        Self {
            schema: SCHEMA,
            verdict: Verdict::Unknown,
            drift_detected: None,
            changes: Vec::new(),
            not_covered: Vec::new(),
            covered: Vec::new(),
            digests: Digests::default(),
            muted: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Says of everything that was compared which namespace it is of.
    pub(super) fn set_namespace(&mut self, name: &Text) {
        let changes = self.changes.iter_mut().map(|row| &mut row.namespace);
        let not_covered = self.not_covered.iter_mut().map(|row| &mut row.namespace);
        let covered = self.covered.iter_mut().map(|row| &mut row.namespace);
        for namespace in changes.chain(not_covered).chain(covered) {
            *namespace = Some(name.clone());
        }
    }

    /// Sets changes apart that a pattern names.
    pub(super) fn mute(&mut self, mutes: &[Mute]) {
        let (kept, muted) = mute::split(std::mem::take(&mut self.changes), mutes);
        self.changes = kept;
        self.muted = muted;
    }

    /// One digest a side over all covered sections, so that two results can be told apart at a glance.
    pub(super) fn set_digests(&mut self) {
        let all = |pick: fn(&CoveredSection) -> Option<Digest>| {
            let row = |row| Row::of(row, pick(row));
            let rows: Vec<_> = self.covered.iter().map(row).collect();
            (!rows.is_empty()).then(|| json::digest(&rows).ok()).flatten()
        };
        self.digests = Digests {
            baseline: all(|row| row.baseline_config_digest),
            current: all(|row| row.current_config_digest),
        };
    }

    /// `drift` if something is known to differ, else `unknown` if anything requested is not known, else `no_drift`.
    pub(super) fn judge(&mut self, requested: &[SectionName]) {
        let gaps = self.not_covered.iter().any(|row| row.requested);
        let own = self.covered.iter().filter(|row| row.namespace.is_none()).count();
        self.verdict = if !self.changes.is_empty() {
            Verdict::Drift
        } else if gaps || requested.is_empty() || own != requested.len() {
            Verdict::Unknown
        } else {
            Verdict::NoDrift
        };
        self.drift_detected = match self.verdict {
            Verdict::Drift => Some(true),
            Verdict::NoDrift => Some(false),
            Verdict::Unknown => None,
        };
    }
}

fn warnings(side: Side, snapshot: &Snapshot) -> impl Iterator<Item = SideWarning> + '_ {
    manifest::all(snapshot).flat_map(move |(namespace, section)| {
        section.warnings.iter().map(move |warning| SideWarning {
            side,
            section: section.name,
            code: warning.code.clone(),
            message: warning.message.clone(),
            namespace: namespace.cloned(),
        })
    })
}

/// What the digest of a side is over.
#[derive(Serialize)]
#[serde(untagged)]
enum Row<'a> {
    Own(SectionName, Option<Digest>),
    Other(&'a Text, SectionName, Option<Digest>),
}

impl<'a> Row<'a> {
    fn of(row: &'a CoveredSection, digest: Option<Digest>) -> Self {
        match &row.namespace {
            None => Self::Own(row.section, digest),
            Some(namespace) => Self::Other(namespace, row.section, digest),
        }
    }
}
