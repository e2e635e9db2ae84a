//! What is asked of some targets.

use serde::{Deserialize, Serialize};

use crate::artifact::name::Name;
use crate::fleet::Selector;
use crate::section::SectionName;

use super::way::{Layer, Via};

/// How long a job may take if nobody says otherwise, milliseconds.
pub const DEFAULT_DEADLINE_MS: u64 = 5 * 60 * 1_000;
/// The longest that a job may take, milliseconds.
pub const LONGEST_DEADLINE_MS: u64 = 24 * 60 * 60 * 1_000;
/// How many targets read themselves at once if nobody says otherwise.
pub const DEFAULT_CONCURRENCY: u32 = 16;
/// The shortest period of a schedule, milliseconds.
pub const SHORTEST_PERIOD_MS: u64 = 60 * 1_000;

const MOST_CONCURRENT: u32 = 1_000;
const MOST_NAMES: usize = 10_000;
const MOST_PATTERNS: usize = 100;
/// Bytes of what names something in Azure.
const LONGEST_ID: usize = 4_096;
/// Bytes of a name in a selector, a ticket, a pattern.
const LONGEST_WORD: usize = 256;
/// Bytes of a note.
const LONGEST_NOTE: usize = 4_096;

/// A job as it was asked for. Its canonical bytes tell whether two requests are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is to be done.
    pub work: Work,
    /// Of which targets.
    pub selector: Selector,
    /// The change it belongs to; may be empty.
    pub ticket: String,
    /// What they write about it; may be empty.
    pub note: String,
    /// How long the whole may take, milliseconds; 0: [`DEFAULT_DEADLINE_MS`].
    pub deadline_ms: u64,
    /// Which layers, sorted. None: a baseline reads [`Layer::Host`]; a drift check or sweep compares whatever the baseline holds
    /// of what is selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
    /// By which way hosts are read.
    #[serde(default, skip_serializing_if = "Via::is_auto")]
    pub via: Via,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Seal what is there now under a name.
    Baseline {
        /// The name, which must be free.
        name: Name,
        /// What is read, sorted; nothing: [`SectionName::DEFAULT`].
        sections: Vec<SectionName>,
    },
    /// Compare what is there now with a baseline.
    Drift {
        /// The baseline.
        baseline: Name,
        /// Patterns of chains whose changes are set apart.
        mute_chains: Vec<String>,
    },
    /// As `Drift`, over many targets, a few at a time.
    Sweep {
        /// The baseline.
        baseline: Name,
        /// Patterns of chains whose changes are set apart.
        mute_chains: Vec<String>,
        /// How many targets read themselves at once; 0: [`DEFAULT_CONCURRENCY`].
        concurrency: u32,
        /// Each target begins after a random time up to this, milliseconds.
        jitter_ms: u64,
        /// The schedule that started it.
        schedule: Option<Name>,
    },
}

/// A request that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {what}")]
pub struct BadRequest {
    /// What is wrong.
    pub field: &'static str,
    /// Why, and what would be right.
    pub what: String,
}

impl Work {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Baseline { .. } => "baseline",
            Self::Drift { .. } => "drift",
            Self::Sweep { .. } => "sweep",
        }
    }

    /// The baseline that is made or compared with.
    pub fn baseline(&self) -> &Name {
        match self {
            Self::Baseline { name, .. } => name,
            Self::Drift { baseline, .. } | Self::Sweep { baseline, .. } => baseline,
        }
    }

    /// The schedule that started it.
    pub fn schedule(&self) -> Option<&Name> {
        match self {
            Self::Sweep { schedule, .. } => schedule.as_ref(),
            _ => None,
        }
    }

    /// Patterns of chains whose changes are set apart.
    pub fn mute_chains(&self) -> &[String] {
        match self {
            Self::Baseline { .. } => &[],
            Self::Drift { mute_chains, .. } | Self::Sweep { mute_chains, .. } => mute_chains,
        }
    }

    /// How many targets read themselves at once.
    pub fn concurrency(&self) -> u32 {
        match self {
            Self::Sweep { concurrency, .. } if *concurrency > 0 => *concurrency,
            _ => DEFAULT_CONCURRENCY,
        }
    }

    /// How many network interfaces are read at once, if nobody says otherwise `usually`.
    pub fn concurrency_of_nics(&self, usually: u32) -> u32 {
        match self {
            Self::Sweep { concurrency, .. } if *concurrency > 0 => *concurrency,
            _ => usually,
        }
    }

    /// Each target begins after a random time up to this, milliseconds.
    pub fn jitter_ms(&self) -> u64 {
        match self {
            Self::Sweep { jitter_ms, .. } => *jitter_ms,
            _ => 0,
        }
    }
}

impl Request {
    /// How long the whole may take, milliseconds.
    pub fn length_ms(&self) -> u64 {
        if self.deadline_ms == 0 {
            DEFAULT_DEADLINE_MS
        } else {
            self.deadline_ms
        }
    }

