//! What a VM remembers of what it was asked: the only place where consent becomes an action.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Action, Approval, Policy, Roster};
use crate::artifact::json::Digest;
use crate::artifact::key::PublicKey;
use crate::artifact::name::Name;

mod refusal;

pub use refusal::Refusal;

/// The schema of a ledger on disk.
pub const SCHEMA: &str = "netghost.gate_ledger/v1";
/// How many actions may wait for an approval at once: whoever asks for more fills nothing.
const MOST_OPEN: usize = 64;
/// How many that ended are kept, so that the reason for a second refusal is the true one.
const MOST_ENDED: usize = 1_024;

/// A moment of one boot. Wall clocks take no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
    /// CLOCK_BOOTTIME.
    pub since_boot: Duration,
}

/// What a VM remembers; serialised as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// [`SCHEMA`].
    pub schema: String,
    /// The highest list of approvers that was seen.
    roster: Option<Roster>,
    /// Oldest first.
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The action's.
    digest: Digest,
    boot_id: String,
    /// CLOCK_BOOTTIME in microseconds.
    issued_us: u64,
    lifetime_s: u32,
    /// `None` once it ended: only the digest is kept.
    action: Option<Action>,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Used,
    Expired,
    Void,
}

/// An action that an approver consented to, in time, here, now. Only [`Ledger::authorise`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorised {
    digest: Digest,
    action: Action,
    approver: Name,
    self_approved: bool,
}

impl Authorised {
    /// The action's digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The action.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// Who consented.
    pub fn approver(&self) -> &Name {
        &self.approver
    }

    /// True if that is who asked for it.
    pub fn self_approved(&self) -> bool {
        self.self_approved
    }
}

/// What comes with the demand to do an action.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Which action.
    pub action: Digest,
    /// The approval's envelope.
    pub approval: &'a [u8],
    /// The list of approvers' envelope.
    pub roster: &'a [u8],
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            roster: None,
            entries: Vec::new(),
        }
    }
}

impl Ledger {
    /// Remembers an action that this VM wrote, if its policy lets it be asked for. Asked again for an action of the same id that
    /// is still open, it answers with that one.
    ///
    /// # Errors
    /// [`Refusal::Denied`], [`Refusal::Full`], [`Refusal::Malformed`].
    pub fn propose(&mut self, action: Action, policy: &Policy, now: &Moment) -> Result<Action, Refusal> {
        self.tidy(now);
        policy
            .allows(&action.operation, action.permission)
            .map_err(|why| Refusal::Denied { why })?;
        action.check().map_err(|error| Refusal::Malformed {
            why: error.to_string(),
        })?;
        let mut open = self.entries.iter().filter_map(|entry| entry.action.as_ref());
        if let Some(same) = open.find(|open| open.id == action.id) {
            return Ok(same.clone());
        }
        if self.entries.iter().filter(|entry| entry.end.is_none()).count() >= MOST_OPEN {
            return Err(Refusal::Full);
        }
        let digest = action.digest().map_err(|error| Refusal::Malformed {
            why: error.to_string(),
        })?;
        // A nonce that was drawn twice: the approval of the one would be that of the other.
        if self.find(digest).is_some() {
            return Err(Refusal::Used);
        }
        let entry = Entry {
            digest,
            boot_id: now.boot_id.clone(),
            issued_us: micros(now.since_boot),
            lifetime_s: action.lifetime_s,
            action: Some(action.clone()),
            end: None,
        };
        self.entries.push(entry);
        Ok(action)
    }

    /// The action of this digest, if it is open now.
    pub fn open(&self, digest: Digest, now: &Moment) -> Option<&Action> {
        let entry = self.find(digest)?;
        match entry.end.is_none() && entry.passed(now).is_ok() {
            true => entry.action.as_ref(),
            false => None,
        }
    }

    /// The action of this digest, if an approval of it would still count.
    ///
    /// # Errors
    /// Why it would not.
    pub fn waiting(&self, digest: Digest, now: &Moment) -> Result<&Action, Refusal> {
        let entry = self.find(digest).ok_or(Refusal::Unknown)?;
        entry.is_open(now)?;
        entry.action.as_ref().ok_or(Refusal::Unknown)
    }

