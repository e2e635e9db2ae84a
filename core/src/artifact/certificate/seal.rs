//! The seal: who gave a name to which files, and when.

use serde::{Deserialize, Serialize};

use crate::artifact::name::Name;
use crate::bytes::{Big, Text};

/// The predicate of a seal. Which files it is about stands in the subjects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The name they are sealed under.
    pub name: Name,
    /// What was sealed.
    pub kind: SealKind,
    /// When, microseconds since 1970 UTC by the signer's clock.
    pub sealed_at_us: Big,
    /// Who asked for it.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they wrote about it.
    pub note: Option<Text>,
    /// The program that signed, and its version.
    pub tool: String,
}

/// What a seal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SealKind {
    /// The manifest of a baseline, and by its digests the objects it names.
    Baseline,
    /// Files as they are.
    Files,
}
