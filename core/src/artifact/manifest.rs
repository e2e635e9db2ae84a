//! The manifest: the small document that says what a stored snapshot consists of.
//!
//! Everything large is an object, addressed by the digest of its bytes. The digest of the manifest's own bytes is the
//! snapshot's `artifact_digest`. A field that a later version adds must be left out of the bytes where it is empty, so that
//! older manifests keep their canonical form.

use serde::{Deserialize, Serialize};

use super::json::{CanonicalError, Digest};
use super::name::Name;
use crate::bytes::{Big, Text};
use crate::section::coverage::Covered;
use crate::section::{Gap, Reader, Section, SectionName, State, Warning};
use crate::snapshot::{Snapshot, Target};

mod load;
mod namespaces;
mod redecode;
mod store;

pub use load::{LoadError, ObjectError, load};
pub(crate) use load::{check_schema, whole};
pub use namespaces::{Namespace, Namespaces, Word as NamespaceWord};
pub use redecode::{Decoded, redecode};
pub(crate) use store::{Objects, all, entry};
pub use store::{StoreError, Stored, store};

/// The schema of a manifest.
pub const SCHEMA: &str = "netghost.manifest/v1";

/// What people said about a snapshot when it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    /// The name of the baseline.
    pub name: Option<Name>,
    /// Who asked for it.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they wrote about it.
    pub note: Option<Text>,
}

/// A stored snapshot without its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The name of the baseline.
    pub name: Option<Name>,
    /// What was read.
    pub target: Target,
    /// The program that read it, and its version.
    pub tool: String,
    /// When the read ended, microseconds since 1970 UTC by the target's clock.
    pub taken_at_us: Big,
    /// Who asked for it.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they wrote about it.
    pub note: Option<Text>,
    /// Sorted by name, each at most once; after the host's own those of its other namespaces, sorted by these.
    pub sections: Vec<Entry>,
    /// Every mechanism of the fixed list, and whether it was read.
    pub coverage: Vec<Covered>,
    /// The other network namespaces; not there where they were not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// A section without its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Which part.
    pub name: SectionName,
    /// Of which namespace; not there for the host's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    /// Whether it was read.
    pub state: StateWord,
    /// Why it is not captured; `null` exactly when it is.
    pub why: Option<String>,
    /// How it was read.
    pub reader: Reader,
    /// The version of the decoder that made the objects.
    pub decoder: u32,
    /// When the read ended, microseconds since 1970 UTC by the target's clock.
    pub taken_at_us: Big,
    /// The ruleset generation, where the source has one.
    pub generation: Option<u32>,
    /// Parts that could not be read.
    pub gaps: Vec<Gap>,
    /// What the reader noticed.
    pub warnings: Vec<Warning>,
    /// The configuration: what is compared. There is either this and `runtime_digest`, or neither.
    pub config_digest: Option<Digest>,
    /// What changes by itself.
    pub runtime_digest: Option<Digest>,
    /// What both were decoded from.
    pub raw_digest: Option<Digest>,
}

/// The word of a [`State`]; why stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// [`State::Captured`].
    Captured,
    /// [`State::NotApplicable`].
    NotApplicable,
    /// [`State::Unreadable`].
    Unreadable,
    /// [`State::Torn`].
    Torn,
}

impl From<&State> for StateWord {
    fn from(state: &State) -> Self {
        match state {
            State::Captured => Self::Captured,
            State::NotApplicable { .. } => Self::NotApplicable,
            State::Unreadable { .. } => Self::Unreadable,
            State::Torn { .. } => Self::Torn,
        }
    }
}

impl StateWord {
    /// The state, or nothing if a reason is missing or stands beside `captured`.
    fn with(self, why: Option<String>) -> Option<State> {
        match (self, why) {
            (Self::Captured, None) => Some(State::Captured),
            (Self::NotApplicable, Some(why)) => Some(State::NotApplicable { why }),
            (Self::Unreadable, Some(why)) => Some(State::Unreadable { why }),
            (Self::Torn, Some(why)) => Some(State::Torn { why }),
            _ => None,
        }
    }
}

/// What must hold of every section before anything is concluded from it; `None` if it does.
fn contradiction(section: &Section) -> Option<&'static str> {
    let captured = section.state == State::Captured;
    if captured && section.content.is_none() {
        Some("captured, but without content")
    } else if !section.gaps.is_empty() && section.state.is_known() {
        Some("known as a whole, but with gaps")
    } else if matches!(section.state, State::NotApplicable { .. }) && section.content.is_some() {
        Some("not applicable, but with content")
    } else {
        None
    }
}

/// The digest of everything a snapshot's sections configure, with the states of what was not read. Two hosts with one
/// configuration, read equally far, have one digest; it says nothing of times and counters, nor of any name but those of
/// namespaces.
pub fn snapshot_config_digest(snapshot: &Snapshot) -> Result<Digest, CanonicalError> {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Row<'a> {
        Section {
            name: SectionName,
            #[serde(skip_serializing_if = "Option::is_none")]
            namespace: Option<&'a Text>,
            state: StateWord,
            config_digest: Option<Digest>,
        },
        Namespace {
            namespace: &'a Text,
            state: &'static str,
        },
    }
    let mut rows = Vec::new();
    for (namespace, section) in all(snapshot) {
        let content = section.content.as_ref();
        rows.push(Row::Section {
            name: section.name,
            namespace,
            state: (&section.state).into(),
            config_digest: content.map(super::object::config_digest).transpose()?,
        });
    }
    let namespaces = snapshot.namespaces.iter().flat_map(|namespaces| &namespaces.all);
    rows.extend(namespaces.map(|namespace| Row::Namespace {
        namespace: &namespace.name,
        state: namespace.state.word(),
    }));
    super::json::digest(&rows)
}

#[cfg(test)]
mod tests;
