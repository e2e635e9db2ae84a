//! One control stream: carries out what its state machine decides.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use netghost_core::fleet::Id;
use netghost_proto::v1::{self, controller_message::Kind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tonic::{Code, Status};

use super::hello::Hello;
use super::machine::{Action, Event, Machine};
use super::orders::Outcome;
use super::registry::{Admission, Ears, Ending, Seated, Tell};
use super::{finish, presence};
use crate::caller::Agent;
use crate::store::Error;
use crate::{Controller, audit};

type Out = mpsc::Sender<Result<v1::ControllerMessage, Status>>;

/// Room that is kept for the last words of a stream: why it ends, and its status.
const LAST_WORDS: usize = 2;

/// Serves a stream until it ends, at the latest when the certificate runs out under which it began.
pub(super) async fn serve(
    controller: Controller,
    (agent, until_us): (Agent, u64),
    said: impl Stream<Item = Result<v1::AgentMessage, Status>> + Unpin,
    out: Out,
) {
    let left_us = until_us.saturating_sub(controller.outside.now_us());
    let mut session = Session {
        began: Instant::now(),
        machine: Machine::new(controller.links.shared().timings, Duration::from_micros(left_us)),
        controller,
        agent,
        out,
        open: None,
        askers: BTreeMap::new(),
    };
    let status = session.run(said).await;
    session.end(status).await;
}

struct Session {
    controller: Controller,
    agent: Agent,
    out: Out,
    machine: Machine,
    began: Instant,
    open: Option<Open>,
    /// Those who want to know whether the agent lives.
    askers: BTreeMap<u64, oneshot::Sender<()>>,
}

struct Open {
    _seated: Seated,
    ears: Ears,
}

/// What woke a stream.
enum Woken {
    Event(Event),
    Told(Tell),
    Over(Status),
}

impl Session {
    async fn run(
        &mut self,
        mut said: impl Stream<Item = Result<v1::AgentMessage, Status>> + Unpin,
    ) -> Status {
        loop {
            let event = match self.wait(&mut said).await {
                Woken::Over(status) => return status,
                Woken::Event(event) => event,
                Woken::Told(Tell::Send(message)) => {
                    if let Err(status) = self.send(message) {
                        return status;
                    }
                    continue;
                }
                Woken::Told(Tell::Probe(asker)) => {
                    let number = self.askers.keys().next_back().map_or(0, |last| last + 1);
                    self.askers.insert(number, asker);
                    Event::Rival(number)
                }
            };
            if let Err(status) = self.handle(event).await {
                return status;
            }
        }
    }

    async fn wait(
        &mut self,
        said: &mut (impl Stream<Item = Result<v1::AgentMessage, Status>> + Unpin),
    ) -> Woken {
        let due = self.began.checked_add(self.machine.due());
        let time = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        let open = &mut self.open;
        let told = async {
            match open {
                Some(open) => open.ears.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            told = told => told,
            () = self.out.closed() => Woken::Over(Status::cancelled("the agent ended the stream")),
            message = said.next() => match message {
                Some(Ok(message)) => Woken::Event(Event::Said(message.kind.map(Box::new))),
                Some(Err(status)) => Woken::Over(unreadable(status)),
                None => Woken::Over(Status::ok("the agent ended the stream")),
            },
            () = time => Woken::Event(Event::Time),
        }
    }

    async fn handle(&mut self, event: Event) -> Result<(), Status> {
        let mut actions = self.machine.handle(event, self.began.elapsed());
        while !actions.is_empty() {
            let mut next = Vec::new();
            for action in actions {
                next.extend(self.perform(action).await?);
            }
            actions = next;
        }
        Ok(())
    }

    async fn perform(&mut self, action: Action) -> Result<Vec<Action>, Status> {
        match action {
            Action::Admit(hello) => {
                self.admit(*hello).await?;
                return Ok(self.machine.handle(Event::Admitted, self.began.elapsed()));
            }
            Action::Probe(number) => self.say(Kind::Probe(number))?,
            Action::Alive(asker) => {
                // Where nobody waits for the answer any more, nobody is told.
                self.askers.remove(&asker).map(|asker| asker.send(()));
            }
            Action::Seen => self.seen().await?,
            Action::Started(command) => {
                self.controller
                    .links
                    .shared()
                    .orders
                    .tell(self.agent.id, command, |progress| progress.started = true)
            }
            Action::Finished(command, outcome) => self.finished(command, outcome).await?,
            Action::Close(reason) => {
                let ending = Ending::Closing(reason);
                let status = ending.status();
                if let Some(last) = ending.message() {
                    self.send(last)?;
                }
                return Err(status);
            }
            Action::End(status) => return Err(status),
        }
        Ok(Vec::new())
    }

    async fn admit(&mut self, hello: Hello) -> Result<(), Status> {
        let (seated, ears) = match self.controller.links.admit(self.agent.id, &hello.process).await {
            Admission::Seated(seated, ears) => (seated, ears),
            Admission::Unwanted(ending) => return Err(ending.status()),
            Admission::Rival(process) => {
                return Err(self.contested(&hello, &process).await?);
            }
        };
        let now = self.controller.outside.now_us();
        let standing = presence::connect(&self.controller, &self.agent, &hello, now).await?;
        if let Some(head) = &hello.head {
            // What it finds is written down there; the agent is served all the same.
            audit::witness(&self.controller, &self.agent, head).await?;
        }
        if let Some(why) = &standing.contested {
            self.controller.links.contest(self.agent.id, why);
        }
        self.open = Some(Open {
            _seated: seated,
            ears,
        });
        self.say(Kind::Welcome(v1::Welcome {
            protocol: hello.protocol,
            name: standing.name,
            clock_us: now,
            head: self.controller.links.head(),
        }))
    }

    /// Writes down that two hold one identity. The status is what the second is told.
    async fn contested(&self, hello: &Hello, process: &str) -> Result<Status, Error> {
        // Which process it is stays between agent and controller.
        let holder = if hello.process == process {
            "the same process, so one is a copy with its memory,"
        } else {
            "another process"
        };
        let why = format!(
            "host {:?} (boot {}) claimed the identity while {holder} answered",
            hello.host_name, hello.boot_id
        );
        let now = self.controller.outside.now_us();
        presence::contest(&self.controller, &self.agent, &why, now).await?;
        self.controller.links.contest(self.agent.id, &why);
        Ok(Status::already_exists(format!(
            "another agent holds the identity of {} and answers: one of them is a copy. Revoke {} and enrol both hosts anew",
            self.agent.name, self.agent.name
        )))
    }

    async fn seen(&self) -> Result<(), Status> {
        let now = self.controller.outside.now_us();
        match presence::seen(&self.controller, self.agent.id, now).await? {
            None => Ok(()),
            Some(why) => {
                self.controller.links.revoke(self.agent.id, &why);
                Err(Ending::Revoked(why).status())
            }
        }
    }

    async fn finished(&self, command: Id, outcome: Outcome) -> Result<(), Status> {
        finish::finish(&self.controller, &self.agent, command, outcome).await?;
        let commands = vec![command.to_string()];
        self.say(Kind::Acknowledged(v1::Acknowledged { commands }))
    }

    fn say(&self, kind: Kind) -> Result<(), Status> {
        self.send(v1::ControllerMessage { kind: Some(kind) })
    }

    fn send(&self, message: v1::ControllerMessage) -> Result<(), Status> {
        let slow = || Status::resource_exhausted("the agent does not read what it is sent");
        if self.out.capacity() <= LAST_WORDS {
            return Err(slow());
        }
        self.out.try_send(Ok(message)).map_err(|_| slow())
    }

    /// Says why the stream ends, frees the seat and writes it down.
    async fn end(mut self, status: Status) {
        let ending = self
            .open
            .as_ref()
            .and_then(|open| open.ears.ended.borrow().clone());
        if let Some(last) = ending.and_then(|ending| ending.message()) {
            drop(self.out.try_send(Ok(last)));
        }
        let why = format!("{:?}: {}", status.code(), status.message());
        if status.code() != Code::Ok {
            drop(self.out.try_send(Err(status)));
        }
        let Some(open) = self.open.take() else {
            tracing::info!(agent = %self.agent.name, why, "a control stream was refused");
            return;
        };
        drop(open);
        let now = self.controller.outside.now_us();
        if let Err(error) = presence::disconnect(&self.controller, &self.agent, &why, now).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "write down that an agent left"
            );
        }
    }
}

