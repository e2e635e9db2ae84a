//! Dead Simple Signing Envelope, version 1 (<https://github.com/secure-systems-lab/dsse>, `protocol.md` and `envelope.md`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::json::{self, CanonicalError, Digest, ReadError};
use super::key::{PublicKey, SIGNATURE_LENGTH, Signer};

/// The payload type of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Why an envelope does not prove its payload.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Not an envelope in the form in which this program writes them.
    #[error("not a DSSE envelope")]
    NotDsse(#[source] ReadError),
    /// The payload or a signature is not base64 (RFC 4648 §4, padded), or a signature is not 64 bytes long.
    #[error("the envelope's {what} is malformed")]
    Malformed {
        /// `payload` or `signature`.
        what: &'static str,
    },
    /// The payload is of another type.
    #[error("the envelope holds {found:?}, not {wanted}")]
    PayloadType {
        /// The type that was asked for.
        wanted: &'static str,
        /// The type it states.
        found: String,
    },
    /// Nobody signed.
    #[error("the envelope carries no signature")]
    Unsigned,
    /// There is no key to check with.
    #[error("no public key was given to check the signature with")]
    NoKey,
    /// None of the signatures is by a key that was given.
    #[error("signed by {}, which is none of the keys given", .keyids.join(", "))]
    UnknownKey {
        /// The key ids that the envelope states.
        keyids: Vec<String>,
    },
    /// A signature that states a known key is not that key's for this payload.
    #[error("the signature is not {keyid}'s for this content: it was edited, or signed by another key")]
    BadSignature {
        /// The key.
        keyid: Digest,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    keyid: String,
    sig: String,
}

/// A payload that a known key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// Who signed them.
    pub keyid: Digest,
}

/// The bytes that are signed: `PAE(type, body) = "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Signs an in-toto payload as it is; the result is the envelope's file.
pub fn sign(payload: &[u8], signer: &Signer) -> Result<Vec<u8>, CanonicalError> {
    sign_as(IN_TOTO, payload, signer)
}

/// Signs a payload of this type as it is; the result is the envelope's file. The type is under the signature.
pub fn sign_as(payload_type: &str, payload: &[u8], signer: &Signer) -> Result<Vec<u8>, CanonicalError> {
    let signature = signer.sign(&pae(payload_type, payload));
    json::to_vec(&Envelope {
        payload: STANDARD.encode(payload),
        payload_type: payload_type.to_owned(),
        signatures: vec![EnvelopeSignature {
            keyid: signer.public().id().to_string(),
            sig: STANDARD.encode(signature),
        }],
    })
}

/// The payload, if at least one of `keys` signed it and no signature that states one of them is wrong.
///
/// The payload's bytes are checked as they stand. The envelope around them is held to the form that [`sign`] writes, so that
/// a file that was touched at all does not pass: key ids are outside the signature, and a certificate whose stated signer
/// was changed is not the certificate that was issued.
pub fn open(envelope: &[u8], keys: &[PublicKey]) -> Result<Opened, EnvelopeError> {
    open_as(IN_TOTO, envelope, keys)
}

/// As [`open`], for a payload of this type and no other.
pub fn open_as(wanted: &'static str, envelope: &[u8], keys: &[PublicKey]) -> Result<Opened, EnvelopeError> {
    let envelope: Envelope = json::from_slice(envelope).map_err(EnvelopeError::NotDsse)?;
    if envelope.payload_type != wanted {
        return Err(EnvelopeError::PayloadType {
            wanted,
            found: envelope.payload_type,
        });
    }
    let payload = decode(&envelope.payload, "payload")?;
    let message = pae(&envelope.payload_type, &payload);
    let keyid = check(&envelope.signatures, &message, keys)?;
    Ok(Opened { payload, keyid })
}

/// The payload and the key ids that the envelope states, without checking any signature: for showing, never for believing.
pub fn peek(envelope: &[u8]) -> Result<(Vec<u8>, Vec<String>), EnvelopeError> {
    let envelope: Envelope = json::from_slice(envelope).map_err(EnvelopeError::NotDsse)?;
    if envelope.payload_type != IN_TOTO {
        return Err(EnvelopeError::PayloadType {
            wanted: IN_TOTO,
            found: envelope.payload_type,
        });
    }
    let keyids = envelope.signatures.into_iter().map(|signature| signature.keyid);
    Ok((decode(&envelope.payload, "payload")?, keyids.collect()))
}

