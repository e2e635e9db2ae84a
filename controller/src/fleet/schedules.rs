//! Schedules.

use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;

pub(super) async fn schedule_sweep(
    _controller: &Controller,
    _user: &User,
    _request: v1::Schedule,
) -> Result<v1::Schedule, Status> {
    Err(Status::unimplemented("schedule_sweep"))
}

pub(super) async fn list_schedules(
    _controller: &Controller,
    _user: &User,
    _request: v1::ListSchedulesRequest,
) -> Result<v1::ScheduleList, Status> {
    Err(Status::unimplemented("list_schedules"))
}

pub(super) async fn remove_schedule(
    _controller: &Controller,
    _user: &User,
    _request: v1::RemoveScheduleRequest,
) -> Result<v1::Schedule, Status> {
    Err(Status::unimplemented("remove_schedule"))
}
