//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::commands::{
    action, agent, approval, approvers, audit, azure, baseline, certificate, completions, context,
    controller, drift, firewall, host, login, nsg, path, route, seal, sweep, token, verify, window,
};
use crate::error::Failure;
use crate::examples;
use crate::exit::Status;
use crate::fleet::Where;
use crate::output::Format;
use crate::wanted_format;

/// Finds what changed in a Linux host's network state, and proves what did not.
#[derive(Debug, Parser)]
#[command(
    name = "netghost",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = examples::ALL
)]
pub struct Args {
    /// How and where to answer.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Which controller is meant.
    #[command(flatten)]
    pub wanted: Where,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How and where to answer.
#[derive(Debug, Clone, clap::Args)]
pub struct OutputArgs {
    /// Text for people, or JSON for programs
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t = Format::Text, display_order = 900)]
    pub format: Format,
    /// Write the answer to this file, which must not exist; `-` is standard output
    #[arg(long, global = true, value_name = "FILE", display_order = 901)]
    pub out: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// This host: read it, compare it with a baseline
    #[command(subcommand, after_help = examples::HOST)]
    Host(host::Host),
    /// Firewall rulesets in files: show, compare; what of them the next boot loads
    #[command(subcommand, after_help = examples::FIREWALL)]
    Firewall(firewall::Firewall),
    /// Effective routes of an Azure network interface, in files: which route an address takes, what is notable, what changed
    #[command(subcommand, after_help = examples::ROUTE)]
    Route(route::Route),
    /// Azure's effective security rules in files: ask about a flow, audit, compare
    #[command(subcommand, after_help = examples::NSG)]
    Nsg(nsg::Nsg),
    /// What becomes of a flow between two ends: every layer that it meets, there and back
    #[command(after_help = examples::PATH)]
    Path(path::Path),
    /// What your own login sees in Azure: VMs, and what it may do
    #[command(subcommand, after_help = examples::AZURE)]
    Azure(azure::Azure),
    /// Sign files under a name
    #[command(after_help = examples::SEAL)]
    Seal(seal::Seal),
    /// Check a certificate: its signature, what it states, what it is about
    #[command(after_help = examples::VERIFY)]
    Verify(verify::Verify),
    /// Certificates in files: show
    #[command(subcommand, after_help = examples::CERTIFICATE)]
    Certificate(certificate::Certificate),
    /// Log in to a controller by a token
    #[command(after_help = examples::LOGIN)]
    Login(login::Login),
    /// The controllers that you are logged in to
    #[command(subcommand, after_help = examples::CONTEXT)]
    Context(context::Context),
    /// The agents of a fleet
    #[command(subcommand, after_help = examples::AGENT)]
    Agent(agent::Agent),
    /// Tokens by which agents join
    #[command(subcommand, after_help = examples::TOKEN)]
    Token(token::Token),
    /// The controller
    #[command(subcommand, after_help = examples::CONTROLLER)]
    Controller(controller::Controller),
    /// Baselines of VMs, or of this host where there is no controller
    #[command(subcommand, after_help = examples::BASELINE)]
    Baseline(baseline::Baseline),
    /// What changed since a baseline
    #[command(subcommand, after_help = examples::DRIFT)]
    Drift(drift::Drift),
    /// Drift checks over many VMs, a few at a time, now or by a schedule
    #[command(subcommand, after_help = examples::SWEEP)]
    Sweep(sweep::Sweep),
    /// Change windows: seal what is there before a change, compare at its end, one certificate
    #[command(subcommand, after_help = examples::WINDOW)]
    Window(window::Window),
    /// Changes that an approver consents to, and that undo themselves unless they are confirmed
    #[command(subcommand, after_help = examples::ACTION)]
    Action(action::Action),
    /// Consent to an action, or deny it
    #[command(subcommand, after_help = examples::APPROVAL)]
    Approval(approval::Approval),
    /// Who may consent: the approvers' CA, its list, your own key
    #[command(subcommand, after_help = examples::APPROVERS)]
    Approvers(approvers::Approvers),
    /// The audit log: who did what
    #[command(subcommand, after_help = examples::AUDIT)]
    Audit(audit::Audit),
    /// Print completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Completions),
    /// Print the manual, or write all its pages
    #[command(after_help = examples::MAN)]
    Man(completions::Man),
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
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they expect by failing"
)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_has_no_contradiction() {
        Args::command().debug_assert();
    }

    /// Every command with the name that the user types.
    fn all(command: &clap::Command, name: &str) -> Vec<(String, String)> {
        let help = command.get_after_help().map(ToString::to_string);
        let mut found = vec![(name.to_owned(), help.unwrap_or_default())];
        for below in command.get_subcommands() {
            found.extend(all(below, &format!("{name} {}", below.get_name())));
        }
        found
    }

    /// The words of a line as a shell reads it that knows single quotes and nothing else.
    fn words(line: &str) -> Vec<OsString> {
        let mut words = vec![String::new()];
        let mut quoted = false;
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        assert!(!quoted, "{line}");
        words
            .into_iter()
            .filter(|word| !word.is_empty())
            .map(OsString::from)
            .collect()
    }

    /// True if the line is of this command: arguments may stand between its words.
    fn is_of(line: &str, name: &str) -> bool {
        let mut words = line.split_whitespace();
        name.split_whitespace()
            .all(|wanted| words.any(|word| word == wanted))
    }

    #[test]
    fn every_command_has_an_example_that_is_right_use() {
        for (name, help) in all(&Args::command(), "netghost") {
            let examples = help.lines().filter_map(|line| {
                let line = line.strip_prefix("  ")?.trim_start_matches("iptables-save | ");
                line.starts_with("netghost ").then_some(line)
            });
            let examples: Vec<&str> = examples.collect();
            assert!(examples.iter().any(|line| is_of(line, &name)), "{name}");
            for line in examples {
                let words: Vec<OsString> = words(line);
                Args::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }
}
