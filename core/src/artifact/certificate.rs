//! Certificates: signed statements about a comparison or about what was sealed.
//!
//! An in-toto Statement v1 (<https://github.com/in-toto/attestation>, `spec/v1/statement.md`) in a DSSE envelope. What is
//! signed are the statement's bytes as written; checking reads them and never writes them again.

use serde::{Deserialize, Serialize};

use super::dsse::{self, EnvelopeError};
use super::json::{self, CanonicalError, Digest};
use super::key::{PublicKey, Signer};

mod drift;
mod seal;

pub use drift::{
    Answer, Changes, Comparison, CoveredSection, Drift, DriftVerdict, Muted, NotCovered, ShortChange, verdict,
};
pub use seal::{Seal, SealKind};

/// `_type` of every statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The predicate type of a comparison.
pub const DRIFT: &str = "urn:netghost:drift:v1";
/// The predicate type of a seal.
pub const SEAL: &str = "urn:netghost:seal:v1";

/// A statement: what it is about, and what is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The files it is about.
    pub subject: Vec<Subject>,
    /// What is said about them.
    pub predicate: Predicate,
}

/// A file that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name, for people; the digest says which file it is.
    pub name: String,
    /// The digest of its bytes.
    pub digest: SubjectDigest,
}

impl Subject {
    /// The subject of this name and content.
    pub fn new(name: &str, digest: Digest) -> Self {
        Self {
            name: name.to_owned(),
            digest: SubjectDigest { sha256: digest },
        }
    }
}

/// The digest of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectDigest {
    /// SHA-256.
    pub sha256: Digest,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// The result of a comparison. The subjects are the manifests compared: the baseline's, then the current one's.
    Drift(Box<Drift>),
    /// The subjects are sealed under a name.
    Seal(Seal),
}

/// A statement that a known key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What was signed.
    pub statement: Statement,
    /// The key id of the signer.
    pub keyid: Digest,
}

impl Verified {
    /// The subject whose content this is, if the statement is about it.
    pub fn subject(&self, bytes: &[u8]) -> Option<&Subject> {
        let sha256 = Digest::of(bytes);
        self.statement
            .subject
            .iter()
            .find(|subject| subject.digest.sha256 == sha256)
    }
}

/// Why a certificate is not taken.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The envelope does not prove its payload.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Properly signed, but not a statement of the expected shape.
    #[error("what was signed is not an in-toto statement of this program")]
    NotStatement(#[source] serde_json::Error),
    /// Properly signed, but of another kind or a later version.
    #[error("what was signed has {field} {found:?}, which this version does not know")]
    Unknown {
        /// `_type` or `predicateType`.
        field: &'static str,
        /// The value found.
        found: String,
    },
    /// Properly signed, but the stated verdict does not follow from what stands beside it.
    #[error("the certificate states {stated}, but what it lists makes {follows}")]
    Verdict {
        /// What it states.
        stated: DriftVerdict,
        /// What follows.
        follows: DriftVerdict,
    },
}

/// Signs a statement; the result is the certificate's file.
pub fn sign(statement: &Statement, signer: &Signer) -> Result<Vec<u8>, CanonicalError> {
    dsse::sign(&payload(statement)?, signer)
}

/// Reads a certificate that one of `keys` signed.
pub fn verify(certificate: &[u8], keys: &[PublicKey]) -> Result<Verified, VerifyError> {
    let opened = dsse::open(certificate, keys)?;
    let statement = statement(&opened.payload)?;
    if let Predicate::Drift(drift) = &statement.predicate {
        let (stated, follows) = (drift.verdict, drift.follows());
        if stated != follows {
            return Err(VerifyError::Verdict { stated, follows });
        }
    }
    Ok(Verified {
        statement,
        keyid: opened.keyid,
    })
}

/// What a certificate claims, and the key ids that it states. No signature is checked: for showing, never for believing.
pub fn peek(certificate: &[u8]) -> Result<(Statement, Vec<String>), VerifyError> {
    let (payload, keyids) = dsse::peek(certificate)?;
    Ok((statement(&payload)?, keyids))
}

/// The statement's form on paper, of which only the predicate differs.
#[derive(Serialize, Deserialize)]
struct Form<P> {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

/// What is read first, to know how to read the rest.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

fn payload(statement: &Statement) -> Result<Vec<u8>, CanonicalError> {
    match &statement.predicate {
        Predicate::Drift(drift) => form(statement, DRIFT, drift),
        Predicate::Seal(seal) => form(statement, SEAL, seal),
    }
}

fn form<P: Serialize>(
    statement: &Statement,
    predicate_type: &str,
    predicate: P,
) -> Result<Vec<u8>, CanonicalError> {
    json::to_vec(&Form {
        statement_type: STATEMENT.to_owned(),
        subject: statement.subject.clone(),
        predicate_type: predicate_type.to_owned(),
        predicate,
    })
}

fn statement(payload: &[u8]) -> Result<Statement, VerifyError> {
    let kind: Kind = serde_json::from_slice(payload).map_err(VerifyError::NotStatement)?;
    if kind.statement_type != STATEMENT {
        return Err(VerifyError::Unknown {
            field: "_type",
            found: kind.statement_type,
        });
    }
    match kind.predicate_type.as_str() {
        DRIFT => read::<Box<Drift>>(payload).map(|(subject, drift)| (subject, Predicate::Drift(drift))),
        SEAL => read::<Seal>(payload).map(|(subject, seal)| (subject, Predicate::Seal(seal))),
        _ => {
            return Err(VerifyError::Unknown {
                field: "predicateType",
                found: kind.predicate_type,
            });
        }
    }
    .map(|(subject, predicate)| Statement { subject, predicate })
}

fn read<P: for<'de> Deserialize<'de>>(payload: &[u8]) -> Result<(Vec<Subject>, P), VerifyError> {
    let form: Form<P> = serde_json::from_slice(payload).map_err(VerifyError::NotStatement)?;
    Ok((form.subject, form.predicate))
}

#[cfg(test)]
mod tests;