fn check(
    signatures: &[EnvelopeSignature],
    message: &[u8],
    keys: &[PublicKey],
) -> Result<Digest, EnvelopeError> {
    if signatures.is_empty() {
        return Err(EnvelopeError::Unsigned);
    }
    if keys.is_empty() {
        return Err(EnvelopeError::NoKey);
    }
    let mut good = None;
    for signature in signatures {
        let bytes: [u8; SIGNATURE_LENGTH] = decode(&signature.sig, "signature")?
            .try_into()
            .map_err(|_| EnvelopeError::Malformed { what: "signature" })?;
        let stated = Digest::parse(&signature.keyid);
        let Some(key) = keys.iter().find(|key| Some(key.id()) == stated) else {
            continue;
        };
        if !key.verifies(message, &bytes) {
            return Err(EnvelopeError::BadSignature { keyid: key.id() });
        }
        good = good.or(Some(key.id()));
    }
    good.ok_or_else(|| EnvelopeError::UnknownKey {
        keyids: signatures
            .iter()
            .map(|signature| signature.keyid.clone())
            .collect(),
    })
}

fn decode(text: &str, what: &'static str) -> Result<Vec<u8>, EnvelopeError> {
    STANDARD
        .decode(text)
        .map_err(|_| EnvelopeError::Malformed { what })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(&[seed; 32]).unwrap()
    }

    /// The example of `protocol.md`.
    #[test]
    fn encodes_before_signing_as_the_specification_shows() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("é", "ü\n".as_bytes()), "DSSEv1 2 é 3 ü\n".as_bytes());
    }

    #[test]
    fn opens_what_it_signed() {
        let envelope = sign(b"{\"a\":1}", &signer(1)).unwrap();
        let opened = open(
            &envelope,
            &[signer(2).public().clone(), signer(1).public().clone()],
        )
        .unwrap();
        assert_eq!(opened.payload, b"{\"a\":1}");
        assert_eq!(opened.keyid, signer(1).public().id());
    }

    #[test]
    fn says_why_it_does_not_open() {
        let envelope = sign(b"{}", &signer(1)).unwrap();
        let text = String::from_utf8(envelope.clone()).unwrap();
        let ours = [signer(1).public().clone()];
        assert!(matches!(open(&envelope, &[]), Err(EnvelopeError::NoKey)));
        let other = [signer(2).public().clone()];
        assert!(matches!(
            open(&envelope, &other),
            Err(EnvelopeError::UnknownKey { .. })
        ));
        for bytes in [&b""[..], b"{}", b"not json", &envelope[..envelope.len() / 2]] {
            assert!(matches!(open(bytes, &ours), Err(EnvelopeError::NotDsse(_))));
        }
        let open = |text: String| open(text.as_bytes(), &ours);
        let pretty = text.replace(',', ", ");
        assert!(matches!(
            open(pretty),
            Err(EnvelopeError::NotDsse(ReadError::NotCanonical))
        ));
        let typed = text.replace("in-toto", "in_toto");
        assert!(matches!(open(typed), Err(EnvelopeError::PayloadType { .. })));
        let edited = text.replace(&STANDARD.encode("{}"), &STANDARD.encode("[]"));
        assert!(matches!(open(edited), Err(EnvelopeError::BadSignature { .. })));
        let resigned = String::from_utf8(sign(b"{}", &signer(2)).unwrap()).unwrap();
        let (ours_id, other_id) = (signer(1).public().id(), signer(2).public().id());
        let claimed = resigned.replace(&other_id.to_string(), &ours_id.to_string());
        assert!(matches!(open(claimed), Err(EnvelopeError::BadSignature { .. })));
    }

    #[test]
    fn an_envelope_without_signatures_proves_nothing() {
        let bytes = json::to_vec(&Envelope {
            payload: STANDARD.encode("{}"),
            payload_type: IN_TOTO.to_owned(),
            signatures: vec![],
        })
        .unwrap();
        let keys = [signer(1).public().clone()];
        assert!(matches!(open(&bytes, &keys), Err(EnvelopeError::Unsigned)));
    }
}
