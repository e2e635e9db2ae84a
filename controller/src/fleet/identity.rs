//! A user's own identity.

use netghost_proto::v1;
use tonic::Status;

use crate::caller::User;
use crate::{Controller, enrol};

pub(super) async fn renew(
    controller: &Controller,
    user: &User,
    request: v1::RenewRequest,
) -> Result<v1::Identity, Status> {
    let id = user.id.ok_or_else(|| {
        Status::failed_precondition("a command that works on its own store has no certificate to renew")
    })?;
    enrol::reissue(controller, id, &request.csr).await
}
