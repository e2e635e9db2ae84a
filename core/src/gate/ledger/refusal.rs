//! Why an action is not done.

use super::MOST_OPEN;
use crate::artifact::name::Name;

/// Why something is not done. None of these changes anything but the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such action here: it was never written by this VM, or is long forgotten.
    #[error("this VM has not proposed such an action")]
    Unknown,
    /// It was done already, or was tried.
    #[error("the approval was used already")]
    Used,
    /// It came too late.
    #[error("the action's lifetime of {lifetime_s} s ended before it was approved and done")]
    Expired {
        /// The lifetime.
        lifetime_s: u32,
    },
    /// The VM was started anew.
    #[error("the VM was started anew since it proposed the action")]
    OtherBoot,
    /// It was taken back.
    #[error("the action is void")]
    Void,
    /// The approval is for something else.
    #[error("the approval is for another {field}")]
    Other {
        /// Which field differs.
        field: &'static str,
    },
    /// The signature is not the signer's.
    #[error("the approval's signature is wrong: it was altered")]
    BadSignature,
    /// Nobody on the list signed.
    #[error("the approval is not signed by an approver")]
    NoApprover,
    /// Who signed may no more.
    #[error("{approver} was revoked as an approver")]
    Revoked {
        /// Who.
        approver: Name,
    },
    /// Who signed asked for it.
    #[error("{approver} asked for it and can't approve it: four eyes")]
    SelfApproval {
        /// Who.
        approver: Name,
    },
    /// The list of approvers does not hold.
    #[error("{why}")]
    BadRoster {
        /// What is wrong.
        why: String,
    },
    /// A list of a lower version than one that was seen.
    #[error("list {came} of the approvers is older than {seen}, which this VM has seen")]
    OldRoster {
        /// Its version.
        came: u64,
        /// The highest that was seen.
        seen: u64,
    },
    /// This VM trusts no approvers' CA.
    #[error("this VM has no approvers' CA: {why}")]
    NoAuthority {
        /// Why not.
        why: String,
    },
    /// The VM's policy denies it.
    #[error("the VM's policy denies it: {why}")]
    Denied {
        /// By which line, or why the policy is not in force.
        why: String,
    },
    /// Too many wait.
    #[error("{MOST_OPEN} actions wait for an approval on this VM: deny some, or let them expire")]
    Full,
    /// Not of the form.
    #[error("not an approval: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
}

impl Refusal {
    /// A fixed word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown_action",
            Self::Used => "used",
            Self::Expired { .. } => "expired",
            Self::OtherBoot => "other_boot",
            Self::Void => "void",
            Self::Other { .. } => "other_action",
            Self::BadSignature => "bad_signature",
            Self::NoApprover => "no_approver",
            Self::Revoked { .. } => "revoked",
            Self::SelfApproval { .. } => "self_approval",
            Self::BadRoster { .. } => "bad_approvers",
            Self::OldRoster { .. } => "old_approvers",
            Self::NoAuthority { .. } => "no_authority",
            Self::Denied { .. } => "denied_by_policy",
            Self::Full => "too_many",
            Self::Malformed { .. } => "malformed",
        }
    }
}
