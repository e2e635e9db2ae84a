//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use netghost_client::{Address, NotAnAddress};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::{Name, NotAName};

/// Reads this VM's network state for one controller
#[derive(Debug, Parser)]
#[command(
    name = "netghost-agent",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
pub struct Args {
    /// The configuration; if not given, /etc/netghost/agent.toml where it is there
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    pub config: Option<PathBuf>,
    /// Text for people, or JSON for programs
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t = Format::Text, display_order = 901)]
    pub format: Format,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Join a controller's fleet by a token, or as the VM that Azure says this is
    #[command(after_help = ENROLL)]
    Enroll(Enroll),
    /// Serve the controller: what the systemd unit starts
    #[command(after_help = RUN)]
    Run(Run),
    /// Walk from the name of the controller to the kernel's tables, and name the fix for what fails
    #[command(after_help = CHECK)]
    Check,
    /// Ask the running agent how it is
    #[command(after_help = STATUS)]
    Status,
    /// Print what a shell needs to complete commands
    #[command(after_help = COMPLETIONS)]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all of them into a directory
    #[command(after_help = MAN)]
    Man {
        /// Where to write them
        directory: Option<PathBuf>,
    },
}

/// How to join.
#[derive(Debug, Clone, clap::Args)]
pub struct Enroll {
    /// Where the controller listens; if not given, as configured
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub controller: Option<Address>,
    /// The file with the token; `-` or nothing is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "azure")]
    pub token_file: Option<PathBuf>,
    /// Without a token: by the document with which Azure names this VM
    #[arg(long)]
    pub azure: bool,
    /// The fingerprint of the controller's CA, as `netghost-controller init` printed it: what a token would carry
    #[arg(long, value_name = "SHA256", value_parser = digest, requires = "azure", conflicts_with = "ca_file")]
    pub ca_fingerprint: Option<Digest>,
    /// The digest of the approvers' CA, to pin the one that the controller gives
    #[arg(long, value_name = "SHA256", value_parser = digest, requires = "azure")]
    pub approvers: Option<Digest>,
    /// What to be called in the fleet; if not given, the host's name
    #[arg(long, value_parser = name)]
    pub name: Option<Name>,
    /// The controller's CA certificate (PEM), where it came by another way: a token must be of the same
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Take the place of the identity that is there
    #[arg(long)]
    pub replace: bool,
}

/// How to serve.
#[derive(Debug, Clone, clap::Args)]
pub struct Run {
    /// Only say whether the configuration can be used
    #[arg(long)]
    pub check_config: bool,
}

fn address(text: &str) -> Result<Address, NotAnAddress> {
    Address::parse(text)
}

fn digest(text: &str) -> Result<Digest, &'static str> {
    Digest::parse(text).ok_or("not a SHA-256 in 64 hexadecimal digits")
}

fn name(text: &str) -> Result<Name, NotAName> {
    Name::parse(text)
}

const EXAMPLES: &str = "\
Examples:
  netghost-agent enroll --controller controller.example:7443 --token-file token
  netghost-agent check
  netghost-agent status -o json

Exit status: 0 good; 1 something to act on; 2 wrong use or configuration; 3 something could not be told;
4 failed, nothing learnt.";
const ENROLL: &str = "\
Examples:
  netghost-agent enroll --controller controller.example:7443 --token-file token
  netghost-agent enroll --controller 10.0.0.4:7443 --name web-1 --token-file -
  netghost-agent enroll --replace --token-file token
  netghost-agent enroll --azure --controller controller.example:7443 --ca-file controller-ca.pem

A token is made by `netghost token create`. It is never given as an argument, which every user of the VM could read.
With --azure there is none: the controller's configuration says which subscriptions may enrol, and the fingerprint of its CA,
which is no secret, says which controller is meant.";
const RUN: &str = "\
Examples:
  netghost-agent run
  netghost-agent run --check-config --config ./agent.toml";
const CHECK: &str = "\
Examples:
  netghost-agent check
  netghost-agent check -o json

Exit status: 0 all is well; 1 something failed; 3 something could not be tried.";
const STATUS: &str = "\
Examples:
  netghost-agent status
  netghost-agent status -o json

Exit status: 0 connected; 1 not connected; 4 the agent does not run.";
const COMPLETIONS: &str = "\
Examples:
  netghost-agent completions bash";
const MAN: &str = "\
Examples:
  netghost-agent man
  netghost-agent man /usr/share/man/man8";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_has_no_contradiction() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_is_right_use() {
        for command in std::iter::once(&Args::command()).chain(Args::command().get_subcommands()) {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = help
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .filter(|line| line.starts_with("netghost-agent "))
                .collect();
            assert!(!examples.is_empty(), "{}", command.get_name());
            for line in examples {
                Args::try_parse_from(line.split_whitespace())
                    .unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn a_token_is_no_argument() {
        let line = ["netghost-agent", "enroll", "--token", "netghost1.x"];
        assert!(Args::try_parse_from(line).is_err());
    }
}
