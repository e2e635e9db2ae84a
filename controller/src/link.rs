//! The agents' side: control streams and uploads.

use std::pin::Pin;

use futures_util::Stream;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::link_server::Link;
use tonic::{Request, Response, Status, Streaming};

use crate::Controller;

/// The agents that are connected.
#[derive(Debug, Clone, Default)]
pub struct Links {}

impl Links {
    /// Ends the live streams of an identity, telling it why.
    pub fn revoke(&self, id: Id, reason: &str) {
        let _ = (id, reason);
    }

    /// True if a stream of this agent is open and answers.
    pub fn is_connected(&self, id: Id) -> bool {
        let _ = id;
        false
    }

    /// Tells every connected agent of a new head of the audit log.
    pub fn announce(&self, head: &v1::AuditHead) {
        let _ = head;
    }

    /// Ends every stream, telling why; the agents come back.
    pub fn close(&self, reason: &str) {
        let _ = reason;
    }

    /// How many agents are connected.
    pub fn count(&self) -> usize {
        0
    }
}

/// The service.
#[derive(Debug, Clone)]
pub struct Service(pub Controller);

type Replies = Pin<Box<dyn Stream<Item = Result<v1::ControllerMessage, Status>> + Send>>;

#[tonic::async_trait]
impl Link for Service {
    type ControlStream = Replies;

    async fn control(
        &self,
        _request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Replies>, Status> {
        Err(Status::unimplemented("control"))
    }

    async fn missing(
        &self,
        _request: Request<v1::MissingRequest>,
    ) -> Result<Response<v1::MissingReply>, Status> {
        Err(Status::unimplemented("missing"))
    }

    async fn upload(
        &self,
        _request: Request<Streaming<v1::UploadChunk>>,
    ) -> Result<Response<v1::UploadReply>, Status> {
        Err(Status::unimplemented("upload"))
    }

    async fn renew(&self, _request: Request<v1::RenewRequest>) -> Result<Response<v1::Identity>, Status> {
        Err(Status::unimplemented("renew"))
    }
}
