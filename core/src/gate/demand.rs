//! What is said to the process that acts on a VM, and what it answers.

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::operation::{Check, Operation};
use super::state::ActionState;
use crate::artifact::json::Digest;
use crate::artifact::name::Name;
use crate::bytes::{Hex, Text};
use crate::fleet::Id;

/// The longest demand or answer, in bytes: each fits a control message.
pub const LONGEST: usize = 15 << 10;

/// One demand. It is trusted with nothing: whoever can reach the socket may send any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "demand", rename_all = "snake_case", deny_unknown_fields)]
pub enum Demand {
    /// Say what exactly this would do. Nothing is changed.
    Propose(Box<Asked>),
    /// Do it.
    Perform {
        /// The action's digest.
        action: Digest,
        /// The approval's envelope.
        approval: Text,
        /// The envelope of the list of approvers.
        roster: Text,
    },
    /// A new connection from a fresh port worked: keep the change, if its checks pass too.
    Confirm {
        /// The action's digest.
        action: Digest,
    },
    /// Undo a change that was not confirmed yet, or end a server before its lease does. It needs no approval: it is what would
    /// happen anyway.
    Undo {
        /// The action's digest.
        action: Digest,
    },
    /// Nobody wants this action any more.
    Withdraw {
        /// The action's digest.
        action: Digest,
    },
    /// Where does it stand?
    Standing {
        /// The action's digest.
        action: Digest,
    },
}

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The request's id: asked for twice it is one action.
    pub id: Id,
    /// The agent's id, as the agent states it; none without a controller.
    pub agent: Option<Id>,
    /// The network namespace: `init`, or its name as a snapshot has it.
    pub namespace: Text,
    /// Who asks.
    pub requester: Name,
    /// Why.
    pub reason: Text,
    /// The change that it belongs to.
    pub ticket: Option<Text>,
    /// What is asked for.
    pub operation: Operation,
    /// What has to work afterwards.
    pub checks: Vec<Check>,
    /// Within how many seconds the change has to be confirmed; passed over for what is not confirmed.
    pub window_s: u32,
    /// How many seconds an approval is waited for.
    pub lifetime_s: u32,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// What exactly would be done.
    Proposed {
        /// The canonical bytes of the [`Action`], as text; what an approval's digest is of.
        document: String,
    },
    /// Where an action stands.
    Stands(Stands),
    /// It is not done.
    Refused {
        /// A fixed word: one of [`super::Refusal::code`], or of what an operation can meet: `not_there`, `unsupported`, `moved`,
        /// `locked`, `unreadable`, `disk`, `guard`, `internal`.
        code: String,
        /// For people: why, and what to do.
        message: Text,
    },
}

/// Where an action stands, as its VM has it on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stands {
    /// The action's digest.
    pub action: Digest,
    /// Where it stands.
    pub state: ActionState,
    /// Why, where the state needs it: what differs in a conflict, why it failed, why it was undone.
    pub why: Option<Text>,
    /// Who consented.
    pub approver: Option<Name>,
    /// True if that is who asked for it.
    pub self_approved: bool,
    /// For a change that waits to be confirmed, and for a server: milliseconds until it ends by itself.
    pub ends_in_ms: Option<u64>,
    /// What the operation said on its way, redacted and cut to size; of a package manager or a server that did not start.
    pub output: Option<Text>,
}

impl Answer {
    /// What the VM would do.
    ///
    /// # Errors
    /// The action has no canonical form.
    pub fn proposed(action: &Action) -> Result<Self, crate::artifact::json::CanonicalError> {
        let bytes = action.to_bytes()?;
        // Canonical JSON is UTF-8.
        Ok(Self::Proposed {
            document: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    /// A refusal for this reason.
    pub fn refused(code: &str, message: impl std::fmt::Display) -> Self {
        let message: String = message.to_string().chars().take(2_000).collect();
        Self::Refused {
            code: code.to_owned(),
            message: Text::from(message),
        }
    }
}

impl From<super::Refusal> for Answer {
    fn from(refusal: super::Refusal) -> Self {
        Self::refused(refusal.code(), refusal)
    }
}

/// A nonce of these random bytes, which the caller draws.
pub fn nonce(bytes: [u8; 32]) -> Hex {
    Hex(bytes.to_vec())
}
