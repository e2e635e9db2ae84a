//! The journal of changes that are not made on a VM but through a cloud's API.
//!
//! It stands in the store before the change is made: whichever controller lives undoes what was not confirmed in time. Every
//! step is a conditional update, so that of two controllers one makes it. A change goes from `open` to `applied` to
//! `confirmed`; what passed its deadline is taken by a lease and closed as `undone`, `conflict` or `failed`.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{digest, id};
use super::{Error, column, value};

/// A change as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its id.
    pub id: Id,
    /// The action's digest.
    pub action: Digest,
    /// The resource that it changes.
    pub resource: String,
    /// The resource's entity tag before.
    pub etag_before: String,
    /// The same after the change; empty until it was applied.
    pub etag_after: String,
    /// The object that holds the body which undoes it.
    pub inverse: Digest,
    /// Where it stands.
    pub state: State,
    /// Why, where the state needs it; may be empty.
    pub why: String,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub opened_at_us: u64,
    /// From then on it is undone unless it was confirmed; likewise.
    pub deadline_us: u64,
}

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// About to be made; whether it was is not known.
    Open,
    /// Made.
    Applied,
    /// It stays.
    Confirmed,
    /// The former state is there again.
    Undone,
    /// The resource is neither as it was before nor as it was after: nothing was touched.
    Conflict,
    /// It was not made.
    Failed,
}

impl State {
    const ALL: [Self; 6] = [
        Self::Open,
        Self::Applied,
        Self::Confirmed,
        Self::Undone,
        Self::Conflict,
        Self::Failed,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Applied => "applied",
            Self::Confirmed => "confirmed",
            Self::Undone => "undone",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// Writes down a change that is about to be made. False if there is one of this id or action.
pub async fn open(connection: &mut AnyConnection, change: &Change) -> Result<bool, Error> {
    let sql = "INSERT INTO journal (id, action, resource, etag_before, inverse, state, opened_at_us, deadline_us) \
               VALUES ($1, $2, $3, $4, $5, 'open', $6, $7) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql)
        .bind(change.id.to_string())
        .bind(change.action.to_string())
        .bind(change.resource.clone())
        .bind(change.etag_before.clone())
        .bind(change.inverse.to_string())
        .bind(column(change.opened_at_us))
        .bind(column(change.deadline_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down that the change was made. False if it was closed, or somebody undoes it.
pub async fn applied(connection: &mut AnyConnection, change: Id, etag_after: &str) -> Result<bool, Error> {
    let sql = "UPDATE journal SET state = 'applied', etag_after = $2 \
               WHERE id = $1 AND state = 'open' AND lease = ''";
    let done = sqlx::query(sql)
        .bind(change.to_string())
        .bind(etag_after.to_owned())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down that the change stays. False if it came too late: the deadline has passed, or somebody undoes it.
pub async fn confirm(connection: &mut AnyConnection, change: Id, now_us: u64) -> Result<bool, Error> {
    let sql = "UPDATE journal SET state = 'confirmed', ended_at_us = $2 \
               WHERE id = $1 AND state = 'applied' AND lease = '' AND deadline_us > $2";
    let done = sqlx::query(sql)
        .bind(change.to_string())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes one change whose deadline has passed and which nobody undoes, or who did let the lease run out. It is the caller's
/// to undo until then.
pub async fn take_expired(
    connection: &mut AnyConnection,
    lease: Id,
    now_us: u64,
    until_us: u64,
) -> Result<Option<Change>, Error> {
    // The outer conditions count: between the choice and the update another controller may have been quicker.
    let sql = "UPDATE journal SET lease = $1, lease_until_us = $3 WHERE state IN ('open', 'applied') \
               AND deadline_us <= $2 AND (lease = '' OR lease_until_us <= $2) AND id = \
               (SELECT id FROM journal WHERE state IN ('open', 'applied') AND deadline_us <= $2 \
               AND (lease = '' OR lease_until_us <= $2) ORDER BY deadline_us, id LIMIT 1) RETURNING *";
    let row = sqlx::query(sql)
        .bind(lease.to_string())
        .bind(column(now_us))
        .bind(column(until_us))
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(change_row).transpose()
}

/// Writes down what became of a change that was taken. False if the lease is another's by now.
pub async fn close(
    connection: &mut AnyConnection,
    (change, lease): (Id, Id),
    end: State,
    why: &str,
    now_us: u64,
) -> Result<bool, Error> {
    let sql = "UPDATE journal SET state = $3, why = $4, ended_at_us = $5, lease = '' \
               WHERE id = $1 AND lease = $2 AND state IN ('open', 'applied')";
    let done = sqlx::query(sql)
        .bind(change.to_string())
        .bind(lease.to_string())
        .bind(end.as_str())
        .bind(why.to_owned())
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The change of this id.
pub async fn change(connection: &mut AnyConnection, change: Id) -> Result<Option<Change>, Error> {
    let row = sqlx::query("SELECT * FROM journal WHERE id = $1")
        .bind(change.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(change_row).transpose()
}

fn change_row(row: &AnyRow) -> Result<Change, Error> {
    let word: String = row.try_get("state")?;
    let state = State::ALL.into_iter().find(|state| state.as_str() == word);
    Ok(Change {
        id: id(row, "id")?,
        action: digest(row, "action")?,
        resource: row.try_get("resource")?,
        etag_before: row.try_get("etag_before")?,
        etag_after: row.try_get("etag_after")?,
        inverse: digest(row, "inverse")?,
        state: state.ok_or_else(|| Error::Damaged {
            what: format!("the state {word:?} of a change in the journal"),
        })?,
        why: row.try_get("why")?,
        opened_at_us: value(row.try_get("opened_at_us")?),
        deadline_us: value(row.try_get("deadline_us")?),
    })
}
