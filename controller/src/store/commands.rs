//! How commands ended, and the manifests that they left.

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use sqlx::{AnyConnection, Row};

use super::identities::id;
use super::{Error, column};
use crate::jobs::Unreached;

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A snapshot: its manifest's digest.
    Captured(Digest),
    /// An answer: JSON of core's `gate::Answer`, as its agent sent it.
    Acted(String),
}

/// How a command ended, as its agent said it first; nothing while it has not.
pub async fn outcome(
    connection: &mut AnyConnection,
    command: Id,
) -> Result<Option<Result<Ended, Unreached>>, Error> {
    let row = sqlx::query("SELECT manifest, code, message, answer FROM commands WHERE id = $1")
        .bind(command.to_string())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (manifest, code): (String, String) = (row.try_get("manifest")?, row.try_get("code")?);
    let answer: String = row.try_get("answer")?;
    if !answer.is_empty() {
        return Ok(Some(Ok(Ended::Acted(answer))));
    }
    if manifest.is_empty() {
        let message = row.try_get("message")?;
        return Ok(Some(Err(Unreached { code, message })));
    }
    let digest = Digest::parse(&manifest).ok_or_else(|| Error::Damaged {
        what: format!("the outcome of command {command}"),
    })?;
    Ok(Some(Ok(Ended::Captured(digest))))
}

/// Keeps how a command ended, unless something was kept already: the first word stands. True if this is the first.
pub async fn finish(
    connection: &mut AnyConnection,
    agent: Id,
    command: Id,
    outcome: &Result<Ended, Unreached>,
    now_us: u64,
) -> Result<bool, Error> {
    let (mut manifest, mut answer, mut code, mut message) = Default::default();
    match outcome {
        Ok(Ended::Captured(digest)) => manifest = digest.to_string(),
        Ok(Ended::Acted(said)) => answer = said.clone(),
        Err(why) => (code, message) = (why.code.clone(), why.message.clone()),
    }
    let done = sqlx::query(
        "INSERT INTO commands (id, identity, manifest, code, message, at_us, answer) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(command.to_string())
    .bind(agent.to_string())
    .bind(manifest)
    .bind(code)
    .bind(message)
    .bind(column(now_us))
    .bind(answer)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// True if a job asked this agent for this command.
pub async fn is_ordered(connection: &mut AnyConnection, agent: Id, command: Id) -> Result<bool, Error> {
    let row = sqlx::query("SELECT job FROM job_targets WHERE command = $1 AND identity = $2")
        .bind(command.to_string())
        .bind(agent.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// The commands that running jobs gave this agent and that have not ended.
pub async fn open(connection: &mut AnyConnection, agent: Id) -> Result<Vec<Id>, Error> {
    let rows = sqlx::query(
        "SELECT t.command FROM job_targets t JOIN jobs j ON j.id = t.job \
         LEFT JOIN commands c ON c.id = t.command \
         WHERE t.identity = $1 AND j.state = 'running' AND c.id IS NULL ORDER BY t.command",
    )
    .bind(agent.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| id(row, "command")).collect()
}

/// Whose manifest this is, and of which command; nothing if it was not taken.
pub async fn manifest_of(connection: &mut AnyConnection, digest: &Digest) -> Result<Option<(Id, Id)>, Error> {
    let row = sqlx::query("SELECT identity, command FROM manifests WHERE digest = $1")
        .bind(digest.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((id(&row, "identity")?, id(&row, "command")?)))
        .transpose()
}

/// The manifest that was taken for this command.
pub async fn manifest_for(connection: &mut AnyConnection, command: Id) -> Result<Option<Digest>, Error> {
    let row = sqlx::query("SELECT digest FROM manifests WHERE command = $1")
        .bind(command.to_string())
        .fetch_optional(connection)
        .await?;
    row.map(|row| digest(&row, "digest")).transpose()
}

/// Keeps that a manifest was taken whole. False if it was already.
pub async fn take_manifest(
    connection: &mut AnyConnection,
    digest: &Digest,
    agent: Id,
    command: Id,
    now_us: u64,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "INSERT INTO manifests (digest, identity, command, at_us) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (digest) DO NOTHING",
    )
    .bind(digest.to_string())
    .bind(agent.to_string())
    .bind(command.to_string())
    .bind(column(now_us))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
