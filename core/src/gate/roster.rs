//! Who may consent: a list that the approvers' CA signs.
//!
//! The CA's key lies on an admin's machine and never on a controller. Each edit makes a list of a higher version; a VM keeps the
//! highest that it saw and takes none that is lower, so a revocation that arrived once stays.

use serde::{Deserialize, Serialize};

use super::Refusal;
use crate::artifact::dsse::{self, EnvelopeError};
use crate::artifact::json::{self, CanonicalError, Digest, ReadError};
use crate::artifact::key::{KeyError, PublicKey, Signer};
use crate::artifact::name::Name;

/// The schema of a list of approvers.
pub const SCHEMA: &str = "netghost.approvers/v1";
/// What is under the signature beside the list: a signature for one use is none for another.
pub const PAYLOAD_TYPE: &str = "application/vnd.netghost.approvers+json";
/// The longest signed list, in bytes: with an approval it has to fit a control message.
pub const LONGEST: usize = 9 << 10;

/// A list of approvers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// [`SCHEMA`].
    pub schema: String,
    /// Higher with each edit; the first is 1.
    pub version: u64,
    /// Sorted by name; a name stands once.
    pub approvers: Vec<Approver>,
}

/// One approver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// The name under which the controller knows them.
    pub name: Name,
    /// Their public key, `-----BEGIN PUBLIC KEY-----`.
    pub key: String,
    /// True if what they sign counts no more. The name stays, so that it can be told apart from an unknown one.
    pub revoked: bool,
}

/// Why bytes are no list that can be believed, or an edit is none.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// Not signed by the CA.
    #[error("the list of approvers is not signed by the approvers' CA")]
    Signature(#[source] EnvelopeError),
    /// Not canonical JSON of this form.
    #[error("not a list of approvers")]
    Form(#[source] ReadError),
    /// The fields do not hold together.
    #[error("not a list of approvers: {0}")]
    Content(String),
    /// A key of it is none.
    #[error("the key of {name}")]
    Key {
        /// Whose.
        name: Name,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// A value without a canonical form.
    #[error("the list could not be written")]
    Canonical(#[from] CanonicalError),
}

impl Roster {
    /// The list of nobody.
    pub fn new() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            version: 1,
            approvers: Vec::new(),
        }
    }

    /// Checks the CA's signature and the list.
    ///
    /// # Errors
    /// Anything but a well-formed list under this key.
    pub fn open(envelope: &[u8], ca: &PublicKey) -> Result<Self, RosterError> {
        if envelope.len() > LONGEST {
            return Err(RosterError::Content(format!("longer than {LONGEST} bytes")));
        }
        let opened = dsse::open_as(PAYLOAD_TYPE, envelope, std::slice::from_ref(ca))
            .map_err(RosterError::Signature)?;
        let roster: Self = json::from_slice(&opened.payload).map_err(RosterError::Form)?;
        roster.check()?;
        Ok(roster)
    }

    /// Signs it.
    ///
    /// # Errors
    /// A list that would not be taken.
    pub fn sign(&self, ca: &Signer) -> Result<Vec<u8>, RosterError> {
        self.check()?;
        let envelope = dsse::sign_as(PAYLOAD_TYPE, &json::to_vec(self)?, ca)?;
        match envelope.len() > LONGEST {
            true => Err(RosterError::Content(format!(
                "{} approvers do not fit {LONGEST} bytes: remove who was revoked long ago",
                self.approvers.len()
            ))),
            false => Ok(envelope),
        }
    }

    fn check(&self) -> Result<(), RosterError> {
        let content = |why: &str| Err(RosterError::Content(why.to_owned()));
        if self.schema != SCHEMA {
            return content("another schema");
        }
        if self.version == 0 {
            return content("versions are counted from 1");
        }
        let mut keys = Vec::new();
        for approver in &self.approvers {
            let key = approver.public()?.id();
            // One key under two names would let one person be four eyes.
            if keys.contains(&key) {
                return content("one key stands under two names");
            }
            keys.push(key);
        }
        match self
            .approvers
            .is_sorted_by(|one, next| one.name.as_str() < next.name.as_str())
        {
            true => Ok(()),
            false => content("the names are not sorted, or one stands twice"),
        }
    }

    /// The list with this approver, one version on.
    ///
    /// # Errors
    /// A name or a key that is there already.
    pub fn with(&self, name: Name, key: &PublicKey) -> Result<Self, RosterError> {
        let approver = Approver {
            key: key.to_pem().map_err(|source| RosterError::Key {
                name: name.clone(),
                source,
            })?,
            name,
            revoked: false,
        };
        let mut next = Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        };
        next.approvers.push(approver);
        next.approvers
            .sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        next.check()?;
        Ok(next)
    }

    /// The list in which this approver's word counts no more, one version on; `None` if the name is not there or was revoked.
    pub fn without(&self, name: &Name) -> Option<Self> {
        let mut next = Self {
            version: self.version.saturating_add(1),
            ..self.clone()
        };
        let approver = next
            .approvers
            .iter_mut()
            .find(|approver| approver.name == *name && !approver.revoked)?;
        approver.revoked = true;
        Some(next)
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// Nobody's, or one that was revoked.
    pub(super) fn whose(&self, key: Digest) -> Result<(&Approver, PublicKey), Refusal> {
        for approver in &self.approvers {
            // A list that was checked has readable keys.
            let Ok(public) = approver.public() else { continue };
            if public.id() == key {
                return match approver.revoked {
                    true => Err(Refusal::Revoked {
                        approver: approver.name.clone(),
                    }),
                    false => Ok((approver, public)),
                };
            }
        }
        Err(Refusal::NoApprover)
    }

    /// The keys of all, also of those who were revoked: whose signature it is is told before whether it counts.
    pub(super) fn keys(&self) -> Vec<PublicKey> {
        self.approvers
            .iter()
            .filter_map(|approver| approver.public().ok())
            .collect()
    }
}

impl Default for Roster {
    fn default() -> Self {
        Self::new()
    }
}

impl Approver {
    /// The key.
    ///
    /// # Errors
    /// The text is none.
    pub fn public(&self) -> Result<PublicKey, RosterError> {
        PublicKey::from_pem(&self.key).map_err(|source| RosterError::Key {
            name: self.name.clone(),
            source,
        })
    }
}
