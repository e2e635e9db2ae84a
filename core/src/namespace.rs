//! The other network namespaces of a host, as they stand in a snapshot: each with its own sections and coverage.
//!
//! A container's firewall is in a namespace of its own, of which the host's sections say nothing. A namespace that was asked
//! for and not read stands here with the reason, never as one that holds nothing.

use serde::{Deserialize, Serialize};

use crate::bytes::Text;
use crate::section::coverage::{Covered, coverage};
use crate::section::{Section, SectionName, State};

pub mod name;

/// The mechanism of the coverage list that this is about.
pub const MECHANISM: &str = "other-network-namespaces";

/// Which namespaces were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// All but the one that the host's own sections are of.
    All,
    /// Those of these names, sorted, each once.
    Named(Vec<Text>),
}

impl Asked {
    /// Those of these names.
    pub fn named(names: impl IntoIterator<Item = Text>) -> Self {
        let mut names: Vec<Text> = names.into_iter().collect();
        names.sort();
        names.dedup();
        Self::Named(names)
    }

    /// True if a namespace of this name was asked for.
    pub fn includes(&self, name: &Text) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(name),
        }
    }

    /// True if whoever got this has whatever `other` asks for.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Named(_), Self::All) => false,
            (Self::Named(_), Self::Named(names)) => names.iter().all(|name| self.includes(name)),
        }
    }
}

/// What became of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceState {
    /// Its sections were read, each with a state of its own.
    Read,
    /// It is there, and nothing of it was read.
    Unread {
        /// What stood in the way, and what to do.
        why: String,
    },
    /// It ended while the host was read.
    Gone {
        /// When that was noticed.
        why: String,
    },
}

impl NamespaceState {
    /// The word of the state as it stands in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Unread { .. } => "unread",
            Self::Gone { .. } => "gone",
        }
    }

    /// Why it was not read.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Read => None,
            Self::Unread { why } | Self::Gone { why } => Some(why),
        }
    }
}

/// A namespace, and what was read in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// The name by which it is matched between two snapshots; see [`name`].
    pub name: Text,
    /// What became of it.
    pub state: NamespaceState,
    /// Sorted by name, each at most once; none unless it was read.
    pub sections: Vec<Section>,
    /// Every mechanism of the fixed list that is apart in each namespace, and whether it was read here.
    pub coverage: Vec<Covered>,
}

impl Namespace {
    /// One whose sections were read.
    pub fn read(name: Text, mut sections: Vec<Section>) -> Self {
        sections.sort_by_key(|section| section.name);
        Self {
            coverage: apart(&sections, None),
            name,
            state: NamespaceState::Read,
            sections,
        }
    }

    /// One of which nothing was read; `state` says why.
    pub fn unread(name: Text, state: NamespaceState) -> Self {
        Self {
            coverage: apart(&[], state.why()),
            name,
            state,
            sections: Vec::new(),
        }
    }

    /// The section of this name.
    pub fn section(&self, name: SectionName) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// The rows of the coverage list that are apart in each namespace. `why` stands for what is not there.
fn apart(sections: &[Section], why: Option<&str>) -> Vec<Covered> {
    let mut rows = coverage(sections);
    rows.retain(|row| row.section.is_none_or(SectionName::is_of_namespace));
    if let Some(why) = why {
        for row in &mut rows {
            row.why = Some(why.to_owned());
        }
    }
    rows
}

/// The other namespaces of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespaces {
    /// Which were asked for.
    pub asked: Asked,
    /// Why there may be more than are listed; `None`: the list is whole.
    pub why: Option<String>,
    /// Sorted by name, each once.
    pub all: Vec<Namespace>,
}

impl Namespaces {
    /// These, sorted.
    pub fn new(asked: Asked, why: Option<String>, mut all: Vec<Namespace>) -> Self {
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Self { asked, why, all }
    }

    /// None of them could be had.
    pub fn unlisted(asked: Asked, why: String) -> Self {
        Self::new(asked, Some(why), Vec::new())
    }

    /// The namespace of this name.
    pub fn find(&self, name: &Text) -> Option<&Namespace> {
        self.all.iter().find(|namespace| namespace.name == *name)
    }

    /// True if a section of every namespace was read as far as it is known.
    pub fn is_known(&self) -> bool {
        self.missing().is_none()
            && self
                .all
                .iter()
                .flat_map(|namespace| &namespace.sections)
                .all(|section| section.state.is_known())
    }

    /// Which namespaces were not read, with each one's reason.
    pub fn missing(&self) -> Option<String> {
        let one = |namespace: &Namespace| {
            let why = namespace.state.why()?;
            Some(format!("{} is {}: {why}", namespace.name, namespace.state.word()))
        };
        let rows: Vec<String> = self
            .why
            .iter()
            .cloned()
            .chain(self.all.iter().filter_map(one))
            .collect();
        (!rows.is_empty()).then(|| rows.join("; "))
    }

    /// What the coverage list says of other namespaces.
    pub fn covered(&self) -> Covered {
        let missing = self.missing().or_else(|| match &self.asked {
            Asked::All => None,
            Asked::Named(names) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                Some(format!("only asked for: {}", names.join(", ")))
            }
        });
        let state = match missing {
            None => State::Captured,
            Some(why) => State::Unreadable { why },
        };
        row(&state)
    }

    /// Takes from the section that lists namespaces what is no gap any more, now that they were read one by one.
    pub fn settle(&self, section: &mut Section) {
        if section.name != SectionName::Namespaces || self.asked != Asked::All || section.gaps.is_empty() {
            return;
        }
        section.gaps.retain(|gap| !gap.path.starts_with("namespace/"));
        if section.gaps.is_empty() && matches!(section.state, State::Unreadable { .. }) {
            section.state = State::Captured;
        }
    }
}

/// The row of the coverage list where no other namespace was read, and why.
pub fn not_read(why: &str) -> Covered {
    row(&State::Unreadable { why: why.to_owned() })
}

fn row(state: &State) -> Covered {
    Covered {
        mechanism: MECHANISM.to_owned(),
        state: state.word().to_owned(),
        why: state.why().map(str::to_owned),
        section: Some(SectionName::Namespaces),
    }
}

/// Puts a row in the place of the one of its mechanism.
pub fn replace(coverage: &mut [Covered], row: Covered) {
    if let Some(place) = coverage.iter_mut().find(|place| place.mechanism == row.mechanism) {
        *place = row;
    }
}

#[cfg(test)]
mod tests;
