//! A program with something to read, whose outputs and time are bounded.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::SshError;

/// What of the caller's environment ssh and its agents need; nothing else is handed on.
const VARIABLES: [&str; 7] = [
    "HOME",
    "USER",
    "LOGNAME",
    "PATH",
    "SSH_AUTH_SOCK",
    "KRB5CCNAME",
    "XDG_RUNTIME_DIR",
];
/// Bytes of standard error that are kept: the first ones.
const MOST_ERROR: usize = 64 * 1024;
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// What came of it.
pub(super) struct Ended {
    /// None where a signal ended it.
    pub(super) status: Option<i32>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// One output, whole or as much as may be.
struct Output {
    bytes: Vec<u8>,
    cut: bool,
}

/// Runs it, writes `input` to it, and waits for its end and that of its outputs.
pub(super) fn run(
    program: &Path,
    arguments: &[OsString],
    input: Vec<u8>,
    (limit, most): (Duration, usize),
) -> Result<Ended, SshError> {
    let environment = VARIABLES
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        // What it says is read by a program.
        .env("LC_ALL", "C")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| SshError::Start {
            program: program.display().to_string(),
            source,
        })?;
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let group = Group(child);
    if let Some(mut stdin) = stdin {
        // One that ends without reading all of it says why by itself.
        thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let stdout = reading(stdout, most);
    let stderr = reading(stderr, MOST_ERROR);
    group.attend(&stdout, &stderr, (limit, most))
}

/// Reads an output to its end in a thread of its own; what is beyond `most` ends the reading.
fn reading(pipe: Option<impl Read + Send + 'static>, most: usize) -> Receiver<Output> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        if let Some(pipe) = pipe {
            // What was read before an error is still what was said.
            drop(pipe.take(bound).read_to_end(&mut bytes));
        }
        let cut = bytes.len() > most;
        bytes.truncate(most);
        // Nobody waits any more after the time limit.
        drop(sender.send(Output { bytes, cut }));
    });
    receiver
}

/// The program and all that it started.
struct Group(Child);

impl Group {
    fn attend(
        mut self,
        stdout: &Receiver<Output>,
        stderr: &Receiver<Output>,
        (limit, most): (Duration, usize),
    ) -> Result<Ended, SshError> {
        let deadline = Instant::now().checked_add(limit);
        let stdout = received(stdout, deadline).ok_or(SshError::TimedOut { limit })?;
        if stdout.cut {
            return Err(SshError::TooMuch { most });
        }
        let stderr = received(stderr, deadline).ok_or(SshError::TimedOut { limit })?;
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => {
                    return Ok(Ended {
                        status: status.code(),
                        stdout: stdout.bytes,
                        stderr: stderr.bytes,
                    });
                }
                Ok(None) if is_past(deadline) => return Err(SshError::TimedOut { limit }),
                Ok(None) => thread::sleep(TICK),
                Err(error) => {
                    return Err(SshError::Lost {
                        why: error.to_string(),
                    });
                }
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.0.id().cast_signed()) {
            // One that is gone needs nothing more.
            kill_process_group(group, signal).ok();
        }
    }
}

impl Drop for Group {
    /// Nothing of it is left running.
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::TERM);
        let until = Instant::now().checked_add(GRACE);
        while matches!(self.0.try_wait(), Ok(None)) && !is_past(until) {
            thread::sleep(TICK);
        }
        self.signal(Signal::KILL);
        drop(self.0.wait());
    }
}

fn received(output: &Receiver<Output>, deadline: Option<Instant>) -> Option<Output> {
    loop {
        match output.recv_timeout(TICK) {
            Ok(read) => return Some(read),
            Err(RecvTimeoutError::Timeout) if !is_past(deadline) => {}
            Err(_) => return None,
        }
    }
}

/// A time that can't be told is never reached.
fn is_past(time: Option<Instant>) -> bool {
    time.is_some_and(|time| Instant::now() >= time)
}
