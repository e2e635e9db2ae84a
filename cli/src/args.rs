//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{certificate, firewall, host, seal, verify};
use crate::error::Failure;
use crate::exit::Status;
use crate::output::Format;
use crate::wanted_format;

/// Finds what changed in a Linux host's network state, and proves what did not.
///
/// Exit status: 0 good and complete; 1 something to act on (drift, a bad signature); 2 wrong use or not of the format;
/// 3 unknown, torn or partial; 4 the operation failed; 5 a person is needed.
#[derive(Debug, Parser)]
#[command(
    name = "netghost",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Args {
    /// How and where to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How and where to answer.
#[derive(Debug, Clone, clap::Args)]
pub struct OutputArgs {
    /// Text for people, or JSON for programs
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write the answer to a new file; `-` is standard output
    #[arg(long, global = true, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// This host: read it, compare it with a baseline
    #[command(subcommand)]
    Host(host::Host),
    /// Firewall rulesets in files
    #[command(subcommand)]
    Firewall(firewall::Firewall),
    /// Sign files under a name
    Seal(seal::Seal),
    /// Check a certificate's signature
    Verify(verify::Verify),
    /// Certificates in files
    #[command(subcommand)]
    Certificate(certificate::Certificate),
}

/// Parses a line. `Err` is a line that is already answered: help, or an error that was printed.
pub fn parse(line: &[OsString]) -> Result<Args, Status> {
    Args::try_parse_from(line).map_err(|error| {
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            // Nobody is left to tell when the reader of the help has gone.
            drop(std::io::stdout().write_all(error.to_string().as_bytes()));
            return Status::Good;
        }
        refuse(&error, wanted_format(line));
        Status::Usage
    })
}

fn refuse(error: &clap::Error, format: Format) {
    let text = error.to_string();
    if format == Format::Text {
        drop(std::io::stderr().write_all(text.as_bytes()));
        return;
    }
    let message = text.split("\n\n").next().unwrap_or(&text);
    let message = message
        .strip_prefix("error: ")
        .unwrap_or(message)
        .replace('\n', " ");
    Failure::usage("wrong_use", anyhow::anyhow!(message))
        .hint("`--help` after any command says how it is used")
        .print(format);
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_has_no_contradiction() {
        Args::command().debug_assert();
    }
}
