//! Certificate requests (PKCS#10, RFC 2986).

use x509_parser::prelude::{AlgorithmIdentifier, FromDer, X509CertificationRequest};

use super::PublicKey;

/// The longest request that is looked at, in bytes; one with a P-256 key and no attributes has about 200.
const LONGEST: usize = 4096;
/// ecdsa-with-SHA256 (RFC 5758 §3.2).
const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

/// Some bytes are no certificate request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    /// Longer than any.
    #[error("a certificate request of more than {LONGEST} bytes")]
    Long,
    /// Not PKCS#10 in DER, or with something behind it.
    #[error("not a certificate request (PKCS#10 in DER)")]
    Form,
    /// Another kind of key or signature.
    #[error("a certificate request with another key than ECDSA P-256, or not signed with SHA-256")]
    Algorithm,
    /// Whoever asks does not hold the key.
    #[error("a certificate request that its own key did not sign")]
    Signature,
}

/// The public key of a request, whose own signature is checked. Whatever else it asks for is not looked at.
pub fn read_request(der: &[u8]) -> Result<PublicKey, NotARequest> {
    if der.len() > LONGEST {
        return Err(NotARequest::Long);
    }
    let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| NotARequest::Form)?;
    if !rest.is_empty() {
        return Err(NotARequest::Form);
    }
    let info = &request.certification_request_info;
    let key = PublicKey::from_spki(info.subject_pki.raw).ok_or(NotARequest::Algorithm)?;
    if !is_ecdsa_sha256(&request.signature_algorithm) {
        return Err(NotARequest::Algorithm);
    }
    if !key.verifies(info.raw, &request.signature_value.data) {
        return Err(NotARequest::Signature);
    }
    Ok(key)
}

/// True for ecdsa-with-SHA256, which has no parameters.
pub(super) fn is_ecdsa_sha256(algorithm: &AlgorithmIdentifier<'_>) -> bool {
    algorithm.algorithm.to_id_string() == ECDSA_SHA256 && algorithm.parameters.is_none()
}
