//! The controller.

use netghost_proto::v1;

use super::Call;
use crate::documents::controller::{Controller as Seen, SCHEMA};
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Outcome;
use crate::{examples, text};

/// The controller.
#[derive(Debug, clap::Subcommand)]
pub enum Controller {
    /// Show its state, and who you are to it
    #[command(after_help = examples::CONTROLLER_STATUS)]
    Status,
}

/// Runs it.
pub fn run(command: &Controller, call: &Call<'_>) -> Result<Outcome, Failure> {
    let Controller::Status = command;
    let status = call
        .controller()?
        .call(async |client| Ok(client.status(v1::StatusRequest {}).await?.into_inner()))?;
    let seen = Seen::try_from(status)?;
    Ok(Outcome {
        status: Status::Good,
        text: text::fleet::controller(&seen),
        document: document(SCHEMA, seen)?,
    })
}
