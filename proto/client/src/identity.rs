//! A certificate with its key.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::{NotSpiffe, SpiffeId};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::key::Key;
use crate::trust;

/// Why a certificate is not taken as an identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Not a certificate.
    #[error("not a certificate")]
    Certificate,
    /// The certificate is of another key.
    #[error("the certificate is not of this key")]
    OtherKey,
    /// No SPIFFE id of the form that is issued, or several.
    #[error("the certificate names no one")]
    Nameless,
    /// Another SPIFFE id.
    #[error("the name in the certificate")]
    Name(#[from] NotSpiffe),
    /// The certificate authority is not the one that was trusted.
    #[error(
        "the certificate authority has the fingerprint {found}, not {wanted}: this is another controller"
    )]
    OtherAuthority {
        /// The fingerprint that was trusted.
        wanted: Digest,
        /// The one found.
        found: Digest,
    },
}

/// Who a caller is: a certificate, the authority that issued it, and the key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate in DER.
    pub certificate: Vec<u8>,
    /// The certificate authority's, in DER.
    pub authority: Vec<u8>,
    /// The key.
    pub key: Key,
    /// The name in the certificate.
    pub spiffe: SpiffeId,
    /// The certificate's period, microseconds since 1970 UTC.
    pub not_before_us: u64,
    /// Its end.
    pub not_after_us: u64,
}

impl Identity {
    /// Puts a certificate and its key together, if they belong together.
    pub fn new(certificate: Vec<u8>, authority: Vec<u8>, key: Key) -> Result<Self, IdentityError> {
        trust::fingerprint(&authority).ok_or(IdentityError::Certificate)?;
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(|_| IdentityError::Certificate)?;
        if parsed.public_key().raw != key.spki() {
            return Err(IdentityError::OtherKey);
        }
        let spiffe = spiffe(&parsed)?;
        let validity = parsed.validity();
        let (not_before_us, not_after_us) = (us(validity.not_before), us(validity.not_after));
        Ok(Self {
            certificate,
            authority,
            key,
            spiffe,
            not_before_us,
            not_after_us,
        })
    }
}

/// The one URI among the names of a certificate.
fn spiffe(certificate: &X509Certificate<'_>) -> Result<SpiffeId, IdentityError> {
    let names = certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
            _ => None,
        });
    match names.map(Vec::as_slice) {
        Some([GeneralName::URI(uri)]) => Ok(SpiffeId::parse(uri)?),
        _ => Err(IdentityError::Nameless),
    }
}

fn us(time: x509_parser::time::ASN1Time) -> u64 {
    u64::try_from(time.timestamp())
        .unwrap_or(0)
        .saturating_mul(1_000_000)
}
