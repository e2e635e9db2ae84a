//! Which VM an agent was attested to be, and which nonces served for that.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Error, column, columns, value};

/// How an agent came in by an attested document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedRow {
    /// Whose it is.
    pub identity: Id,
    /// The cloud's word.
    pub cloud: String,
    /// The VM's unique id.
    pub vm: String,
    /// Its subscription.
    pub subscription: String,
    /// The resource id as the agent said it; empty if it said none.
    pub resource: String,
    /// Why nobody else vouches for the resource id; empty if somebody does.
    pub unverified: String,
    /// The key that came in: SHA-256 of its SPKI.
    pub key: Digest,
    /// When.
    pub at_us: u64,
}

/// The columns that [`row`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT identity, cloud, vm, subscription, resource, unverified, spki, at_us FROM attested ",
            $rest
        )
    };
}

/// The identity that this VM has now; it may have been revoked or removed.
pub async fn holder(connection: &mut AnyConnection, vm: &str) -> Result<Option<AttestedRow>, Error> {
    let found = sqlx::query(select!("WHERE vm = $1 AND superseded_by IS NULL"))
        .bind(vm.to_owned())
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(row).transpose()
}

/// All, with the name and id of the identity that each superseded, if it did.
pub async fn all(connection: &mut AnyConnection) -> Result<Vec<(AttestedRow, String)>, Error> {
    let sql = "SELECT a.identity, a.cloud, a.vm, a.subscription, a.resource, a.unverified, a.spki, a.at_us, \
         COALESCE(p.identity, '') AS before_id, COALESCE(i.name, '') AS before_name FROM attested a \
         LEFT JOIN attested p ON p.superseded_by = a.identity LEFT JOIN identities i ON i.id = p.identity";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter()
        .map(|found| {
            let (name, id): (String, String) = (found.try_get("before_name")?, found.try_get("before_id")?);
            let before = match id.is_empty() {
                true => String::new(),
                false => format!("{name} ({id})"),
            };
            Ok((row(found)?, before))
        })
        .collect()
}

/// Writes how a new agent came in.
pub async fn insert(connection: &mut AnyConnection, new: &AttestedRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO attested (identity, cloud, vm, subscription, resource, unverified, spki, at_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.identity.to_string())
    .bind(new.cloud.clone())
    .bind(new.vm.clone())
    .bind(new.subscription.clone())
    .bind(new.resource.clone())
    .bind(new.unverified.clone())
    .bind(new.key.to_string())
    .bind(column(new.at_us))
    .execute(connection)
    .await?;
    Ok(())
}

/// The VM's identity is another one from now on. False if it was that already.
pub async fn supersede(connection: &mut AnyConnection, old: Id, by: Id) -> Result<bool, Error> {
    let done =
        sqlx::query("UPDATE attested SET superseded_by = $1 WHERE identity = $2 AND superseded_by IS NULL")
            .bind(by.to_string())
            .bind(old.to_string())
            .execute(connection)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// For which key, for whom and when a nonce served, if it did.
pub async fn served(connection: &mut AnyConnection, nonce: &str) -> Result<Option<(Digest, Id, u64)>, Error> {
    let found = sqlx::query("SELECT spki, identity, at_us FROM attested_nonces WHERE nonce = $1")
        .bind(nonce.to_owned())
        .fetch_optional(connection)
        .await?;
    found
        .map(|found| {
            Ok((
                columns::digest(&found, "spki")?,
                columns::id(&found, "identity")?,
                value(found.try_get("at_us")?),
            ))
        })
        .transpose()
}

/// Writes that a nonce served, and forgets those that served before this time.
pub async fn serve(
    connection: &mut AnyConnection,
    nonce: &str,
    (key, identity): (&Digest, Id),
    now_us: u64,
    forget_us: u64,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM attested_nonces WHERE at_us < $1")
        .bind(column(forget_us))
        .execute(&mut *connection)
        .await?;
    sqlx::query("INSERT INTO attested_nonces (nonce, spki, identity, at_us) VALUES ($1, $2, $3, $4)")
        .bind(nonce.to_owned())
        .bind(key.to_string())
        .bind(identity.to_string())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(())
}

fn row(row: &AnyRow) -> Result<AttestedRow, Error> {
    Ok(AttestedRow {
        identity: columns::id(row, "identity")?,
        cloud: row.try_get("cloud")?,
        vm: row.try_get("vm")?,
        subscription: row.try_get("subscription")?,
        resource: row.try_get("resource")?,
        unverified: row.try_get("unverified")?,
        key: columns::digest(row, "spki")?,
        at_us: value(row.try_get("at_us")?),
    })
}
