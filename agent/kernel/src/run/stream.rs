//! One output of a program, of which so much is kept.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// How often it is read before others have their turn: what never ends must not keep the clock from being looked at.
const READS: usize = 16;

/// What is kept of an output.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    /// True if there was more.
    pub(super) cut: bool,
}

/// The reading end of a pipe.
#[derive(Debug)]
pub(super) struct Stream {
    pipe: Option<std::fs::File>,
    most: usize,
    pub(super) kept: Kept,
}

impl Stream {
    /// Takes a pipe's reading end, which is never waited for by reading it.
    pub(super) fn new(pipe: OwnedFd, most: usize) -> io::Result<Self> {
        let flags = fcntl_getfl(&pipe)?;
        fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            pipe: Some(pipe.into()),
            most,
            kept: Kept::default(),
        })
    }

    /// What can be waited for, while there may be more.
    pub(super) fn open(&self) -> Option<impl AsFd + '_> {
        self.pipe.as_ref()
    }

    /// Reads what is there. True if there may be more at once.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0u8; 16 * 1024];
        for _ in 0..READS {
            let Some(pipe) = &mut self.pipe else {
                return Ok(false);
            };
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(size) => self.keep(buffer.get(..size).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.most.saturating_sub(self.kept.bytes.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.kept.bytes.extend_from_slice(kept);
        self.kept.cut |= kept.len() < bytes.len();
    }
}
