//! Rows of change windows.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{optional_digest, text};
use super::{Error, column, value};

/// A window as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowRow {
    /// The change: each has one window.
    pub ticket: String,
    /// What was sealed before it.
    pub baseline: String,
    /// Canonical JSON of core's `job::Request`, which closing asks for.
    pub request: String,
    /// When the change began at the earliest, microseconds since 1970 UTC by the controller's clock.
    pub opened_at_us: u64,
    /// When that was written down, likewise.
    pub recorded_at_us: u64,
    /// The boot of the controller's host at that moment; empty where the system does not say.
    pub boot_id: String,
    /// The time since that boot, microseconds.
    pub boot_us: u64,
    /// When it is to end; 0 where nobody said.
    pub ends_at_us: u64,
    /// When the baseline was sealed, as the sealed document says.
    pub baseline_at_us: u64,
    /// The digest of its seal; `None` in a window of before it was kept.
    pub seal: Option<Digest>,
    /// Who opened it.
    pub opened_by: String,
    /// What they wrote about it; may be empty.
    pub note: String,
    /// JSON: a list of texts.
    pub warnings: String,
    /// JSON: what the log says of the hour before.
    pub before: String,
    /// The job that closes it; empty while it is open.
    pub close_job: String,
    /// Who closed it.
    pub closed_by: String,
}

/// Stores a new window. False if the ticket has one.
pub async fn insert(connection: &mut AnyConnection, row: &WindowRow) -> Result<bool, Error> {
    let sql = "INSERT INTO windows (ticket, baseline, request, opened_at_us, recorded_at_us, boot_id, boot_us, \
               ends_at_us, baseline_at_us, opened_by, note, warnings, before, seal) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (ticket) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(row.ticket.clone())
        .bind(row.baseline.clone())
        .bind(row.request.clone())
        .bind(column(row.opened_at_us))
        .bind(column(row.recorded_at_us))
        .bind(row.boot_id.clone())
        .bind(column(row.boot_us))
        .bind(column(row.ends_at_us))
        .bind(column(row.baseline_at_us))
        .bind(row.opened_by.clone())
        .bind(row.note.clone())
        .bind(row.warnings.clone())
        .bind(row.before.clone())
        .bind(text(row.seal))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The window of this ticket.
pub async fn window(connection: &mut AnyConnection, ticket: &str) -> Result<Option<WindowRow>, Error> {
    let row = sqlx::query("SELECT * FROM windows WHERE ticket = $1")
        .bind(ticket.to_owned())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(window_row).transpose()
}

/// The window that this job closes.
pub async fn closed_by(connection: &mut AnyConnection, job: Id) -> Result<Option<WindowRow>, Error> {
    let row = sqlx::query("SELECT * FROM windows WHERE close_job = $1")
        .bind(job.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(window_row).transpose()
}

/// Every window, the latest first.
pub async fn list(connection: &mut AnyConnection) -> Result<Vec<WindowRow>, Error> {
    let rows = sqlx::query("SELECT * FROM windows ORDER BY recorded_at_us DESC, ticket")
        .fetch_all(connection)
        .await?;
    rows.iter().map(window_row).collect()
}

/// Writes down who closes a window by which job, and the warnings. False if it is no longer as it was seen.
pub async fn close(
    connection: &mut AnyConnection,
    seen: &WindowRow,
    (job, by, warnings): (&str, &str, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE windows SET close_job = $3, closed_by = $4, warnings = $5 WHERE ticket = $1 AND close_job = $2";
    let done = sqlx::query(sql)
        .bind(seen.ticket.clone())
        .bind(seen.close_job.clone())
        .bind(job.to_owned())
        .bind(by.to_owned())
        .bind(warnings.to_owned())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn window_row(row: &AnyRow) -> Result<WindowRow, Error> {
    Ok(WindowRow {
        ticket: row.try_get("ticket")?,
        baseline: row.try_get("baseline")?,
        request: row.try_get("request")?,
        opened_at_us: value(row.try_get("opened_at_us")?),
        recorded_at_us: value(row.try_get("recorded_at_us")?),
        boot_id: row.try_get("boot_id")?,
        boot_us: value(row.try_get("boot_us")?),
        ends_at_us: value(row.try_get("ends_at_us")?),
        baseline_at_us: value(row.try_get("baseline_at_us")?),
        seal: optional_digest(row, "seal")?,
        opened_by: row.try_get("opened_by")?,
        note: row.try_get("note")?,
        warnings: row.try_get("warnings")?,
        before: row.try_get("before")?,
        close_job: row.try_get("close_job")?,
        closed_by: row.try_get("closed_by")?,
    })
}
