//! What a document must hold so that it was made for this key, here, just now.
//!
//! A nonce is computed, not kept: whoever asks for many fills nothing. It holds for the key that it was given to and for the
//! minute of its giving, and is known again for as long as it lives. That it serves once is the store's to say.

use netghost_core::artifact::json::Digest;
use ring::hmac;
use subtle::{Choice, ConstantTimeEq};

/// Nonces change so often, in microseconds.
const STEP_US: u64 = 60 * 1_000_000;
/// A nonce serves for this and at most so many further steps.
const STEPS: u64 = 5;
/// How long a nonce serves at least, microseconds.
pub const LIFETIME_US: u64 = STEPS * STEP_US;
/// What is computed over, before key and minute.
const CONTEXT: &[u8] = b"netghost attested nonce v1\n";
/// 10 to the power of 32: the metadata service takes 32 characters, and digits pass unchanged in a URL.
const MODULUS: u128 = 100_000_000_000_000_000_000_000_000_000_000;

/// Gives nonces and knows them again.
pub struct Nonces(hmac::Key);

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces(…)")
    }
}

impl Nonces {
    /// Those of this secret. It lives as long as the process: whoever asked another one asks again.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The nonce for this key now: 32 decimal digits.
    pub fn give(&self, key: &Digest, now_us: u64) -> String {
        self.at(key, now_us / STEP_US)
    }

    /// True if this nonce was given to this key, and still serves.
    pub fn serves(&self, nonce: &str, key: &Digest, now_us: u64) -> bool {
        let now = now_us / STEP_US;
        let found = (now.saturating_sub(STEPS)..=now).fold(Choice::from(0), |found, step| {
            found | self.at(key, step).as_bytes().ct_eq(nonce.as_bytes())
        });
        found.into()
    }

    fn at(&self, key: &Digest, step: u64) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(CONTEXT);
        context.update(key.as_bytes());
        context.update(&step.to_be_bytes());
        let tag = context.sign();
        let first = tag.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        format!("{:032}", u128::from_be_bytes(first) % MODULUS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_for_one_key_one_secret_and_some_minutes() {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let nonces = Nonces::new(&[7; 32]);
        let now = 1_795_305_630_000_000;
        let nonce = nonces.give(&one, now);
        assert_eq!(nonce.len(), 32);
        assert!(nonce.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(nonces.serves(&nonce, &one, now));
        assert!(nonces.serves(&nonce, &one, now + LIFETIME_US));
        assert!(!nonces.serves(&nonce, &one, now + LIFETIME_US + STEP_US));
        assert!(!nonces.serves(&nonce, &one, now - STEP_US), "none of the future");
        assert!(!nonces.serves(&nonce, &other, now));
        assert!(!Nonces::new(&[8; 32]).serves(&nonce, &one, now));
        assert!(!nonces.serves("", &one, now));
        assert!(!nonces.serves(&format!("{nonce}0"), &one, now));
        assert_ne!(nonce, nonces.give(&one, now + STEP_US));
    }
}
