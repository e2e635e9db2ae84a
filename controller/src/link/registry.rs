//! Who is connected: one seat per identity, and at most one stream in it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netghost_core::fleet::Id;
use netghost_proto::v1::{self, controller_message::Kind};
use tokio::sync::{mpsc, oneshot, watch};

use super::QUEUE;
use super::churn::Churn;
use super::machine::Timings;
use super::orders::Orders;
use super::uploads::Uploads;

/// The agents that are connected. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Links(Arc<Shared>);

/// See [`Links`].
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) timings: Timings,
    pub(super) orders: Orders,
    pub(super) uploads: Uploads,
    pub(super) churn: Churn,
    fleet: Mutex<Fleet>,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
struct Fleet {
    seats: BTreeMap<Id, watch::Sender<Seat>>,
    head: Option<v1::AuditHead>,
    closing: Option<String>,
}

/// What is known of an identity in this process. What lasts is in the store.
#[derive(Debug, Clone, Default)]
pub(super) struct Seat {
    pub(super) live: Option<Live>,
    pub(super) contested: Option<String>,
    pub(super) revoked: Option<String>,
}

/// A stream that is open.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) number: u64,
    process: String,
    tell: mpsc::Sender<Tell>,
    end: Arc<watch::Sender<Option<Ending>>>,
}

/// What a stream is told by others.
#[derive(Debug)]
pub(super) enum Tell {
    /// To send this.
    Send(v1::ControllerMessage),
    /// To find out whether its agent lives.
    Probe(oneshot::Sender<()>),
}

/// Why a stream is ended by others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// The identity was revoked.
    Revoked(String),
    /// The agent comes back.
    Closing(String),
    /// It did not read what it was sent, or did not answer.
    Dead(String),
}

/// A stream's ends of what others tell it.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) told: mpsc::Receiver<Tell>,
    pub(super) ended: watch::Receiver<Option<Ending>>,
}

/// What became of the wish to be an identity's stream.
#[derive(Debug)]
pub(super) enum Admission {
    /// It is.
    Seated(Seated, Ears),
    /// Another stream is, and lives: the name of its process.
    Rival(String),
    /// No stream is wanted.
    Unwanted(Ending),
}

/// A seat that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Seated {
    links: Links,
    id: Id,
    number: u64,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.links.leave(self.id, self.number, None);
    }
}

impl Links {
    /// With other timings than the usual.
    pub fn with(timings: Timings) -> Self {
        Self(Arc::new(Shared {
            timings,
            ..Shared::default()
        }))
    }

    /// Ends the live streams and uploads of an identity, telling it why. None begins any more.
    pub fn revoke(&self, id: Id, reason: &str) {
        let ending = Ending::Revoked(reason.to_owned());
        self.seat(id).send_modify(|seat| {
            seat.revoked = Some(reason.to_owned());
            if let Some(live) = seat.live.take() {
                live.end.send_replace(Some(ending));
            }
        });
    }

    /// True if a stream of this agent is open and answers.
    pub fn is_connected(&self, id: Id) -> bool {
        let fleet = self.fleet();
        fleet
            .seats
            .get(&id)
            .is_some_and(|seat| seat.borrow().live.is_some())
    }

    /// Tells every connected agent of a new head of the audit log, and those that connect from now on.
    pub fn announce(&self, head: &v1::AuditHead) {
        let mut fleet = self.fleet();
        fleet.head = Some(head.clone());
        for seat in fleet.seats.values() {
            if let Some(live) = &seat.borrow().live {
                live.send(Kind::Head(head.clone()));
            }
        }
    }

    /// Ends every stream, telling why; the agents come back, but not to this process.
    pub fn close(&self, reason: &str) {
        let mut fleet = self.fleet();
        fleet.closing = Some(reason.to_owned());
        for seat in fleet.seats.values() {
            if let Some(live) = &seat.borrow().live {
                live.end.send_replace(Some(Ending::Closing(reason.to_owned())));
            }
        }
    }

    /// How many agents are connected.
    pub fn count(&self) -> usize {
        let fleet = self.fleet();
        let live = fleet.seats.values().filter(|seat| seat.borrow().live.is_some());
        live.count()
    }

    /// An admin said that only one holder of the identity is left: it gets commands again. The caller has written it down.
    pub(crate) fn settle(&self, id: Id) {
        self.seat(id).send_modify(|seat| seat.contested = None);
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.0
    }

