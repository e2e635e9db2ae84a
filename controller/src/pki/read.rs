//! Reads certificates.

use netghost_core::bytes::to_hex;
use netghost_core::fleet::{NotSpiffe, SpiffeId};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{PublicKey, Validity};

/// What a client's certificate says. Who signed it is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Its holder.
    pub name: SpiffeId,
    /// When it is valid.
    pub validity: Validity,
    /// Its holder's key.
    pub key: PublicKey,
}

/// Some bytes are no client's certificate of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALeaf {
    /// Not X.509 in DER, or with something behind it.
    #[error("not a certificate (X.509 in DER)")]
    Form,
    /// Another kind of key.
    #[error("a certificate with another key than ECDSA P-256")]
    Key,
    /// It names nobody, or several.
    #[error("a certificate whose alternative names are not exactly one URI")]
    Names,
    /// Its one name is not one of ours.
    #[error("a certificate whose name is")]
    Name(#[from] NotSpiffe),
    /// A time before 1970.
    #[error("a certificate whose period begins or ends before 1970")]
    Period,
}

impl Leaf {
    /// Reads a certificate in DER.
    pub fn read(der: &[u8]) -> Result<Self, NotALeaf> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| NotALeaf::Form)?;
        if !rest.is_empty() {
            return Err(NotALeaf::Form);
        }
        let time = |seconds: i64| {
            u64::try_from(seconds)
                .map(|seconds| seconds.saturating_mul(1_000_000))
                .map_err(|_| NotALeaf::Period)
        };
        Ok(Self {
            serial: to_hex(strip_sign(parsed.raw_serial())),
            name: SpiffeId::parse(only_uri(&parsed).ok_or(NotALeaf::Names)?)?,
            validity: Validity {
                not_before_us: time(parsed.validity().not_before.timestamp())?,
                not_after_us: time(parsed.validity().not_after.timestamp())?,
            },
            key: PublicKey::from_spki(parsed.public_key().raw).ok_or(NotALeaf::Key)?,
        })
    }
}

/// The trust domain of an authority's certificate: `spiffe://DOMAIN` is its one name.
pub(super) fn domain_of_authority(certificate: &X509Certificate<'_>) -> Option<String> {
    let domain = only_uri(certificate)?.strip_prefix("spiffe://")?;
    SpiffeId::is_domain(domain).then(|| domain.to_owned())
}

/// The one alternative name, if it is a URI.
fn only_uri<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a str> {
    let names = certificate.subject_alternative_name().ok()??;
    match names.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => Some(uri),
        _ => None,
    }
}

/// A DER integer without the zero that says that it is positive.
fn strip_sign(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => integer,
    }
}
