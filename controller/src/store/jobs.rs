//! Rows of jobs and their targets.

use netghost_core::artifact::json::Digest;
use netghost_core::azure::id::ResourceId;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row};

use super::columns::{id, optional_digest, resource, text, way};
use super::{Error, column, value};

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// Its id, which whoever asked chose.
    pub id: Id,
    /// `baseline`, `drift` or `sweep`.
    pub kind: String,
    /// True when it has ended: nothing of it changes any more.
    pub ended: bool,
    /// Canonical JSON of core's `job::Request`.
    pub request: String,
    /// The answer; empty while it runs.
    pub verdict: String,
    /// Why the job as a whole has no better answer; may be empty.
    pub why: String,
    /// The baseline that it makes or compares with.
    pub baseline: String,
    /// The schedule that started it; may be empty.
    pub schedule: String,
    /// Microseconds since 1970 UTC by the controller's clock.
    pub started_at_us: u64,
    /// Likewise.
    pub deadline_at_us: u64,
    /// Likewise.
    pub ended_at_us: Option<u64>,
    /// Who asked.
    pub asked_by: String,
    /// The change it belongs to; may be empty.
    pub ticket: String,
    /// What they wrote about it; may be empty.
    pub note: String,
    /// The certificate that it made.
    pub certificate: Option<Digest>,
    /// The document that it made.
    pub document: Option<Digest>,
    /// True when all targets are known: those in Azure are looked for when it runs.
    pub planned: bool,
}

/// How far a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// It was not reached yet.
    Waiting,
    /// It has begun.
    Sent,
    /// Its manifest is here.
    Captured,
    /// It gave none.
    Failed,
}

impl TargetState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Captured, Self::Failed];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Captured => "captured",
            Self::Failed => "failed",
        }
    }
}

/// A target of a job as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRow {
    /// The agent, or the resource as a target.
    pub identity: Id,
    /// Its name when the job began.
    pub name: String,
    /// The resource that it is, where it is no agent.
    pub resource: Option<ResourceId>,
    /// By which way it is read.
    pub way: Option<Way>,
    /// The id of the command that it gets.
    pub command: Id,
    /// How far it is.
    pub state: TargetState,
    /// Why it failed; may be empty.
    pub why: String,
    /// Its manifest.
    pub manifest: Option<Digest>,
    /// The answer for it; empty while the job runs, and for baselines.
    pub verdict: String,
    /// How many changes count.
    pub changes: u64,
    /// How much of it was not covered.
    pub not_covered: u64,
    /// Its own comparison.
    pub document: Option<Digest>,
}

