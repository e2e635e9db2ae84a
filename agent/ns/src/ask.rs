//! The agent's side.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use netghost_core::namespace::Asked;
use netghost_core::namespace::Namespaces;
use netghost_core::section::SectionName;
use netghost_kernel::frames::FrameError;

use crate::wire::{self, Question, SCHEMA, WireError};

/// Where the process listens once it is enabled.
pub const SOCKET: &str = "/run/netghost-ns.socket";
/// Longer than the other side takes for all of it.
const PATIENCE: Duration = Duration::from_secs(100);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("netghost-ns not enabled")]
    NotEnabled,
    /// Somebody does, and did not answer.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Asks for sections of all other namespaces.
pub fn ask(socket: &Path, sections: &[SectionName]) -> Result<Namespaces, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AskError::NotEnabled,
        _ => AskError::Wire(FrameError::Connection(error).into()),
    })?;
    let patient = stream
        .set_read_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    patient.map_err(|error| WireError::from(FrameError::Connection(error)))?;
    let of_each = sections.iter().copied().filter(|name| name.is_of_namespace());
    let question = Question {
        schema: SCHEMA.to_owned(),
        sections: of_each.collect(),
        namespaces: Asked::All,
    };
    let question = serde_json::to_vec(&question).map_err(|error| WireError::Form {
        what: error.to_string(),
    })?;
    let asked = wire::write_frame(&mut stream, &question);
    match (asked, wire::take(&mut stream)) {
        (Ok(()), taken) => Ok(taken?),
        // Who refuses may do so before it has heard all of the question.
        (Err(_), Err(refused @ WireError::Refused { .. })) => Err(refused.into()),
        (Err(error), _) => Err(error.into()),
    }
}
