//! The servers that this guard started. Each ends with the thread that started it.

use std::collections::BTreeMap;
use std::io::{self, PipeReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use netghost_core::artifact::json::Digest;
use netghost_core::audit;
use netghost_core::bytes::Text;

use super::NotStarted;
use super::keeper::Note;
use crate::lease::{Lease, listens};
use crate::paths::Paths;
use crate::trace::Trace;
use crate::{cgroup, exec};

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes of what it says are kept: the first ones.
const MOST_OUTPUT: usize = 4 << 10;
/// How many may run at once.
const MOST: usize = 8;

/// What is known of one while it runs.
#[derive(Debug, Default)]
struct Seen {
    output: Vec<u8>,
    ended: Option<String>,
}

/// One that was started and may not listen yet.
#[derive(Debug, Clone)]
pub(super) struct Started {
    action: Digest,
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

/// Those that run.
#[derive(Debug, Default)]
pub(super) struct Servers(BTreeMap<Digest, Started>);

impl Servers {
    /// Starts one, from the calling thread, which has to live as long as the guard.
    pub(super) fn start(
        &mut self,
        paths: &Paths,
        (action, namespace, lease): (Digest, &Text, &Lease),
        notes: &Sender<Note>,
    ) -> Result<Started, NotStarted> {
        if self.0.len() >= MOST {
            return Err(NotStarted::because(format!(
                "{MOST} servers run already: end one"
            )));
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let failed = |error: io::Error| NotStarted::because(format!("start the server: {error}"));
        let (output, input) = io::pipe().map_err(failed)?;
        let mut command = command(paths, (action, namespace, lease));
        command.stdout(input.try_clone().map_err(failed)?).stderr(input);
        let child = command.spawn().map_err(failed)?;
        // It holds our end for writing too.
        drop(command);
        let started = Started {
            action,
            port: lease.port,
            seen: Arc::clone(&seen),
        };
        let notes = notes.clone();
        thread::spawn(move || attend(action, child, output, &seen, &notes));
        self.0.insert(action, started.clone());
        Ok(started)
    }

    /// Whether one of this action was started and has not been seen to end.
    pub(super) fn holds(&self, action: Digest) -> bool {
        self.0.contains_key(&action)
    }

    /// It has ended.
    pub(super) fn ended(&mut self, action: Digest) {
        self.0.remove(&action);
    }
}

fn command(paths: &Paths, (action, namespace, lease): (Digest, &Text, &Lease)) -> Command {
    let mut command = Command::new(exec::OWN);
    command.arg("watch").arg("--trace").arg(paths.trace(action));
    command.args(["--parent", &std::process::id().to_string()]);
    // A name that is not UTF-8 is that of no namespace that could be entered by it.
    command.args(["--namespace", namespace.as_str().unwrap_or_default()]);
    if let Some(group) = cgroup::make(action) {
        command.arg("--cgroup").arg(group);
    }
    command.arg("--").arg(&lease.program).args(&lease.args);
    command.env_clear().current_dir("/").stdin(Stdio::null());
    command
}

/// Keeps the beginning of what it says, and tells the keeper when it has ended.
fn attend(
    action: Digest,
    mut child: Child,
    mut output: PipeReader,
    seen: &Mutex<Seen>,
    notes: &Sender<Note>,
) {
    let mut chunk = [0; 1024];
    while let Ok(length @ 1..) = output.read(&mut chunk) {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_OUTPUT.saturating_sub(seen.output.len());
        let kept = chunk.get(..length.min(room)).unwrap_or_default();
        seen.output.extend_from_slice(kept);
    }
    let how = match child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).ended = Some(how.clone());
    // The keeper lives as long as the guard.
    drop(notes.send(Note::ServerEnded(action, how)));
}

impl Started {
    /// Waits until it listens.
    pub(super) fn listens(&self, paths: &Paths) -> Result<(), NotStarted> {
        let begun = Instant::now();
        loop {
            if let Some(how) = self.look(|seen| seen.ended.clone()) {
                return Err(self.not(format!("the server ended at once: {how}")));
            }
            let trace = Trace::read(&paths.trace(self.action)).unwrap_or_default();
            if let Some(inner) = trace.and_then(|trace| trace.inner)
                && listens(&inner.pid.to_string(), self.port).unwrap_or(false)
            {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                return Err(self.not(format!("the server does not listen after {seconds} s")));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn not(&self, why: String) -> NotStarted {
        let said = self.look(|seen| plain(&seen.output));
        NotStarted {
            why,
            output: (!said.is_empty()).then(|| Text::from(audit::text(&said))),
        }
    }

    fn look<T>(&self, at: impl FnOnce(&Seen) -> T) -> T {
        at(&self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was said, without control characters but for line ends and tabs: each would take six bytes on its way.
fn plain(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let plain = said.chars().map(|c| match c {
        '\n' | '\t' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    });
    plain.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_said_fits_the_line_to_who_waits_for_it() {
        for byte in [1, 0xff, b'"', b'\n', b'x'] {
            let seen = Seen {
                output: vec![byte; MOST_OUTPUT],
                ended: None,
            };
            let started = Started {
                action: Digest::of(b"x"),
                port: 1,
                seen: Arc::new(Mutex::new(seen)),
            };
            let heard = crate::guard::Heard::Not(started.not("it ended".to_owned()));
            let length = netghost_core::artifact::json::to_vec(&heard).unwrap().len();
            assert!(length <= crate::guard::LONGEST, "{byte}: {length}");
        }
    }
}