/// Stores a new job. False if there is one of this id.
pub async fn insert(connection: &mut AnyConnection, job: &JobRow) -> Result<bool, Error> {
    let sql = "INSERT INTO jobs (id, kind, state, request, baseline, schedule, started_at_us, deadline_at_us, \
               asked_by, ticket, note, why, planned) \
               VALUES ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
               ON CONFLICT (id) DO NOTHING";
    let done = sqlx::query(sql)
        .bind(job.id.to_string())
        .bind(job.kind.clone())
        .bind(job.request.clone())
        .bind(job.baseline.clone())
        .bind(job.schedule.clone())
        .bind(column(job.started_at_us))
        .bind(column(job.deadline_at_us))
        .bind(job.asked_by.clone())
        .bind(job.ticket.clone())
        .bind(job.note.clone())
        .bind(job.why.clone())
        .bind(i64::from(job.planned))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes that all targets of a job are known. False if they were already.
pub async fn resolved(connection: &mut AnyConnection, job: Id) -> Result<bool, Error> {
    let sql = "UPDATE jobs SET planned = 1 WHERE id = $1 AND planned = 0 AND state = 'running'";
    let done = sqlx::query(sql).bind(job.to_string()).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a target of a job.
pub async fn insert_target(connection: &mut AnyConnection, job: Id, target: &TargetRow) -> Result<(), Error> {
    let sql = "INSERT INTO job_targets (job, identity, name, command, state, why, resource, way) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(sql)
        .bind(job.to_string())
        .bind(target.identity.to_string())
        .bind(target.name.clone())
        .bind(target.command.to_string())
        .bind(target.state.as_str())
        .bind(target.why.clone())
        .bind(text(target.resource.as_ref()))
        .bind(text(target.way))
        .execute(connection)
        .await?;
    Ok(())
}

/// The job of this id.
pub async fn job(connection: &mut AnyConnection, job: Id) -> Result<Option<JobRow>, Error> {
    let row = sqlx::query("SELECT * FROM jobs WHERE id = $1")
        .bind(job.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(job_row).transpose()
}

/// The targets of a job, sorted by name.
pub async fn targets(connection: &mut AnyConnection, job: Id) -> Result<Vec<TargetRow>, Error> {
    let rows = sqlx::query("SELECT * FROM job_targets WHERE job = $1 ORDER BY name, identity")
        .bind(job.to_string())
        .fetch_all(connection)
        .await?;
    rows.iter().map(target_row).collect()
}

/// The jobs that have not ended, oldest first. One whose id can't be read is left out, and the log says so: nothing can be
/// done for it, and the others have nothing to do with it.
pub async fn running(connection: &mut AnyConnection) -> Result<Vec<Id>, Error> {
    let rows = sqlx::query("SELECT id FROM jobs WHERE state = 'running' ORDER BY started_at_us, id")
        .fetch_all(connection)
        .await?;
    let mut running = Vec::with_capacity(rows.len());
    for row in &rows {
        match id(row, "id") {
            Ok(id) => running.push(id),
            Err(error @ Error::Damaged { .. }) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a running job is left alone"
                );
            }
            Err(error) => return Err(error),
        }
    }
    Ok(running)
}

/// Jobs, newest first; an empty schedule or kind is any.
pub async fn list(
    connection: &mut AnyConnection,
    (schedule, kind): (&str, &str),
    limit: u64,
) -> Result<Vec<JobRow>, Error> {
    let sql = "SELECT * FROM jobs WHERE ($1 = '' OR schedule = $1) AND ($2 = '' OR kind = $2) \
               ORDER BY started_at_us DESC, id LIMIT $3";
    let rows = sqlx::query(sql)
        .bind(schedule.to_owned())
        .bind(kind.to_owned())
        .bind(column(limit))
        .fetch_all(connection)
        .await?;
    rows.iter().map(job_row).collect()
}

/// Writes down how far a target is, unless that is decided already.
pub async fn advance(connection: &mut AnyConnection, job: Id, target: &TargetRow) -> Result<(), Error> {
    let sql = "UPDATE job_targets SET state = $3, why = $4, manifest = $5, way = $6 \
               WHERE job = $1 AND identity = $2 AND state IN ('waiting', 'sent')";
    sqlx::query(sql)
        .bind(job.to_string())
        .bind(target.identity.to_string())
        .bind(target.state.as_str())
        .bind(target.why.clone())
        .bind(text(target.manifest))
        .bind(text(target.way))
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes down what became of a target, when its job ends.
pub async fn conclude(connection: &mut AnyConnection, job: Id, target: &TargetRow) -> Result<(), Error> {
    let sql = "UPDATE job_targets SET state = $3, why = $4, verdict = $5, changes = $6, not_covered = $7, \
               document = $8 WHERE job = $1 AND identity = $2";
    sqlx::query(sql)
        .bind(job.to_string())
        .bind(target.identity.to_string())
        .bind(target.state.as_str())
        .bind(target.why.clone())
        .bind(target.verdict.clone())
        .bind(column(target.changes))
        .bind(column(target.not_covered))
        .bind(text(target.document))
        .execute(connection)
        .await?;
    Ok(())
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct End {
    /// The answer.
    pub verdict: String,
    /// Why there is no better one; may be empty.
    pub why: String,
    /// The certificate or seal that it made.
    pub certificate: Option<Digest>,
    /// The document that it made.
    pub document: Option<Digest>,
}

/// Ends a job. False if it has ended already; then nothing else of this end may be written.
pub async fn end(connection: &mut AnyConnection, job: Id, now_us: u64, end: &End) -> Result<bool, Error> {
    let sql = "UPDATE jobs SET state = 'ended', verdict = $2, why = $3, certificate = $4, document = $5, \
               ended_at_us = $6 WHERE id = $1 AND state = 'running'";
    let done = sqlx::query(sql)
        .bind(job.to_string())
        .bind(end.verdict.clone())
        .bind(end.why.clone())
        .bind(text(end.certificate))
        .bind(text(end.document))
        .bind(column(now_us))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn job_row(row: &AnyRow) -> Result<JobRow, Error> {
    let ended = row.try_get::<String, _>("state")? == "ended";
    // A job that runs has made nothing yet, whatever stands there.
    let made = |column: &str| {
        if ended {
            optional_digest(row, column)
        } else {
            Ok(None)
        }
    };
    Ok(JobRow {
        id: id(row, "id")?,
        kind: row.try_get("kind")?,
        ended,
        request: row.try_get("request")?,
        verdict: row.try_get("verdict")?,
        why: row.try_get("why")?,
        baseline: row.try_get("baseline")?,
        schedule: row.try_get("schedule")?,
        started_at_us: value(row.try_get("started_at_us")?),
        deadline_at_us: value(row.try_get("deadline_at_us")?),
        ended_at_us: row.try_get::<Option<i64>, _>("ended_at_us")?.map(value),
        asked_by: row.try_get("asked_by")?,
        ticket: row.try_get("ticket")?,
        note: row.try_get("note")?,
        certificate: made("certificate")?,
        document: made("document")?,
        planned: row.try_get::<i64, _>("planned")? != 0,
    })
}

fn target_row(row: &AnyRow) -> Result<TargetRow, Error> {
    let word: String = row.try_get("state")?;
    let state = TargetState::ALL.into_iter().find(|state| state.as_str() == word);
    Ok(TargetRow {
        identity: id(row, "identity")?,
        name: row.try_get("name")?,
        resource: resource(row, "resource")?,
        way: way(row, "way")?,
        command: id(row, "command")?,
        state: state.ok_or_else(|| Error::Damaged {
            what: format!("the state {word:?} of a target"),
        })?,
        why: row.try_get("why")?,
        manifest: optional_digest(row, "manifest")?,
        verdict: row.try_get("verdict")?,
        changes: value(row.try_get("changes")?),
        not_covered: value(row.try_get("not_covered")?),
        document: optional_digest(row, "document")?,
    })
}
