//! Processes that were started here: told apart by number *and* start time, so that a reused number never ends a stranger.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use netghost_core::bytes::Big;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};

/// How long a process that was killed may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// One process of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: start time in clock ticks since boot (proc(5)).
    pub start: Big,
}

/// What was started for an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The process itself, or the one that watches over it.
    pub process: Process,
    /// The first process of the server's own PID namespace: with it all that it started ends.
    pub inner: Option<Process>,
    /// Its control group, as a directory.
    pub cgroup: Option<String>,
}

impl Process {
    /// The calling process.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn current() -> io::Result<Self> {
        let pid = i32::try_from(std::process::id()).map_err(|_| io::ErrorKind::InvalidData)?;
        Self::running(pid)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The process that has this number now; none when there is none or it has ended and only waits to be collected.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn running(pid: i32) -> io::Result<Option<Self>> {
        let stat = match fs::read(Path::new("/proc").join(pid.to_string()).join("stat")) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // It ended between open and read.
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (state, start) = state_and_start(&stat).ok_or(io::ErrorKind::InvalidData)?;
        Ok((!matches!(state, "Z" | "X")).then_some(Self {
            pid,
            start: Big(start),
        }))
    }

    /// Whether this very process still runs.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn is_alive(self) -> io::Result<bool> {
        Ok(Self::running(self.pid)? == Some(self))
    }

    /// Kills this very process and waits until it is gone. That it is gone already is fine.
    ///
    /// # Errors
    /// It does not go.
    pub fn end(self) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(Errno::SRCH) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        // The handle holds the number's present owner; only now is it known who that is.
        if self.is_alive()? {
            match pidfd_send_signal(&handle, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.gone()
    }

    /// Waits until it is gone.
    ///
    /// # Errors
    /// It does not go.
    pub fn gone(self) -> io::Result<()> {
        let begun = Instant::now();
        while self.is_alive()? {
            if begun.elapsed() > PATIENCE {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Trace {
    /// What is left of a process's own note; none where it did not come so far.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match disk::read(path)? {
            Some(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            None => Ok(None),
        }
    }

    /// Notes it down, on the disk.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        Disk::default().replace(path, &serde_json::to_vec(self)?)
    }

    /// Whether anything of it still runs.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn is_alive(&self) -> io::Result<bool> {
        let inner = self.inner.map_or(Ok(false), Process::is_alive)?;
        Ok(inner || self.process.is_alive()?)
    }

    /// Ends all of it.
    ///
    /// # Errors
    /// It does not go.
    pub fn end(&self) -> io::Result<()> {
        if let Some(inner) = self.inner {
            inner.end()?;
        }
        self.process.end()?;
        match &self.cgroup {
            Some(cgroup) => crate::cgroup::remove(Path::new(cgroup)),
            None => Ok(()),
        }
    }
}

/// State and start time out of `/proc/PID/stat`; the name before them may hold blanks and brackets.
fn state_and_start(stat: &[u8]) -> Option<(&str, u64)> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')?.checked_add(1)?;
    let fields = std::str::from_utf8(stat.get(after_name..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = b"12 (a) S (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n";
        assert_eq!(state_and_start(stat), Some(("S", 4711)));
        assert_eq!(state_and_start(b"12 (cut) S 1 2"), None);
    }

    #[test]
    fn only_the_process_that_was_meant_is_ended() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = Process::running(pid).unwrap().unwrap();
        let stranger = Process {
            start: Big(process.start.0 + 1),
            ..process
        };
        stranger.end().unwrap();
        assert!(
            process.is_alive().unwrap(),
            "another start time is another process"
        );
        process.end().unwrap();
        assert!(!process.is_alive().unwrap());
        child.wait().unwrap();
    }
}
