//! Audit.

use netghost_proto::v1;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;

pub(super) async fn read_audit(
    _controller: &Controller,
    _user: &User,
    _request: v1::ReadAuditRequest,
) -> Result<Replies<v1::AuditEntry>, Status> {
    Err(Status::unimplemented("read_audit"))
}

pub(super) async fn keys(
    _controller: &Controller,
    _user: &User,
    _request: v1::KeysRequest,
) -> Result<v1::KeyList, Status> {
    Err(Status::unimplemented("keys"))
}
