//! Objects.

use netghost_proto::v1;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;

pub(super) async fn fetch_object(
    _controller: &Controller,
    _user: &User,
    _request: v1::FetchObjectRequest,
) -> Result<Replies<v1::ObjectChunk>, Status> {
    Err(Status::unimplemented("fetch_object"))
}
