//! Ed25519 keys (RFC 8032) as PEM files: SPKI for the public half, PKCS#8 for the private one (RFC 8410).

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::json::Digest;

/// The length of an Ed25519 signature in bytes.
pub const SIGNATURE_LENGTH: usize = ed25519_dalek::SIGNATURE_LENGTH;

/// Why a key could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a PEM file that holds an Ed25519 key of the kind asked for.
    #[error("not {wanted} in PEM")]
    Format {
        /// What was asked for.
        wanted: &'static str,
    },
    /// A point of small order: everything would pass as signed by it.
    #[error("a weak Ed25519 public key, which would accept forged signatures")]
    Weak,
    /// The key has no PEM form; a fault of this program.
    #[error("the key could not be written as PEM")]
    Encode,
}

/// The public half: what a certificate is checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: Digest,
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        let der = key.to_public_key_der().map_err(|_| KeyError::Encode)?;
        let id = Digest::of(der.as_bytes());
        Ok(Self { key, id })
    }

    /// Reads `-----BEGIN PUBLIC KEY-----`; white space around it is allowed.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wanted = "an Ed25519 public key";
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| KeyError::Format { wanted })?;
        Self::new(key)
    }

    /// The key as `-----BEGIN PUBLIC KEY-----`, ending in a newline.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| KeyError::Encode)
    }

    /// The key id: the SHA-256 of the SPKI DER.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// True if `signature` is this key's for `message`. Strict (RFC 8032 §5.1.7 without cofactor, no small-order points), so
    /// that one message has no second signature made from the first.
    pub fn verifies(&self, message: &[u8], signature: &[u8; SIGNATURE_LENGTH]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.key.verify_strict(message, &signature).is_ok()
    }
}

/// The private half. Its memory is cleared when it is dropped.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
}

impl Signer {
    /// The key made from 32 random bytes, which the caller draws.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(SigningKey::from_bytes(seed))
    }

    fn new(key: SigningKey) -> Result<Self, KeyError> {
        let public = PublicKey::new(key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// Reads `-----BEGIN PRIVATE KEY-----`.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let wanted = "an Ed25519 private key";
        let key = SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| KeyError::Format { wanted })?;
        Self::new(key)
    }

    /// The key as `-----BEGIN PRIVATE KEY-----`. Whoever holds the text can sign.
    pub fn to_pem(&self) -> Result<impl std::ops::Deref<Target = String> + use<>, KeyError> {
        self.key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Encode)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LENGTH] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::from_hex;

    /// RFC 8032 §7.1, test 2.
    #[test]
    fn signs_as_the_standard_says() {
        let hex = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let seed: [u8; 32] = from_hex(hex).unwrap().try_into().unwrap();
        let signer = Signer::from_seed(&seed).unwrap();
        let signature = signer.sign(&[0x72]);
        let wanted = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                      085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        assert_eq!(crate::bytes::to_hex(&signature), wanted);
        assert!(signer.public().verifies(&[0x72], &signature));
        assert!(!signer.public().verifies(&[0x73], &signature));
    }

    /// RFC 8410 §10.1 and §10.3: the example keys.
    #[test]
    fn reads_the_keys_of_the_standard() {
        let public = PublicKey::from_pem(
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
        )
        .unwrap();
        let signer = Signer::from_pem(
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
        )
        .unwrap();
        assert_eq!(signer.public(), &public);
        assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()).unwrap(), public);
        let again = Signer::from_pem(&signer.to_pem().unwrap()).unwrap();
        assert_eq!(again.public(), &public);
    }

    #[test]
    fn other_files_are_no_keys() {
        let signer = Signer::from_seed(&[7; 32]).unwrap();
        let pem = signer.to_pem().unwrap().clone();
        assert!(
            PublicKey::from_pem(&pem).is_err(),
            "a private key where a public one belongs"
        );
        assert!(Signer::from_pem(&signer.public().to_pem().unwrap()).is_err());
        for text in ["", "{}", "-----BEGIN PUBLIC KEY-----", &pem[..pem.len() / 2]] {
            assert!(
                PublicKey::from_pem(text).is_err() && Signer::from_pem(text).is_err(),
                "{text:?}"
            );
        }
        assert!(
            !format!("{signer:?}").contains("BwcH"),
            "the seed stays out of logs"
        );
    }

    #[test]
    fn a_point_of_small_order_is_refused() {
        let mut der = from_hex("302a300506032b6570032100").unwrap();
        der.extend([1].into_iter().chain([0; 31]));
        let key = VerifyingKey::from_public_key_der(&der).unwrap();
        assert!(matches!(PublicKey::new(key), Err(KeyError::Weak)));
    }
}
