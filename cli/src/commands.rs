//! The commands, one module for each noun.

use netghost_core::bytes::Text;

use crate::args::Command;
use crate::error::Failure;
use crate::output::Outcome;
use crate::world::World;

pub mod certificate;
pub mod firewall;
pub mod host;
pub mod seal;
mod source;
pub mod verify;

/// Runs one command.
pub fn run(command: &Command, world: &World) -> Result<Outcome, Failure> {
    match command {
        Command::Host(command) => host::run(command, world),
        Command::Firewall(command) => firewall::run(command, world),
        Command::Seal(command) => seal::run(command, world),
        Command::Verify(command) => verify::run(command),
        Command::Certificate(command) => certificate::run(command),
    }
}

/// Who asks, and for what; it stands in what is signed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Asked {
    /// Who asks for it
    #[arg(long, value_name = "WHO")]
    asked_by: Option<String>,
    /// The change that it belongs to
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
}

impl Asked {
    fn asked_by(&self) -> Option<Text> {
        self.asked_by.clone().map(Text::from)
    }

    fn ticket(&self) -> Option<Text> {
        self.ticket.clone().map(Text::from)
    }
}
