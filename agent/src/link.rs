//! The link to the controller.
//!
//! What is done when is decided by a pure state machine ([`machine`]); connections, files and threads are driven by
//! [`driver`].

mod act;
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

/// Makes one demand of the process that acts at this socket.
///
/// # Errors
/// Why there is no answer, for people.
pub async fn asked_of_act(
    socket: &std::path::Path,
    demand: &netghost_core::gate::Demand,
) -> Result<netghost_core::gate::Answer, String> {
    act::asked_once(socket, demand).await
}

/// What a failed dial means.
pub fn not_dialled_of(error: &DialError) -> machine::Loss {
    session::not_dialled(error)
}
