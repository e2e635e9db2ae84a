//! How long a message may be, call by call.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use netghost_proto::v1::link_server::LinkServer;
use netghost_proto::{CONTROL_MESSAGE, UPLOAD_CHUNK};
use tonic::body::Body;
use tonic::server::NamedService;

use super::Service;
use crate::Controller;

/// What stands around the bytes of a chunk: the start of an upload, and the tags of the fields.
const AROUND_A_CHUNK: usize = 1024;

/// The service with its limits. They hold before a message is read into memory: a length that is too great ends the call.
#[derive(Debug, Clone)]
pub struct Server {
    short: LinkServer<Service>,
    upload: LinkServer<Service>,
}

/// The service of a controller, to be served.
pub fn server(controller: &Controller) -> Server {
    let service = || LinkServer::new(Service(controller.clone()));
    Server {
        short: service().max_decoding_message_size(CONTROL_MESSAGE),
        upload: service().max_decoding_message_size(UPLOAD_CHUNK + AROUND_A_CHUNK),
    }
}

impl NamedService for Server {
    const NAME: &'static str = LinkServer::<Service>::NAME;
}

impl tower_service::Service<http::Request<Body>> for Server {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path().ends_with("/Upload") {
            tower_service::Service::call(&mut self.upload, request)
        } else {
            tower_service::Service::call(&mut self.short, request)
        }
    }
}
