//! What each command does.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::args::{Args, Command, Format};
use crate::config::Config;
use crate::failure::{Failure, Status, answer, json_line, printable};
use crate::{check, status};

mod enroll;
mod manual;
mod run;

/// Runs one command line, the program's name first, and says how the process ends.
pub fn run(line: &[OsString]) -> Status {
    let args = match Args::try_parse_from(line) {
        Ok(args) => args,
        Err(error) => return not_parsed(&error, wants_json(line)),
    };
    match command(&args) {
        Ok(status) => status,
        Err(failure) => {
            failure.print(args.format);
            failure.status
        }
    }
}

fn command(args: &Args) -> Result<Status, Failure> {
    match &args.command {
        Command::Enroll(enroll) => {
            enroll::enroll(&Config::load(args.config.as_deref())?, enroll, args.format)
        }
        Command::Run(run) => run::run(&Config::load(args.config.as_deref())?, run),
        Command::Check => walk(&Config::load(args.config.as_deref())?, args.format),
        Command::Status => ask(&Config::load(args.config.as_deref())?, args.format),
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "netghost-agent", &mut out);
            answer(&String::from_utf8_lossy(&out)).map(|()| Status::Good)
        }
        Command::Man { directory } => manual::man(directory.as_deref()),
    }
}

/// Asks the running agent.
fn ask(config: &Config, format: Format) -> Result<Status, Failure> {
    let path = config.status_socket();
    let report = status::socket::ask(&path).map_err(|error| {
        let failure = Failure::failed(
            "not_running",
            format_args!("cannot ask the agent at {}: {error}", path.display()),
        );
        failure.hint(match error.kind() {
            std::io::ErrorKind::PermissionDenied => "ask as root, or as a member of the group netghost",
            _ => "start it: systemctl start netghost-agent (journalctl -u netghost-agent says why it ended)",
        })
    })?;
    answer(&match format {
        Format::Text => printable(&status::text(&report)),
        Format::Json => json_line(&report)?,
    })?;
    Ok(if report.state == "connected" {
        Status::Good
    } else {
        Status::Act
    })
}

fn walk(config: &Config, format: Format) -> Result<Status, Failure> {
    let found = runtime()?.block_on(check::walk(config));
    answer(&match format {
        Format::Text => printable(&found.text()),
        Format::Json => json_line(&found)?,
    })?;
    Ok(found.status())
}

/// One thread for the connection; what blocks goes to threads that end when they are idle.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(std::time::Duration::from_secs(2))
        .build()
        .map_err(|error| Failure::of("internal", &error))
}

fn not_parsed(error: &clap::Error, json: bool) -> Status {
    let text = error.to_string();
    // Nobody is left to tell when the reader has gone.
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        drop(std::io::stdout().write_all(text.as_bytes()));
        return Status::Good;
    }
    if json {
        let message = text.split("\n\n").next().unwrap_or(&text);
        let message = message
            .strip_prefix("error: ")
            .unwrap_or(message)
            .replace('\n', " ");
        Failure::usage("wrong_use", message)
            .hint("`--help` after any command says how it is used")
            .print(Format::Json);
    } else {
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
    Status::Usage
}

/// Whether a command line asks for JSON, found even where the line as a whole is wrong.
fn wants_json(line: &[OsString]) -> bool {
    let mut words = line.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        match word {
            "-o" | "--output" if words.next() == Some("json") => return true,
            "-ojson" | "-o=json" | "--output=json" => return true,
            _ => {}
        }
    }
    false
}
