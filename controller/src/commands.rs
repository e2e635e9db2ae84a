//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand, ValueEnum};
use netghost_controller::config::FILE;
use serde_json::Value;

mod audit;
mod backup;
mod check;
mod examples;
mod failure;
mod init;
mod key;
mod local;
mod logging;
mod owner;
mod pages;
mod serve;
mod user;

use failure::Failure;

/// The controller of a fleet of netghost agents: identities, baselines, drift, sweeps, the audit chain.
#[derive(Debug, Parser)]
#[command(
    name = "netghost-controller",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = examples::ALL
)]
struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
struct Common {
    /// The configuration; without this option its usual place may be empty
    #[arg(long, global = true, value_name = "FILE", default_value = FILE, display_order = 900)]
    config: PathBuf,
    /// The state's directory, in the place of the one that the configuration names
    #[arg(long, global = true, value_name = "DIR", display_order = 901)]
    directory: Option<PathBuf>,
    /// Text for people, or JSON for programs
    #[arg(short = 'o', long = "output", global = true, value_enum, default_value_t = Format::Text, display_order = 902)]
    format: Format,
}

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Found a controller: its authority, its signing key, its store
    #[command(after_help = examples::INIT)]
    Init(init::Init),
    /// Serve agents and people until told to stop
    #[command(after_help = examples::SERVE)]
    Serve(serve::Serve),
    /// People who may operate the fleet
    #[command(subcommand, after_help = examples::USER)]
    User(user::User),
    /// Copy everything to a new directory, also while the controller runs
    #[command(after_help = examples::BACKUP)]
    Backup(backup::Backup),
    /// Put a backup into an empty state directory
    #[command(after_help = examples::RESTORE)]
    Restore(backup::Restore),
    /// The audit log, as it stands in the store
    #[command(subcommand, after_help = examples::AUDIT)]
    Audit(audit::Audit),
    /// The key that signs certificates of drift and heads of the audit log, and those that are trusted beside it
    #[command(subcommand, after_help = examples::KEY)]
    Key(key::Key),
    /// Write a shell's completions to standard output
    #[command(after_help = examples::COMPLETIONS)]
    Completions(pages::Completions),
    /// Write the manual pages into a directory
    #[command(after_help = examples::MAN)]
    Man(pages::Man),
}

/// An answer.
#[derive(Debug)]
struct Answer {
    /// 0, or 1 where something is to be acted on.
    status: u8,
    /// For programs.
    document: Value,
    /// For people; all of it goes to standard output.
    text: String,
    /// For people, on standard error: what to do next.
    next: Option<String>,
}

/// Runs a line.
pub(crate) fn run(line: &[OsString]) -> ExitCode {
    let args = match Args::try_parse_from(line) {
        Ok(args) => args,
        Err(error) => return refuse(&error, line),
    };
    let format = args.common.format;
    match dispatch(args).and_then(|answer| write(&answer, format).map(|()| answer.status)) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            failure.print(format);
            ExitCode::from(failure.status)
        }
    }
}

fn dispatch(args: Args) -> Result<Answer, Failure> {
    let common = &args.common;
    match args.command {
        Command::Init(init) => init.run(common),
        Command::Serve(serve) => serve.run(common),
        Command::User(user) => user.run(common),
        Command::Backup(backup) => backup.run(common),
        Command::Restore(restore) => restore.run(common),
        Command::Audit(audit) => audit.run(common),
        Command::Key(key) => key.run(common),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

fn write(answer: &Answer, format: Format) -> Result<(), Failure> {
    let out = match format {
        Format::Text => answer.text.clone(),
        Format::Json if answer.document.is_null() => String::new(),
        Format::Json => format!("{}\n", answer.document),
    };
    std::io::stdout()
        .write_all(out.as_bytes())
        .map_err(|error| Failure::failed("write", anyhow::Error::new(error).context("write the answer")))?;
    if let (Format::Text, Some(next)) = (format, &answer.next) {
        // There is nobody to tell if standard error is closed.
        drop(writeln!(std::io::stderr(), "{next}"));
    }
    Ok(())
}

/// Help is an answer; everything else is wrong use.
fn refuse(error: &clap::Error, line: &[OsString]) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        drop(std::io::stdout().write_all(error.to_string().as_bytes()));
        return ExitCode::SUCCESS;
    }
    let json = line.windows(2).any(
        |pair| matches!(pair, [option, value] if (option == "-o" || option == "--output") && value == "json"),
    ) || line
        .iter()
        .any(|word| word == "-ojson" || word == "-o=json" || word == "--output=json");
    let text = error.to_string();
    if json {
        let message = text.split("\n\n").next().unwrap_or(&text);
        let message = message
            .strip_prefix("error: ")
            .unwrap_or(message)
            .replace('\n', " ");
        Failure::usage("wrong_use", anyhow::anyhow!(message))
            .hint("`--help` after any command says how it is used")
            .print(Format::Json);
    } else {
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
    ExitCode::from(failure::USAGE)
}

#[cfg(test)]
mod tests;
