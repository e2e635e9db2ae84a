//! Writers: what an approved action does to the kernel, and its exact inverse.
//!
//! A writer reads first. [`plan`] says what an operation would do to the network namespace of the calling thread as it is now:
//! the digest of the object that it touches before and after, and the exact steps in both directions. [`Change::apply`] does that
//! and nothing else, only while the object is as it was read; [`Change::undo`] puts back what was there, only while it is as the
//! change left it. A change is plain data: it lies in an undo record while it may have to be undone.

use netghost_core::gate::{Effect, Operation};
use serde::{Deserialize, Serialize};

mod legacy;
mod nft;
mod tc;

/// A change that was planned. Serialised it is the undo record's heart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// What people are shown and what approvals are for.
    pub effect: Effect,
    steps: Steps,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "writer", rename_all = "snake_case")]
enum Steps {
    Nft(nft::Steps),
    Legacy(legacy::Steps),
    Tc(tc::Steps),
}

/// How the object that a change touches stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it was before.
    Before,
    /// As the change leaves it.
    After,
    /// Between the two, as a change or an undo leaves it that was cut off: nothing in it is anybody else's.
    Between,
    /// Otherwise: somebody else changed it.
    Other,
}

/// Why nothing was changed, or, for [`WriteError::Half`], why not all of it.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What is to be changed is not there.
    #[error("{what} is not there")]
    NotThere {
        /// What.
        what: String,
    },
    /// This version can't write it exactly.
    #[error("{what}")]
    Unsupported {
        /// What, and what to do instead.
        what: String,
    },
    /// The object is not as it was when the change was planned.
    #[error("{object} is no longer as it was read")]
    Moved {
        /// Which.
        object: String,
    },
    /// Somebody else holds the lock.
    #[error("the xtables lock is held by another process: {why}")]
    Locked {
        /// How long was waited.
        why: String,
    },
    /// A program that is needed is not there.
    #[error("{program} is not installed, and only it can do this")]
    NoProgram {
        /// Its name.
        program: String,
    },
    /// The state could not be read whole, so nothing is known of it.
    #[error("{what} could not be read whole: {why}")]
    Unreadable {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
    /// The kernel, or a program, refused.
    #[error("{what} was refused: {why}")]
    Refused {
        /// What.
        what: String,
        /// Its reason.
        why: String,
    },
    /// A part was done and the rest was not.
    #[error("{what} was cut off: {why}")]
    Half {
        /// What.
        what: String,
        /// Why.
        why: String,
    },
}

impl WriteError {
    /// A fixed word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotThere { .. } => "not_there",
            Self::Unsupported { .. } => "unsupported",
            Self::Moved { .. } => "moved",
            Self::Locked { .. } => "locked",
            Self::NoProgram { .. } => "no_program",
            Self::Unreadable { .. } => "unreadable",
            Self::Refused { .. } => "refused",
            Self::Half { .. } => "half",
        }
    }
}

/// What an operation would do here and now. Nothing is changed.
///
/// # Errors
/// Whatever stands against doing it exactly. Operations that are not of the kernel's configuration are [`WriteError::Unsupported`].
pub fn plan(operation: &Operation) -> Result<Change, WriteError> {
    match operation {
        Operation::NftDelete { .. } | Operation::NftInsert { .. } => nft::plan(operation),
        Operation::LegacyDelete { .. } => legacy::plan(operation),
        Operation::QdiscRemove { .. } | Operation::QdiscReplace { .. } => tc::plan(operation),
        Operation::PackageInstall { .. }
        | Operation::ServerStart { .. }
        | Operation::ServerStop { .. }
        | Operation::Undo { .. } => Err(WriteError::Unsupported {
            what: format!("{} is no change of the kernel's configuration", operation.kind()),
        }),
    }
}

impl Change {
    /// Does it, if the object stands as [`Standing::Before`]. When it returns, the object stands as [`Standing::After`].
    ///
    /// # Errors
    /// Nothing was changed; but for [`WriteError::Half`].
    pub fn apply(&self) -> Result<(), WriteError> {
        match &self.steps {
            Steps::Nft(steps) => steps.apply(&self.effect),
            Steps::Legacy(steps) => steps.apply(&self.effect),
            Steps::Tc(steps) => steps.apply(&self.effect),
        }
    }

    /// Puts back what was there, if the object stands as [`Standing::After`] or [`Standing::Between`]. When it returns, it stands as
    /// [`Standing::Before`].
    ///
    /// # Errors
    /// As [`Change::apply`].
    pub fn undo(&self) -> Result<(), WriteError> {
        match &self.steps {
            Steps::Nft(steps) => steps.undo(&self.effect),
            Steps::Legacy(steps) => steps.undo(&self.effect),
            Steps::Tc(steps) => steps.undo(&self.effect),
        }
    }

    /// How the object stands now.
    ///
    /// # Errors
    /// It could not be read whole.
    pub fn standing(&self) -> Result<Standing, WriteError> {
        match &self.steps {
            Steps::Nft(steps) => steps.standing(&self.effect),
            Steps::Legacy(steps) => steps.standing(&self.effect),
            Steps::Tc(steps) => steps.standing(&self.effect),
        }
    }

    /// The change that undoes this one, for an undo that a person asks for after it was confirmed: the same steps the other way.
    /// It is planned as any other: [`Change::standing`] must be [`Standing::After`].
    pub fn reversed(&self) -> Option<Self> {
        let effect = Effect {
            change: self.effect.inverse.clone(),
            inverse: self.effect.change.clone(),
            object: self.effect.object.clone(),
            before: self.effect.after?,
            after: Some(self.effect.before),
            irreversible: None,
            notes: self.effect.notes.clone(),
        };
        let steps = match &self.steps {
            Steps::Nft(steps) => Steps::Nft(steps.reversed()),
            Steps::Legacy(steps) => Steps::Legacy(steps.reversed()),
            Steps::Tc(steps) => Steps::Tc(steps.reversed()),
        };
        Some(Self { effect, steps })
    }
}