    fn find(&self, digest: Digest) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.digest == digest)
    }

    /// Takes an open action back. True if there was one.
    pub fn withdraw(&mut self, digest: Digest) -> bool {
        let mut entries = self.entries.iter_mut();
        let entry = entries.find(|entry| entry.digest == digest && entry.end.is_none());
        entry.map(|entry| entry.ends(End::Void)).is_some()
    }

    /// Spends an approval. The caller puts the ledger on disk before it does anything: an approval that was spent is spent,
    /// whatever becomes of the action.
    ///
    /// # Errors
    /// Every reason not to do it. The ledger then differs at most by a newer list of approvers and by actions that expired.
    pub fn authorise(
        &mut self,
        presented: Presented<'_>,
        ca: &PublicKey,
        policy: &Policy,
        now: &Moment,
    ) -> Result<Authorised, Refusal> {
        self.learn(presented.roster, ca)?;
        self.tidy(now);
        let Some(roster) = &self.roster else {
            return Err(Refusal::NoApprover);
        };
        let mut entries = self.entries.iter_mut();
        let entry = entries
            .find(|entry| entry.digest == presented.action)
            .ok_or(Refusal::Unknown)?;
        entry.is_open(now)?;
        let action = entry.action.clone().ok_or(Refusal::Unknown)?;
        let approval = Approval::open(presented.approval, roster, &action)?;
        let self_approved = action.requester == approval.approver;
        if self_approved && (action.four_eyes || policy.four_eyes) {
            return Err(Refusal::SelfApproval {
                approver: approval.approver,
            });
        }
        policy
            .allows(&action.operation, action.permission)
            .map_err(|why| Refusal::Denied { why })?;
        entry.ends(End::Used);
        Ok(Authorised {
            digest: presented.action,
            action,
            approver: approval.approver,
            self_approved,
        })
    }

    /// Takes over a list of approvers, if it is one and is none of before.
    ///
    /// # Errors
    /// [`Refusal::BadRoster`], [`Refusal::OldRoster`].
    pub fn learn(&mut self, envelope: &[u8], ca: &PublicKey) -> Result<(), Refusal> {
        let came = Roster::open(envelope, ca).map_err(|error| Refusal::BadRoster { why: chain(&error) })?;
        match &self.roster {
            Some(seen) if came.version < seen.version => {
                return Err(Refusal::OldRoster {
                    came: came.version,
                    seen: seen.version,
                });
            }
            Some(seen) if came.version == seen.version && came != *seen => {
                return Err(Refusal::BadRoster {
                    why: format!("two lists of approvers have the version {}", came.version),
                });
            }
            _ => {}
        }
        self.roster = Some(came);
        Ok(())
    }

    /// Forgets the list of approvers: the CA is another one.
    pub fn forget_roster(&mut self) {
        self.roster = None;
    }

    /// Ends what is past, and forgets the oldest of what ended.
    fn tidy(&mut self, now: &Moment) {
        for entry in self.entries.iter_mut().filter(|entry| entry.end.is_none()) {
            match entry.passed(now) {
                Ok(()) => {}
                Err(Refusal::OtherBoot) => entry.ends(End::Void),
                Err(_) => entry.ends(End::Expired),
            }
        }
        let ended = self.entries.iter().filter(|entry| entry.end.is_some()).count();
        let mut surplus = ended.saturating_sub(MOST_ENDED);
        self.entries.retain(|entry| {
            let goes = surplus > 0 && entry.end.is_some();
            surplus = surplus.saturating_sub(usize::from(goes));
            !goes
        });
    }
}

impl Entry {
    fn is_open(&self, now: &Moment) -> Result<(), Refusal> {
        match self.end {
            Some(End::Used) => Err(Refusal::Used),
            Some(End::Void) if self.boot_id != now.boot_id => Err(Refusal::OtherBoot),
            Some(End::Void) => Err(Refusal::Void),
            Some(End::Expired) => Err(self.expired()),
            None => self.passed(now),
        }
    }

    fn passed(&self, now: &Moment) -> Result<(), Refusal> {
        if self.boot_id != now.boot_id {
            return Err(Refusal::OtherBoot);
        }
        let until = self
            .issued_us
            .saturating_add(u64::from(self.lifetime_s).saturating_mul(1_000_000));
        // Before it was issued is no moment of this boot either: a damaged ledger, or a clock that is none.
        match (self.issued_us..until).contains(&micros(now.since_boot)) {
            true => Ok(()),
            false => Err(self.expired()),
        }
    }

    fn expired(&self) -> Refusal {
        Refusal::Expired {
            lifetime_s: self.lifetime_s,
        }
    }

    fn ends(&mut self, end: End) {
        self.end = Some(end);
        self.action = None;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// An error and what lies below it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let below = std::iter::successors(error.source(), |error| error.source());
    below.fold(error.to_string(), |all, error| format!("{all}: {error}"))
}
