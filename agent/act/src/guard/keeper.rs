//! What the guard has in hand: one thread that lives as long as it does.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::gate::{ActionState, Operation};

use super::servers::{Servers, Started};
use super::{Guard, NotStarted};
use crate::cgroup;
use crate::lock::{self, Lock};
use crate::record::{self, Record};
use crate::settle::Cause;
use crate::site::Site;
use crate::work::Work;

/// Looked at again so soon where somebody else holds the lock.
const SOON: Duration = Duration::from_millis(50);
/// Looked at again so soon where it could not be undone; each time twice as long.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest sleep: a suspended machine's time goes on, and a sleep's does not.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// What the keeper is told.
#[derive(Debug)]
pub(super) enum Note {
    /// An action's record is on the disk.
    Arm(Digest, Sender<Result<(), String>>),
    /// Its server is to be started.
    Start(Digest, Sender<Result<Started, NotStarted>>),
    /// Whoever did it is gone, well or not.
    Closed(Digest),
    /// A server ended, in this way.
    ServerEnded(Digest, String),
}

/// Why an action is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Found,
    Deadline,
    Closed,
    ServerEnded(String),
}

#[derive(Debug)]
struct Due {
    at: Duration,
    why: Why,
    tries: u32,
}

/// All that may have to be undone.
#[derive(Debug)]
pub(super) struct Keeper<W, G> {
    site: Site<W, G>,
    due: BTreeMap<Digest, Due>,
    servers: Servers,
    notes: Sender<Note>,
}

impl<W: Work, G: Guard> Keeper<W, G> {
    /// Takes up what a guard before this one left.
    pub(super) fn new(site: Site<W, G>, notes: Sender<Note>) -> io::Result<Self> {
        site.paths.prepare()?;
        let mut keeper = Self {
            due: BTreeMap::new(),
            servers: Servers::default(),
            notes,
            site,
        };
        for action in record::all(&keeper.site.paths)? {
            match record::read::<W::Change>(&keeper.site.paths, action) {
                Ok(Some(record)) if record.is_pending() || left_a_group(&record) => {
                    keeper.look(action, Duration::ZERO, Why::Found)
                }
                Ok(_) => {}
                Err(error) => say(&format!("action {action}: its record can't be read: {error}")),
            }
        }
        // Of what has ended, whose end was not seen: the note of a process, and perhaps the process.
        for action in record::traced(&keeper.site.paths)? {
            keeper.look(action, Duration::ZERO, Why::Found);
        }
        Ok(keeper)
    }

