//! What a command answers, and where it goes.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde_json::Value;

use crate::args::OutputArgs;
use crate::error::Failure;
use crate::exit::Status;
use crate::store::atomic::{self, Made};

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// An answer.
#[derive(Debug)]
pub struct Outcome {
    /// How the command ends.
    pub status: Status,
    /// For programs.
    pub document: Value,
    /// For people.
    pub text: String,
}

/// Where the answer goes.
#[derive(Debug)]
pub struct Sink {
    format: Format,
    file: Option<PathBuf>,
}

impl Sink {
    /// Fails if the file to be written exists, before anything else is done.
    pub fn new(args: &OutputArgs) -> Result<Self, Failure> {
        let file = args.out.clone().filter(|path| path.as_os_str() != "-");
        if let Some(path) = &file {
            must_be_free(path)?;
        }
        Ok(Self {
            format: args.format,
            file,
        })
    }

    /// Writes the answer.
    pub fn write(&self, outcome: &Outcome) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Json => {
                let mut line = serde_json::to_vec(&outcome.document)
                    .map_err(|error| Failure::failed("internal", error))?;
                line.push(b'\n');
                line
            }
            Format::Text => printable(&outcome.text).into_bytes(),
        };
        self.write_as_is(&bytes)
    }

    /// Writes a text for another program.
    pub fn write_as_is(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.file {
            Some(path) => write_new(path, bytes),
            None => to_stdout(bytes).map_err(|error| {
                Failure::failed("write", anyhow!(error).context("cannot write to standard output"))
            }),
        }
    }
}

/// Tells people something beside the answer, on standard error; programs find it in the document.
pub fn note(format: Format, text: &str) {
    if format == Format::Text {
        // There is nobody to tell if it can't be told.
        drop(io::stderr().write_all(printable(&format!("{text}\n")).as_bytes()));
    }
}

/// A reader that has gone wants no more, and that is no error.
fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Text as it may go to a terminal: a name or comment from outside can't move the cursor, change colours, hide letters or turn
/// the order of those around it.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || is_unseen(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that have no shape of their own: marks of direction, joiners, spaces without width, separators of lines, tags.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Fails if there is something of this name.
pub fn must_be_free(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let what = format!("cannot look for {}", path.display());
            Err(Failure::failed("write", anyhow!(error).context(what)))
        }
        Ok(_) => Err(exists(path)),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::usage(
        "name_exists",
        anyhow!("{} exists and is not overwritten", path.display()),
    )
    .hint("choose another name")
}

/// Writes a file that is there whole or not at all, under a name that must be free.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // A bare name has the empty parent, which can't be opened.
    let path = if path.is_absolute() {
        path.to_path_buf()
    } else {
        Path::new(".").join(path)
    };
    let made = atomic::create(&path, 0o644, |out| out.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(|error| Failure::failed("write", error))?;
    match made {
        Made::New => Ok(()),
        Made::Existed => Err(exists(&path)),
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(
            printable("a\x1b[2Jb\u{9b}c\r\nd\té"),
            "a\\u{1b}[2Jb\\u{9b}c\\u{d}\nd\\u{9}é"
        );
    }

    #[test]
    fn what_turns_or_hides_letters_is_shown() {
        assert_eq!(
            printable("dport 22 \u{202e}tpecca\u{2066} a\u{200b}b\u{feff} ü日本"),
            "dport 22 \\u{202e}tpecca\\u{2066} a\\u{200b}b\\u{feff} ü日本"
        );
    }
}
