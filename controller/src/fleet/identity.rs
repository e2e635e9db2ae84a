//! Identity.

use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;

pub(super) async fn renew(
    _controller: &Controller,
    _user: &User,
    _request: v1::RenewRequest,
) -> Result<v1::Identity, Status> {
    Err(Status::unimplemented("renew"))
}
