//! Why a command gave no answer.

use std::io::Write;

use netghost_core::artifact::document::DocumentError;
use netghost_core::artifact::manifest::LoadError;
use serde::Serialize;

use crate::exit::Status;
use crate::output::{Format, printable};
use crate::store;

/// The schema of an error under `-o json`.
pub const SCHEMA: &str = "netghost.error/v1";

/// An error as the user sees it: what happened, why, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// How the command ends.
    pub status: Status,
    /// A fixed word for programs.
    pub code: &'static str,
    /// What happened and why, as one chain.
    pub error: anyhow::Error,
    /// What to do, where the chain doesn't end in it.
    pub hint: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    code: &'static str,
    message: String,
    hint: Option<&'a str>,
}

impl Failure {
    /// Wrong use of the command.
    pub fn usage(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Usage, code, error)
    }

    /// Input that is not of the format.
    pub fn format(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Usage, "not_the_format", error)
    }

    /// The operation failed.
    pub fn failed(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Failed, code, error)
    }

    /// Something to act on, found instead of an answer: a bad signature, an edited log.
    pub fn act(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Act, code, error)
    }

    /// A person is needed before it can go on.
    pub fn person(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Person, code, error)
    }

    fn new(status: Status, code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            status,
            code,
            error: error.into(),
            hint: None,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Puts what was tried in front of the chain.
    #[must_use]
    pub fn context(self, what: impl std::fmt::Display + Send + Sync + 'static) -> Self {
        Self {
            error: self.error.context(what),
            ..self
        }
    }

    /// Writes it to standard error. There is nobody to tell if that fails.
    pub fn print(&self, format: Format) {
        let message = printable(&format!("{:#}", self.error));
        let line = match format {
            Format::Text => match &self.hint {
                Some(hint) => format!("netghost: {message}: {hint}\n"),
                None => format!("netghost: {message}\n"),
            },
            Format::Json => {
                let document = Document {
                    schema: SCHEMA,
                    code: self.code,
                    message,
                    hint: self.hint.as_deref(),
                };
                // A struct of strings always has a JSON form.
                serde_json::to_string(&document).unwrap_or_default() + "\n"
            }
        };
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoPlace => Self::usage("no_place", error),
            store::Error::Exists { .. } => Self::usage("name_exists", error),
            store::Error::NotFound { .. } => Self::usage("no_such_name", error),
            store::Error::Edited { .. } | store::Error::Seal { .. } | store::Error::Load { .. } => {
                Self::failed("edited", error).hint("restore the store from a copy, or take a new baseline")
            }
            store::Error::File { .. }
            | store::Error::Key { .. }
            | store::Error::KeyIsOpen { .. }
            | store::Error::Random(_)
            | store::Error::Snapshot(_)
            | store::Error::Canonical(_) => Self::failed("store", error),
        }
    }
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::EditedSection { .. } | DocumentError::Edited => {
                Self::failed("edited", error).hint("use the file as it was written")
            }
            DocumentError::Load(ref load) if matches!(load.innermost(), LoadError::Edited { .. }) => {
                Self::failed("edited", error).hint("use the file as it was written")
            }
            DocumentError::Json(_)
            | DocumentError::Load(_)
            | DocumentError::Form { .. }
            | DocumentError::Canonical(_) => Self::format(error),
        }
    }
}
