//! Status.

use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;

pub(super) async fn status(
    _controller: &Controller,
    _user: &User,
    _request: v1::StatusRequest,
) -> Result<v1::ControllerStatus, Status> {
    Err(Status::unimplemented("status"))
}
