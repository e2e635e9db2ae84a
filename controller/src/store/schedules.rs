//! Rows of schedules.

use netghost_core::fleet::Id;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::{Error, column, value};

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// Canonical JSON of core's `job::Request`, which each run asks for.
    pub request: String,
    /// How often, milliseconds.
    pub every_ms: u64,
    /// When next, microseconds since 1970 UTC by the controller's clock.
    pub next_at_us: u64,
    /// Who made it.
    pub created_by: String,
    /// The run that holds it; empty if none does.
    pub lease: String,
    /// Until when; it stays when the run has ended, so that it is 0 only before the first run.
    pub lease_until_us: u64,
}

/// Stores a new schedule. False if the name is taken.
pub async fn insert(connection: &mut AnyConnection, row: &ScheduleRow) -> Result<bool, Error> {
    let sql = "INSERT INTO schedules (name, request, every_ms, next_at_us, created_by) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(row.name.clone())
        .bind(row.request.clone())
        .bind(column(row.every_ms))
        .bind(column(row.next_at_us))
        .bind(row.created_by.clone())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The schedule of this name.
pub async fn schedule(connection: &mut AnyConnection, name: &str) -> Result<Option<ScheduleRow>, Error> {
    let row = sqlx::query("SELECT * FROM schedules WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(schedule_row).transpose()
}

/// Every schedule, sorted by name.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<ScheduleRow>, Error> {
    let rows = sqlx::query("SELECT * FROM schedules ORDER BY name")
        .fetch_all(connection)
        .await?;
    rows.iter().map(schedule_row).collect()
}

/// Removes a schedule. False if there is none.
pub async fn remove(connection: &mut AnyConnection, name: &str) -> Result<bool, Error> {
    let done = sqlx::query("DELETE FROM schedules WHERE name = $1")
        .bind(name.to_owned())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a schedule that is due as it was seen. False if another controller took it, or an earlier run still holds it.
pub async fn take(
    connection: &mut AnyConnection,
    seen: &ScheduleRow,
    now_us: u64,
    (next_at_us, run, until_us): (u64, Id, u64),
) -> Result<bool, Error> {
    let sql = "UPDATE schedules SET next_at_us = $4, lease = $5, lease_until_us = $6 \
               WHERE name = $1 AND next_at_us = $2 AND next_at_us <= $3 AND (lease = '' OR lease_until_us <= $3)";
    let done = sqlx::query(sql)
        .bind(seen.name.clone())
        .bind(column(seen.next_at_us))
        .bind(column(now_us))
        .bind(column(next_at_us))
        .bind(run.to_string())
        .bind(column(until_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets when it runs next, without a run: a period is left out, or the clock was wrong. False if somebody was quicker.
pub async fn skip(
    connection: &mut AnyConnection,
    seen: &ScheduleRow,
    next_at_us: u64,
) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE schedules SET next_at_us = $3 WHERE name = $1 AND next_at_us = $2")
        .bind(seen.name.clone())
        .bind(column(seen.next_at_us))
        .bind(column(next_at_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives back what a run held.
pub async fn release(connection: &mut AnyConnection, run: Id) -> Result<(), Error> {
    sqlx::query("UPDATE schedules SET lease = '' WHERE lease = $1")
        .bind(run.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

fn schedule_row(row: &AnyRow) -> Result<ScheduleRow, Error> {
    Ok(ScheduleRow {
        name: row.try_get("name")?,
        request: row.try_get("request")?,
        every_ms: value(row.try_get("every_ms")?),
        next_at_us: value(row.try_get("next_at_us")?),
        created_by: row.try_get("created_by")?,
        lease: row.try_get("lease")?,
        lease_until_us: value(row.try_get("lease_until_us")?),
    })
}
