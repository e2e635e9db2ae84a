//! What the agent does next: a pure function of what happened.
//!
//! Commands go one way only: accepted, captured, finished, forgotten. Each step is on the disk before anything outside is
//! told of it, so that an end of the process at any point leaves a state from which the next one goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Text;
use netghost_core::fleet::Id;

use super::backoff::Draw;
use crate::order::{Act, Capture, Failed, Order, Outcome};

mod connection;
mod jobs;
#[cfg(test)]
mod tests;

pub use connection::{Loss, LossKind, Standing, Trouble};
pub use jobs::{InHand, Kept};

/// How many commands are taken at once; more is not what a controller asks.
pub const IN_HAND: usize = 64;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time went on.
    Tick,
    /// The identity on the disk was read: its certificate should be renewed after this time; `other` if it is not the one
    /// of the connection that there is.
    Identity {
        /// From now; zero: at once.
        renew_in: Duration,
        /// It is not the one in use.
        other: bool,
    },
    /// The controller has welcomed the agent.
    Connected,
    /// The connection could not be made, or ended.
    Lost(Loss),
    /// The controller wants to know whether the agent is there.
    Probe(u64),
    /// The controller asks for something.
    Command {
        /// Its id.
        id: Id,
        /// How long it is wanted, from now.
        lifetime: Duration,
        /// What it is; or why it can't be done.
        order: Result<Order, Failed>,
    },
    /// These outcomes are on the controller's disk.
    Acknowledged(Vec<Id>),
    /// The controller has taken this identity away.
    Revoked(String),
    /// The controller is about to end the stream.
    Closing(String),
    /// [`Action::Accept`] was done.
    Accepted(Id, Result<(), Failed>),
    /// [`Action::Capture`] was done: the snapshot is in the spool.
    Captured(Id, Result<Digest, Failed>),
    /// [`Action::Act`] was done: the answer of the process that acts.
    Acted(Id, Result<Text, Failed>),
    /// [`Action::Upload`] was done.
    Uploaded(Id, Uploaded),
    /// [`Action::Finish`] was done; what stands on the disk, which may be an earlier outcome.
    Recorded(Id, Result<Outcome, Failed>),
    /// [`Action::Renew`] failed.
    RenewFailed(String),
}

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// The controller has the manifest and all its objects.
    Whole(Digest),
    /// The connection failed on the way: to be gone on with.
    Cut,
    /// It will not succeed.
    Failed(Failed),
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Connect, say hello and wait for the welcome.
    Dial,
    /// End the connection.
    HangUp,
    /// Answer a probe.
    Answer(u64),
    /// Tell that a command is worked on.
    TellStarted(Id),
    /// Tell how a command ended.
    TellFinished(Id, Outcome),
    /// Put a command into the spool.
    Accept {
        /// Its id.
        id: Id,
        /// When nobody wants it any more, since boot.
        deadline: Duration,
        /// What it is.
        order: Order,
    },
    /// Read the host and put the snapshot into the spool.
    Capture(Id, Capture),
    /// Pass a demand on to the process that acts, and confirm what it did if that is wanted.
    Act {
        /// The command.
        id: Id,
        /// What is demanded.
        act: Act,
        /// Nobody wants it any more: only what became of it is asked for.
        late: bool,
    },
    /// Bring a snapshot from the spool to the controller.
    Upload(Id),
    /// Stop doing so.
    StopUpload(Id),
    /// Put a command's outcome into the spool, unless one stands there.
    Finish(Id, Outcome),
    /// Take commands out of the spool.
    Forget(Vec<Id>),
    /// Get a new certificate over the connection.
    Renew,
}

/// The agent's side of the link.
#[derive(Debug)]
pub struct Machine {
    connection: connection::Connection,
    jobs: BTreeMap<Id, jobs::Job>,
    /// Whose snapshot is being taken; it may have been forgotten meanwhile.
    capturing: Option<Id>,
    draw: Draw,
}

impl Machine {
    /// A machine that takes up what the spool holds and dials at once.
    pub fn new(kept: Vec<(Id, Kept)>, seed: u64, now: Duration) -> Self {
        Self {
            connection: connection::Connection::new(now),
            jobs: kept
                .into_iter()
                .map(|(id, kept)| (id, jobs::Job::from(kept)))
                .collect(),
            capturing: None,
            draw: Draw::new(seed),
        }
    }

    /// What is to be done, in this order, now that this happened. `now` is the time since boot.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Tick => {}
            Event::Identity { renew_in, other } => self.connection.identity(renew_in, other, now),
            Event::Connected => self.connected(now, &mut actions),
            Event::Lost(loss) => self.lost(loss, now),
            Event::Probe(number) => actions.push(Action::Answer(number)),
            Event::Command { id, lifetime, order } => self.command(id, lifetime, order, now, &mut actions),
            Event::Acknowledged(ids) => self.acknowledged(&ids, &mut actions),
            Event::Revoked(why) => self.revoked(why, now, &mut actions),
            Event::Closing(why) => self.closing(why, now, &mut actions),
            Event::Accepted(id, result) => self.accepted(id, result, &mut actions),
            Event::Captured(id, result) => self.captured(id, result, &mut actions),
            Event::Acted(id, result) => self.acted(id, result, &mut actions),
            Event::Uploaded(id, result) => self.uploaded(id, result, now, &mut actions),
            Event::Recorded(id, result) => self.recorded(id, result, now, &mut actions),
            Event::RenewFailed(why) => self.connection.renew_failed(why, now, &mut self.draw),
        }
        self.advance(now, &mut actions);
        actions
    }

    /// When [`Event::Tick`] is due at the latest, since boot, as seen at `now`.
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let jobs = self.jobs.values().filter_map(|job| job.wake_at(now));
        jobs.chain(self.connection.wake_at()).min()
    }

    /// How the connection stands, and since when (since boot).
    pub fn standing(&self) -> (Standing, Duration) {
        self.connection.standing()
    }

    /// What last went wrong, and when (since boot).
    pub fn trouble(&self) -> Option<&Trouble> {
        self.connection.trouble()
    }

    /// The commands in hand.
    pub fn in_hand(&self) -> impl Iterator<Item = InHand> {
        self.jobs.iter().map(|(id, job)| job.in_hand(*id))
    }

    /// Everything that time, the connection or a free hand lets go on.
    fn advance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.expire(now, actions);
        self.work(now, actions);
        let busy = self.is_uploading();
        self.connection.advance(busy, now, actions);
    }
}
