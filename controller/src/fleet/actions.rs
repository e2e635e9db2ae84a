//! Actions and the approvals that they wait for.

use std::time::Duration;

use futures_util::stream;
use netghost_core::fleet::Id;
use netghost_core::gate::ApprovalState;
use netghost_proto::convert::{BadField, id};
use netghost_proto::v1;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;
use crate::store::Error;
use crate::store::actions::{self, ActionRow};

mod wire;

/// How many actions are listed if nobody says otherwise, and at most.
const LISTED: u32 = 100;
const MOST_LISTED: u32 = 1_000;
/// How often an action is looked at that another process may carry on.
const LOOK: Duration = Duration::from_secs(1);
/// The shortest pause between two states that are told.
const PACE: Duration = Duration::from_millis(50);
/// The fewest letters of an id that are taken for the whole.
const SHORTEST_ID: usize = 4;

pub(super) async fn request_action(
    controller: &Controller,
    user: &User,
    request: v1::RequestActionRequest,
) -> Result<v1::Action, Status> {
    let row = crate::actions::request(controller, user, request).await?;
    Ok(wire::action(row))
}

pub(super) async fn list_actions(
    controller: &Controller,
    _: &User,
    request: v1::ListActionsRequest,
) -> Result<v1::ActionList, Status> {
    let approval = match request.approval.as_str() {
        "" => None,
        word => {
            let known = ApprovalState::parse(word);
            Some(known.ok_or_else(|| BadField::new("approval", "not a state of an approval"))?)
        }
    };
    let limit = match request.limit {
        0 => LISTED,
        limit => limit.min(MOST_LISTED),
    };
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let rows = actions::list(&mut connection, approval, limit.into()).await?;
    Ok(wire::list(rows))
}

pub(super) async fn show_action(
    controller: &Controller,
    _: &User,
    request: v1::ShowActionRequest,
) -> Result<v1::Action, Status> {
    Ok(wire::action(meant(controller, &request.id).await?))
}

pub(super) async fn watch_action(
    controller: &Controller,
    _: &User,
    request: v1::ShowActionRequest,
) -> Result<Replies<v1::Action>, Status> {
    let watching = Watching {
        controller: controller.clone(),
        id: meant(controller, &request.id).await?.id,
        changes: controller.live().watch(),
        shown: None,
        ended: false,
    };
    Ok(Box::pin(stream::try_unfold(watching, Watching::next)))
}

pub(super) async fn approve_action(
    controller: &Controller,
    user: &User,
    request: v1::ApproveActionRequest,
) -> Result<v1::Action, Status> {
    // By the whole id: what is consented to is not guessed.
    let id = id("id", &request.id)?;
    let row = crate::actions::approve(controller, user, id, &request.approval).await?;
    Ok(wire::action(row))
}

pub(super) async fn deny_action(
    controller: &Controller,
    user: &User,
    request: v1::DenyActionRequest,
) -> Result<v1::Action, Status> {
    let id = meant(controller, &request.id).await?.id;
    let row = crate::actions::deny(controller, user, id, &request.reason).await?;
    Ok(wire::action(row))
}

pub(super) async fn undo_action(
    controller: &Controller,
    user: &User,
    request: v1::UndoActionRequest,
) -> Result<v1::Action, Status> {
    let id = meant(controller, &request.id).await?.id;
    let row = crate::actions::undo(controller, user, id).await?;
    Ok(wire::action(row))
}

pub(super) async fn publish_approvers(
    controller: &Controller,
    user: &User,
    request: v1::Approvers,
) -> Result<v1::Approvers, Status> {
    let row = crate::actions::publish(controller, user, request).await?;
    Ok(wire::approvers(row))
}

pub(super) async fn show_approvers(
    controller: &Controller,
    _: &User,
    _: v1::ShowApproversRequest,
) -> Result<v1::Approvers, Status> {
    let row = crate::actions::current(controller).await?;
    row.map(wire::approvers)
        .ok_or_else(|| Status::not_found("no approvers are published: `netghost approvers publish` does it"))
}

/// The action of this id, or the only one whose id begins so.
async fn meant(controller: &Controller, text: &str) -> Result<ActionRow, Status> {
    if let Ok(id) = Id::parse(text) {
        return crate::actions::find(controller, id).await;
    }
    let good = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
    if text.len() < SHORTEST_ID || text.len() > 36 || !text.bytes().all(good) {
        let what = format_args!("not an action's id, nor {SHORTEST_ID} or more letters of its beginning");
        return Err(BadField::new("id", what).into());
    }
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    let mut rows = actions::beginning(&mut connection, text).await?.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(row),
        (Some(one), Some(other)) => Err(Status::failed_precondition(format!(
            "the ids {} and {} both begin with {text}: say more of it",
            one.id, other.id
        ))),
        (None, _) => Err(Status::not_found(format!("no action's id begins with {text}"))),
    }
}

/// Somebody who watches an action.
struct Watching {
    controller: Controller,
    id: Id,
    changes: watch::Receiver<()>,
    shown: Option<v1::Action>,
    ended: bool,
}

impl Watching {
    /// The next state that differs from the one before; nothing after the last.
    async fn next(mut self) -> Result<Option<(v1::Action, Self)>, Status> {
        if self.ended {
            return Ok(None);
        }
        loop {
            if self.shown.is_some() {
                sleep(PACE).await;
                // What is told may be missed: the store is looked at in any case.
                drop(timeout(LOOK, self.changes.changed()).await);
            }
            self.changes.mark_unchanged();
            let row = crate::actions::find(&self.controller, self.id).await?;
            let ended = row.state.has_ended();
            let action = wire::action(row);
            if self.shown.as_ref() != Some(&action) {
                self.shown = Some(action.clone());
                self.ended = ended;
                return Ok(Some((action, self)));
            }
        }
    }
}
