//! Runs one program to its end, within a time and an amount of output.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};

/// How long a command may run and how much it may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The time from start to the end of all output.
    pub time: Duration,
    /// Bytes for each of stdout and stderr.
    pub output: usize,
}

impl Default for Limits {
    /// 30 seconds and 16 MiB for each stream.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            output: 16 << 20,
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It ended by itself with this status (0 is success).
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
}

impl Status {
    /// True for exit status 0.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The status a shell would show: the exit status, or 128 and the number of the signal.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => 128_i32.saturating_add(signal),
        }
    }
}

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, signal) => Self::Signalled(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit status {code}"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// What a command that ran to its end left behind: all of its output, never a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended. Not an error by itself: see [`Output::ok`].
    pub status: Status,
    /// Everything it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text; bytes that are not UTF-8 show as U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The output, if the status is 0.
    ///
    /// # Errors
    /// [`LabError::Failed`] with the end of standard error for every other status.
    pub fn ok(self, argv: &[&str]) -> Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        Err(LabError::Failed {
            command: argv.join(" "),
            status: self.status.to_string(),
            stderr: tail(&self.stderr),
        })
    }
}

/// The end of a text for an error message: at most 2,000 bytes.
pub(crate) fn tail(bytes: &[u8]) -> String {
    let cut = bytes.get(bytes.len().saturating_sub(2000)..).unwrap_or(bytes);
    String::from_utf8_lossy(cut).trim_end().to_owned()
}

/// A command from its words.
pub(crate) fn command(argv: &[&str]) -> Result<Command> {
    let (program, args) = argv.split_first().ok_or(LabError::NoCommand)?;
    let mut command = Command::new(program);
    command.args(args);
    Ok(command)
}

/// Runs a command in the calling thread's namespaces, feeds it `input` and waits for its end.
///
/// # Errors
/// When it can't be started, is not finished in time (its process group is then killed) or writes too much.
pub fn run(mut command: Command, input: &[u8], limits: Limits) -> Result<Output> {
    let words = words(&command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(|source| LabError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    let outcome = Streams::open(&mut child, input, limits.output)
        .map_err(|source| LabError::Pipe("read from a command", source))
        .and_then(|streams| streams.collect(&mut child, &words, limits));
    if outcome.is_err() {
        end(&mut child);
    }
    outcome
}

fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Kills the group of a child whose answer is of no use any more, and collects it.
fn end(child: &mut Child) {
    // Both fail only when it has ended already, which is what is wanted.
    kill_process_group(Pid::from_child(child), Signal::KILL).ok();
    child.wait().ok();
}

enum Event {
    Stdout(io::Result<Vec<u8>>),
    Stderr(io::Result<Vec<u8>>),
}

struct Streams(Receiver<Event>);

impl Streams {
    fn open(child: &mut Child, input: &[u8], limit: usize) -> io::Result<Self> {
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        if !input.is_empty() {
            let input = input.to_vec();
            // A program may end without reading all of its input; its status tells whether that was right.
            thread::Builder::new().spawn(move || stdin.write_all(&input).ok())?;
        }
        let (sender, receiver) = channel();
        read(stdout, limit, sender.clone(), Event::Stdout)?;
        read(stderr, limit, sender, Event::Stderr)?;
        Ok(Self(receiver))
    }

    fn collect(&self, child: &mut Child, words: &str, limits: Limits) -> Result<Output> {
        let deadline = Instant::now() + limits.time;
        let (mut stdout, mut stderr) = (None, None);
        while stdout.is_none() || stderr.is_none() {
            let (stream, place, read) = match self
                .0
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(Event::Stdout(read)) => ("stdout", &mut stdout, read),
                Ok(Event::Stderr(read)) => ("stderr", &mut stderr, read),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(timed_out(words, limits, stderr.as_deref()));
                }
            };
            let bytes = read.map_err(|source| LabError::Pipe("read from a command", source))?;
            if bytes.len() > limits.output {
                return Err(LabError::TooMuchOutput {
                    command: words.to_owned(),
                    stream,
                    limit: limits.output,
                });
            }
            *place = Some(bytes);
        }
        let status = wait(child, deadline)?.ok_or_else(|| timed_out(words, limits, stderr.as_deref()))?;
        Ok(Output {
            status,
            stdout: stdout.unwrap_or_default(),
            stderr: stderr.unwrap_or_default(),
        })
    }
}

fn timed_out(words: &str, limits: Limits, stderr: Option<&[u8]>) -> LabError {
    LabError::TimedOut {
        command: words.to_owned(),
        seconds: limits.time.as_secs(),
        stderr: tail(stderr.unwrap_or_default()),
    }
}

/// Reads one byte more than allowed at most, so that too much is told from just enough.
fn read(
    from: impl Read + Send + 'static,
    limit: usize,
    to: Sender<Event>,
    event: fn(io::Result<Vec<u8>>) -> Event,
) -> io::Result<()> {
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = from.take(most).read_to_end(&mut bytes).map(|_| bytes);
        // Nobody listens any more once the command was given up.
        to.send(event(read)).ok();
    })?;
    Ok(())
}

/// Waits for the child's end; both streams are closed by then, so this is nearly always at once.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<Status>> {
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child
            .try_wait()
            .map_err(|source| LabError::Pipe("wait for a command", source))?
        {
            return Ok(Some(status.into()));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, input: &[u8], limits: Limits) -> Result<Output> {
        run(command(&["sh", "-c", script]).unwrap(), input, limits)
    }

    #[test]
    fn status_and_both_streams_come_back() {
        let output = sh("cat; echo oops >&2; exit 7", b"hello", Limits::default()).unwrap();
        assert_eq!(output.status, Status::Exited(7));
        assert_eq!(output.stdout, b"hello");
        assert_eq!(output.stderr, b"oops\n");
        assert!(matches!(output.ok(&["sh"]), Err(LabError::Failed { .. })));
    }

    #[test]
    fn a_signal_is_not_an_exit_status() {
        let output = sh("kill -9 $$", b"", Limits::default()).unwrap();
        assert_eq!(output.status, Status::Signalled(9));
        assert_eq!(output.status.shell_code(), 137);
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let error = run(
            command(&["/nonexistent/program"]).unwrap(),
            b"",
            Limits::default(),
        )
        .unwrap_err();
        assert!(matches!(error, LabError::Start { .. }), "{error}");
        assert!(matches!(command(&[]), Err(LabError::NoCommand)));
    }

    #[test]
    fn time_is_bounded_and_the_children_end_too() {
        let limits = Limits {
            time: Duration::from_millis(200),
            ..Limits::default()
        };
        let started = Instant::now();
        let error = sh("sleep 20 & sleep 20", b"", limits).unwrap_err();
        assert!(matches!(error, LabError::TimedOut { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn output_is_whole_or_an_error() {
        let limits = Limits {
            output: 1000,
            ..Limits::default()
        };
        let exact = sh("head -c 1000 /dev/zero", b"", limits).unwrap();
        assert_eq!(exact.stdout.len(), 1000);
        let error = sh("head -c 1001 /dev/zero", b"", limits).unwrap_err();
        assert!(
            matches!(
                error,
                LabError::TooMuchOutput {
                    stream: "stdout",
                    limit: 1000,
                    ..
                }
            ),
            "{error}"
        );
        assert!(sh("yes >&2", b"", limits).is_err(), "an endless writer is ended");
    }
}