    /// Holds everything that people chose to its bounds.
    pub fn check(&self) -> Result<(), BadRequest> {
        let bad = |field, what: String| Err(BadRequest { field, what });
        if self.selector.is_empty() {
            return bad(
                "selector",
                "no agent is selected: name some, give a tag, or select all".to_owned(),
            );
        }
        if self.selector.members && matches!(self.work, Work::Baseline { .. }) {
            return bad(
                "selector",
                "a baseline that is to be made has no members yet".to_owned(),
            );
        }
        if self.selector.members && !self.selector.is_only_members() {
            let what = "the members of a baseline are selected, and others beside them: leave one out";
            return bad("selector", what.to_owned());
        }
        if self.selector.names.len().max(self.selector.azure.len()) > MOST_NAMES {
            return bad("selector", format!("at most {MOST_NAMES} names"));
        }
        if self.length_ms() > LONGEST_DEADLINE_MS {
            return bad("deadline_ms", format!("at most {LONGEST_DEADLINE_MS} (a day)"));
        }
        if self.work.jitter_ms() >= self.length_ms() {
            let length = self.length_ms();
            return bad(
                "jitter_ms",
                format!("must be less than the deadline, {length} ms"),
            );
        }
        if self.work.concurrency() > MOST_CONCURRENT {
            return bad("concurrency", format!("at most {MOST_CONCURRENT}"));
        }
        if self.work.mute_chains().len() > MOST_PATTERNS {
            return bad("mute_chains", format!("at most {MOST_PATTERNS} patterns"));
        }
        self.check_words()
    }

    fn check_words(&self) -> Result<(), BadRequest> {
        let names = self.selector.names.iter().map(|name| ("selector", name));
        if self.selector.azure.iter().any(|word| word.len() > LONGEST_ID) {
            let what = format!("at most {LONGEST_ID} bytes each");
            return Err(BadRequest {
                field: "selector",
                what,
            });
        }
        let patterns = self.work.mute_chains().iter().map(|text| ("mute_chains", text));
        for (field, word) in names.chain(patterns).chain([("ticket", &self.ticket)]) {
            if word.len() > LONGEST_WORD {
                let what = format!("at most {LONGEST_WORD} bytes each");
                return Err(BadRequest { field, what });
            }
        }
        if self.note.len() > LONGEST_NOTE {
            let what = format!("at most {LONGEST_NOTE} bytes");
            return Err(BadRequest { field: "note", what });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::json;

    fn request(work: Work) -> Request {
        Request {
            work,
            selector: Selector {
                all: true,
                ..Selector::default()
            },
            ticket: String::new(),
            note: String::new(),
            deadline_ms: 0,
            layers: Vec::new(),
            via: Via::Auto,
        }
    }

    fn sweep(concurrency: u32, jitter_ms: u64) -> Request {
        request(Work::Sweep {
            baseline: Name::parse("golden").unwrap(),
            mute_chains: vec!["KUBE-*".to_owned()],
            concurrency,
            jitter_ms,
            schedule: Some(Name::parse("nightly").unwrap()),
        })
    }

    #[test]
    fn a_request_comes_back_from_its_bytes() {
        let baseline = request(Work::Baseline {
            name: Name::parse("golden").unwrap(),
            sections: vec![SectionName::Tc],
        });
        for request in [baseline, sweep(3, 4)] {
            let bytes = json::to_vec(&request).unwrap();
            assert_eq!(json::from_slice::<Request>(&bytes).unwrap(), request);
        }
    }

    #[test]
    fn a_request_of_before_layers_keeps_its_bytes() {
        let bytes = br#"{"deadline_ms":0,"note":"","selector":{"all":true,"names":[],"tags":[]},"ticket":"","work":{"baseline":"golden","concurrency":3,"jitter_ms":4,"kind":"sweep","mute_chains":["KUBE-*"],"schedule":"nightly"}}"#;
        let read: Request = json::from_slice(bytes).unwrap();
        assert_eq!(read, sweep(3, 4));
        assert_eq!(json::to_vec(&read).unwrap(), bytes);
        let mut later = read;
        (later.layers, later.via) = (vec![Layer::Host, Layer::Azure], Via::RunCommand);
        later.selector.azure = vec!["shop/web".to_owned()];
        let bytes = json::to_vec(&later).unwrap();
        assert_eq!(json::from_slice::<Request>(&bytes).unwrap(), later);
    }

    #[test]
    fn defaults_stand_for_what_was_not_said() {
        let request = sweep(0, 0);
        assert_eq!(request.check(), Ok(()));
        assert_eq!(request.length_ms(), DEFAULT_DEADLINE_MS);
        assert_eq!(request.work.concurrency(), DEFAULT_CONCURRENCY);
        assert_eq!(request.work.schedule().unwrap().as_str(), "nightly");
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let long = "x".repeat(5_000);
        let with = |change: &dyn Fn(&mut Request)| {
            let mut request = sweep(1, 1);
            change(&mut request);
            request.check().map_err(|bad| bad.field)
        };
        assert_eq!(with(&|_| ()), Ok(()));
        assert_eq!(with(&|request| request.selector.all = false), Err("selector"));
        assert_eq!(with(&|request| request.selector.members = true), Err("selector"));
        let only_members = Selector {
            members: true,
            ..Selector::default()
        };
        let members = |request: &mut Request| request.selector = only_members.clone();
        assert_eq!(with(&members), Ok(()));
        let new = Work::Baseline {
            name: Name::parse("golden").unwrap(),
            sections: vec![],
        };
        let of_a_new_one = |request: &mut Request| {
            members(request);
            request.work = new.clone();
        };
        assert_eq!(with(&of_a_new_one), Err("selector"));
        assert_eq!(
            with(&|request| request.selector.names.push(long.clone())),
            Err("selector")
        );
        assert_eq!(
            with(&|request| request.deadline_ms = u64::MAX),
            Err("deadline_ms")
        );
        assert_eq!(with(&|request| request.deadline_ms = 1), Err("jitter_ms"));
        assert_eq!(with(&|request| request.ticket = long.clone()), Err("ticket"));
        assert_eq!(with(&|request| request.note = long.clone()), Err("note"));
        assert_eq!(sweep(1_001, 0).check().unwrap_err().field, "concurrency");
        assert_eq!(
            sweep(1, DEFAULT_DEADLINE_MS).check().unwrap_err().field,
            "jitter_ms"
        );
    }
}
