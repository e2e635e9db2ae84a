//! Ids of agents, users and jobs.

use serde::{Deserialize, Serialize};

/// A UUID (RFC 9562), drawn at random by whoever makes the thing; in JSON and on paper lower-case with dashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(uuid::Uuid);

/// A text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID in lower case with dashes")]
pub struct NotAnId(String);

impl Id {
    /// The id made from 16 random bytes, which the caller draws (RFC 9562 §5.4, version 4).
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Parses the one spelling: lower case, with dashes.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        uuid::Uuid::try_parse(text)
            .ok()
            .filter(|id| id.hyphenated().to_string() == text)
            .map(Self)
            .ok_or_else(|| NotAnId(text.chars().take(64).collect()))
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl std::fmt::Debug for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_has_one_spelling() {
        let id = Id::from_random([7; 16]);
        assert_eq!(id.to_string(), "07070707-0707-4707-8707-070707070707");
        assert_eq!(Id::parse(&id.to_string()), Ok(id));
        for other in [
            "",
            "07070707070747078707070707070707",
            "0707070A-0707-4707-8707-070707070707",
            "{07070707-0707-4707-8707-070707070707}",
            "urn:uuid:07070707-0707-4707-8707-070707070707",
        ] {
            assert!(Id::parse(other).is_err(), "{other}");
        }
    }
}
