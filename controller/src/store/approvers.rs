//! Who may consent, as it was published last.

use sqlx::{AnyConnection, Row};

use super::{Error, column, value};

/// The list of approvers that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApproversRow {
    /// Their CA's public key, PEM.
    pub ca: String,
    /// The envelope of the list.
    pub roster: String,
    /// The list's version.
    pub version: u64,
}

/// What was published last, if anything was.
pub async fn current(connection: &mut AnyConnection) -> Result<Option<ApproversRow>, Error> {
    let row = sqlx::query("SELECT ca, roster, version FROM approvers WHERE one = 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ApproversRow {
        ca: row.try_get("ca")?,
        roster: row.try_get("roster")?,
        version: value(row.try_get("version")?),
    }))
}

/// Publishes a list, in the place of one of a lower version under the same CA. False if there is no such place.
pub async fn publish(
    connection: &mut AnyConnection,
    row: &ApproversRow,
    by: &str,
    now_us: u64,
) -> Result<bool, Error> {
    let sql = "INSERT INTO approvers (one, ca, roster, version, published_by, at_us) VALUES (1, $1, $2, $3, $4, $5) \
               ON CONFLICT (one) DO UPDATE SET roster = excluded.roster, version = excluded.version, \
               published_by = excluded.published_by, at_us = excluded.at_us \
               WHERE approvers.ca = excluded.ca AND approvers.version < excluded.version";
    let done = sqlx::query(sql)
        .bind(row.ca.clone())
        .bind(row.roster.clone())
        .bind(column(row.version))
        .bind(by.to_owned())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}
