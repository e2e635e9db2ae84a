//! The agents' side: control streams and uploads.
//!
//! One control stream per identity carries commands, probes and heads, and nothing longer than
//! [`netghost_proto::CONTROL_MESSAGE`]; what is longer comes by calls of its own, so that it never stands before a command.
//! The decisions of a stream are in `machine`, which does no I/O; who is connected is in `registry`.

use futures_util::StreamExt;
use netghost_proto::v1;
use netghost_proto::v1::link_server::Link;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::fleet::Replies;
use crate::{Controller, actions, enrol};

mod churn;
mod finish;
mod hello;
mod limits;
mod machine;
mod manifest;
mod orders;
mod partial;
mod presence;
mod reach;
mod registry;
mod share;
mod stream;
mod upload;
mod uploads;

pub use limits::{Server, server};
pub use machine::Timings;
pub(crate) use orders::Outcome;
pub use reach::LinkReach;
pub(crate) use reach::{Sent, reach};
pub use registry::Links;

/// How many messages wait for an agent that does not read, before it is disconnected.
const QUEUE: usize = 64;

/// The service.
#[derive(Debug, Clone)]
pub struct Service(pub Controller);

#[tonic::async_trait]
impl Link for Service {
    type ControlStream = Replies<v1::ControllerMessage>;

    async fn control(
        &self,
        request: Request<Streaming<v1::AgentMessage>>,
    ) -> Result<Response<Self::ControlStream>, Status> {
        let agent = self.0.agent_until(request.extensions()).await?;
        let (out, replies) = mpsc::channel(QUEUE);
        // The reply's head goes out at once: a caller may wait for it before it says its first word.
        tokio::spawn(stream::serve(self.0.clone(), agent, request.into_inner(), out));
        Ok(Response::new(ReceiverStream::new(replies).boxed()))
    }

    async fn missing(
        &self,
        request: Request<v1::MissingRequest>,
    ) -> Result<Response<v1::MissingReply>, Status> {
        let agent = self.0.agent(request.extensions()).await?;
        uploads::missing(&self.0, &agent, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn upload(
        &self,
        request: Request<Streaming<v1::UploadChunk>>,
    ) -> Result<Response<v1::UploadReply>, Status> {
        let agent = self.0.agent(request.extensions()).await?;
        // A task of its own: a caller who goes away in the middle of a write leaves no write running behind its back.
        let upload = upload::receive(self.0.clone(), agent, request.into_inner());
        let reply = tokio::spawn(upload)
            .await
            .map_err(|error| Status::internal(format!("the upload's task ended: {error}")))?;
        reply.map(Response::new)
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::Identity>, Status> {
        enrol::renew(&self.0, request.extensions(), &request.get_ref().csr)
            .await
            .map(Response::new)
    }

    async fn reached(
        &self,
        request: Request<v1::ReachedRequest>,
    ) -> Result<Response<v1::ReachedReply>, Status> {
        let agent = self.0.agent(request.extensions()).await?;
        actions::reached(&self.0, &agent, request.into_inner())
            .await
            .map(Response::new)
    }
}
