//! The token by which an agent joins or a user logs in, as it is handed from person to machine.

use super::{Id, NotAnId};
use crate::artifact::json::Digest;
use crate::bytes::{from_hex, to_hex};

/// How the text begins: a version, so that an older program says that it can't read it.
const PREFIX: &str = "netghost1";
/// What stands for an approvers' CA where there is none.
const NO_APPROVERS: &str = "none";

/// The secret half of a token. It is stored only as its digest and never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// What is stored of it. 32 random bytes need no slow hash.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

/// A token: `netghost1.ID.SECRET.CA.APPROVERS.CHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Which token.
    pub id: Id,
    /// What proves that it was handed over.
    pub secret: Secret,
    /// SHA-256 of the SPKI of the controller's CA: whom to trust from the first byte.
    pub ca: Digest,
    /// SHA-256 of the SPKI of the approvers' CA, where there is one.
    pub approvers: Option<Digest>,
}

/// A text is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAToken {
    /// Another text, or a part of one.
    #[error("not a token: it has the form {PREFIX}.ID.SECRET.CA.APPROVERS.CHECK, all in one line")]
    Form,
    /// The id in it is none.
    #[error("not a token")]
    Id(#[from] NotAnId),
    /// It was altered or cut while it was copied.
    #[error("the token was altered or cut: its check sum does not match")]
    Check,
}

impl Token {
    /// Parses a token; white space around it is allowed.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let text = text.trim();
        let (body, check) = text.rsplit_once('.').ok_or(NotAToken::Form)?;
        let mut parts = body.split('.');
        let (Some(PREFIX), Some(id), Some(secret), Some(ca), Some(approvers), None) = (
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
            parts.next(),
        ) else {
            return Err(NotAToken::Form);
        };
        if check != check_sum(body) {
            return Err(NotAToken::Check);
        }
        let secret = from_hex(secret).and_then(|bytes| bytes.try_into().ok());
        let approvers = match approvers {
            NO_APPROVERS => None,
            digest => Some(Digest::parse(digest).ok_or(NotAToken::Form)?),
        };
        Ok(Self {
            id: Id::parse(id)?,
            secret: Secret(secret.ok_or(NotAToken::Form)?),
            ca: Digest::parse(ca).ok_or(NotAToken::Form)?,
            approvers,
        })
    }

    /// The text, with the secret in it: for the one who is to use it, never for a log.
    pub fn reveal(&self) -> String {
        let approvers = self
            .approvers
            .map_or_else(|| NO_APPROVERS.to_owned(), |digest| digest.to_string());
        let body = format!(
            "{PREFIX}.{}.{}.{}.{approvers}",
            self.id,
            to_hex(&self.secret.0),
            self.ca
        );
        let check = check_sum(&body);
        format!("{body}.{check}")
    }
}

/// The first 32 bits of the body's SHA-256: enough to tell a slip of the mouse from a wrong token.
fn check_sum(body: &str) -> String {
    Digest::of(body.as_bytes()).to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(approvers: Option<Digest>) -> Token {
        Token {
            id: Id::from_random([1; 16]),
            secret: Secret([2; 32]),
            ca: Digest::of(b"ca"),
            approvers,
        }
    }

    #[test]
    fn a_token_comes_back() {
        for approvers in [None, Some(Digest::of(b"approvers"))] {
            let token = token(approvers);
            assert_eq!(Token::parse(&format!(" {}\n", token.reveal())), Ok(token));
        }
    }

    #[test]
    fn every_altered_letter_is_seen() {
        let text = token(None).reveal();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let altered = String::from_utf8(bytes).unwrap();
            assert!(Token::parse(&altered).is_err(), "{altered}");
            assert!(Token::parse(&text[..at]).is_err(), "{}", &text[..at]);
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert!(!format!("{:?}", token(None)).contains("0202"));
    }
}