    /// Goes on until nobody can tell it anything any more.
    pub(super) fn keep(&mut self, inbox: &Receiver<Note>) {
        loop {
            self.work_off();
            let note = match self.sleep() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(sleep) => inbox.recv_timeout(sleep),
            };
            match note {
                Ok(note) => self.told(note),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Brings what it has in hand to its end, within a time; true if nothing is left.
    pub(super) fn finish(&mut self, patience: Duration) -> bool {
        let begun = std::time::Instant::now();
        while !self.due.is_empty() && begun.elapsed() < patience {
            self.work_off();
            std::thread::sleep(SOON);
        }
        self.due.is_empty()
    }

    fn told(&mut self, note: Note) {
        // Whoever does not wait for the answer any more is dead, and its connection's end comes as a note of its own.
        match note {
            Note::Arm(action, answer) => drop(answer.send(self.arm(action))),
            Note::Start(action, answer) => drop(answer.send(self.start(action))),
            Note::Closed(action) => self.look(action, self.now(), Why::Closed),
            Note::ServerEnded(action, how) => {
                self.servers.ended(action);
                self.look(action, self.now(), Why::ServerEnded(how));
            }
        }
    }

    fn look(&mut self, action: Digest, at: Duration, why: Why) {
        let due = Due { at, why, tries: 0 };
        self.due.insert(action, due);
    }

    fn arm(&mut self, action: Digest) -> Result<(), String> {
        let record = self.pending(action)?;
        let at = Duration::from_micros(record.deadline_us.0);
        self.look(action, at, Why::Deadline);
        Ok(())
    }

    fn start(&mut self, action: Digest) -> Result<Started, NotStarted> {
        let record = self.pending(action).map_err(NotStarted::because)?;
        let lease = record
            .change
            .as_ref()
            .and_then(|change| self.site.work.lease(change));
        let lease = lease.ok_or_else(|| NotStarted::because("the action is no server's".to_owned()))?;
        if !self.due.contains_key(&action) || self.servers.holds(action) {
            return Err(NotStarted::because(
                "the action was not armed, or runs".to_owned(),
            ));
        }
        self.servers.start(
            &self.site.paths,
            (action, &record.action.namespace, lease),
            &self.notes,
        )
    }

    fn pending(&self, action: Digest) -> Result<Record<W::Change>, String> {
        let record =
            record::read::<W::Change>(&self.site.paths, action).map_err(|error| error.to_string())?;
        record
            .filter(Record::is_pending)
            .ok_or_else(|| "there is no record of such an action that waits".to_owned())
    }

    /// CLOCK_BOOTTIME, without which boot this is: an unreadable one ends nothing early.
    fn now(&self) -> Duration {
        self.site
            .clock
            .now()
            .map(|now| now.since_boot)
            .unwrap_or_default()
    }

    /// Until the next look; none where nothing is in hand.
    fn sleep(&self) -> Option<Duration> {
        let next = self.due.values().map(|due| due.at).min()?;
        let pause = next.saturating_sub(self.now());
        Some(pause.clamp(Duration::from_millis(1), LONGEST_SLEEP))
    }

    fn work_off(&mut self) {
        let now = self.now();
        let ripe: Vec<Digest> = self
            .due
            .iter()
            .filter(|(_, due)| due.at <= now)
            .map(|(action, _)| *action)
            .collect();
        for action in ripe {
            let taken = lock::take(&self.site.paths.lock(), Duration::ZERO).and_then(Lock::is_inherited);
            let Ok(_lock) = taken else {
                self.postpone(action, SOON);
                continue;
            };
            self.site.sweep();
            self.one(action);
        }
    }

    /// Looks at one action, under the lock.
    fn one(&mut self, action: Digest) {
        let record = match record::read::<W::Change>(&self.site.paths, action) {
            Ok(Some(record)) => record,
            Ok(None) => {
                self.due.remove(&action);
                // Its record is long forgotten.
                drop(self.site.forget_trace(action));
                return;
            }
            Err(error) => return self.later(action, &error.to_string()),
        };
        let Some(why) = self.due.get(&action).map(|due| due.why.clone()) else {
            return;
        };
        let cause = match (why, record.state) {
            (_, state) if state.has_ended() => return self.ended(&record),
            (Why::Found, _) => Cause::GuardStarted,
            (Why::ServerEnded(how), _) => Cause::Ended(how),
            (Why::Closed, ActionState::Running) => Cause::DoerDied,
            (Why::Closed | Why::Deadline, _) => match self.is_early(&record) {
                Some(at) => return self.look(action, at, Why::Deadline),
                None => Cause::Deadline,
            },
        };
        let Ok(_packages) = self.packages(&record) else {
            return self.postpone(action, AGAIN);
        };
        self.settle(record, &cause);
    }

    /// When its time comes, if that is later than now.
    fn is_early(&self, record: &Record<W::Change>) -> Option<Duration> {
        let at = Duration::from_micros(record.deadline_us.0);
        (at > self.now()).then_some(at)
    }

    /// Whoever installs a package holds this lock.
    fn packages(&self, record: &Record<W::Change>) -> io::Result<Option<Lock>> {
        match record.action.operation {
            Operation::PackageInstall { .. } => {
                lock::take(&self.site.paths.package_lock(), Duration::ZERO).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn settle(&mut self, mut record: Record<W::Change>, cause: &Cause) {
        let action = record.digest;
        if let Err(why) = self.site.settle(&mut record, cause) {
            return self.later(action, &why);
        }
        match self.site.keep(&record) {
            Ok(()) => self.ended(&record),
            // It is undone, and the next look sees that it is.
            Err(no) => self.later(action, &no.message),
        }
    }

    /// Nothing more becomes of it: but a server that runs in spite of that is ended.
    fn ended(&mut self, record: &Record<W::Change>) {
        let action = record.digest;
        if matches!(record.action.operation, Operation::PackageInstall { .. }) {
            drop(self.site.forget_trace(action));
        }
        if matches!(record.action.operation, Operation::ServerStart { .. }) {
            let mut server = record.clone();
            if let Err(why) = self.site.settle(&mut server, &Cause::Deadline) {
                return self.later(action, &why);
            }
        }
        let why = record
            .why
            .as_ref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        say(&format!("action {action}: {}{why}", record.state.as_str()));
        self.due.remove(&action);
    }

    fn later(&mut self, action: Digest, why: &str) {
        let tries = self.due.get(&action).map_or(0, |due| due.tries);
        let pause = AGAIN
            .saturating_mul(2_u32.saturating_pow(tries))
            .min(LONGEST_PAUSE);
        say(&format!(
            "action {action}: not undone yet, again in {} s: {why}",
            pause.as_secs()
        ));
        if let Some(due) = self.due.get_mut(&action) {
            due.tries = tries.saturating_add(1);
        }
        self.postpone(action, pause);
    }

    fn postpone(&mut self, action: Digest, pause: Duration) {
        let at = self.now().saturating_add(pause);
        if let Some(due) = self.due.get_mut(&action) {
            due.at = at;
        }
    }
}

/// Of a server that ended with the guard before it had noted anything, the group is left.
fn left_a_group<C>(record: &Record<C>) -> bool {
    matches!(record.action.operation, Operation::ServerStart { .. })
        && cgroup::of(record.digest).is_some_and(|group| group.exists())
}

/// For the journal.
pub(super) fn say(line: &str) {
    // There is nobody else to tell.
    drop(writeln!(io::stderr(), "netghost-act guard: {line}"));
}
