//! One person's consent to one action.

use serde::{Deserialize, Serialize};

use super::{Action, Refusal, Roster};
use crate::artifact::dsse;
use crate::artifact::json::{self, CanonicalError, Digest};
use crate::artifact::key::Signer;
use crate::artifact::name::Name;
use crate::bytes::{Hex, Text};
use crate::fleet::Id;

/// The schema of an approval.
pub const SCHEMA: &str = "netghost.approval/v1";
/// What is under the signature beside the approval.
pub const PAYLOAD_TYPE: &str = "application/vnd.netghost.approval+json";
/// The longest signed approval that is looked at, in bytes.
const LONGEST: usize = 4 << 10;

/// What an approver signs. The digest is over the whole action; the other fields are what a person has to have meant, so that a
/// fault that confuses two actions is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// [`SCHEMA`].
    pub schema: String,
    /// The SHA-256 of the action's canonical bytes.
    pub action: Digest,
    /// The agent's id, as in the action.
    pub agent: Option<Id>,
    /// The host's name, as in the action.
    pub host: Text,
    /// The network namespace, as in the action.
    pub namespace: Text,
    /// Who asked, as in the action.
    pub requester: Name,
    /// The action's nonce.
    pub nonce: Hex,
    /// The action's lifetime.
    pub lifetime_s: u32,
    /// Who consents.
    pub approver: Name,
}

impl Approval {
    /// The consent of this person to this action.
    ///
    /// # Errors
    /// The action has no canonical form.
    pub fn new(action: &Action, approver: Name) -> Result<Self, CanonicalError> {
        Ok(Self {
            schema: SCHEMA.to_owned(),
            action: action.digest()?,
            agent: action.target.agent,
            host: action.target.host.clone(),
            namespace: action.namespace.clone(),
            requester: action.requester.clone(),
            nonce: action.nonce.clone(),
            lifetime_s: action.lifetime_s,
            approver,
        })
    }

    /// Signs it.
    ///
    /// # Errors
    /// It has no canonical form.
    pub fn sign(&self, key: &Signer) -> Result<Vec<u8>, CanonicalError> {
        dsse::sign_as(PAYLOAD_TYPE, &json::to_vec(self)?, key)
    }

    /// The approval in an envelope, if an approver of this list signed it for this action.
    ///
    /// # Errors
    /// Every way in which it is not that.
    pub fn open(envelope: &[u8], roster: &Roster, action: &Action) -> Result<Self, Refusal> {
        if envelope.len() > LONGEST {
            return Err(Refusal::Malformed {
                why: format!("longer than {LONGEST} bytes"),
            });
        }
        let keys = roster.keys();
        let opened = dsse::open_as(PAYLOAD_TYPE, envelope, &keys).map_err(|error| match error {
            dsse::EnvelopeError::UnknownKey { .. } | dsse::EnvelopeError::NoKey => Refusal::NoApprover,
            dsse::EnvelopeError::BadSignature { .. } => Refusal::BadSignature,
            other => Refusal::Malformed {
                why: other.to_string(),
            },
        })?;
        let (approver, _) = roster.whose(opened.keyid)?;
        let approval: Self = json::from_slice(&opened.payload).map_err(|error| Refusal::Malformed {
            why: error.to_string(),
        })?;
        approval.fits(action, &approver.name)?;
        Ok(approval)
    }

    fn fits(&self, action: &Action, signer: &Name) -> Result<(), Refusal> {
        let digest = action.digest().map_err(|error| Refusal::Malformed {
            why: error.to_string(),
        })?;
        let fields = [
            ("schema", self.schema == SCHEMA),
            ("action", self.action == digest),
            ("agent", self.agent == action.target.agent),
            ("host", self.host == action.target.host),
            ("namespace", self.namespace == action.namespace),
            ("requester", self.requester == action.requester),
            ("nonce", self.nonce == action.nonce),
            ("lifetime_s", self.lifetime_s == action.lifetime_s),
            ("approver", self.approver == *signer),
        ];
        match fields.iter().find(|(_, same)| !same) {
            Some((field, _)) => Err(Refusal::Other { field }),
            None => Ok(()),
        }
    }
}
