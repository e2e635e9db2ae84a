//! The result of a comparison as a certificate states it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::artifact::json::Digest;
use crate::bytes::{Big, Text};
use crate::fleet::Id;
use crate::job::Way;
use crate::section::{Reader, SectionName};
use crate::window::Window;

/// Whether what was compared is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// Everything requested was read on both sides and is equal.
    NoDrift,
    /// Something is known to differ.
    Drift,
    /// Nothing is known to differ, but not everything requested is known.
    Unknown,
}

impl std::fmt::Display for DriftVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoDrift => "no_drift",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
        })
    }
}

/// A section that was read on both sides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CoveredSection {
    /// Of which target.
    pub target: Text,
    /// Which section.
    pub section: SectionName,
    /// How it was read.
    pub reader: Reader,
    /// The configuration's digest in the baseline; `null` where the mechanism is proven absent.
    pub baseline_config_digest: Option<Digest>,
    /// The configuration's digest now; `null` where the mechanism is proven absent.
    pub current_config_digest: Option<Digest>,
    /// Of which other network namespace of the target; not there for the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    /// By which way it was read now; not there in certificates of before it was written down, and over snapshots from files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
}

/// Something that the comparison says nothing about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotCovered {
    /// Of which target.
    pub target: Text,
    /// The section, or the mechanism of the coverage list where no section reads it.
    pub section: String,
    /// Why it was not compared.
    pub why: String,
    /// True if it was asked for; then the verdict can't be `no_drift`.
    pub requested: bool,
    /// Of which other network namespace of the target; not there for the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// One difference, named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShortChange {
    /// On which target.
    pub target: Text,
    /// In which section.
    pub section: SectionName,
    /// What kind of change: `rule_added`, `policy_changed` ….
    pub kind: String,
    /// Where.
    pub path: String,
    /// Of which other network namespace of the target; not there for the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// The differences that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How many.
    pub count: u32,
    /// The digest of the whole list's canonical JSON, as the comparison's own document holds it.
    pub digest: Digest,
    /// The list, named only; cut where it is long, never longer than `count`.
    pub list: Vec<ShortChange>,
}

/// Differences that were left out of the verdict on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Muted {
    /// Who makes them: `docker`, `kube-proxy` ….
    pub maker: String,
    /// On which target.
    pub target: Text,
    /// In which section.
    pub section: SectionName,
    /// How many.
    pub count: u32,
    /// Of which other network namespace of the target; not there for the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
}

/// The answer of a job over a fleet that a certificate is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The job.
    pub job: Id,
    /// The digest of its document's canonical JSON without the field `certificate`, which is made later.
    pub document: Digest,
}

/// What a comparison found: everything a certificate states but the verdict, which follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What was compared. The same target and section stand in it once.
    pub covered: Vec<CoveredSection>,
    /// What was not.
    pub not_covered: Vec<NotCovered>,
    /// The differences.
    pub changes: Changes,
    /// What was left out.
    pub muted: Vec<Muted>,
    /// When the baseline was taken, microseconds since 1970 UTC by its target's clock.
    pub baseline_at_us: u64,
    /// When the current side was taken, likewise.
    pub current_at_us: u64,
    /// Who asked.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// The program that compared, and its version.
    pub tool: String,
}

/// The predicate of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Whether what was compared is the same; see [`verdict`].
    pub verdict: DriftVerdict,
    /// What was compared, sorted.
    pub covered: Vec<CoveredSection>,
    /// What was not, sorted.
    pub not_covered: Vec<NotCovered>,
    /// The differences.
    pub changes: Changes,
    /// What was left out of the verdict, sorted.
    pub muted: Vec<Muted>,
    /// When the baseline was taken, microseconds since 1970 UTC by its target's clock.
    pub baseline_at_us: Big,
    /// When the current side was taken, likewise.
    pub current_at_us: Big,
    /// Who asked.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// The program that compared, and its version.
    pub tool: String,
    /// The job's answer that this is over; not there where files were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The change window that this closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
}

impl Drift {
    /// The predicate for a comparison; its verdict is computed, never passed in.
    pub fn new(comparison: Comparison) -> Self {
        let Comparison {
            mut covered,
            mut not_covered,
            changes,
            mut muted,
            ..
        } = comparison;
        covered.sort();
        not_covered.sort();
        muted.sort();
        Self {
            verdict: verdict(&covered, &not_covered, changes.count, &muted),
            covered,
            not_covered,
            changes,
            muted,
            baseline_at_us: Big(comparison.baseline_at_us),
            current_at_us: Big(comparison.current_at_us),
            asked_by: comparison.asked_by,
            ticket: comparison.ticket,
            tool: comparison.tool,
            answer: None,
            window: None,
        }
    }

