//! What is kept of an agent's connections.

use netghost_core::fleet::Id;
use sqlx::{AnyConnection, Row};

use super::identities::Said;
use super::{Error, column, value};

/// What must be known of an agent before it is asked for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Why it was revoked, if it was; a removed one counts as revoked.
    pub revoked: Option<String>,
    /// How it was seen that two hold its identity, if two do.
    pub contested: Option<String>,
    /// When it was last heard of, microseconds since 1970 UTC; 0 if never.
    pub last_seen_us: u64,
}

/// How an agent stands; nothing if there is none with this id.
pub async fn standing(connection: &mut AnyConnection, id: Id) -> Result<Option<Standing>, Error> {
    let row = sqlx::query(
        "SELECT i.name, i.revoked_at_us, i.revoked_why, i.removed_at_us, a.contested_at_us, \
         COALESCE(a.contested_why, '') AS contested_why, COALESCE(a.last_seen_us, 0) AS last_seen_us \
         FROM identities i LEFT JOIN agents a ON a.identity = i.id WHERE i.id = $1 AND i.kind = 'agent'",
    )
    .bind(id.to_string())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let at = |name: &str| row.try_get::<Option<i64>, _>(name);
    let revoked_why: String = row.try_get("revoked_why")?;
    let contested_why: String = row.try_get("contested_why")?;
    let removed = at("removed_at_us")?.map(|_| "removed".to_owned());
    Ok(Some(Standing {
        name: row.try_get("name")?,
        revoked: at("revoked_at_us")?.map(|_| revoked_why).or(removed),
        contested: at("contested_at_us")?.map(|_| contested_why),
        last_seen_us: value(row.try_get("last_seen_us")?),
    }))
}

/// Keeps what an agent says of itself. Whether it is contested is not its to say.
pub async fn said(connection: &mut AnyConnection, id: Id, said: &Said) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO agents (identity, version, kernel, host_name, boot_id, capabilities, clock_offset_us, \
         last_seen_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (identity) DO UPDATE SET \
         version = excluded.version, kernel = excluded.kernel, host_name = excluded.host_name, \
         boot_id = excluded.boot_id, capabilities = excluded.capabilities, \
         clock_offset_us = excluded.clock_offset_us, last_seen_us = excluded.last_seen_us",
    )
    .bind(id.to_string())
    .bind(said.version.clone())
    .bind(said.kernel.clone())
    .bind(said.host_name.clone())
    .bind(said.boot_id.clone())
    .bind(said.capabilities.join("\n"))
    .bind(said.clock_offset_us)
    .bind(column(said.last_seen_us))
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps when an agent was last heard of.
pub async fn seen(connection: &mut AnyConnection, id: Id, now_us: u64) -> Result<(), Error> {
    sqlx::query("UPDATE agents SET last_seen_us = $1 WHERE identity = $2 AND last_seen_us < $1")
        .bind(column(now_us))
        .bind(id.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks an identity as held by two. False if it was already.
pub async fn contest(connection: &mut AnyConnection, id: Id, now_us: u64, why: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE agents SET contested_at_us = $1, contested_why = $2 \
         WHERE identity = $3 AND contested_at_us IS NULL",
    )
    .bind(column(now_us))
    .bind(why.to_owned())
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes that mark off. False if there was none.
pub async fn settle(connection: &mut AnyConnection, id: Id) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE agents SET contested_at_us = NULL, contested_why = '' \
         WHERE identity = $1 AND contested_at_us IS NOT NULL",
    )
    .bind(id.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
