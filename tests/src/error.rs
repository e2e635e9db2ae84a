//! Why something in the lab did not work.

use std::io;
use std::path::PathBuf;

/// Why a lab, a VM or a command in it failed. An answer that is not here was given whole.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The program could not be started at all.
    #[error("start `{program}` (is it installed? are you root?)")]
    Start {
        /// The program as it was named.
        program: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The command was still running, or something still held its output open, at the end of its time.
    #[error(
        "`{command}` was not finished after {seconds} s and was ended (a program left in the background must redirect its \
         output); stderr so far: {stderr}"
    )]
    TimedOut {
        /// The whole command, words separated by blanks.
        command: String,
        /// The time that it had.
        seconds: u64,
        /// The end of what it had written to standard error.
        stderr: String,
    },
    /// The command wrote more than the caller allows; nothing of it is handed out, because a cut answer is not an answer.
    #[error("`{command}` wrote more than {limit} bytes to its {stream}")]
    TooMuchOutput {
        /// The whole command.
        command: String,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// The number of bytes allowed.
        limit: usize,
    },
    /// A command of the lab's own ended with a failure.
    #[error("`{command}` failed ({status}): {stderr}")]
    Failed {
        /// The whole command.
        command: String,
        /// Its exit status or signal.
        status: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// An empty argument vector.
    #[error("no command was given")]
    NoCommand,
    /// The thread could not move into the network namespace.
    #[error("enter the network namespace (needs root: CAP_SYS_ADMIN)")]
    Enter(#[source] io::Error),
    /// A file or directory of the lab could not be used.
    #[error("{doing} {path}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A pipe to a program, or a thread for it, failed.
    #[error("{0}")]
    Pipe(&'static str, #[source] io::Error),
}

/// Short for results of this crate.
pub type Result<T, E = LabError> = std::result::Result<T, E>;
