//! Agents.

use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;

pub(super) async fn list_agents(
    _controller: &Controller,
    _user: &User,
    _request: v1::Selector,
) -> Result<v1::AgentList, Status> {
    Err(Status::unimplemented("list_agents"))
}

pub(super) async fn tag_agents(
    _controller: &Controller,
    _user: &User,
    _request: v1::TagRequest,
) -> Result<v1::AgentList, Status> {
    Err(Status::unimplemented("tag_agents"))
}

pub(super) async fn revoke_agents(
    _controller: &Controller,
    _user: &User,
    _request: v1::RevokeRequest,
) -> Result<v1::AgentList, Status> {
    Err(Status::unimplemented("revoke_agents"))
}

pub(super) async fn remove_agents(
    _controller: &Controller,
    _user: &User,
    _request: v1::RemoveRequest,
) -> Result<v1::AgentList, Status> {
    Err(Status::unimplemented("remove_agents"))
}
