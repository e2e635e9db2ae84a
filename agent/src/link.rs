//! The link to the controller.
//!
//! What is done when is decided by a pure state machine ([`machine`]); connections, files and threads are driven by
//! [`driver`].

pub mod backoff;
pub mod driver;
pub mod machine;
mod report;
mod session;
mod storage;
mod upload;
mod wire;

use netghost_client::DialError;

/// What a failed call to the controller means, `what` in front.
pub fn loss_of(what: &str, status: &tonic::Status) -> machine::Loss {
    wire::loss(what, status)
}

/// What a failed dial means.
pub fn not_dialled_of(error: &DialError) -> machine::Loss {
    session::not_dialled(error)
}
