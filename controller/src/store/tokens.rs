//! Tokens, and which keys came in by them.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::{Id, Kind, Tag};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Error, column, identities, value};

/// A token as it is stored: its secret only as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Which.
    pub id: Id,
    /// Whom it lets in.
    pub kind: Kind,
    /// SHA-256 of its secret.
    pub secret: Digest,
    /// The user's name; empty for agents.
    pub name: String,
    /// The user's role, as a word; empty for agents.
    pub role: String,
    /// How often it serves.
    pub uses: u32,
    /// How often it has.
    pub used: u32,
    /// When it was made.
    pub created_at_us: u64,
    /// How long it serves.
    pub until_us: u64,
    /// When it was taken back.
    pub revoked_at_us: Option<u64>,
    /// By whom it was made.
    pub created_by: String,
    /// What agents that join with it carry.
    pub tags: Vec<Tag>,
}

/// A query for tokens: the columns that [`token`] reads, then what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, secret, name, role, uses, used, created_at_us, until_us, revoked_at_us, created_by ",
            "FROM tokens ",
            $rest
        )
    };
}

/// Keeps a new one. `request_id` is what the caller asked under, if anything.
pub async fn insert(
    connection: &mut AnyConnection,
    new: &TokenRow,
    request_id: Option<&str>,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO tokens (id, kind, secret, name, role, uses, created_at_us, until_us, created_by, request_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.id.to_string())
    .bind(new.kind.as_str())
    .bind(new.secret.to_string())
    .bind(new.name.clone())
    .bind(new.role.clone())
    .bind(i64::from(new.uses))
    .bind(column(new.created_at_us))
    .bind(column(new.until_us))
    .bind(new.created_by.clone())
    .bind(request_id.map(str::to_owned))
    .execute(&mut *connection)
    .await?;
    for tag in &new.tags {
        sqlx::query("INSERT INTO token_tags (token, key, value) VALUES ($1, $2, $3)")
            .bind(new.id.to_string())
            .bind(tag.key.as_str().to_owned())
            .bind(tag.value.as_str().to_owned())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The token with this id.
pub async fn by_id(connection: &mut AnyConnection, id: Id) -> Result<Option<TokenRow>, Error> {
    let row = sqlx::query(select!("WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(token(connection, &row).await?)),
        None => Ok(None),
    }
}

/// The token that was made under this request.
pub async fn by_request(connection: &mut AnyConnection, request_id: &str) -> Result<Option<Id>, Error> {
    let row = sqlx::query("SELECT id FROM tokens WHERE request_id = $1")
        .bind(request_id.to_owned())
        .fetch_optional(connection)
        .await?;
    row.map(|row| identities::id(&row, "id")).transpose()
}

/// All, newest first.
pub async fn all(connection: &mut AnyConnection) -> Result<Vec<TokenRow>, Error> {
    let rows = sqlx::query(select!("ORDER BY created_at_us DESC, id"))
        .fetch_all(&mut *connection)
        .await?;
    let mut tokens = Vec::with_capacity(rows.len());
    for row in &rows {
        tokens.push(token(connection, row).await?);
    }
    Ok(tokens)
}

/// Counts a use, if one is left and the token serves. Of two who race for the last one, one gets it.
pub async fn take(connection: &mut AnyConnection, id: Id, now_us: u64) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE tokens SET used = used + 1 \
         WHERE id = $1 AND used < uses AND revoked_at_us IS NULL AND until_us > $2",
    )
    .bind(id.to_string())
    .bind(column(now_us))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes it back. False if it was already.
pub async fn revoke(connection: &mut AnyConnection, id: Id, now_us: u64) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE tokens SET revoked_at_us = $1 WHERE id = $2 AND revoked_at_us IS NULL")
        .bind(column(now_us))
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back every login token of a user.
pub async fn revoke_logins(connection: &mut AnyConnection, name: &str, now_us: u64) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE tokens SET revoked_at_us = $1 \
         WHERE kind = 'user' AND name = $2 AND revoked_at_us IS NULL AND used < uses",
    )
    .bind(column(now_us))
    .bind(name.to_owned())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Who came in by this token with this key, and when.
pub async fn used_by(
    connection: &mut AnyConnection,
    token: Id,
    key: &Digest,
) -> Result<Option<(Id, u64)>, Error> {
    let row = sqlx::query("SELECT identity, at_us FROM token_uses WHERE token = $1 AND spki = $2")
        .bind(token.to_string())
        .bind(key.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((identities::id(&row, "identity")?, value(row.try_get("at_us")?))))
        .transpose()
}

/// Keeps who came in by this token with this key.
pub async fn record_use(
    connection: &mut AnyConnection,
    token: Id,
    key: &Digest,
    identity: Id,
    now_us: u64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO token_uses (token, spki, identity, at_us) VALUES ($1, $2, $3, $4)")
        .bind(token.to_string())
        .bind(key.to_string())
        .bind(identity.to_string())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(())
}

async fn token(connection: &mut AnyConnection, row: &AnyRow) -> Result<TokenRow, Error> {
    let damaged = |what: &str| Error::Damaged {
        what: format!("the {what} of a token"),
    };
    let count = |name: &str| -> Result<u32, Error> {
        u32::try_from(row.try_get::<i64, _>(name)?).map_err(|_| damaged(name))
    };
    let id = identities::id(row, "id")?;
    let kind: String = row.try_get("kind")?;
    let secret: String = row.try_get("secret")?;
    let tags = sqlx::query("SELECT key, value FROM token_tags WHERE token = $1 ORDER BY key")
        .bind(id.to_string())
        .fetch_all(connection)
        .await?;
    Ok(TokenRow {
        id,
        kind: Kind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or_else(|| damaged("kind"))?,
        secret: Digest::parse(&secret).ok_or_else(|| damaged("secret"))?,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        uses: count("uses")?,
        used: count("used")?,
        created_at_us: value(row.try_get("created_at_us")?),
        until_us: value(row.try_get("until_us")?),
        revoked_at_us: row.try_get::<Option<i64>, _>("revoked_at_us")?.map(value),
        created_by: row.try_get("created_by")?,
        tags: tags.iter().map(identities::tag).collect::<Result<_, _>>()?,
    })
}
