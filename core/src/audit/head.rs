//! Signed heads of the log.

use serde::{Deserialize, Serialize};

use crate::artifact::dsse::{self, EnvelopeError};
use crate::artifact::json::{self, CanonicalError, Digest, ReadError};
use crate::artifact::key::{PublicKey, Signer};
use crate::bytes::Big;

/// The payload type of a head's envelope.
pub const HEAD_TYPE: &str = "application/vnd.netghost.audit-head+json";
/// The schema of a head.
pub const HEAD_SCHEMA: &str = "netghost.audit_head/v1";

/// What is signed: all records up to one, by its number and hash, and the heads before, by the hash of the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// [`HEAD_SCHEMA`].
    pub schema: String,
    /// Whose log it is: the controller's id.
    pub controller: String,
    /// The number of the last record under it.
    pub sequence: Big,
    /// The hash of that record.
    pub hash: Digest,
    /// SHA-256 of the envelope of the head before; of no bytes in the first.
    pub previous: Digest,
    /// When it was signed, microseconds since 1970 UTC by the controller's clock.
    pub at_us: Big,
}

/// Why a head proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The envelope around it.
    #[error("not signed by a key of this log")]
    Envelope(#[from] EnvelopeError),
    /// What was signed is no head.
    #[error("not a head of an audit log as it was written")]
    Form(#[from] ReadError),
    /// A head of another schema.
    #[error("of the schema {0:?}, not {HEAD_SCHEMA}")]
    Schema(String),
}

impl Head {
    /// The envelope that is stored and shown to witnesses.
    pub fn sign(&self, signer: &Signer) -> Result<Vec<u8>, CanonicalError> {
        dsse::sign_as(HEAD_TYPE, &json::to_vec(self)?, signer)
    }

    /// The head in an envelope, if one of `keys` signed it.
    pub fn open(signed: &[u8], keys: &[PublicKey]) -> Result<Self, HeadError> {
        let opened = dsse::open_as(HEAD_TYPE, signed, keys)?;
        let head: Self = json::from_slice(&opened.payload)?;
        if head.schema == HEAD_SCHEMA {
            Ok(head)
        } else {
            Err(HeadError::Schema(head.schema))
        }
    }
}
