//! Runs a program: the one way in which anything of netghost starts one to change something.
//!
//! There is no shell. The program is an absolute path, its arguments are a vector, its environment is what is given and nothing
//! else, its standard input is empty and its directory is `/`. It runs in a process group of its own, which is ended with it: at
//! the time limit, and when it ends and leaves children. Its output is bounded while it runs. What is shown of it is redacted.
//!
//! A descendant that makes itself another group (`setsid`) is not followed; its hold on the output is not waited for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod group;
mod running;
mod shown;
mod stream;

pub use shown::Shown;

/// A program that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// An absolute path.
    pub program: PathBuf,
    /// The arguments, without the program's name.
    pub args: Vec<OsString>,
    /// The whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// After this long it is ended.
    pub limit: Duration,
    /// How many bytes of each of its two outputs are kept: the first ones. The others are read and dropped.
    pub most_output: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub ended: Ended,
    /// Standard output, as it was written. What leaves this process is [`Output::shown`].
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
    /// True if one of the two had more than was kept.
    pub cut: bool,
    /// True if it ran into its time limit.
    pub timed_out: bool,
    /// True if it ended and left others of its group running, which were ended.
    pub left_children: bool,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exit status {status}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why a program was not run, or what became of it is not known.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The path is not absolute.
    #[error("{0} is no absolute path")]
    NotAbsolute(String),
    /// A NUL byte in an argument or in the environment, or a name in the environment that is none.
    #[error("{0} can't be handed to a program")]
    NotAnArgument(String),
    /// There is no such file, or it can't be opened.
    #[error("cannot open {program}")]
    NoProgram {
        /// The path.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Neither an ELF file nor a script that names its interpreter. The C library would hand such a file to a shell.
    #[error("{0} is no program")]
    NotAProgram(String),
    /// The kernel did not start it.
    #[error("cannot start {program}")]
    Start {
        /// The path.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It runs, or ran, and could not be attended to. Its group was sent SIGKILL.
    #[error("lost sight of {program}")]
    Lost {
        /// The path.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Run {
    /// Runs it and waits for its end.
    ///
    /// # Errors
    /// It was not started, or it was lost sight of. A program that fails is no error.
    pub fn run(&self) -> Result<Output, RunError> {
        self.check()?;
        running::Running::start(self)?
            .into_output()
            .map_err(|source| RunError::Lost {
                program: name(&self.program),
                source,
            })
    }

    fn check(&self) -> Result<(), RunError> {
        if !self.program.is_absolute() {
            return Err(RunError::NotAbsolute(name(&self.program)));
        }
        if has_nul(self.program.as_os_str()) {
            return Err(RunError::NotAnArgument("a path with a NUL byte".to_owned()));
        }
        if let Some(place) = self.args.iter().position(|argument| has_nul(argument)) {
            let place = place.saturating_add(1);
            return Err(RunError::NotAnArgument(format!(
                "argument {place}, which has a NUL byte,"
            )));
        }
        let bad_variable = |(variable, value): &&(OsString, OsString)| {
            variable.is_empty() || variable.as_bytes().contains(&b'=') || has_nul(variable) || has_nul(value)
        };
        if self.env.iter().any(|pair| bad_variable(&pair)) {
            return Err(RunError::NotAnArgument(
                "a variable with a NUL byte or without a name".to_owned(),
            ));
        }
        is_program(&self.program)
    }
}

/// The kernel takes what begins so (`binfmt_elf`, `binfmt_script`); `execvp` hands everything else to `/bin/sh`.
fn is_program(path: &Path) -> Result<(), RunError> {
    let no_program = |source| RunError::NoProgram {
        program: name(path),
        source,
    };
    let mut begins = Vec::new();
    File::open(path)
        .map_err(no_program)?
        .take(4)
        .read_to_end(&mut begins)
        .map_err(no_program)?;
    match begins == b"\x7fELF" || begins.starts_with(b"#!") {
        true => Ok(()),
        false => Err(RunError::NotAProgram(name(path))),
    }
}

/// An error and what caused it, as one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line.push_str(": ");
        line.push_str(&inner.to_string());
        cause = inner.source();
    }
    line
}

fn has_nul(text: &OsStr) -> bool {
    text.as_bytes().contains(&0)
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
