//! Canonical JSON: RFC 8785 (JCS), narrowed so that no reader of it can lose anything.
//!
//! Keys are fixed ASCII names of struct fields and sorted; numbers are integers within ±(2^53−1), there are no floats
//! (RFC 8785 §3.2.2.3 leaves larger ones to IEEE 754, which rounds them: use [`crate::bytes::Big`]); maps keyed by data are
//! refused, since names from outside belong in arrays.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::bytes::{from_hex, to_hex};

mod ser;
pub mod value;

/// Why a value has no canonical form, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// The value breaks a rule of the canonical form; a fault of this program, never of its input.
    #[error("no canonical JSON for this value: {0}")]
    Form(String),
    /// The output refused the bytes.
    #[error("write canonical JSON")]
    Write(#[source] io::Error),
}

/// The SHA-256 of some bytes; in JSON and on paper 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Parses 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text)?.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a SHA-256 is 64 lower-case hexadecimal digits"))
    }
}

/// The canonical bytes of `value`.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    value.serialize(ser::Canonical::new(&mut out))?;
    Ok(out)
}

/// Writes the canonical bytes of `value` behind what `out` holds.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    value.serialize(ser::Canonical::new(out))
}

/// Writes the canonical bytes of a string behind what `out` holds.
pub(crate) fn append_text(text: &str, out: &mut Vec<u8>) {
    ser::write_string(out, text);
}

/// Writes the canonical bytes of `value` and returns their digest and length in bytes.
pub fn to_writer<T: Serialize + ?Sized>(
    value: &T,
    out: &mut dyn Write,
) -> Result<(Digest, u64), CanonicalError> {
    let bytes = to_vec(value)?;
    out.write_all(&bytes).map_err(CanonicalError::Write)?;
    Ok((Digest::of(&bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX)))
}

/// The digest of the canonical bytes of `value`.
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Result<Digest, CanonicalError> {
    Ok(Digest::of(&to_vec(value)?))
}

/// Reads a value back and holds the input to the canonical form: bytes that are not exactly what [`to_vec`] writes for the
/// value read are refused, so a document has one spelling and an edit can't hide in white space or repeated keys.
pub fn from_slice<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, ReadError> {
    let value: T = serde_json::from_slice(bytes).map_err(ReadError::Json)?;
    let again = to_vec(&value).map_err(|_| ReadError::NotCanonical)?;
    if again == bytes {
        Ok(value)
    } else {
        Err(ReadError::NotCanonical)
    }
}

/// Why canonical JSON could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of the expected shape.
    #[error("not the expected JSON document")]
    Json(#[source] serde_json::Error),
    /// JSON of the right shape, but other bytes than this program writes.
    #[error("not in canonical form: the bytes were edited or written by another program")]
    NotCanonical,
}

#[cfg(test)]
mod tests;
