//! Where an approval and its action stand, as a controller keeps them.

use serde::{Deserialize, Serialize};

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Nobody has decided.
    Pending,
    /// An approver consented; the VM has not used it yet.
    Approved,
    /// An approver refused.
    Denied,
    /// Its lifetime ended first.
    Expired,
    /// The VM took it: whatever became of the action, it counts no more.
    Used,
    /// What it was for is no more as it was.
    Void,
}

/// What can become of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// An approver consents.
    Approve,
    /// An approver refuses.
    Deny,
    /// The lifetime ends.
    Expire,
    /// The VM takes it.
    Use,
    /// The state moved, the VM was started anew, or whoever asked took it back.
    Void,
}

/// That can't become of an approval that stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the approval is {}", .state.as_str())]
pub struct Illegal {
    /// Where it stands.
    pub state: ApprovalState,
}

impl ApprovalState {
    /// All, in order.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Used,
        Self::Void,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Void => "void",
        }
    }

    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Where it stands after this.
    ///
    /// # Errors
    /// What has ended stays as it ended; nothing is used that nobody approved.
    pub fn after(self, event: Event) -> Result<Self, Illegal> {
        match (self, event) {
            (Self::Pending, Event::Approve) => Ok(Self::Approved),
            (Self::Pending, Event::Deny) => Ok(Self::Denied),
            (Self::Approved, Event::Use) => Ok(Self::Used),
            (Self::Pending | Self::Approved, Event::Expire) => Ok(Self::Expired),
            (Self::Pending | Self::Approved, Event::Void) => Ok(Self::Void),
            _ => Err(Illegal { state: self }),
        }
    }

    /// True if nothing more can become of it.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Approved)
    }
}

/// Where an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// The VM was asked what exactly it would do.
    Preparing,
    /// The VM would not propose it: its policy, or nothing there to act on.
    Refused,
    /// It waits for an approval.
    Waiting,
    /// It will not be done: denied, expired or void.
    Closed,
    /// It was approved and the VM was told.
    Running,
    /// It is done, and undoes itself unless it is confirmed.
    Applied,
    /// It is done and stays.
    Confirmed,
    /// It is done; it can't be undone.
    Done,
    /// The former state is there again.
    Undone,
    /// The state is neither that before nor that after: nothing was touched, a person has to look.
    Conflict,
    /// It was not done, and nothing changed.
    Failed,
    /// What became of it is not known: the VM did not say, or what has no inverse was cut off.
    Unknown,
}

impl ActionState {
    /// All, in order.
    pub const ALL: [Self; 12] = [
        Self::Preparing,
        Self::Refused,
        Self::Waiting,
        Self::Closed,
        Self::Running,
        Self::Applied,
        Self::Confirmed,
        Self::Done,
        Self::Undone,
        Self::Conflict,
        Self::Failed,
        Self::Unknown,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
            Self::Running => "running",
            Self::Applied => "applied",
            Self::Confirmed => "confirmed",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// True if nothing more becomes of it by itself.
    pub fn has_ended(self) -> bool {
        !matches!(
            self,
            Self::Preparing | Self::Waiting | Self::Running | Self::Applied
        )
    }
}
