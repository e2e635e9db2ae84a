//! Why a command gave no answer, and how the process ends.

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::args::Format;
use crate::capture::chain;

/// The schema of an error under `-o json`.
const SCHEMA: &str = "netghost.error/v1";

/// How the process ends: the same numbers as of the `netghost` command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The good answer, complete.
    Good = 0,
    /// Something to act on.
    Act = 1,
    /// Wrong use.
    Usage = 2,
    /// Something could not be told.
    Unknown = 3,
    /// The operation failed, and nothing was learnt.
    Failed = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// An error as the user sees it: what happened, why, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub status: Status,
    /// A fixed word for programs.
    pub code: &'static str,
    /// What happened and why, as one chain.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    code: &'static str,
    message: &'a str,
    hint: Option<&'a str>,
}

impl Failure {
    /// Wrong use of the command, its files or its state.
    pub fn usage(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self {
            status: Status::Usage,
            code,
            message: message.to_string(),
            hint: None,
        }
    }

    /// The operation failed.
    pub fn failed(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self {
            status: Status::Failed,
            ..Self::usage(code, message)
        }
    }

    /// The operation failed by this error.
    pub fn of(code: &'static str, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::failed(code, chain(error))
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Writes it to standard error. There is nobody to tell if that fails.
    pub fn print(&self, format: Format) {
        let line = match format {
            Format::Text => match &self.hint {
                Some(hint) => format!("netghost-agent: {}: {hint}\n", printable(&self.message)),
                None => format!("netghost-agent: {}\n", printable(&self.message)),
            },
            Format::Json => {
                let document = Document {
                    schema: SCHEMA,
                    code: self.code,
                    message: &self.message,
                    hint: self.hint.as_deref(),
                };
                // A struct of strings always has a JSON form.
                serde_json::to_string(&document).unwrap_or_default() + "\n"
            }
        };
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

impl From<crate::config::Error> for Failure {
    fn from(error: crate::config::Error) -> Self {
        Self::usage("configuration", chain(&error))
    }
}

impl From<netghost_client::FileError> for Failure {
    fn from(error: netghost_client::FileError) -> Self {
        let denied = chain(&error).contains("ermission denied");
        let failure = Self::of("identity", &error);
        if denied {
            failure.hint("run it as root, or as the user of the service")
        } else {
            failure
        }
    }
}

/// Text as it may go to a terminal: a name from outside can't move the cursor or change colours.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes an answer to standard output. A reader that has gone wants no more, and that is no error.
pub fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::of("write", &error)),
        _ => Ok(()),
    }
}

/// The line of a JSON document.
pub fn json_line(document: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string(document).map_err(|error| Failure::of("internal", &error))?;
    Ok(text + "\n")
}
