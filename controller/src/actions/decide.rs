//! What people decide about an action.

use std::time::Duration;

use netghost_core::audit::Outcome as Ended;
use netghost_core::fleet::Id;
use netghost_core::gate::{ActionState, Approval, ApprovalState, Event, Operation, Roster};
use netghost_proto::convert::BadField;
use tonic::Status;

use super::approvers::roster;
use super::demand::{Order, demand, fits};
use super::move_on::{about, move_alone, move_on};
use super::request::line;
use super::run::{left, spawn};
use super::{course, find};
use crate::Controller;
use crate::caller::User;
use crate::store::Error;
use crate::store::actions::{ActionRow, Step};
use crate::store::approvers;

/// The longest reason of a denial, in bytes.
const LONGEST_REASON: usize = 1_000;
/// How long an agent may take to begin an undo or to hear that nobody wants an action any more.
const TELLING: Duration = Duration::from_secs(600);

/// An approver consents: the VM is told, and decides.
pub(crate) async fn approve(
    controller: &Controller,
    user: &User,
    id: Id,
    envelope: &[u8],
) -> Result<ActionRow, Status> {
    let row = find(controller, id).await?;
    match consent(controller, user, &row, envelope).await {
        Ok(next) => {
            if !move_alone(controller, &user.actor(), &row, &next).await? {
                let row = find(controller, id).await?;
                let status = not_pending(&row);
                return Err(denied(controller, user, &row, "action.approve", status).await);
            }
            spawn(controller, id);
            find(controller, id).await
        }
        Err(status) => {
            let status = denied(controller, user, &row, "action.approve", status).await;
            if row.state == ActionState::Waiting && left(controller, &row).is_zero() {
                super::sweep::expire(controller, &row).await?;
            }
            Err(status)
        }
    }
}

/// The action with this consent, if it is one.
async fn consent(
    controller: &Controller,
    user: &User,
    row: &ActionRow,
    envelope: &[u8],
) -> Result<ActionRow, Status> {
    pending(controller, row)?;
    let approval = row.approval.unwrap_or(ApprovalState::Void);
    let approval = approval.after(Event::Approve).map_err(|_| not_pending(row))?;
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let current = approvers::current(&mut connection).await?;
    drop(connection);
    let current = current.ok_or_else(|| {
        Status::failed_precondition("no approvers are published: `netghost approvers publish` does it")
    })?;
    let roster = roster(&current)?;
    let (approver, self_approved) = signer(row, user, envelope, &roster)?;
    let text = std::str::from_utf8(envelope).map_err(|error| BadField::new("approval", error))?;
    let next = ActionRow {
        approval: Some(approval),
        decided_by: approver,
        decided_at_us: controller.outside.now_us(),
        self_approved,
        envelope: text.to_owned(),
        ..course::ended(row, ActionState::Running, "", "", 0)
    };
    match fits(&next, &current.roster) {
        true => Ok(next),
        false => Err(Status::failed_precondition(
            "approval and list of approvers do not fit one message: remove who was revoked long ago from the list",
        )),
    }
}

/// Whose consent it is, and whether that is who asked. The VM decides over again.
fn signer(row: &ActionRow, user: &User, envelope: &[u8], roster: &Roster) -> Result<(String, bool), Status> {
    let action = course::document(row).ok_or_else(|| Error::Damaged {
        what: format!("the document of action {}", row.id),
    })?;
    let approval = Approval::open(envelope, roster, &action)
        .map_err(|refusal| Status::permission_denied(format!("{refusal} ({})", refusal.code())))?;
    if approval.approver.as_str() != user.name {
        return Err(Status::permission_denied(format!(
            "{} signed it, and {} sent it: who approves sends it",
            approval.approver, user.name
        )));
    }
    let self_approved = approval.approver == action.requester;
    if self_approved && action.four_eyes {
        return Err(Status::permission_denied(format!(
            "{} asked for it and can't approve it: four eyes (self_approval)",
            approval.approver
        )));
    }
    Ok((approval.approver.to_string(), self_approved))
}

/// An approver refuses.
pub(crate) async fn deny(
    controller: &Controller,
    user: &User,
    id: Id,
    reason: &str,
) -> Result<ActionRow, Status> {
    let reason = line("reason", reason, LONGEST_REASON)?;
    let row = find(controller, id).await?;
    if let Err(status) = pending(controller, &row) {
        return Err(denied(controller, user, &row, "action.deny", status).await);
    }
    let now_us = controller.outside.now_us();
    let next = ActionRow {
        decided_by: user.name.clone(),
        decision: reason.to_string(),
        decided_at_us: now_us,
        ..course::closed(&row, Event::Deny, "", "", now_us)
    };
    if !move_alone(controller, &user.actor(), &row, &next).await? {
        let row = find(controller, id).await?;
        let status = not_pending(&row);
        return Err(denied(controller, user, &row, "action.deny", status).await);
    }
    tell(controller, &row, &[Step::Withdraw]);
    find(controller, id).await
}

