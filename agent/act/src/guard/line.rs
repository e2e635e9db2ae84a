//! The line between the two processes.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use netghost_core::artifact::json::Digest;

use super::{Guard, Heard, LONGEST, Line, NotStarted, Say};
use crate::frame;

/// How long the guard may take to answer: a server has to listen by then.
const PATIENCE: Duration = Duration::from_secs(15);

/// The guard's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket(pub PathBuf);

/// A connection to it.
#[derive(Debug)]
pub struct Wire(UnixStream);

impl Guard for Socket {
    type Line = Wire;

    fn call(&self, action: Digest) -> Result<Wire, String> {
        let failed = |error| {
            format!(
                "the guard does not answer at {}: {error}: see systemctl status netghost-act-guard",
                self.0.display()
            )
        };
        let stream = UnixStream::connect(&self.0).map_err(failed)?;
        let timed = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        timed.map_err(failed)?;
        let mut wire = Wire(stream);
        match wire.say(Say::Hello { action }).map_err(failed)? {
            Heard::Here => Ok(wire),
            other => Err(format!("the guard answers {other:?} to a hello")),
        }
    }
}

impl Wire {
    fn say(&mut self, say: Say) -> std::io::Result<Heard> {
        frame::give(&mut self.0, &say)?;
        frame::take(&mut self.0, LONGEST)
    }
}

impl Line for Wire {
    fn arm(&mut self, action: Digest) -> Result<(), String> {
        match self.say(Say::Arm { action }) {
            Ok(Heard::Armed) => Ok(()),
            Ok(Heard::Not(not)) => Err(not.why),
            Ok(other) => Err(format!("the guard answers {other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn start(&mut self, action: Digest) -> Result<(), NotStarted> {
        match self.say(Say::Start { action }) {
            Ok(Heard::Started) => Ok(()),
            Ok(Heard::Not(not)) => Err(not),
            Ok(other) => Err(NotStarted::because(format!("the guard answers {other:?}"))),
            Err(error) => Err(NotStarted::because(error.to_string())),
        }
    }
}
