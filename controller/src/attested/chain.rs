//! Who signed: a certificate of the cloud's metadata service under a root of the configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::ring::{
    ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Cloud;
use super::cms::Signed;

/// By which certificates may be signed. The document itself is signed by RSA with SHA-256.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
];
/// The most of a file of certificates that is read, in bytes: what all public roots need, several times.
const LONGEST: u64 = 4 * 1024 * 1024;

/// What a signer's certificate must chain to, and certificates that may stand between.
#[derive(Clone)]
pub struct Roots {
    anchors: Vec<TrustAnchor<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (roots, between) = (self.anchors.len(), self.intermediates.len());
        write!(f, "Roots({roots} roots, {between} intermediates)")
    }
}

/// Why no roots are had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file can't be read.
    #[error("read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{} holds no certificates in PEM, or one that can't be read ({why})", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Why a signer is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTrusted {
    /// No certificate is the signer's.
    #[error("it does not hold the certificate that it names as its signer's")]
    NoCertificate,
    /// One that can't be read.
    #[error("its signer's certificate can't be read ({0})")]
    Certificate(String),
    /// For other names.
    #[error("its signer's certificate is for {found}, not for {wanted} or a name under it")]
    Name {
        /// The names in it.
        found: String,
        /// What the cloud signs as.
        wanted: &'static str,
    },
    /// For other uses.
    #[error("its signer's certificate is not for signatures")]
    Usage,
    /// The chain.
    #[error(
        "its signer's certificate does not lead to a root of enrolment.azure.roots ({why}){}",
        hint(.issuer)
    )]
    Chain {
        /// What failed.
        why: String,
        /// The last issuer's name on the way, where no root is its.
        issuer: Option<String>,
    },
    /// Altered, or signed by another key.
    #[error("its signature does not hold: it was altered")]
    Signature,
}

fn hint(issuer: &Option<String>) -> String {
    issuer.as_ref().map_or_else(String::new, |issuer| {
        format!(
            ": if it is Azure's, an admin puts the certificate of {issuer} into enrolment.azure.roots, or into enrolment.azure.intermediates \
             where its own root is there"
        )
    })
}

impl Roots {
    /// Reads files in PEM.
    pub fn read(roots: &Path, intermediates: Option<&Path>) -> Result<Self, ReadError> {
        let form = |path: &Path, why: String| ReadError::Form {
            path: path.to_path_buf(),
            why,
        };
        let mut anchors = Vec::new();
        for der in certificates(roots)? {
            let anchor = anchor_from_trusted_cert(&der).map_err(|error| form(roots, error.to_string()))?;
            anchors.push(anchor.to_owned());
        }
        let between = intermediates.map_or_else(|| Ok(Vec::new()), certificates)?;
        if let (Some(path), Some(error)) = (
            intermediates,
            between.iter().find_map(|der| EndEntityCert::try_from(der).err()),
        ) {
            return Err(form(path, error.to_string()));
        }
        Ok(Self {
            anchors,
            intermediates: between,
        })
    }

    /// Whether the cloud's metadata service signed, by the certificate that it names, at this time.
    pub(super) fn verify(&self, signed: &Signed<'_>, cloud: Cloud, now_us: u64) -> Result<(), NotTrusted> {
        let (leaf, parsed) = signer(signed)?;
        named(&parsed, cloud)?;
        let usage = parsed
            .key_usage()
            .map_err(|error| NotTrusted::Certificate(error.to_string()))?;
        if usage.is_some_and(|usage| !usage.value.digital_signature()) {
            return Err(NotTrusted::Usage);
        }
        let leaf = CertificateDer::from(leaf);
        let read = EndEntityCert::try_from(&leaf);
        let certificate = read.map_err(|error| NotTrusted::Certificate(error.to_string()))?;
        let mut between = self.intermediates.clone();
        let others = signed.certificates.iter().filter(|der| **der != leaf.as_ref());
        between.extend(others.map(|der| CertificateDer::from(der.to_vec())));
        certificate
            .verify_for_usage(
                ALGORITHMS,
                &self.anchors,
                &between,
                UnixTime::since_unix_epoch(Duration::from_micros(now_us)),
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map_err(|error| chain(&error, &parsed, &between))?;
        certificate
            .verify_signature(RSA_PKCS1_2048_8192_SHA256, &signed.message, signed.signature)
            .map_err(|_| NotTrusted::Signature)
    }
}

/// The one certificate that the signer names by issuer and serial number.
fn signer<'a>(signed: &Signed<'a>) -> Result<(&'a [u8], X509Certificate<'a>), NotTrusted> {
    for der in &signed.certificates {
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|error| NotTrusted::Certificate(error.to_string()))?;
        if rest.is_empty()
            && parsed.issuer().as_raw() == signed.issuer
            && parsed.raw_serial() == signed.serial
        {
            return Ok((der, parsed));
        }
    }
    Err(NotTrusted::NoCertificate)
}

fn named(certificate: &X509Certificate<'_>, cloud: Cloud) -> Result<(), NotTrusted> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|error| NotTrusted::Certificate(error.to_string()))?;
    let names: Vec<&str> = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    if names.iter().any(|name| cloud.signs_as(name)) {
        return Ok(());
    }
    Err(NotTrusted::Name {
        found: match names.is_empty() {
            true => "no DNS name".to_owned(),
            false => names.join(", "),
        },
        wanted: cloud.signer(),
    })
}

/// Why a chain did not hold, and whose certificate is missing if that is why.
fn chain(error: &webpki::Error, leaf: &X509Certificate<'_>, between: &[CertificateDer<'_>]) -> NotTrusted {
    let between: Vec<X509Certificate<'_>> = between
        .iter()
        .filter_map(|der| X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed))
        .collect();
    let mut top = leaf;
    // Each step is another certificate, unless they go round.
    for _ in &between {
        let above = between.iter().find(|above| {
            above.subject().as_raw() == top.issuer().as_raw()
                && above.subject().as_raw() != above.issuer().as_raw()
        });
        match above {
            Some(above) => top = above,
            None => break,
        }
    }
    NotTrusted::Chain {
        why: words(error),
        issuer: (*error == webpki::Error::UnknownIssuer).then(|| top.issuer().to_string()),
    }
}

/// What the usual failures mean.
fn words(error: &webpki::Error) -> String {
    let words = match error {
        webpki::Error::CertExpired { .. } => "a certificate on the way has expired",
        webpki::Error::CertNotValidYet { .. } => "a certificate on the way is not valid yet",
        webpki::Error::UnknownIssuer => "no certificate on the way is signed by one of those",
        webpki::Error::CaUsedAsEndEntity => "it is an authority's",
        webpki::Error::EndEntityUsedAsCa => "one on the way is no authority's",
        webpki::Error::RequiredEkuNotFoundContext(_) => "it is for other purposes than a server's",
        other => return format!("{other:?}"),
    };
    words.to_owned()
}

/// The certificates in a file, of which there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ReadError> {
    let read = |source| ReadError::Read {
        path: path.to_path_buf(),
        source,
    };
    let form = |why: String| ReadError::Form {
        path: path.to_path_buf(),
        why,
    };
    let length = std::fs::metadata(path).map_err(read)?.len();
    if length > LONGEST {
        return Err(form(format!("{length} bytes, more than {LONGEST}")));
    }
    let pem = std::fs::read(path).map_err(read)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| form(error.to_string()))?;
    match found.is_empty() {
        true => Err(form("none is in it".to_owned())),
        false => Ok(found),
    }
}
