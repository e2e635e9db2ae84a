//! Writes down what became of an action, with the record of it.

use netghost_core::audit::{Event as Record, Outcome as Ended};
use netghost_core::fleet::Id;
use netghost_core::gate::{ActionState, ApprovalState};
use sqlx::AnyConnection;

use super::course;
use crate::caller::Agent;
use crate::link::Outcome;
use crate::store::Error;
use crate::store::actions::{self, ActionRow, Step};
use crate::store::commands::Ended as Answered;
use crate::{Controller, audit};

/// Takes an agent's word on a demand, within the transaction that keeps it.
pub(crate) async fn heard(
    controller: &Controller,
    transaction: &mut AnyConnection,
    agent: &Agent,
    (action, step): (Id, Step),
    outcome: &Outcome,
) -> Result<(), Error> {
    let Some(row) = actions::action(transaction, action).await? else {
        return Ok(());
    };
    let now_us = controller.outside.now_us();
    let next = match outcome {
        Ok(Answered::Acted(answer)) => course::answered(&row, step, answer, now_us),
        Ok(Answered::Captured(_)) => None,
        Err(why) => course::failed(&row, step, why, now_us),
    };
    match next {
        Some(next) if next != row => {
            move_on(transaction, &agent.actor(), &row, &next, now_us).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Moves an action on if it still stands as it was seen, and writes down that this came of it. False if it does not.
pub(super) async fn move_on(
    transaction: &mut AnyConnection,
    actor: &str,
    seen: &ActionRow,
    next: &ActionRow,
    now_us: u64,
) -> Result<bool, Error> {
    if !actions::update(transaction, seen, next).await? {
        return Ok(false);
    }
    if (seen.state, seen.approval) != (next.state, next.approval) {
        audit::append(transaction, now_us, record(actor, next)).await?;
    }
    Ok(true)
}

/// The same in a transaction of its own.
pub(super) async fn move_alone(
    controller: &Controller,
    actor: &str,
    seen: &ActionRow,
    next: &ActionRow,
) -> Result<bool, Error> {
    let mut transaction = controller.store.begin().await?;
    let moved = move_on(&mut transaction, actor, seen, next, controller.outside.now_us()).await?;
    transaction.commit().await?;
    controller.live().changed();
    Ok(moved)
}

/// What is written down of an action that stands so now.
pub(super) fn record(actor: &str, row: &ActionRow) -> Record {
    let (action, ended) = word(row);
    let event = about(actor, action, ended, row);
    let event = match row.digest {
        Some(digest) => event.with("digest", digest),
        None => event,
    };
    let said = [
        ("code", &row.code),
        ("why", &row.why),
        ("decided_by", &row.decided_by),
        ("decision", &row.decision),
    ];
    said.into_iter()
        .filter(|(_, text)| !text.is_empty())
        .fold(event.with("state", row.state.as_str()), |event, (name, text)| {
            event.with(name, text)
        })
}

/// An event that is about this action, with the ticket that it was asked for under.
pub(super) fn about(actor: &str, action: &str, ended: Ended, row: &ActionRow) -> Record {
    let event = Record::new(actor, action, ended).target(&row.name).target(row.id);
    match course::asked(row).and_then(|asked| asked.ticket) {
        Some(ticket) => event.with("ticket", ticket),
        None => event,
    }
}

/// What happened to an action that stands so now, and whether that is well.
fn word(row: &ActionRow) -> (&'static str, Ended) {
    match (row.state, row.approval) {
        (ActionState::Preparing, _) => ("action.request", Ended::Begun),
        (ActionState::Waiting, _) => ("action.propose", Ended::Done),
        (ActionState::Refused, _) => ("action.propose", Ended::Denied),
        (ActionState::Failed, None) => ("action.propose", Ended::Failed),
        (ActionState::Running, Some(ApprovalState::Approved)) => ("action.approve", Ended::Done),
        (ActionState::Running, _) => ("action.use", Ended::Done),
        (ActionState::Closed, Some(ApprovalState::Denied)) => ("action.deny", Ended::Done),
        (ActionState::Closed, Some(ApprovalState::Expired)) => ("action.expire", Ended::Done),
        (ActionState::Closed, _) => ("action.void", Ended::Done),
        (ActionState::Applied, _) => ("action.apply", Ended::Done),
        (ActionState::Confirmed, _) => ("action.confirm", Ended::Done),
        (ActionState::Done, _) => ("action.finish", Ended::Done),
        (ActionState::Undone, _) => ("action.undone", Ended::Done),
        (ActionState::Conflict, _) => ("action.conflict", Ended::Failed),
        (ActionState::Failed | ActionState::Unknown, _) => ("action.finish", Ended::Failed),
    }
}
