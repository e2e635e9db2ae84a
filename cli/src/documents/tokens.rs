//! Tokens.

use netghost_core::bytes::Big;
use netghost_core::fleet::{Id, Tag};
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

use super::{tags, word};

/// The schema of a list of tokens.
pub const SCHEMA: &str = "netghost.tokens/v1";
/// The schema of a token that was made.
pub const CREATED: &str = "netghost.token/v1";

/// Some tokens, without their secrets.
#[derive(Debug, Serialize)]
pub struct Tokens {
    /// One row each.
    pub tokens: Vec<Token>,
}

/// One token.
#[derive(Debug, Serialize)]
pub struct Token {
    /// Its id.
    pub id: Id,
    /// `agent` or `user`.
    pub kind: String,
    /// How many may join with it.
    pub uses: u32,
    /// How many have.
    pub used: u32,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub created_at_us: Big,
    /// Until when it serves, likewise.
    pub until_us: Big,
    /// Whether it was revoked.
    pub revoked: bool,
    /// What every agent that joins with it carries.
    pub tags: Vec<Tag>,
    /// Who made it.
    pub created_by: String,
}

/// A token that was made, with its text.
#[derive(Serialize)]
pub struct Created {
    /// What is known of it.
    #[serde(flatten)]
    pub token: Token,
    /// The text to hand over: shown once, kept nowhere.
    pub text: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

impl TryFrom<v1::Token> for Token {
    type Error = BadField;

    fn try_from(token: v1::Token) -> Result<Self, BadField> {
        let mut tags = tags(&token.tags)?;
        tags.sort();
        Ok(Self {
            id: convert::id("id", &token.id)?,
            kind: word("kind", token.kind, ["agent", "user"])?,
            uses: token.uses,
            used: token.used,
            created_at_us: Big(token.created_at_us),
            until_us: Big(token.until_us),
            revoked: token.revoked,
            tags,
            created_by: token.created_by,
        })
    }
}

impl TryFrom<v1::TokenList> for Tokens {
    type Error = BadField;

    fn try_from(list: v1::TokenList) -> Result<Self, BadField> {
        let tokens: Result<_, BadField> = list.tokens.into_iter().map(Token::try_from).collect();
        Ok(Self { tokens: tokens? })
    }
}

impl TryFrom<v1::CreatedToken> for Created {
    type Error = BadField;

    fn try_from(created: v1::CreatedToken) -> Result<Self, BadField> {
        let token = created
            .token
            .ok_or_else(|| BadField::new("token", "is missing"))?;
        Ok(Self {
            token: Token::try_from(token)?,
            text: created.text,
        })
    }
}
