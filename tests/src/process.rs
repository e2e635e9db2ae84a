//! Processes told apart by number *and* start time, so that a reused number never ends a stranger.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process of this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number in the PID namespace of the mounted `/proc`.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`: start time in clock ticks since boot (`man 5 proc`).
    pub start: u64,
}

impl Process {
    /// The calling process. Its number is read from `/proc`, so that it is right outside a PID namespace of its own too.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn current() -> io::Result<Self> {
        let link = fs::read_link("/proc/self")?;
        let pid = link
            .to_str()
            .and_then(|pid| pid.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?;
        Self::running(pid)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The process that has this number now; `None` when there is none or it has ended and only waits to be collected.
    fn running(pid: i32) -> io::Result<Option<Self>> {
        let text = match fs::read(Path::new("/proc").join(pid.to_string()).join("stat")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // ESRCH: it ended between open and read.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (state, start) = state_and_start(&text).ok_or(io::ErrorKind::InvalidData)?;
        Ok((!matches!(state, "Z" | "X")).then_some(Self { pid, start }))
    }

    /// Whether this very process still runs.
    ///
    /// # Errors
    /// Where `/proc` can't be read.
    pub fn is_alive(self) -> io::Result<bool> {
        Ok(Self::running(self.pid)? == Some(self))
    }

    /// Kills this very process and waits up to ten seconds until it is gone. That it is gone already is fine.
    ///
    /// # Errors
    /// Without the right to, or when it does not go.
    pub fn end(self) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        // The handle holds the number's present owner; only now is it known who that is.
        if !self.is_alive()? {
            return Ok(());
        }
        pidfd_send_signal(&handle, Signal::KILL)?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.is_alive()? {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// State and start time out of `/proc/PID/stat`; the name before them may hold blanks and brackets.
fn state_and_start(stat: &[u8]) -> Option<(&str, u64)> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')?.checked_add(1)?;
    let mut fields = std::str::from_utf8(stat.get(after_name..)?)
        .ok()?
        .split_ascii_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = b"12 (a) S (b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n";
        assert_eq!(state_and_start(stat), Some(("S", 4711)));
        assert_eq!(state_and_start(b"12 (cut) S 1 2"), None);
    }

    #[test]
    fn the_calling_process_is_alive() {
        let own = Process::current().unwrap();
        assert_eq!(own.pid, i32::try_from(std::process::id()).unwrap());
        assert!(own.is_alive().unwrap());
    }

    #[test]
    fn only_the_process_that_was_meant_is_ended() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let process = Process::running(i32::try_from(child.id()).unwrap())
            .unwrap()
            .unwrap();
        let stranger = Process {
            start: process.start + 1,
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
