//! The audit log: who did what, when, to what, and how it ended, in one hash chain.
//!
//! A record's stored bytes are canonical JSON and hold the hash of the record before, so that an edit, a removal or another
//! order breaks the chain. A head signs the number and hash of the last record; whoever has seen a head can tell later
//! whether the log still leads to it. What can't be seen is a tail that was cut off or rewritten after the last head that
//! anyone kept.

use serde::{Deserialize, Serialize};

use crate::artifact::json::{self, CanonicalError, Digest};
use crate::bytes::Big;

pub mod export;
mod head;
mod redact;
mod verify;

pub use head::{HEAD_SCHEMA, HEAD_TYPE, Head, HeadError};
pub use redact::{REDACTED, argument, text};
pub use verify::{AuditError, Fault, Verified, Verifier, Witnessed, verify};

/// The schema of a record.
pub const SCHEMA: &str = "netghost.audit_record/v1";

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who: `user/NAME`, `agent/NAME`, `controller`, `nobody` for a caller who proved no identity.
    pub actor: String,
    /// What, as `thing.verb`: `token.create`, `agent.enrol`, `agent.revoke`, `baseline.create`, `drift.check` ….
    pub action: String,
    /// To what: names or ids.
    pub targets: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What else was said, redacted: no secret ever stands here. Ordered as given.
    pub arguments: Vec<Argument>,
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It began; another record says how it ended.
    Begun,
    /// It was done.
    Done,
    /// It was refused.
    Denied,
    /// It was tried and failed.
    Failed,
}

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// From 1, without gaps.
    pub sequence: Big,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub at_us: Big,
    /// See [`Event::actor`].
    pub actor: String,
    /// See [`Event::action`].
    pub action: String,
    /// See [`Event::targets`].
    pub targets: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// See [`Event::arguments`].
    pub arguments: Vec<Argument>,
    /// The hash of the record before: SHA-256 of its stored bytes; of no bytes before the first.
    pub previous: Digest,
}

impl Event {
    /// An event without targets or arguments.
    pub fn new(actor: impl Into<String>, action: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            actor: actor.into(),
            action: action.into(),
            targets: Vec::new(),
            outcome,
            arguments: Vec::new(),
        }
    }

    /// Adds a target, redacted by [`text`].
    #[must_use]
    pub fn target(mut self, target: impl std::fmt::Display) -> Self {
        self.targets.push(redact::text(&target.to_string()));
        self
    }

    /// Adds something that was said, redacted by [`argument`].
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.arguments.push(Argument {
            name: name.to_owned(),
            value: redact::argument(name, &value.to_string()),
        });
        self
    }

    /// The record that stands after `previous`, as it is stored, and its hash.
    pub fn record(
        self,
        sequence: u64,
        at_us: u64,
        previous: Digest,
    ) -> Result<(Vec<u8>, Digest), CanonicalError> {
        let bytes = json::to_vec(&Record {
            schema: SCHEMA.to_owned(),
            sequence: Big(sequence),
            at_us: Big(at_us),
            actor: self.actor,
            action: self.action,
            targets: self.targets,
            outcome: self.outcome,
            arguments: self.arguments,
            previous,
        })?;
        let hash = Digest::of(&bytes);
        Ok((bytes, hash))
    }
}

/// What stands in the first record as the hash of the one before.
pub fn origin() -> Digest {
    Digest::of(b"")
}

#[cfg(test)]
mod tests;
