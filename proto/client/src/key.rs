//! Private keys of agents and users: ECDSA P-256, which every TLS library of the field can check.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

/// Why a key could not be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key could be made.
    #[error("make a key")]
    Make(#[source] rcgen::Error),
    /// Not a P-256 private key in PKCS#8 PEM.
    #[error("not a P-256 private key in PEM")]
    Format(#[source] rcgen::Error),
    /// No certificate request could be made.
    #[error("make a certificate request")]
    Request(#[source] rcgen::Error),
    /// Nothing could be signed.
    #[error("sign with the key")]
    Sign,
}

/// A private key. `Debug` does not show it.
pub struct Key(KeyPair);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A new key by the system's random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
            .map(Self)
            .map_err(KeyError::Make)
    }

    /// Reads `-----BEGIN PRIVATE KEY-----`.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_ECDSA_P256_SHA256)
            .map(Self)
            .map_err(KeyError::Format)
    }

    /// The key as `-----BEGIN PRIVATE KEY-----`. Whoever holds the text is the caller.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }

    /// The public half as SPKI in DER.
    pub fn spki(&self) -> Vec<u8> {
        use rcgen::PublicKeyData;
        self.0.subject_public_key_info()
    }

    /// A certificate request (PKCS#10 in DER) that says nothing but the public key.
    pub fn request(&self) -> Result<Vec<u8>, KeyError> {
        let params = CertificateParams::new(Vec::new()).map_err(KeyError::Request)?;
        let request = params.serialize_request(&self.0).map_err(KeyError::Request)?;
        Ok(request.der().to_vec())
    }

    /// The signature of a message: ECDSA with SHA-256 in ASN.1 form.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        let pkcs8 = Zeroizing::new(self.0.serialize_der());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random)
            .map_err(|_| KeyError::Sign)?;
        let signature = key.sign(&random, message).map_err(|_| KeyError::Sign)?;
        Ok(signature.as_ref().to_vec())
    }

    /// The key as rustls takes it.
    pub(crate) fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.0.serialize_der()).into()
    }
}
