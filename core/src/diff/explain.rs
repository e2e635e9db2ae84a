//! What changes mean for traffic, with the rules that show it.
//!
//! Everything said follows from the two snapshots: what a rule asks, where in the order it stands, what takes its packets
//! before it, and which hook leads to it. Nothing is rated. What can't be told is named, never guessed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cloud::Explained;
use super::comparison::{Change, Comparison, Side};
use crate::snapshot::Snapshot;

mod board;
mod chain;
mod other;
mod rule;
mod set;

use board::Boards;

/// What one change means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// One or two sentences.
    pub text: String,
    /// What they rest on.
    pub evidence: Vec<Evidence>,
}

/// Something that stands in one of the snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// In which.
    pub side: Side,
    /// What it is to the change.
    pub role: Role,
    /// Where: `family/table/chain/rule[N]`.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// What a piece of evidence is to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The base chain by which packets come to the place.
    Hook,
    /// A rule that leads there.
    Jump,
    /// An earlier rule that takes all the packets, so that this one meets none.
    ShadowedBy,
    /// The first rule that takes all packets that the changed rule asks for.
    Decides,
    /// What becomes of packets that no rule decides.
    Policy,
    /// A rule that looks the set up or uses the object.
    Uses,
    /// The route that changed.
    Changed,
    /// The route that the addresses take.
    Used,
    /// What stands in the way of knowing.
    NotDecided,
}

impl Role {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Jump => "led there by",
            Self::ShadowedBy => "shadowed by",
            Self::Decides => "decides",
            Self::Policy => "policy",
            Self::Uses => "used by",
            Self::Changed => "changed",
            Self::Used => "takes",
            Self::NotDecided => "not decided",
        }
    }
}

impl Explanation {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            evidence: Vec::new(),
        }
    }

    fn say(&mut self, sentence: &str) {
        self.text.push(' ');
        self.text.push_str(sentence);
    }
}

/// One explanation for each change of `found`, which is the comparison of these two snapshots.
pub fn explain(found: &Comparison, before: &Snapshot, after: &Snapshot) -> Vec<Explanation> {
    let mut of_namespace = BTreeMap::new();
    let mut clouds = Explained::default();
    let mut explain = |change: &Change| {
        if let Some(told) = clouds.of(change, before, after) {
            return told;
        }
        let namespace = change.namespace.as_ref();
        let boards = of_namespace.entry(namespace.cloned()).or_insert_with(|| {
            let [before, after] = [before, after].map(|snapshot| snapshot.sections_of(namespace));
            Boards::new(before, after)
        });
        one(change, boards)
    };
    found.changes.iter().map(&mut explain).collect()
}

fn one(change: &Change, boards: &mut Boards<'_>) -> Explanation {
    let told = boards.are_of_rules(change.section).then(|| {
        rule::explain(change, boards)
            .or_else(|| chain::explain(change, boards))
            .or_else(|| set::explain(change, boards))
    });
    told.flatten().unwrap_or_else(|| other::explain(change))
}
