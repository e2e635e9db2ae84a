//! Serves the gRPC services.

use tonic::service::Routes;

use netghost_proto::v1::enrolment_server::EnrolmentServer;
use netghost_proto::v1::fleet_server::FleetServer;

use crate::{Controller, enrol, fleet, link};

/// The services, to be served over TLS or within the process.
pub fn routes(controller: &Controller) -> Routes {
    let mut routes = Routes::builder();
    routes
        .add_service(EnrolmentServer::new(enrol::Service(controller.clone())))
        .add_service(link::server(controller))
        .add_service(FleetServer::new(fleet::Service(controller.clone())));
    routes.routes()
}