impl Ears {
    /// What others tell the stream.
    async fn next(&mut self) -> Woken {
        let over = |ending: &Option<Ending>| ending.as_ref().map(Ending::status);
        if let Some(status) = over(&self.ended.borrow_and_update()) {
            return Woken::Over(status);
        }
        tokio::select! {
            biased;
            changed = self.ended.changed() => {
                let status = over(&self.ended.borrow_and_update());
                let gone = || Status::internal(format!("the stream lost its seat: {changed:?}"));
                Woken::Over(status.unwrap_or_else(gone))
            }
            Some(told) = self.told.recv() => Woken::Told(told),
        }
    }
}

impl Ending {
    /// The message that goes before the status.
    fn message(self) -> Option<v1::ControllerMessage> {
        let kind = match self {
            Self::Revoked(reason) => Kind::Revoked(v1::Revoked { reason }),
            Self::Closing(reason) => Kind::Closing(v1::Closing { reason }),
            Self::Dead(_) => return None,
        };
        Some(v1::ControllerMessage { kind: Some(kind) })
    }

    /// The status with which the stream ends.
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Revoked(reason) => {
                Status::permission_denied(format!("this identity was revoked ({reason}): enrol anew"))
            }
            Self::Closing(reason) => Status::unavailable(reason.clone()),
            Self::Dead(why) => Status::deadline_exceeded(why.clone()),
        }
    }
}

/// What an agent is told whose message could not be read.
fn unreadable(status: Status) -> Status {
    match status.code() {
        // tonic's word for a length above the limit, and for bytes that are no message.
        Code::OutOfRange => Status::resource_exhausted(format!(
            "a control message has at most {} bytes: {}",
            netghost_proto::CONTROL_MESSAGE,
            status.message()
        )),
        Code::Internal => Status::invalid_argument(format!("not a message: {}", status.message())),
        _ => status,
    }
}
