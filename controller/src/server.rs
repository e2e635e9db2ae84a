//! Serves the gRPC services: one port, for callers with a certificate and, to enrol, without.

use std::time::Duration;

use netghost_core::fleet::Id;
use netghost_proto::v1::enrolment_server::EnrolmentServer;
use netghost_proto::v1::fleet_server::FleetServer;
use rustls::pki_types::ServerName;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::service::Routes;
use tower::util::MapRequestLayer;

use crate::{Controller, enrol, fleet, link, pki, store};

mod accept;
mod held;
mod tls;

pub use tls::Tls;

/// How long running calls may go on after a stop was asked for, unless it is said otherwise.
pub const GRACE: Duration = Duration::from_secs(10);
/// How often an idle connection is probed: below the four minutes after which Azure forgets a flow.
const PING: Duration = Duration::from_secs(60);
/// How long the answer may take.
const PONG: Duration = Duration::from_secs(20);
/// The most calls at once over one connection.
const STREAMS: u32 = 128;
/// The longest list of headers that a caller may send, in bytes.
const HEADERS: u32 = 16 * 1024;
/// The longest message to the enrolment service: a certificate and a request, each a few hundred bytes.
const ENROLMENT_MESSAGE: usize = 16 * 1024;
/// How much of one call may arrive unread, bytes.
const CALL_WINDOW: u32 = 512 * 1024;
/// How much of all calls of a connection may, bytes. It is larger: uploads that wait for the disk must not use up what a
/// control message needs.
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// The longest message of a user: a chunk of a file that is imported.
const FLEET_MESSAGE: usize = 1024 * 1024;
/// How many connections wait to be served.
const WAITING: usize = 16;

/// The path of the method that was called, in the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Called(pub String);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's certificate.
    #[error("issue the server's certificate")]
    Certificate(#[from] pki::Error),
    /// TLS.
    #[error("set up TLS")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// gRPC.
    #[error("serve")]
    Serve(#[from] tonic::transport::Error),
}

/// A controller, to be served.
#[derive(Debug)]
pub struct Server {
    /// The controller.
    pub controller: Controller,
    /// How TLS is spoken.
    pub tls: Tls,
    /// How long running calls may go on after a stop was asked for.
    pub grace: Duration,
}

impl Server {
    /// A server that is reached under these names.
    pub async fn new(controller: Controller, names: Vec<ServerName<'static>>) -> Result<Self, Error> {
        let id: Id = controller.store.controller_id(&controller.outside).await?;
        Ok(Self {
            tls: Tls::new(controller.clone(), id, names)?,
            controller,
            grace: GRACE,
        })
    }

    /// Serves until `shutdown`; then takes no more connections, tells the agents, and waits for running calls as long as
    /// `grace` allows.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let (accepted, connections) = mpsc::channel(WAITING);
        let stop = Notify::new();
        let (health, health_service) = tonic_health::server::health_reporter();
        health
            .set_service_status("", tonic_health::ServingStatus::Serving)
            .await;
        let serving = tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(PING))
            .http2_keepalive_timeout(Some(PONG))
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(Some(CALL_WINDOW))
            .initial_connection_window_size(Some(CONNECTION_WINDOW))
            .http2_max_header_list_size(HEADERS)
            .layer(MapRequestLayer::new(note_method))
            .add_routes(routes(&self.controller))
            .add_service(health_service)
            .serve_with_incoming_shutdown(ReceiverStream::new(connections), stop.notified());
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            ended = &mut serving => return Ok(ended?),
            () = accept::accept(listener, self.tls.acceptor(), accepted) => {}
            () = shutdown => {}
        }
        health
            .set_service_status("", tonic_health::ServingStatus::NotServing)
            .await;
        self.controller.links.close("the controller is stopping");
        stop.notify_one();
        match tokio::time::timeout(self.grace, serving).await {
            Ok(ended) => Ok(ended?),
            Err(_) => {
                tracing::warn!(
                    "some calls did not end within {} s of the stop",
                    self.grace.as_secs()
                );
                Ok(())
            }
        }
    }
}

/// The services, to be served over TLS or within the process.
pub fn routes(controller: &Controller) -> Routes {
    let mut routes = Routes::builder();
    routes
        .add_service(
            EnrolmentServer::new(enrol::Service(controller.clone()))
                .max_decoding_message_size(ENROLMENT_MESSAGE),
        )
        .add_service(link::server(controller))
        .add_service(
            FleetServer::new(fleet::Service(controller.clone())).max_decoding_message_size(FLEET_MESSAGE),
        );
    routes.routes()
}

fn note_method(mut request: http::Request<Body>) -> http::Request<Body> {
    let called = Called(request.uri().path().to_owned());
    request.extensions_mut().insert(called);
    request
}
