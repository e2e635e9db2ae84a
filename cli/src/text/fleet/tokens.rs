//! Tokens.

use super::{table, tags};
use crate::clock;
use crate::documents::tokens::{Token, Tokens};

/// One line each.
pub fn tokens(all: &Tokens) -> String {
    let row = |token: &Token| {
        let revoked = if token.revoked { " (revoked)" } else { "" };
        [
            token.id.to_string(),
            token.kind.clone(),
            format!("{} of {}{revoked}", token.used, token.uses),
            clock::shown(token.until_us.0),
            token.created_by.clone(),
            tags(&token.tags),
        ]
    };
    table(
        ["ID", "FOR", "USED", "UNTIL", "BY", "TAGS"],
        all.tokens.iter().map(row).collect(),
        "there is no token",
    )
}
