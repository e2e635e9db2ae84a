//! Actions and the approvals that they wait for.

use netghost_proto::v1;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;

pub(super) async fn request_action(
    _: &Controller,
    _: &User,
    _: v1::RequestActionRequest,
) -> Result<v1::Action, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn list_actions(
    _: &Controller,
    _: &User,
    _: v1::ListActionsRequest,
) -> Result<v1::ActionList, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn show_action(
    _: &Controller,
    _: &User,
    _: v1::ShowActionRequest,
) -> Result<v1::Action, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn watch_action(
    _: &Controller,
    _: &User,
    _: v1::ShowActionRequest,
) -> Result<Replies<v1::Action>, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn approve_action(
    _: &Controller,
    _: &User,
    _: v1::ApproveActionRequest,
) -> Result<v1::Action, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn deny_action(
    _: &Controller,
    _: &User,
    _: v1::DenyActionRequest,
) -> Result<v1::Action, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn undo_action(
    _: &Controller,
    _: &User,
    _: v1::UndoActionRequest,
) -> Result<v1::Action, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn publish_approvers(
    _: &Controller,
    _: &User,
    _: v1::Approvers,
) -> Result<v1::Approvers, Status> {
    Err(Status::unimplemented("actions"))
}

pub(super) async fn show_approvers(
    _: &Controller,
    _: &User,
    _: v1::ShowApproversRequest,
) -> Result<v1::Approvers, Status> {
    Err(Status::unimplemented("actions"))
}
