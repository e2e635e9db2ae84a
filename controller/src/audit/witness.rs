//! What agents saw of the log, held to what it is now.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::{Event, Head, Outcome};
use netghost_proto::v1;

use super::{append, rows};
use crate::caller::Agent;
use crate::store::Error;
use crate::{Controller, keys, metrics};

/// How a witness and the log disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conflict {
    /// The log ends before the record that the witness saw.
    Cut,
    /// Another record stands there.
    Rewritten,
    /// What the witness brings is not signed by a key of this log.
    Unsigned,
}

impl Conflict {
    /// A fixed word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Rewritten => "rewritten",
            Self::Unsigned => "unsigned",
        }
    }
}

/// Holds the last head that an agent saw to the log. A conflict is written down once for each head, and counted each time:
/// either the log was cut or rewritten since (an older backup was restored, the store was edited), or the agent lies.
pub async fn witness(
    controller: &Controller,
    agent: &Agent,
    head: &v1::AuditHead,
) -> Result<Option<Conflict>, Error> {
    let Some(conflict) = compare(controller, head).await? else {
        return Ok(None);
    };
    metrics::AUDIT_CONFLICTS.add(1);
    tracing::error!(
        agent = %agent.name,
        sequence = head.sequence,
        conflict = conflict.word(),
        "an agent saw a head of the audit log that the log does not lead to: run `netghost-controller audit verify`"
    );
    note(controller, agent, head, conflict).await?;
    Ok(Some(conflict))
}

async fn compare(controller: &Controller, head: &v1::AuditHead) -> Result<Option<Conflict>, Error> {
    let keys = keys::public(&controller.store).await?;
    let Ok(seen) = Head::open(&head.signed, &keys) else {
        return Ok(Some(Conflict::Unsigned));
    };
    if seen.sequence.0 != head.sequence || seen.hash.as_bytes().as_slice() != head.hash {
        return Ok(Some(Conflict::Unsigned));
    }
    Ok(match rows::hash(&controller.store, head.sequence).await? {
        None => Some(Conflict::Cut),
        Some(hash) if hash != seen.hash => Some(Conflict::Rewritten),
        Some(_) => None,
    })
}

/// Writes it down, unless this agent's last word was the same.
async fn note(
    controller: &Controller,
    agent: &Agent,
    head: &v1::AuditHead,
    conflict: Conflict,
) -> Result<(), Error> {
    let seen = Digest::of(&head.signed).to_string();
    let mut transaction = controller.store.begin().await?;
    let changed = sqlx::query(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value",
    )
    .bind(format!("audit_conflict/{}", agent.id))
    .bind(seen.clone())
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() == 0 {
        return Ok(());
    }
    let event = Event::new(agent.actor(), "audit.conflict", Outcome::Failed)
        .with("conflict", conflict.word())
        .with("sequence", head.sequence)
        .with("head", seen);
    append(&mut transaction, controller.outside.now_us(), event).await?;
    transaction.commit().await?;
    Ok(())
}
