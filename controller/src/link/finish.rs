//! Keeps how a command ended.

use netghost_core::audit::Outcome as Audited;
use netghost_core::fleet::Id;
use sqlx::AnyConnection;

use super::orders::Outcome;
use super::presence::event;
use crate::caller::Agent;
use crate::jobs::Unreached;
use crate::store::commands::{self, Ended};
use crate::store::{Error, actions};
use crate::{Controller, audit};

/// Keeps an agent's word on how a command ended, unless it said another before, and tells those who wait. When this
/// returns, the outcome is on the disk and may be acknowledged. A word on a command that nobody gave this agent is dropped.
pub(super) async fn finish(
    controller: &Controller,
    agent: &Agent,
    command: Id,
    said: Outcome,
) -> Result<(), Error> {
    let mut transaction = controller.store.begin().await?;
    if !is_ordered(controller, &mut transaction, agent.id, command).await? {
        tracing::warn!(agent = %agent.name, %command, "the end of a command that nobody gave: dropped");
        return Ok(());
    }
    let outcome = match commands::outcome(&mut transaction, command).await? {
        Some(stored) => stored,
        None => first(controller, &mut transaction, agent, command, said).await?,
    };
    transaction.commit().await?;
    controller.live().changed();
    let orders = &controller.links.shared().orders;
    orders.tell(agent.id, command, |progress| {
        progress.outcome = Some(outcome.clone());
    });
    Ok(())
}

/// True if someone in this process waits for it, or a job that is stored does.
pub(super) async fn is_ordered(
    controller: &Controller,
    connection: &mut AnyConnection,
    agent: Id,
    command: Id,
) -> Result<bool, Error> {
    let waited = controller.links.shared().orders.expects(agent, command);
    Ok(waited
        || actions::commanded(connection, agent, command).await?.is_some()
        || commands::is_ordered(connection, agent, command).await?)
}

async fn first(
    controller: &Controller,
    transaction: &mut AnyConnection,
    agent: &Agent,
    command: Id,
    said: Outcome,
) -> Result<Outcome, Error> {
    let demanded = actions::commanded(transaction, agent.id, command).await?;
    let refused = |what: String| {
        Err(Unreached {
            code: "refused".to_owned(),
            message: format!("agent {} {what}", agent.name),
        })
    };
    let outcome = match said {
        Ok(Ended::Captured(_)) if demanded.is_some() => {
            refused("took a snapshot of what it was to do".to_owned())
        }
        Ok(Ended::Acted(_)) if demanded.is_none() => {
            refused("answered as if it was to do something".to_owned())
        }
        Ok(Ended::Captured(digest))
            if commands::manifest_of(transaction, &digest).await? != Some((agent.id, command)) =>
        {
            refused(format!(
                "named manifest {digest}, but did not upload it for this command"
            ))
        }
        said => said,
    };
    let now_us = controller.outside.now_us();
    commands::finish(transaction, agent.id, command, &outcome, now_us).await?;
    if let Some((action, step)) = demanded {
        crate::actions::heard(controller, transaction, agent, (action, step), &outcome).await?;
    }
    let event = match &outcome {
        Ok(Ended::Acted(_)) => event(agent, "command.finish", Audited::Done).target(command),
        Ok(Ended::Captured(digest)) => event(agent, "command.finish", Audited::Done)
            .target(command)
            .with("manifest", digest),
        Err(why) => event(agent, "command.finish", Audited::Failed)
            .target(command)
            .with("code", &why.code)
            .with("message", &why.message),
    };
    audit::append(transaction, now_us, event).await?;
    Ok(outcome)
}
