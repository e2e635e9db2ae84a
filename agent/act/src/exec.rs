//! The stage before another program: it leaves its number on the disk first, so that nothing that was started is untraceable.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use netghost_core::bytes::Text;
use netghost_kernel::namespaces::own_processes;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid};
use rustix::thread::set_no_new_privs;

use crate::cgroup;
use crate::namespace;
use crate::trace::{Process, Trace};

/// How long the end of a program's output is waited for when the program has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Servers run as this user and group: the number of `nobody` wherever there is one (`overflowuid`).
const NOBODY: u32 = 65_534;
/// This very program, also after its file was replaced.
pub const OWN: &str = "/proc/self/exe";

/// Runs a program to its end, once this process's number is noted down. What it says is handed on as long as anybody listens, and
/// read on when nobody does any more: a package manager whose output is cut off leaves packages half configured. The environment is
/// handed on as it is.
///
/// # Errors
/// It did not start: also where `parent`, who started this process, has ended.
pub fn traced(trace: &Path, parent: i32, words: &[OsString]) -> io::Result<ExitStatus> {
    let own = Trace {
        process: Process::current()?,
        inner: None,
        cgroup: None,
    };
    own.write(trace)?;
    // The guard looks for the note when the parent has ended. It has not yet, so it will find it; else it may have looked before.
    lives(parent)?;
    let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (said, complained) = (child.stdout.take(), child.stderr.take());
    let relays = [
        thread::spawn(move || relay(said, io::stdout())),
        thread::spawn(move || relay(complained, io::stderr())),
    ];
    let status = child.wait()?;
    // What it left running may hold its output for ever.
    let ended = Instant::now();
    while !relays.iter().all(thread::JoinHandle::is_finished) && ended.elapsed() < LAST_WORDS {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(status)
}

/// Whoever started this process is still there.
fn lives(parent: i32) -> io::Result<()> {
    match getppid().map(Pid::as_raw_nonzero).map(i32::from) == Some(parent) {
        true => Ok(()),
        false => Err(io::Error::other("whoever started this has ended")),
    }
}

fn relay(from: Option<impl Read>, mut to: impl Write) {
    let Some(mut from) = from else { return };
    let (mut chunk, mut heard) = ([0; 4096], true);
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        let said = chunk.get(..length).unwrap_or_default();
        heard = heard && to.write_all(said).and_then(|()| to.flush()).is_ok();
    }
}

/// A server that is to be watched over.
#[derive(Debug)]
pub struct Watched<'a> {
    /// Where its numbers are noted down.
    pub trace: PathBuf,
    /// The guard's number: with it the server ends.
    pub parent: i32,
    /// In which network namespace it runs.
    pub namespace: Text,
    /// In which control group.
    pub cgroup: Option<PathBuf>,
    /// The program and its arguments.
    pub words: &'a [OsString],
}

/// Runs a server to its end, in a PID namespace of its own. It ends when this process does, and this when the guard does, each
/// with all that it started: the kernel sees to it.
///
/// # Errors
/// It did not start, or failed.
pub fn watch(watched: &Watched<'_>) -> io::Result<ExitStatus> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Ended before the line above: then nobody tells.
    lives(watched.parent)?;
    setsid()?;
    if let Some(group) = &watched.cgroup {
        cgroup::enter(group)?;
    }
    // One thread from the start to the end: a server ends with the thread that started it.
    let running = || {
        own_processes()?;
        inner(watched)?.wait()
    };
    namespace::within(&watched.namespace, running).map_err(io::Error::other)?
}

/// Starts the first process of the PID namespace. It waits until it is noted down.
fn inner(watched: &Watched<'_>) -> io::Result<Child> {
    let (mut here, there) = UnixStream::pair()?;
    let mut command = Command::new(OWN);
    command.arg("inside").arg("--").args(watched.words);
    let mut child = command
        .stdin(Stdio::from(OwnedFd::from(there)))
        .env_clear()
        .spawn()?;
    // The other end must be the child's alone.
    drop(command);
    let begun = here.read_exact(&mut [0]).and_then(|()| {
        let pid = i32::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData)?;
        let trace = Trace {
            process: Process::current()?,
            inner: Process::running(pid)?,
            cgroup: watched.cgroup.as_ref().map(|group| group.display().to_string()),
        };
        trace.write(&watched.trace)?;
        here.write_all(b"g")
    });
    match begun {
        Ok(()) => Ok(child),
        Err(error) => {
            drop(child.kill());
            drop(child.wait());
            Err(error)
        }
    }
}

/// Runs the server, once it is noted down, as a user without rights. This is the first process of the PID namespace, and stays:
/// a process that changes its user is no longer told of its parent's end.
///
/// # Errors
/// It did not start.
pub fn inside(words: &[OsString]) -> io::Result<ExitStatus> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Whoever ended before it heard this answers nothing.
    line.write_all(b"r")?;
    line.read_exact(&mut [0])?;
    set_no_new_privs(true)?;
    let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .uid(NOBODY)
        .gid(NOBODY);
    command.spawn()?.wait()
}
