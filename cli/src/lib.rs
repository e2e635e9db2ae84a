//! What the command is made of.

pub mod approvers;
pub mod args;
pub mod clock;
pub mod commands;
pub mod documents;
pub mod error;
pub mod examples;
pub mod exit;
pub mod fleet;
pub mod gate;
pub mod host;
pub mod output;
pub mod progress;
pub mod rate;
pub mod span;
pub mod store;
pub mod text;
pub mod world;

use std::ffi::OsString;

use args::Args;
use commands::Answer;
use error::Failure;
use exit::Status;
use output::Format;
use world::World;

/// Runs one command line, the program's name first, and says how it ended.
pub fn run(line: Vec<OsString>, world: &World) -> Status {
    let args = match args::parse(&line) {
        Ok(args) => args,
        Err(end) => return end,
    };
    match answer(&args, world) {
        Ok(status) => status,
        Err(failure) => {
            failure.print(args.output.format);
            failure.status
        }
    }
}

fn answer(args: &Args, world: &World) -> Result<Status, Failure> {
    let sink = output::Sink::new(&args.output)?;
    match commands::run(args, world)? {
        Answer::Outcome(outcome) => sink.write(&outcome).map(|()| outcome.status),
        Answer::Streamed(status) => Ok(status),
        Answer::Script(script) => sink.write_as_is(&script).map(|()| Status::Good),
    }
}

/// The format that a command line asks for, found even where the line as a whole is wrong.
fn wanted_format(line: &[OsString]) -> Format {
    let mut words = line.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        let json = match word {
            "-o" | "--output" => words.next() == Some("json"),
            _ => matches!(word, "-ojson" | "-o=json" | "--output=json"),
        };
        if json {
            return Format::Json;
        }
    }
    Format::Text
}
