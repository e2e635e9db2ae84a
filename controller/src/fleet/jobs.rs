//! Jobs.

use netghost_proto::v1;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;

pub(super) async fn start_job(
    _controller: &Controller,
    _user: &User,
    _request: v1::StartJobRequest,
) -> Result<v1::Job, Status> {
    Err(Status::unimplemented("start_job"))
}

pub(super) async fn watch_job(
    _controller: &Controller,
    _user: &User,
    _request: v1::WatchJobRequest,
) -> Result<Replies<v1::Job>, Status> {
    Err(Status::unimplemented("watch_job"))
}

pub(super) async fn list_runs(
    _controller: &Controller,
    _user: &User,
    _request: v1::ListRunsRequest,
) -> Result<v1::RunList, Status> {
    Err(Status::unimplemented("list_runs"))
}
