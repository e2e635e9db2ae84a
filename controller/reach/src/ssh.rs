//! The user's own `ssh`: their configuration, keys, agent and known hosts, without a question asked.
//!
//! No shell of this host sees a word from outside: the program runs with an argument vector, and names are checked before they
//! stand in it. The remote command is fixed text; the script goes in by standard input. Host keys must be known already, what
//! comes back is bounded, and everything ends at a time limit. Its group of processes ends with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netghost_core::probe::{Carrier, Keeps, Script};

mod failure;
mod process;
mod target;

pub use failure::SshError;
pub use target::{BadTarget, Target};

use failure::told;
use process::{Ended, run};

/// Where the program is.
const PROGRAM: &str = "/usr/bin/ssh";
/// How long everything may take, from the first packet to the last.
const LIMIT: Duration = Duration::from_secs(300);
/// More than a probe prints of any host.
const MOST_OUTPUT: usize = 256 * 1024 * 1024;

/// What every connection is made with, the one to the jump host too.
const OPTIONS: [&str; 11] = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    "ConnectionAttempts=1",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    // A connection that lives on in the background would hold our outputs open.
    "ControlMaster=no",
    "LogLevel=ERROR",
];

/// The remote commands: a shell that reads its script from standard input. Any login shell takes the words between single
/// quotes as they are.
const AS_ROOT: &str = r#"exec /bin/sh -c 'if [ "$(id -u)" = 0 ]; then exec /bin/sh -s; fi; command -v sudo >/dev/null 2>&1 || exit 97; sudo -n /bin/sh -c : </dev/null >/dev/null 2>&1 || exit 98; exec sudo -n /bin/sh -s'"#;
const AS_USER: &str = "exec /bin/sh -s";
/// What [`AS_ROOT`] ends with where there is no sudo, and where it asks for a password.
const NO_SUDO: i32 = 97;
const SUDO_ASKS: i32 = 98;
/// What the probe itself ends with, having said why.
const PROBE_FAILED: i32 = 3;
/// What ssh ends with when it, not the remote command, failed.
const SSH_FAILED: i32 = 255;

/// As whom the host is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rights {
    /// As root: by logging in as root, or by `sudo -n`.
    #[default]
    Root,
    /// As whoever logs in. What only root can read is unreadable then.
    Login,
}

/// A way to a host by ssh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssh {
    target: Target,
    jump: Option<Target>,
    rights: Rights,
    config: Option<PathBuf>,
    program: PathBuf,
    limit: Duration,
}

impl Ssh {
    /// The way to this host, as root.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            jump: None,
            rights: Rights::Root,
            config: None,
            program: PROGRAM.into(),
            limit: LIMIT,
        }
    }

    /// By way of another host, under the same rules.
    #[must_use]
    pub fn by(self, jump: Option<Target>) -> Self {
        Self { jump, ..self }
    }

    /// With these rights.
    #[must_use]
    pub fn with_rights(self, rights: Rights) -> Self {
        Self { rights, ..self }
    }

    /// With this file in place of the user's own configuration (`ssh -F`).
    ///
    /// # Errors
    /// Where its path has anything but letters, digits and `/._-`: it may stand in a command of ssh's own.
    pub fn with_config(self, config: PathBuf) -> Result<Self, BadTarget> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
        match config.to_str() {
            Some(path) if path.starts_with('/') && path.as_bytes().iter().all(plain) => Ok(Self {
                config: Some(config),
                ..self
            }),
            _ => Err(BadTarget::Config(config.display().to_string())),
        }
    }

    /// With this much time.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The arguments of the program.
    fn arguments(&self) -> Vec<OsString> {
        let mut out: Vec<OsString> = vec!["-T".into()];
        out.extend(options(self.config.as_deref()).into_iter().map(OsString::from));
        // What a user's configuration may say of every connection must not become the command, or a way for others.
        for option in ["RemoteCommand=none", "ClearAllForwardings=yes", "EscapeChar=none"] {
            out.extend(["-o".into(), option.into()]);
        }
        if let Some(jump) = &self.jump {
            out.extend(["-o".into(), self.proxy_command(jump).into()]);
        }
        out.extend(named(&self.target).into_iter().map(OsString::from));
        let command = match self.rights {
            Rights::Root => AS_ROOT,
            Rights::Login => AS_USER,
        };
        out.push(command.into());
        out
    }

    /// `-J` would run an ssh that is told nothing of batch mode and strict host keys. Every word here is ours or was checked to
    /// have no character that a shell knows.
    fn proxy_command(&self, jump: &Target) -> String {
        let mut words = vec![PROGRAM.to_owned()];
        words.extend(options(self.config.as_deref()));
        words.extend([
            "-o".to_owned(),
            "ClearAllForwardings=no".to_owned(),
            "-W".to_owned(),
            "[%h]:%p".to_owned(),
        ]);
        words.extend(named(jump));
        format!("ProxyCommand={}", words.join(" "))
    }

    /// Runs a script on the host and waits for its end.
    ///
    /// # Errors
    /// If it did not run there, or not to its end.
    pub fn run_script(&self, script: Script) -> Result<Vec<u8>, SshError> {
        let text = script.text();
        let ended = run(
            &self.program,
            &self.arguments(),
            text.into_bytes(),
            (self.limit, MOST_OUTPUT),
        )?;
        let Ended {
            status,
            stdout,
            stderr,
        } = ended;
        match status {
            // Whether the answer is whole, and what the probe says of itself, stands in its frame.
            Some(0 | PROBE_FAILED) => Ok(stdout),
            Some(NO_SUDO) => Err(SshError::NoSudo),
            Some(SUDO_ASKS) => Err(SshError::SudoAsks),
            Some(SSH_FAILED) => Err(told(&stderr)),
            status => Err(SshError::Remote {
                status,
                said: failure::line(&stderr),
            }),
        }
    }
}

/// The options that every connection has, as words.
fn options(config: Option<&Path>) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(config) = config {
        out.extend(["-F".to_owned(), config.display().to_string()]);
    }
    for option in OPTIONS {
        out.extend(["-o".to_owned(), option.to_owned()]);
    }
    out
}

/// The user, the port and the host, the last one behind the end of the options.
fn named(target: &Target) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(user) = target.user() {
        out.extend(["-l".to_owned(), user.to_owned()]);
    }
    if let Some(port) = target.port() {
        out.extend(["-p".to_owned(), port.to_string()]);
    }
    out.extend(["--".to_owned(), target.host().to_owned()]);
    out
}

impl Carrier for Ssh {
    type Error = SshError;

    fn keeps(&self) -> Keeps {
        Keeps::Everything
    }

    /// In a thread of the runtime that may wait.
    async fn run(&mut self, script: Script) -> Result<Vec<u8>, SshError> {
        let ssh = self.clone();
        let running = tokio::task::spawn_blocking(move || ssh.run_script(script));
        running.await.map_err(|_| SshError::Lost {
            why: "the thread that ran ssh ended".to_owned(),
        })?
    }
}

#[cfg(test)]
mod tests;
