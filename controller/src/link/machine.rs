//! One control stream as a state machine: no I/O, no clock. Times are durations since the stream began.

use std::collections::BTreeMap;
use std::time::Duration;

use netghost_core::fleet::Id;
use netghost_proto::convert;
use netghost_proto::v1::agent_message::Kind;
use tonic::Status;

use super::hello::Hello;
use super::orders::{Outcome, outcome};

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// For the first message of a stream.
    pub hello: Duration,
    /// Between two probes.
    pub probe_every: Duration,
    /// For the answer to a probe, before the stream is closed.
    pub probe_answer: Duration,
    /// For a stream's answer when a second one claims its identity.
    pub rival: Duration,
    /// Between two notes of when an agent was last seen.
    pub seen_every: Duration,
    /// For the next chunk of an upload.
    pub chunk: Duration,
    /// Before the connections of an agent that are too many to be written down singly are summed up.
    pub summed_up: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            probe_every: Duration::from_secs(60),
            probe_answer: Duration::from_secs(20),
            rival: Duration::from_secs(5),
            seen_every: Duration::from_secs(60),
            chunk: Duration::from_secs(30),
            summed_up: Duration::from_secs(60),
        }
    }
}

/// Why a stream ends that outlived the certificate under which it began.
const EXPIRED: &str = "the certificate under which it began ran out: connect again with a renewed one";

/// What happens to a stream.
#[derive(Debug)]
pub(super) enum Event {
    /// A message of this kind came.
    Said(Option<Box<Kind>>),
    /// The identity's seat was taken: the stream is open.
    Admitted,
    /// Another stream claims the identity: its holder is to show that it lives. The number is the asker's.
    Rival(u64),
    /// Nothing but that time went by.
    Time,
}

/// What is to be done. `Close` and `End` are the last.
#[derive(Debug)]
pub(super) enum Action {
    /// Take the identity's seat, then report `Admitted`.
    Admit(Box<Hello>),
    /// Send a probe with this number.
    Probe(u64),
    /// Tell this asker that the holder lives.
    Alive(u64),
    /// Write down that the agent was seen.
    Seen,
    /// The agent works on this command.
    Started(Id),
    /// A command ended so.
    Finished(Id, Outcome),
    /// Tell the agent why it is to come again, and end the stream.
    Close(String),
    /// End the stream with this status.
    End(Status),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Machine {
    timings: Timings,
    /// When the agent's certificate runs out.
    expires: Duration,
    phase: Phase,
    next_probe: Duration,
    next_number: u64,
    /// The probes without an answer, by number.
    asked: BTreeMap<u64, Asked>,
    seen: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Silent,
    Admitting,
    Open,
    Ended,
}

#[derive(Debug)]
struct Asked {
    until: Duration,
    rival: Option<u64>,
}

impl Machine {
    /// A stream that begins now, under a certificate that runs out so much later.
    pub(super) fn new(timings: Timings, expires: Duration) -> Self {
        Self {
            timings,
            expires,
            phase: Phase::Silent,
            next_probe: Duration::MAX,
            next_number: 1,
            asked: BTreeMap::new(),
            seen: Duration::ZERO,
        }
    }

    /// When [`Event::Time`] is due.
    pub(super) fn due(&self) -> Duration {
        let answers = self.asked.values().map(|asked| asked.until).min();
        match self.phase {
            Phase::Silent => self.timings.hello,
            Phase::Open => self
                .next_probe
                .min(self.expires)
                .min(answers.unwrap_or(Duration::MAX)),
            Phase::Admitting | Phase::Ended => Duration::MAX,
        }
    }

    /// What follows from an event.
    pub(super) fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let actions = match (&self.phase, event) {
            (Phase::Ended, _) => return Vec::new(),
            (Phase::Silent, Event::Said(said)) => self.first(said),
            (Phase::Admitting, Event::Admitted) => self.admitted(now),
            (Phase::Open, Event::Said(said)) => self.said(said, now),
            (Phase::Open, Event::Rival(asker)) => Ok(vec![self.probe(now, Some(asker))]),
            (_, Event::Time) => self.time(now),
            (phase, event) => Err(Status::internal(format!("{event:?} while {phase:?}"))),
        };
        actions.unwrap_or_else(|status| {
            self.phase = Phase::Ended;
            vec![Action::End(status)]
        })
    }

    fn first(&mut self, said: Option<Box<Kind>>) -> Result<Vec<Action>, Status> {
        let Some(Kind::Hello(hello)) = said.map(|said| *said) else {
            return Err(Status::invalid_argument(
                "the first message of a control stream is Hello",
            ));
        };
        self.phase = Phase::Admitting;
        Ok(vec![Action::Admit(Box::new(hello.try_into()?))])
    }

    fn admitted(&mut self, now: Duration) -> Result<Vec<Action>, Status> {
        self.phase = Phase::Open;
        self.seen = now;
        self.next_probe = now.saturating_add(self.timings.probe_every);
        Ok(Vec::new())
    }

    fn said(&mut self, said: Option<Box<Kind>>, now: Duration) -> Result<Vec<Action>, Status> {
        let mut actions = match said.map(|said| *said) {
            None => return Err(Status::invalid_argument("a message of no known kind")),
            Some(Kind::Hello(_)) => return Err(Status::invalid_argument("a second Hello")),
            Some(Kind::ProbeAnswered(number)) => self.answered(number)?,
            Some(Kind::CommandStarted(id)) => {
                vec![Action::Started(convert::id("command_started", &id)?)]
            }
            Some(Kind::CommandFinished(finished)) => {
                let id = convert::id("command_finished.id", &finished.id)?;
                vec![Action::Finished(id, outcome(finished.outcome)?)]
            }
        };
        if now.saturating_sub(self.seen) >= self.timings.seen_every {
            self.seen = now;
            actions.push(Action::Seen);
        }
        Ok(actions)
    }

    fn answered(&mut self, number: u64) -> Result<Vec<Action>, Status> {
        let asked = self.asked.remove(&number).ok_or_else(|| {
            Status::invalid_argument(format!("an answer to probe {number}, which was not asked"))
        })?;
        Ok(asked.rival.map(Action::Alive).into_iter().collect())
    }

    fn time(&mut self, now: Duration) -> Result<Vec<Action>, Status> {
        if self.phase == Phase::Silent && now >= self.timings.hello {
            return Err(Status::deadline_exceeded(format!(
                "no Hello within {:?}",
                self.timings.hello
            )));
        }
        if self.phase == Phase::Open && now >= self.expires {
            self.phase = Phase::Ended;
            return Ok(vec![Action::Close(EXPIRED.to_owned())]);
        }
        if self.asked.values().any(|asked| now >= asked.until) {
            return Err(Status::deadline_exceeded(format!(
                "no answer to a probe within {:?}",
                self.timings.probe_answer
            )));
        }
        if now < self.next_probe {
            return Ok(Vec::new());
        }
        self.next_probe = now.saturating_add(self.timings.probe_every);
        Ok(vec![self.probe(now, None)])
    }

    fn probe(&mut self, now: Duration, rival: Option<u64>) -> Action {
        let number = self.next_number;
        self.next_number += 1;
        let until = now.saturating_add(self.timings.probe_answer);
        self.asked.insert(number, Asked { until, rival });
        Action::Probe(number)
    }
}

#[cfg(test)]
mod tests;
