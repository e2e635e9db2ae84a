//! Why a command gave no answer.

use std::io::Write;

use super::Format;

/// Wrong use, or input that is not of the format.
pub(super) const USAGE: u8 = 2;
/// The operation failed, and nothing was learnt.
pub(super) const FAILED: u8 = 4;

/// An error as the user sees it: what happened, why, and what to do.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u8,
    /// A fixed word for programs.
    code: &'static str,
    error: anyhow::Error,
    hint: Option<String>,
}

#[derive(serde::Serialize)]
struct Document<'a> {
    schema: &'static str,
    code: &'static str,
    message: String,
    hint: Option<&'a str>,
}

impl Failure {
    pub(super) fn usage(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            status: USAGE,
            code,
            error: error.into(),
            hint: None,
        }
    }

    pub(super) fn failed(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self {
            status: FAILED,
            ..Self::usage(code, error)
        }
    }

    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// What happened, with what to do at its end.
    pub(super) fn into_error(self) -> anyhow::Error {
        match self.hint {
            Some(hint) => anyhow::anyhow!("{:#}: {hint}", self.error),
            None => self.error,
        }
    }

    /// Writes it to standard error. There is nobody to tell if that fails.
    pub(super) fn print(&self, format: Format) {
        let message: String = format!("{:#}", self.error)
            .chars()
            .flat_map(|c| match c.is_control() {
                true => c.escape_default().collect::<Vec<char>>(),
                false => vec![c],
            })
            .collect();
        let line = match (format, &self.hint) {
            (Format::Text, Some(hint)) => format!("netghost-controller: {message}: {hint}\n"),
            (Format::Text, None) => format!("netghost-controller: {message}\n"),
            (Format::Json, hint) => {
                let document = Document {
                    schema: "netghost.error/v1",
                    code: self.code,
                    message,
                    hint: hint.as_deref(),
                };
                // A struct of strings always has a JSON form.
                serde_json::to_string(&document).unwrap_or_default() + "\n"
            }
        };
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
}