    /// The same, as the end of a change window.
    #[must_use]
    pub fn of_window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self.verdict = self.follows();
        self
    }

    /// The verdict that follows from what is listed: of a window, as [`Window::judge`] has it.
    pub fn follows(&self) -> DriftVerdict {
        let found = verdict(&self.covered, &self.not_covered, self.changes.count, &self.muted);
        match &self.window {
            Some(window) => window.judge(found).verdict,
            None => found,
        }
    }
}

/// The verdict: `drift` if something is known to differ, else `unknown` if something requested was not captured on both
/// sides or nothing was compared at all, else `no_drift`.
///
/// Digests that differ are a difference even where no change is listed, unless changes of that very section were muted.
pub fn verdict(
    covered: &[CoveredSection],
    not_covered: &[NotCovered],
    changes: u32,
    muted: &[Muted],
) -> DriftVerdict {
    let muted: BTreeSet<_> = muted
        .iter()
        .filter(|mute| mute.count > 0)
        .map(|mute| (&mute.target, mute.section, &mute.namespace))
        .collect();
    let differs = |row: &CoveredSection| {
        row.baseline_config_digest != row.current_config_digest
            && !muted.contains(&(&row.target, row.section, &row.namespace))
    };
    if changes > 0 || covered.iter().any(differs) {
        DriftVerdict::Drift
    } else if covered.is_empty() || not_covered.iter().any(|row| row.requested) {
        DriftVerdict::Unknown
    } else {
        DriftVerdict::NoDrift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(current: Option<&[u8]>) -> CoveredSection {
        CoveredSection {
            target: "vm".into(),
            section: SectionName::Tc,
            reader: Reader::Kernel,
            baseline_config_digest: Some(Digest::of(b"a")),
            current_config_digest: current.map(Digest::of),
            namespace: None,
            way: None,
        }
    }

    fn gap(requested: bool) -> NotCovered {
        NotCovered {
            target: "vm".into(),
            section: "xdp".into(),
            why: "no reader".into(),
            requested,
            namespace: None,
        }
    }

    fn mute(section: SectionName, count: u32) -> Muted {
        Muted {
            maker: "docker".into(),
            target: "vm".into(),
            section,
            count,
            namespace: None,
        }
    }

    #[test]
    fn nothing_compared_is_unknown() {
        assert_eq!(verdict(&[], &[], 0, &[]), DriftVerdict::Unknown);
        assert_eq!(verdict(&[], &[gap(false)], 0, &[]), DriftVerdict::Unknown);
    }

    #[test]
    fn equal_is_no_drift_only_when_everything_requested_is_known() {
        let same = [row(Some(b"a"))];
        assert_eq!(verdict(&same, &[], 0, &[]), DriftVerdict::NoDrift);
        assert_eq!(verdict(&same, &[gap(false)], 0, &[]), DriftVerdict::NoDrift);
        assert_eq!(verdict(&same, &[gap(true)], 0, &[]), DriftVerdict::Unknown);
    }

    #[test]
    fn a_known_difference_outweighs_what_is_unknown() {
        let (same, other) = ([row(Some(b"a"))], [row(Some(b"b"))]);
        assert_eq!(verdict(&same, &[gap(true)], 1, &[]), DriftVerdict::Drift);
        assert_eq!(verdict(&other, &[gap(true)], 0, &[]), DriftVerdict::Drift);
        assert_eq!(verdict(&[row(None)], &[], 0, &[]), DriftVerdict::Drift);
        assert_eq!(verdict(&[], &[], 1, &[]), DriftVerdict::Drift);
    }

    #[test]
    fn muting_reaches_only_the_section_that_was_muted() {
        let other = [row(Some(b"b"))];
        assert_eq!(
            verdict(&other, &[], 0, &[mute(SectionName::Tc, 2)]),
            DriftVerdict::NoDrift
        );
        assert_eq!(
            verdict(&other, &[], 0, &[mute(SectionName::Tc, 0)]),
            DriftVerdict::Drift
        );
        assert_eq!(
            verdict(&other, &[], 0, &[mute(SectionName::Routes, 2)]),
            DriftVerdict::Drift
        );
        assert_eq!(
            verdict(&other, &[], 1, &[mute(SectionName::Tc, 2)]),
            DriftVerdict::Drift
        );
    }
}
