//! Locks between processes. The kernel drops them when their holder ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Also where a program has it too: the lock is one, however many hold it.
        flock(&self.file, FlockOperation::Unlock).ok();
    }
}

impl Lock {
    /// Programs that are started while it is held hold it too: when their starter is killed, it lasts until they have ended, and
    /// nobody takes for final what they are still changing.
    ///
    /// # Errors
    /// The kernel's.
    pub fn is_inherited(self) -> io::Result<Self> {
        fcntl_setfd(&self.file, FdFlags::empty())?;
        Ok(self)
    }
}

/// Takes a lock, or says that somebody else has held it for that long.
///
/// # Errors
/// `WouldBlock` for the latter; else the file system's.
pub fn take(path: &Path, patience: Duration) -> io::Result<Lock> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    let begun = Instant::now();
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Lock { file }),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if begun.elapsed() < patience => thread::sleep(Duration::from_millis(10)),
            Err(errno) => return Err(errno.into()),
        }
    }
}
