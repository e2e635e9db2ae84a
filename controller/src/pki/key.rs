//! Public keys. There is one kind: ECDSA on P-256, its point not compressed.

use netghost_core::artifact::json::Digest;
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

/// How the DER of such an SPKI begins (RFC 5480 §2): id-ecPublicKey, secp256r1, a BIT STRING of 65 bytes.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The first byte of a point that is not compressed, and the length of one (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
const POINT: usize = 65;

/// A public key on P-256. That the point lies on the curve is seen when a signature is checked with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; POINT]);

impl PublicKey {
    /// The key in this SPKI (DER), if it is of the one kind and spelt in the one way.
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let point: [u8; POINT] = spki.strip_prefix(&SPKI)?.try_into().ok()?;
        (point.first() == Some(&UNCOMPRESSED)).then_some(Self(point))
    }

    /// SHA-256 of the DER of its SPKI.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.subject_public_key_info())
    }

    /// True if its private half made this signature (ASN.1 form) over the message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.0)
            .verify(message, signature)
            .is_ok()
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
