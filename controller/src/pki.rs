//! The certificate authority and the identities it issues.
//!
//! The authority's key signs certificates of agents, users and controllers, and nothing else: certificates of drift and
//! heads of the audit log are signed by another key. What a certificate says of its holder is set here; of a request only
//! the public key is taken.

mod files;
mod key;
mod leaf;
mod read;
mod request;

use std::path::PathBuf;

use netghost_core::artifact::json::Digest;
use rcgen::{Issuer, KeyPair, PublicKeyData};
use x509_parser::prelude::{FromDer, X509Certificate};

pub use key::PublicKey;
pub use leaf::{CLIENT_LIFETIME_US, Issued, SKEW_US, Validity};
pub use read::{Leaf, NotALeaf};
pub use request::{NotARequest, read_request};

/// The controller's certificate authority.
pub struct Authority {
    /// The trust domain.
    pub domain: String,
    certificate: Vec<u8>,
    key: PublicKey,
    issuer: Issuer<'static, KeyPair>,
}

/// Why the authority could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// There is an authority already, or something else.
    #[error("{} exists already and is not empty: an authority is never overwritten", .0.display())]
    Exists(PathBuf),
    /// Others than its owner can use it.
    #[error("others can read {} (mode {mode:03o}): run `chmod go= {}`, and make a new authority if they may have",
        .path.display(), .path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file holds something else.
    #[error("{} is not {wanted}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What it must be.
        wanted: &'static str,
    },
    /// Key and certificate don't belong together.
    #[error("the key {} is not that of the certificate beside it: restore both from one backup", .0.display())]
    Mismatch(PathBuf),
    /// Not a trust domain.
    #[error("{0:?} is no trust domain: lower-case letters, digits, dots, dashes and underscores")]
    Domain(String),
    /// The system gave no random bytes.
    #[error("draw random bytes")]
    Random(#[from] getrandom::Error),
    /// A certificate could not be encoded or signed.
    #[error("make a certificate")]
    Make(#[from] rcgen::Error),
    /// A key could not be used for TLS.
    #[error("use a key for TLS")]
    Tls(#[from] rustls::Error),
    /// A time that no certificate can hold.
    #[error("{0} µs since 1970 is not a time that a certificate can hold: set the clock")]
    Time(u64),
    /// A server's name that no certificate can hold.
    #[error("{0:?} can't stand in a certificate: give a DNS name or an IP address")]
    ServerName(String),
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority")
            .field("domain", &self.domain)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// SHA-256 of the DER of its public key (SPKI): what a token carries and a client trusts.
    pub fn fingerprint(&self) -> Digest {
        self.key.digest()
    }

    /// Its own certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// True if this certificate (DER) was signed by the authority's key, whatever its period.
    pub fn signed(&self, certificate: &[u8]) -> bool {
        let Ok((rest, parsed)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        rest.is_empty()
            && request::is_ecdsa_sha256(&parsed.signature_algorithm)
            && self
                .key
                .verifies(parsed.tbs_certificate.as_ref(), &parsed.signature_value.data)
    }

    /// The parts, if they belong together.
    fn assemble(certificate: Vec<u8>, key: KeyPair) -> Option<Self> {
        let public = PublicKey::from_spki(&key.subject_public_key_info())?;
        let (rest, parsed) = X509Certificate::from_der(&certificate).ok()?;
        let domain = read::domain_of_authority(&parsed)?;
        let whole = rest.is_empty() && parsed.is_ca();
        if !whole || PublicKey::from_spki(parsed.public_key().raw).as_ref() != Some(&public) {
            return None;
        }
        let issuer = Issuer::from_ca_cert_der(&certificate.as_slice().into(), key).ok()?;
        Some(Self {
            domain,
            certificate,
            key: public,
            issuer,
        })
    }
}
