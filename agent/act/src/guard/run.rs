//! The guard's process.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use rustix::net::sockopt::socket_peercred;

use super::keeper::{Keeper, Note, say};
use super::{Guard, Heard, LONGEST, Line, NotStarted, Say};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::host::Host;
use crate::lock;
use crate::paths::Paths;
use crate::site::Site;
use crate::work::Work;
use crate::{frame, serve};

/// How many lines are held at once.
const MOST_LINES: usize = 64;
/// How long a guard that is killed may take to let go of its lock.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all that waits may take to be undone.
const LONGEST_FINISH: Duration = Duration::from_secs(60);

/// A guard has none above it.
#[derive(Debug, Clone, Copy)]
struct Nobody;

impl Guard for Nobody {
    type Line = Nobody;

    fn call(&self, _: Digest) -> Result<Nobody, String> {
        Err("a guard has no guard".to_owned())
    }
}

impl Line for Nobody {
    fn arm(&mut self, _: Digest) -> Result<(), String> {
        Err("a guard has no guard".to_owned())
    }

    fn start(&mut self, _: Digest) -> Result<(), NotStarted> {
        Err(NotStarted::because("a guard has no guard".to_owned()))
    }
}

impl NotStarted {
    /// For this reason, without a word from the server.
    pub fn because(why: String) -> Self {
        Self { why, output: None }
    }
}

fn site(paths: &Paths) -> Site<Host, Nobody> {
    Site {
        paths: paths.clone(),
        disk: Disk::default(),
        clock: Clock::default(),
        work: Host,
        guard: Nobody,
    }
}

/// Guards. It returns only when it can't go on.
///
/// # Errors
/// Another guard lives, or the state directory or the listening socket fails.
pub fn run(paths: &Paths, listen: &serve::Listen) -> io::Result<()> {
    paths.prepare()?;
    let _only = lock::take(&paths.guard_lock(), PATIENCE).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::other("another guard runs"),
        _ => error,
    })?;
    let listener = listen.open()?;
    let (notes, inbox) = channel();
    let mut keeper = Keeper::new(site(paths), notes.clone())?;
    // A thread of its own that nothing ends: servers end with the thread that started them.
    let kept = thread::Builder::new().spawn(move || keeper.keep(&inbox))?;
    // Without systemd nobody listens.
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
    lines(&listener, paths, &notes, || !kept.is_finished())
}

/// Undoes all that waits, once.
///
/// # Errors
/// The state directory, or something is left.
pub fn settle(paths: &Paths) -> io::Result<()> {
    match finish(site(paths))? {
        true => Ok(()),
        false => Err(io::Error::other("not all could be undone")),
    }
}

/// Undoes all that waits, once; true if nothing is left.
pub(crate) fn finish<W: Work, G: Guard>(site: Site<W, G>) -> io::Result<bool> {
    let (notes, _inbox) = channel();
    Ok(Keeper::new(site, notes)?.finish(LONGEST_FINISH))
}

fn lines(
    listener: &UnixListener,
    paths: &Paths,
    notes: &Sender<Note>,
    lives: impl Fn() -> bool,
) -> io::Result<()> {
    let held = Arc::new(AtomicUsize::new(0));
    loop {
        let (stream, _) = listener.accept()?;
        if !lives() {
            return Err(io::Error::other("the keeper has ended"));
        }
        if held.load(Ordering::SeqCst) >= MOST_LINES {
            continue;
        }
        let (held, notes, paths) = (Arc::clone(&held), notes.clone(), paths.clone());
        held.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            line(&stream, &paths, &notes);
            held.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Hears one line to its end.
fn line(stream: &UnixStream, paths: &Paths, notes: &Sender<Note>) {
    match socket_peercred(stream) {
        Ok(peer) if peer.uid.is_root() => {}
        _ => return say("somebody who is not root called"),
    }
    let mut about = None;
    while let Ok(said) = frame::take::<Say>(&mut &*stream, LONGEST) {
        let heard = match said {
            Say::Hello { action } => {
                // Its record may be written at any moment from now on, and whoever writes it may die with the next step.
                about = Some(action);
                Heard::Here
            }
            Say::Arm { action } => arm(action, notes),
            Say::Start { action } => start(action, paths, notes),
        };
        if frame::give(&mut &*stream, &heard).is_err() {
            break;
        }
    }
    if let Some(action) = about {
        drop(notes.send(Note::Closed(action)));
    }
}

fn arm(action: Digest, notes: &Sender<Note>) -> Heard {
    let (answer, answered) = channel();
    drop(notes.send(Note::Arm(action, answer)));
    match answered.recv() {
        Ok(Ok(())) => Heard::Armed,
        Ok(Err(why)) => Heard::Not(NotStarted::because(why)),
        Err(_) => Heard::Not(NotStarted::because("the keeper has ended".to_owned())),
    }
}

fn start(action: Digest, paths: &Paths, notes: &Sender<Note>) -> Heard {
    let (answer, answered) = channel();
    drop(notes.send(Note::Start(action, answer)));
    let started = match answered.recv() {
        Ok(Ok(started)) => started.listens(paths),
        Ok(Err(not)) => Err(not),
        Err(_) => Err(NotStarted::because("the keeper has ended".to_owned())),
    };
    match started {
        Ok(()) => Heard::Started,
        Err(not) => Heard::Not(not),
    }
}
