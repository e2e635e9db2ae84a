//! What went wrong, told apart by what ssh says of it.

use std::io;
use std::time::Duration;

/// Why a script did not run on the host, or its answer was lost.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// The program could not be started.
    #[error("cannot start {program}: install an ssh client")]
    Start {
        /// Its path.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The host, or the one on the way, shows another key than the one that is known.
    #[error("the host key has changed: {said}; find out why before you remove the old one from known_hosts")]
    HostKeyChanged {
        /// In ssh's words.
        said: String,
    },
    /// No key of the host, or of the one on the way, is known.
    #[error("the host key is not known: {said}; add it to known_hosts after you have checked it")]
    HostKeyUnknown {
        /// In ssh's words.
        said: String,
    },
    /// The host does not take the user's keys.
    #[error("the login was refused: {said}; nobody is asked for a password, so a key must be there")]
    Refused {
        /// In ssh's words.
        said: String,
    },
    /// No such name.
    #[error("there is no host of that name: {said}")]
    NoSuchHost {
        /// In ssh's words.
        said: String,
    },
    /// No connection, or none any more.
    #[error("the host can't be reached: {said}")]
    Unreachable {
        /// In ssh's words.
        said: String,
    },
    /// Whoever logs in is not root, and there is no sudo.
    #[error(
        "the login is not root, and there is no sudo on the host: log in as root, or read it without root's rights"
    )]
    NoSudo,
    /// Whoever logs in is not root, and sudo asks for a password or does not let them.
    #[error(
        "sudo on the host does not let the login run /bin/sh without a password: allow it, or read it without root's rights"
    )]
    SudoAsks,
    /// The remote command ended otherwise.
    #[error("the command on the host ended with {}: {said}", .status.map_or("a signal".to_owned(), |status| format!("status {status}")))]
    Remote {
        /// Its exit status.
        status: Option<i32>,
        /// What was said.
        said: String,
    },
    /// It took too long, and was ended.
    #[error("it did not end within {} s", .limit.as_secs())]
    TimedOut {
        /// How long it could take.
        limit: Duration,
    },
    /// More came than a probe prints, and it was ended.
    #[error("more than {most} bytes came back")]
    TooMuch {
        /// How many it could be.
        most: usize,
    },
    /// ssh failed in a way that is not known here.
    #[error("ssh failed: {why}")]
    Lost {
        /// In its words.
        why: String,
    },
}

impl SshError {
    /// A fixed word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "no_ssh",
            Self::HostKeyChanged { .. } => "host_key_changed",
            Self::HostKeyUnknown { .. } => "host_key_unknown",
            Self::Refused { .. } => "login_refused",
            Self::NoSuchHost { .. } => "no_such_host",
            Self::Unreachable { .. } => "unreachable",
            Self::NoSudo => "no_sudo",
            Self::SudoAsks => "sudo_refused",
            Self::Remote { .. } => "remote_failed",
            Self::TimedOut { .. } => "timed_out",
            Self::TooMuch { .. } => "too_much_output",
            Self::Lost { .. } => "ssh_failed",
        }
    }
}

/// Words of OpenSSH's, the telling ones first: what follows from a failure is said after it.
const CHANGED: &[&str] = &["REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key for"];
const UNKNOWN: &[&str] = &["host key is known for", "Host key verification failed"];
const REFUSED: &[&str] = &[
    "Permission denied (",
    "Too many authentication failures",
    "Permission denied, please",
];
const NO_HOST: &[&str] = &["Could not resolve hostname"];
const UNREACHABLE: &[&str] = &[
    "Connection refused",
    "Connection timed out",
    "Operation timed out",
    "No route to host",
    "Network is unreachable",
    "not responding",
    "Connection reset",
    "Connection closed",
    "Broken pipe",
    "stdio forwarding failed",
    "banner exchange",
];

/// What failed when ssh itself did.
pub(super) fn told(stderr: &[u8]) -> SshError {
    let text = shown(stderr);
    let said = |words: &[&str]| {
        let mut lines = text.lines();
        lines
            .find(|line| words.iter().any(|word| line.contains(word)))
            .map(|line| line.trim_matches(['@', ' ']).to_owned())
    };
    if let Some(said) = said(CHANGED) {
        SshError::HostKeyChanged { said }
    } else if let Some(said) = said(UNKNOWN) {
        SshError::HostKeyUnknown { said }
    } else if let Some(said) = said(REFUSED) {
        SshError::Refused { said }
    } else if let Some(said) = said(NO_HOST) {
        SshError::NoSuchHost { said }
    } else if let Some(said) = said(UNREACHABLE) {
        SshError::Unreachable { said }
    } else {
        SshError::Lost { why: line(stderr) }
    }
}

/// The last line that says something.
pub(super) fn line(stderr: &[u8]) -> String {
    let text = shown(stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it said nothing").trim().to_owned()
}

/// Text without control characters: what another host says may be meant for a terminal.
fn shown(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    text.chars()
        .filter(|letter| *letter == '\n' || !letter.is_control())
        .take(4_000)
        .collect()
}