/// Takes back what waits, undoes what is not confirmed yet, ends a server.
pub(crate) async fn undo(controller: &Controller, user: &User, id: Id) -> Result<ActionRow, Status> {
    let row = find(controller, id).await?;
    let server = course::document(&row)
        .is_some_and(|action| matches!(action.operation, Operation::ServerStart { .. }));
    match row.state {
        ActionState::Preparing | ActionState::Waiting => {
            let why = format!("{} took it back", user.name);
            let next = course::closed(&row, Event::Void, "taken_back", &why, controller.outside.now_us());
            if !move_alone(controller, &user.actor(), &row, &next).await? {
                let row = find(controller, id).await?;
                let status =
                    Status::aborted(format!("the action is {} by now: ask again", row.state.as_str()));
                return Err(denied(controller, user, &row, "action.undo", status).await);
            }
            tell(controller, &row, &[Step::Withdraw]);
        }
        ActionState::Done if !server => {
            let why = "the action is done, and can't be undone before somebody asks for that";
            return Err(denied(
                controller,
                user,
                &row,
                "action.undo",
                Status::failed_precondition(why),
            )
            .await);
        }
        ActionState::Running | ActionState::Applied | ActionState::Done => {
            controller
                .write_down(about(&user.actor(), "action.undo", Ended::Begun, &row))
                .await;
            // First, so that an approval that is still on its way does nothing behind the undo.
            tell(controller, &row, &[Step::Withdraw, Step::Undo]);
        }
        state => {
            let hint = match state {
                ActionState::Confirmed => ": ask for an action that undoes it",
                _ => "",
            };
            let why = format!("the action is {}{hint}", state.as_str());
            return Err(denied(
                controller,
                user,
                &row,
                "action.undo",
                Status::failed_precondition(why),
            )
            .await);
        }
    }
    find(controller, id).await
}

/// Refuses what nobody can decide any more.
fn pending(controller: &Controller, row: &ActionRow) -> Result<(), Status> {
    if row.state != ActionState::Waiting || row.approval != Some(ApprovalState::Pending) {
        return Err(not_pending(row));
    }
    match left(controller, row).is_zero() {
        true => Err(Status::failed_precondition(
            "the approval is expired: nobody decided within the action's lifetime",
        )),
        false => Ok(()),
    }
}

fn not_pending(row: &ActionRow) -> Status {
    Status::failed_precondition(match row.approval {
        None => format!("the action is {}: there is nothing to decide", row.state.as_str()),
        Some(approval) if row.decided_by.is_empty() => format!("the approval is {}", approval.as_str()),
        Some(approval) => format!(
            "the approval is {}: {} decided",
            approval.as_str(),
            row.decided_by
        ),
    })
}

/// Writes down that somebody was refused, and why.
async fn denied(
    controller: &Controller,
    user: &User,
    row: &ActionRow,
    action: &str,
    status: Status,
) -> Status {
    let event = about(&user.actor(), action, Ended::Denied, row).with("why", status.message());
    controller.refused(event).await;
    status
}

/// Makes demands one after the other, in a task of their own. Nothing hangs on whether they arrive: what waits on a VM expires
/// there, and what is not confirmed undoes itself.
pub(super) fn tell(controller: &Controller, row: &ActionRow, steps: &'static [Step]) {
    if row.digest.is_none() {
        return;
    }
    let (controller, row) = (controller.clone(), row.clone());
    drop(tokio::spawn(async move {
        for step in steps {
            let order = Order {
                step: *step,
                lifetime: TELLING,
            };
            if let Err(why) = demand(&controller, &row, order).await {
                tracing::warn!(action = %row.id, step = step.as_str(), why = why.message, "a VM was not told");
            }
        }
        controller.live().changed();
    }));
}

/// Closes an action of which its agent's state says that nothing of it can be done, within a transaction.
pub(super) async fn void(
    transaction: &mut sqlx::AnyConnection,
    actor: &str,
    row: &ActionRow,
    (code, why): (&str, &str),
    now_us: u64,
) -> Result<bool, Error> {
    let next = match row.state {
        ActionState::Preparing | ActionState::Waiting => course::closed(row, Event::Void, code, why, now_us),
        // It was demanded: what became of it nobody says any more.
        _ => course::ended(row, ActionState::Unknown, code, why, now_us),
    };
    move_on(transaction, actor, row, &next, now_us).await
}
