//! The other namespaces of a host as they stand in a manifest. Their sections stand in the one list of sections, each with the
//! name of its namespace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bytes::Text;
use crate::namespace::{self, Asked, NamespaceState};
use crate::section::Section;
use crate::section::coverage::Covered;

/// The other network namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespaces {
    /// Which were asked for: `all`, or those of some names.
    pub asked: Asked,
    /// Why there may be more than are listed; `null`: the list is whole.
    pub why: Option<String>,
    /// Sorted by name, each once.
    pub all: Vec<Namespace>,
}

/// A namespace without its sections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespace {
    /// By what it is matched between two snapshots.
    pub name: Text,
    /// Whether it was read.
    pub state: Word,
    /// Why it was not; `null` exactly when it was.
    pub why: Option<String>,
    /// Every mechanism of the fixed list that is apart in each namespace, and whether it was read here.
    pub coverage: Vec<Covered>,
}

/// The word of a [`NamespaceState`]; why stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// [`NamespaceState::Read`].
    Read,
    /// [`NamespaceState::Unread`].
    Unread,
    /// [`NamespaceState::Gone`].
    Gone,
}

impl Word {
    fn with(self, why: Option<String>) -> Option<NamespaceState> {
        match (self, why) {
            (Self::Read, None) => Some(NamespaceState::Read),
            (Self::Unread, Some(why)) => Some(NamespaceState::Unread { why }),
            (Self::Gone, Some(why)) => Some(NamespaceState::Gone { why }),
            _ => None,
        }
    }
}

impl From<&namespace::Namespaces> for Namespaces {
    fn from(namespaces: &namespace::Namespaces) -> Self {
        let one = |namespace: &namespace::Namespace| Namespace {
            name: namespace.name.clone(),
            state: match &namespace.state {
                NamespaceState::Read => Word::Read,
                NamespaceState::Unread { .. } => Word::Unread,
                NamespaceState::Gone { .. } => Word::Gone,
            },
            why: namespace.state.why().map(str::to_owned),
            coverage: namespace.coverage.clone(),
        };
        Self {
            asked: namespaces.asked.clone(),
            why: namespaces.why.clone(),
            all: namespaces.all.iter().map(one).collect(),
        }
    }
}

/// What of the namespaces contradicts itself; `None` if nothing does.
pub(super) fn contradiction(namespaces: &namespace::Namespaces) -> Option<&'static str> {
    let all = &namespaces.all;
    if !all.is_sorted_by(|one, other| one.name < other.name) {
        Some("not sorted by name, each once")
    } else if all
        .iter()
        .any(|namespace| !namespace.sections.is_empty() && namespace.state != NamespaceState::Read)
    {
        Some("not read, but with sections")
    } else if all.iter().any(|namespace| {
        let of_each = |section: &Section| section.name.is_of_namespace();
        !namespace.sections.iter().all(of_each)
    }) {
        Some("holding a section that only a host has")
    } else {
        None
    }
}

/// Each namespace with its sections.
pub(super) fn join(
    read: Option<Namespaces>,
    mut sections: BTreeMap<Text, Vec<Section>>,
) -> Result<Option<namespace::Namespaces>, &'static str> {
    let Some(read) = read else {
        return match sections.is_empty() {
            true => Ok(None),
            false => Err("not listed, but with sections"),
        };
    };
    let one = |namespace: Namespace| {
        Ok::<_, &'static str>(namespace::Namespace {
            state: namespace
                .state
                .with(namespace.why)
                .ok_or("in a state without its reason")?,
            sections: sections.remove(&namespace.name).unwrap_or_default(),
            name: namespace.name,
            coverage: namespace.coverage,
        })
    };
    let all = read.all.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    if !sections.is_empty() {
        return Err("not listed, but with sections");
    }
    let joined = namespace::Namespaces {
        asked: read.asked,
        why: read.why,
        all,
    };
    contradiction(&joined).map_or(Ok(Some(joined)), Err)
}
