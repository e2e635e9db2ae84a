//! The enrolment service.

use netghost_proto::v1;
use netghost_proto::v1::enrolment_server::Enrolment;
use tonic::{Request, Response, Status};

use crate::Controller;

/// The service.
#[derive(Debug, Clone)]
pub struct Service(pub Controller);

#[tonic::async_trait]
impl Enrolment for Service {
    async fn enrol(&self, _request: Request<v1::EnrolRequest>) -> Result<Response<v1::Identity>, Status> {
        Err(Status::unimplemented("enrol"))
    }

    async fn recover(&self, _request: Request<v1::RecoverRequest>) -> Result<Response<v1::Identity>, Status> {
        Err(Status::unimplemented("recover"))
    }
}
