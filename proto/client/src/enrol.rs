//! How a caller comes by a certificate.

use netghost_core::fleet::Token;
use netghost_proto::v1::enrolment_client::EnrolmentClient;
use netghost_proto::{RECOVER, v1};
use tonic::Status;
use tonic::transport::Channel;

use crate::identity::{Identity, IdentityError};
use crate::key::{Key, KeyError};
use crate::trust::{Trust, fingerprint};

/// Why no certificate came.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The key can't be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The controller refused, or could not be asked.
    #[error("the controller refused: {}", .0.message())]
    Refused(Status),
    /// What the controller sent is no identity for this key.
    #[error("the controller's answer can't be used")]
    Answer(#[from] IdentityError),
}

/// Joins by a token. The same key may be used again for ten minutes, where the answer was lost.
pub async fn enrol(
    channel: Channel,
    token: &Token,
    key: Key,
    name: &str,
) -> Result<(Identity, v1::Identity), EnrolError> {
    let request = v1::EnrolRequest {
        token_id: token.id.to_string(),
        secret: token.secret.0.to_vec().into(),
        csr: key.request()?.into(),
        name: name.to_owned(),
    };
    let answer = EnrolmentClient::new(channel).enrol(request).await;
    renewed(
        answer.map_err(EnrolError::Refused)?.into_inner(),
        key,
        &Trust::Fingerprint(token.ca),
    )
}

/// Asks what an attested document must hold so that it serves for this key.
pub async fn challenge(channel: Channel, key: &Key) -> Result<v1::ChallengeReply, EnrolError> {
    let request = v1::ChallengeRequest {
        csr: key.request()?.into(),
    };
    let answer = EnrolmentClient::new(channel).challenge(request).await;
    Ok(answer.map_err(EnrolError::Refused)?.into_inner())
}

/// Joins by a document by which a cloud names this VM (PKCS#7 in DER), made for the nonce that this key was given. `resource` is
/// what the VM is told to be; empty if it is told nothing.
pub async fn attest(
    channel: Channel,
    trust: &Trust,
    key: Key,
    name: &str,
    (document, resource): (Vec<u8>, String),
) -> Result<(Identity, v1::Identity), EnrolError> {
    let request = v1::AttestRequest {
        csr: key.request()?.into(),
        name: name.to_owned(),
        document: document.into(),
        resource,
    };
    let answer = EnrolmentClient::new(channel).attest(request).await;
    renewed(answer.map_err(EnrolError::Refused)?.into_inner(), key, trust)
}

/// Gets a new certificate for an identity whose own ran out, by proof of its key.
pub async fn recover(
    channel: Channel,
    old: &Identity,
    key: Key,
) -> Result<(Identity, v1::Identity), EnrolError> {
    let csr = key.request()?;
    let request = v1::RecoverRequest {
        certificate: old.certificate.clone().into(),
        signature: old.key.sign(&[RECOVER, &csr].concat())?.into(),
        csr: csr.into(),
    };
    let answer = EnrolmentClient::new(channel).recover(request).await;
    renewed(
        answer.map_err(EnrolError::Refused)?.into_inner(),
        key,
        &Trust::Authority(old.authority.clone()),
    )
}

/// The identity in an answer, if it is for this key and from the trusted authority.
pub fn renewed(
    answer: v1::Identity,
    key: Key,
    trust: &Trust,
) -> Result<(Identity, v1::Identity), EnrolError> {
    let [certificate, authority] = answer.chain.as_slice() else {
        return Err(IdentityError::Certificate.into());
    };
    let found = fingerprint(authority).ok_or(IdentityError::Certificate)?;
    let wanted = match trust {
        Trust::Fingerprint(wanted) => *wanted,
        Trust::Authority(der) => fingerprint(der).ok_or(IdentityError::Certificate)?,
    };
    if found != wanted {
        return Err(IdentityError::OtherAuthority { wanted, found }.into());
    }
    let identity = Identity::new(certificate.to_vec(), authority.to_vec(), key)?;
    Ok((identity, answer))
}
