//! What exactly would be done: the document that an approver signs for.

use serde::{Deserialize, Serialize};

use super::operation::{
    Check, LONGEST_LIFETIME, LONGEST_WINDOW, NotAnOperation, Operation, Permission, SHORTEST_WINDOW,
};
use crate::artifact::json::{self, CanonicalError, Digest, ReadError};
use crate::artifact::name::Name;
use crate::bytes::{Hex, Text};
use crate::fleet::Id;

/// The schema of an action.
pub const SCHEMA: &str = "netghost.action/v1";

/// An action as its VM wrote it. Its canonical bytes are what the digest is of; they are kept and shown as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// [`SCHEMA`].
    pub schema: String,
    /// The request's id: asked for twice it is one action.
    pub id: Id,
    /// Which VM wrote this, and in which boot.
    pub target: Target,
    /// The network namespace: `init`, or its name as a snapshot has it.
    pub namespace: Text,
    /// Who asks, by the name under which the controller knows them.
    pub requester: Name,
    /// Why.
    pub reason: Text,
    /// The change that it belongs to.
    pub ticket: Option<Text>,
    /// What was asked for.
    pub operation: Operation,
    /// Which line of the policy it comes under.
    pub permission: Permission,
    /// What it does to this VM as it is now.
    pub effect: Effect,
    /// What has to work afterwards, besides a new connection to the controller.
    pub checks: Vec<Check>,
    /// Within how many seconds it has to be confirmed before it undoes itself; 0 for what can't be undone, and for a server, which
    /// ends with its lease.
    pub window_s: u32,
    /// How many seconds the VM waits for an approval, from when it wrote this.
    pub lifetime_s: u32,
    /// 32 random bytes that the VM drew: an approval is for this action on this VM, once.
    pub nonce: Hex,
    /// True if the VM takes no approval by the requester.
    pub four_eyes: bool,
    /// The program that wrote this, with its version.
    pub tool: String,
}

/// A VM in one of its boots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The agent's id; none for a host that has no controller.
    pub agent: Option<Id>,
    /// The host's name.
    pub host: Text,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: String,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effect {
    /// The exact change, for people, one step a line, in the words of the ordinary tools.
    pub change: Vec<Text>,
    /// What undoes it, likewise; empty for what can't be undone.
    pub inverse: Vec<Text>,
    /// The object that is touched, in words: `chain inet filter input`, `qdiscs of eth0`.
    pub object: Text,
    /// The digest of that object's configuration now; another one makes an approval void.
    pub before: Digest,
    /// The digest that it will have; none where it can't be known (a package).
    pub after: Option<Digest>,
    /// Why it has no exact inverse; such an action is `irreversible` and is not confirmed or undone.
    pub irreversible: Option<Text>,
    /// What is lost although it is undone: counters that go on from what they were, elements that time out.
    pub notes: Vec<Text>,
}

/// Why bytes are no action.
#[derive(Debug, thiserror::Error)]
pub enum NotAnAction {
    /// Not canonical JSON of this form.
    #[error("not an action")]
    Form(#[source] ReadError),
    /// Of another schema.
    #[error("not a {SCHEMA} document")]
    Schema,
    /// A field is out of bounds.
    #[error("not an action")]
    Field(#[from] NotAnOperation),
}

impl Action {
    /// The canonical bytes.
    ///
    /// # Errors
    /// A value without a canonical form: a fault of this program.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        json::to_vec(self)
    }

    /// What an approval is for.
    ///
    /// # Errors
    /// As [`Action::to_bytes`].
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        json::digest(self)
    }

    /// Reads an action and holds it to its bounds.
    ///
    /// # Errors
    /// Anything but the canonical bytes of an action whose fields agree.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAnAction> {
        let action: Self = json::from_slice(bytes).map_err(NotAnAction::Form)?;
        if action.schema != SCHEMA {
            return Err(NotAnAction::Schema);
        }
        action.check()?;
        Ok(action)
    }

    /// Holds the fields to their bounds and to each other.
    ///
    /// # Errors
    /// The first field that does not hold.
    pub fn check(&self) -> Result<(), NotAnOperation> {
        let wrong = |field, why: &str| {
            Err(NotAnOperation {
                field,
                why: why.to_owned(),
            })
        };
        self.operation.check()?;
        let window = u64::from(self.window_s);
        let timed =
            !matches!(self.operation, Operation::ServerStart { .. }) && self.effect.irreversible.is_none();
        match (timed, window) {
            (true, seconds) if !(SHORTEST_WINDOW.as_secs()..=LONGEST_WINDOW.as_secs()).contains(&seconds) => {
                return wrong("window_s", "a change is confirmed within 5 to 900 seconds");
            }
            (false, 1..) => return wrong("window_s", "what is not undone is not confirmed"),
            _ => {}
        }
        if !(1..=LONGEST_LIFETIME.as_secs()).contains(&u64::from(self.lifetime_s)) {
            return wrong("lifetime_s", "an approval is waited for 1 second to 24 hours");
        }
        if self.nonce.0.len() != 32 {
            return wrong("nonce", "a nonce has 32 bytes");
        }
        if self.effect.irreversible.is_some() != self.effect.inverse.is_empty() {
            return wrong(
                "effect.inverse",
                "what is reversible has an inverse, and nothing else has one",
            );
        }
        if self.reason.is_empty() {
            return wrong("reason", "an action says why");
        }
        Ok(())
    }

    /// True if it undoes itself unless it is confirmed.
    pub fn is_confirmed(&self) -> bool {
        self.window_s > 0
    }

    /// What would make an approval of it void, in sentences.
    pub fn void_if(&self) -> Vec<String> {
        let mut all = vec![
            format!(
                "{} is not as it was read (digest {})",
                self.effect.object, self.effect.before
            ),
            format!("{} s pass before it is approved and done", self.lifetime_s),
            format!("{} is started anew", self.target.host),
            "the approver is revoked, or the VM's policy denies it".to_owned(),
        ];
        if self.four_eyes {
            all.push(format!("the approver is {}, who asks for it", self.requester));
        }
        all
    }
}
