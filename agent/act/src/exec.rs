//! The stage before another program: it leaves its number on the disk first, so that nothing that was started is untraceable.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use netghost_core::bytes::Text;
use netghost_kernel::namespaces::own_processes;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal, setsid};

use crate::cgroup;
use crate::namespace;
use crate::trace::{Process, Trace};

/// This very program, also after its file was replaced.
pub const OWN: &str = "/proc/self/exe";

/// Becomes a program, once its number is noted down. The environment is handed on as it is.
///
/// # Errors
/// It did not; when all is well this does not return.
pub fn traced(trace: &Path, words: &[OsString]) -> io::Error {
    let note = Process::current().and_then(|process| {
        let own = Trace {
            process,
            inner: None,
            cgroup: None,
        };
        own.write(trace)
    });
    match (note, words.split_first()) {
        (Err(error), _) => error,
        (_, None) => io::ErrorKind::InvalidInput.into(),
        (_, Some((program, args))) => Command::new(program).args(args).exec(),
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
pub fn watch(watched: &Watched<'_>) -> io::Result<std::process::ExitStatus> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Ended before the line above: then nobody tells.
    if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(watched.parent) {
        return Err(io::Error::other("the guard has ended"));
    }
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

/// Becomes the server, once it is noted down. Runs as the first process of the PID namespace.
///
/// # Errors
/// It did not; when all is well this does not return.
pub fn inside(words: &[OsString]) -> io::Error {
    let ready = || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        let mut line = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Whoever ended before it heard this answers nothing.
        line.write_all(b"r")?;
        line.read_exact(&mut [0])
    };
    match (ready(), words.split_first()) {
        (Err(error), _) => error,
        (_, None) => io::ErrorKind::InvalidInput.into(),
        (_, Some((program, args))) => Command::new(program)
            .args(args)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .exec(),
    }
}