    /// The last head that was announced.
    pub(super) fn head(&self) -> Option<v1::AuditHead> {
        self.fleet().head.clone()
    }

    /// Follows what is known of an identity.
    pub(super) fn watch(&self, id: Id) -> watch::Receiver<Seat> {
        self.seat(id).subscribe()
    }

    /// Two streams claim this identity: it gets no commands.
    pub(super) fn contest(&self, id: Id, why: &str) {
        self.seat(id)
            .send_modify(|seat| seat.contested = Some(why.to_owned()));
    }

    /// Makes a stream the identity's only one, once no other is or the other is dead. Also a stream of the same process is
    /// asked: one that reconnects has given up its old connection and can't answer there, but a copy of the running VM can.
    pub(super) async fn admit(&self, id: Id, process: &str) -> Admission {
        loop {
            let rival = match self.sit(id, process) {
                Ok(admission) => return admission,
                Err(rival) => rival,
            };
            if !self.alive(&rival).await {
                let why = "it did not answer while another stream claimed its identity";
                self.leave(id, rival.number, Some(Ending::Dead(why.to_owned())));
            } else if self.holds(id, rival.number) {
                return Admission::Rival(rival.process);
            }
        }
    }

    /// True if the identity has a stream whose agent answers now.
    pub(crate) async fn answers(&self, id: Id) -> bool {
        let live = self.watch(id).borrow().live.clone();
        match live {
            Some(live) => self.alive(&live).await,
            None => false,
        }
    }

    async fn alive(&self, live: &Live) -> bool {
        let (answer, answered) = oneshot::channel();
        let asked = live.tell.try_send(Tell::Probe(answer)).is_ok();
        asked
            && matches!(
                tokio::time::timeout(self.0.timings.rival, answered).await,
                Ok(Ok(()))
            )
    }

    /// Takes the seat, or says who is in it.
    fn sit(&self, id: Id, process: &str) -> Result<Admission, Live> {
        let seat = self.seat(id);
        let fleet = self.fleet();
        let (tell, told) = mpsc::channel(QUEUE);
        let (end, ended) = watch::channel(None);
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let live = Live {
            number,
            process: process.to_owned(),
            tell,
            end: Arc::new(end),
        };
        if let Some(reason) = &fleet.closing {
            return Ok(Admission::Unwanted(Ending::Closing(reason.clone())));
        }
        let mut outcome = Ok(Admission::Unwanted(Ending::Revoked(String::new())));
        seat.send_if_modified(|seat| {
            match (&seat.revoked, seat.live.take()) {
                (Some(reason), _) => {
                    outcome = Ok(Admission::Unwanted(Ending::Revoked(reason.clone())));
                    return false;
                }
                (None, Some(rival)) => {
                    seat.live = Some(rival.clone());
                    outcome = Err(rival);
                    return false;
                }
                (None, None) => {}
            }
            seat.live = Some(live);
            let links = self.clone();
            outcome = Ok(Admission::Seated(
                Seated { links, id, number },
                Ears { told, ended },
            ));
            true
        });
        outcome
    }

    /// Frees the seat if this stream is still in it.
    fn leave(&self, id: Id, number: u64, ending: Option<Ending>) {
        self.seat(id).send_if_modified(|seat| {
            let Some(live) = seat.live.take_if(|live| live.number == number) else {
                return false;
            };
            if ending.is_some() {
                live.end.send_replace(ending);
            }
            true
        });
    }

    fn holds(&self, id: Id, number: u64) -> bool {
        let seat = self.watch(id);
        let live = seat.borrow().live.clone();
        live.is_some_and(|live| live.number == number)
    }

    fn seat(&self, id: Id) -> watch::Sender<Seat> {
        self.fleet().seats.entry(id).or_default().clone()
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.0.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Sends a message, or ends a stream whose agent does not read.
    pub(super) fn send(&self, kind: Kind) {
        let message = v1::ControllerMessage { kind: Some(kind) };
        if let Err(mpsc::error::TrySendError::Full(_)) = self.tell.try_send(Tell::Send(message)) {
            self.end.send_replace(Some(Ending::Dead(
                "the agent does not read what it is sent".to_owned(),
            )));
        }
    }
}
