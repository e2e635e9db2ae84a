//! A program that runs, until its group has ended.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use rustix::time::Timespec;

use super::stream::Stream;
use super::{Ended, Output, Run, RunError, group, name};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// After SIGKILL only a process that the kernel holds is still there.
const UNKILLABLE: Duration = Duration::from_secs(5);
/// How long an output is read that somebody outside the group keeps writing to.
const DRAIN: Duration = Duration::from_millis(200);
/// Between two looks at whether it has ended.
const TICK: Duration = Duration::from_millis(10);

pub(super) struct Running {
    child: Child,
    group: Pid,
    stdout: Stream,
    stderr: Stream,
    limit: Duration,
    reaped: bool,
}

impl Running {
    pub(super) fn start(run: &Run) -> Result<Self, RunError> {
        let mut child = Command::new(&run.program)
            .args(&run.args)
            .env_clear()
            .envs(run.env.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|source| RunError::Start {
                program: name(&run.program),
                source,
            })?;
        let pipes = (child.stdout.take(), child.stderr.take());
        let attended = match pipes {
            (Some(stdout), Some(stderr)) => Stream::new(OwnedFd::from(stdout), run.most_output)
                .and_then(|stdout| Ok((stdout, Stream::new(OwnedFd::from(stderr), run.most_output)?))),
            _ => Err(io::Error::other("it has no outputs")),
        };
        match (attended, Pid::from_raw(child.id().cast_signed())) {
            (Ok((stdout, stderr)), Some(group)) => Ok(Self {
                child,
                group,
                stdout,
                stderr,
                limit: run.limit,
                reaped: false,
            }),
            (attended, _) => {
                let source = attended
                    .err()
                    .unwrap_or_else(|| io::Error::other("it has no number"));
                // It is not to run unattended. That it can't be killed changes nothing about the error.
                drop(child.kill().and_then(|()| child.wait()));
                Err(RunError::Lost {
                    program: name(&run.program),
                    source,
                })
            }
        }
    }

    pub(super) fn into_output(mut self) -> io::Result<Output> {
        let deadline = Instant::now().checked_add(self.limit);
        let timed_out = !self.attend(deadline)?;
        let mut left_children = false;
        if timed_out {
            group::signal(self.group, Signal::TERM)?;
            self.attend(Instant::now().checked_add(GRACE))?;
        } else {
            left_children = group::has_others(self.group)?;
        }
        self.end_group()?;
        self.drain()?;
        let status = self.child.wait()?;
        self.reaped = true;
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Status(code),
            (None, signal) => Ended::Signal(signal.unwrap_or_default()),
        };
        let (stdout, stderr) = (
            std::mem::take(&mut self.stdout.kept),
            std::mem::take(&mut self.stderr.kept),
        );
        Ok(Output {
            ended,
            cut: stdout.cut || stderr.cut,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            timed_out,
            left_children,
        })
    }

    /// Ends all that is left of the group; the leader is a zombie afterwards.
    fn end_group(&mut self) -> io::Result<()> {
        if self.leader_ended()? && group::has_others(self.group)? {
            group::signal(self.group, Signal::TERM)?;
            let until = Instant::now().checked_add(GRACE);
            while group::has_others(self.group)? && !is_past(until) {
                self.read_for(TICK)?;
            }
        }
        let killed = Instant::now().checked_add(UNKILLABLE);
        while !self.leader_ended()? || group::has_others(self.group)? {
            group::signal(self.group, Signal::KILL)?;
            if is_past(killed) {
                return Err(io::Error::other("it did not end by SIGKILL"));
            }
            self.read_for(TICK)?;
        }
        Ok(())
    }

    /// Reads until the program itself has ended. False if it has not by then.
    fn attend(&mut self, until: Option<Instant>) -> io::Result<bool> {
        loop {
            if self.leader_ended()? {
                return Ok(true);
            }
            if is_past(until) {
                return Ok(false);
            }
            self.read_for(TICK)?;
        }
    }

    /// Whether the program itself has ended; it is not reaped by asking.
    fn leader_ended(&self) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(self.group), options)?.is_some())
    }

    /// Waits at most this long for output, and reads it.
    fn read_for(&mut self, most: Duration) -> io::Result<()> {
        match self.wait_for_output(most) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        self.stdout.read()?;
        self.stderr.read()?;
        Ok(())
    }

    fn wait_for_output(&self, most: Duration) -> io::Result<()> {
        let streams = [&self.stdout, &self.stderr];
        let open: Vec<_> = streams.iter().filter_map(|stream| stream.open()).collect();
        let mut fds: Vec<PollFd<'_>> = open
            .iter()
            .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
            .collect();
        if fds.is_empty() {
            thread::sleep(most);
            return Ok(());
        }
        let timeout = Timespec::try_from(most).map_err(io::Error::other)?;
        poll(&mut fds, Some(&timeout))?;
        Ok(())
    }

    /// Reads what lies in the pipes.
    fn drain(&mut self) -> io::Result<()> {
        let until = Instant::now().checked_add(DRAIN);
        for stream in [&mut self.stdout, &mut self.stderr] {
            while stream.read()? && !is_past(until) {}
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            // Nobody is left to be told of a failure.
            drop(group::signal(self.group, Signal::KILL));
            drop(self.child.try_wait());
        }
    }
}

/// A time that can't be told is never reached.
fn is_past(time: Option<Instant>) -> bool {
    time.is_some_and(|time| Instant::now() >= time)
}
