//! Drives the machine: does what it says, and tells it what came of it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use netghost_client::{Address, Files, Identity, Key, Proxy, Trust};
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::agent_message::Kind as Said;
use netghost_proto::v1::link_client::LinkClient;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::act::Actor;
use super::machine::{Action, Event, Kept, Loss, LossKind, Machine, Standing, Uploaded};
use super::session::{Dialer, Notice, Up, session};
use super::storage::{Change, Storage};
use super::upload::upload;
use super::wire::Heard;
use crate::capture::chain;
use crate::disk::Disk;
use crate::files::{self, HEAD, Head};
use crate::order::{Act, Order, finished, message};
use crate::outside::{Host, now_us, since_boot};
use crate::spool::Spool;
use crate::status::Board;

/// How often it is looked whether another identity lies on the disk.
const LOOK: Duration = Duration::from_secs(30);
/// The same while there is no connection.
const LOOK_OFTEN: Duration = Duration::from_secs(5);
/// How long a renewal may take.
const RENEWAL: Duration = Duration::from_secs(30);
/// The shortest time before a certificate is renewed: a clock that is wrong makes no loop.
const RENEW_LEAST: Duration = Duration::from_secs(10);

/// How many at once ask the process that acts what it would do: each reads the kernel.
const PROPOSING: usize = 2;

/// What it takes to serve a controller.
#[derive(Debug)]
pub struct Setup {
    /// Where identity and spool lie.
    pub state: PathBuf,
    /// Where the controller listens.
    pub address: Address,
    /// Through which proxy.
    pub proxy: Option<Proxy>,
    /// This host.
    pub host: Host,
    /// Where the process listens that acts.
    pub act_socket: PathBuf,
    /// The spool.
    pub spool: Arc<Spool>,
    /// What was in it.
    pub kept: Vec<(Id, Kept)>,
    /// The file system of the small files.
    pub disk: Disk,
    /// Where the report hangs.
    pub board: Board,
    /// Random: what draws waits begin with, and what tells this process from another.
    pub seed: [u8; 16],
}

/// What comes to the driver.
#[derive(Debug)]
enum Input {
    Session(u64, Notice),
    Done(Event),
    Uploaded(u64, Id, Uploaded),
    Renewed(Result<Arc<Identity>, String>),
}

/// The driver of one agent.
#[derive(Debug)]
pub struct Driver {
    pub(super) machine: Machine,
    pub(super) dialer: Arc<Dialer>,
    pub(super) storage: Storage,
    pub(super) board: Board,
    pub(super) started_at_us: u64,
    /// The identity in use, or to be used next.
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) head: Option<Head>,
    pub(super) name: Option<String>,
    pub(super) clock_offset_us: Option<i64>,
    pub(super) warning: Option<String>,
    pub(super) spool_bytes: Option<u64>,
    changes: mpsc::UnboundedSender<Change>,
    sessions: mpsc::Sender<(u64, Notice)>,
    done: mpsc::Sender<Event>,
    inputs: mpsc::Sender<Input>,
    /// Counts connections, so that what comes late from an earlier one is passed over.
    number: u64,
    session: Option<JoinHandle<()>>,
    up: Option<Up>,
    uploading: Option<(Id, JoinHandle<()>)>,
    /// Of those who ask what would be done, a few ask at once.
    proposing: Arc<Semaphore>,
    /// Which identity file was seen, and when it was looked at.
    file: Option<(u64, i64, i64)>,
    looked_at: Duration,
    standing: Standing,
}

/// The ends on which the driver listens.
#[derive(Debug)]
struct Ears {
    sessions: mpsc::Receiver<(u64, Notice)>,
    done: mpsc::Receiver<Event>,
    inputs: mpsc::Receiver<Input>,
}

/// Serves the controller until `stop` comes.
pub async fn run(setup: Setup, stop: impl Future<Output = ()>) {
    let (mut driver, mut ears) = Driver::new(setup);
    driver.look();
    driver.handle(Event::Tick);
    let mut stop: Pin<&mut dyn Future<Output = ()>> = std::pin::pin!(stop);
    loop {
        driver.report();
        tokio::select! {
            () = &mut stop => break,
            input = ears.next() => driver.take(input),
            () = tokio::time::sleep(driver.wait()) => {
                driver.look();
                driver.handle(Event::Tick);
            }
        }
    }
    driver.hang_up();
}

impl Ears {
    /// The driver holds the other ends, so there is always something to come.
    async fn next(&mut self) -> Option<Input> {
        tokio::select! {
            Some((number, notice)) = self.sessions.recv() => Some(Input::Session(number, notice)),
            Some(event) = self.done.recv() => Some(Input::Done(event)),
            Some(input) = self.inputs.recv() => Some(input),
            else => None,
        }
    }
}

impl Driver {
    fn new(setup: Setup) -> (Self, Ears) {
        let storage = Storage {
            spool: setup.spool,
            state: setup.state.clone(),
            disk: setup.disk,
            host: setup.host.clone(),
        };
        let dialer = Dialer {
            files: Files::new(&setup.state),
            state: setup.state.clone(),
            address: setup.address,
            proxy: setup.proxy,
            host: setup.host,
            act_socket: setup.act_socket,
            process_id: Id::from_random(setup.seed).to_string(),
            recover: AtomicBool::new(false),
        };
        let (sessions, heard_sessions) = mpsc::channel(64);
        let (done, heard_done) = mpsc::channel(64);
        let (inputs, heard_inputs) = mpsc::channel(8);
        let (changes, to_change) = mpsc::unbounded_channel();
        drop(tokio::spawn(storage.clone().work(to_change, done.clone())));
        let [a, b, c, d, e, f, g, h, ..] = setup.seed;
        let driver = Self {
            machine: Machine::new(
                setup.kept,
                u64::from_le_bytes([a, b, c, d, e, f, g, h]),
                since_boot(),
            ),
            dialer: Arc::new(dialer),
            spool_bytes: storage.spool.used().ok(),
            storage,
            board: setup.board,
            started_at_us: now_us(),
            identity: None,
            head: files::read(&setup.state, HEAD).ok().flatten(),
            name: None,
            clock_offset_us: None,
            warning: None,
            changes,
            sessions,
            done,
            inputs,
            number: 0,
            session: None,
            up: None,
            uploading: None,
            proposing: Arc::new(Semaphore::new(PROPOSING)),
            file: None,
            looked_at: Duration::ZERO,
            standing: Standing::Disconnected,
        };
        let ears = Ears {
            sessions: heard_sessions,
            done: heard_done,
            inputs: heard_inputs,
        };
        (driver, ears)
    }

    /// How long nothing needs to be done by itself.
    fn wait(&self) -> Duration {
        let now = since_boot();
        let look = self
            .look_every()
            .saturating_sub(now.saturating_sub(self.looked_at));
        let wake = self
            .machine
            .wake_at(now)
            .map_or(look, |at| at.saturating_sub(now));
        // A clock that is stopped with the machine is behind when it wakes up: never sleep for long.
        wake.min(look).max(Duration::from_millis(5))
    }

    fn look_every(&self) -> Duration {
        if self.up.is_some() { LOOK } else { LOOK_OFTEN }
    }

    /// Reads the identity file if it is another than before.
    fn look(&mut self) {
        let now = since_boot();
        if self.file.is_some() && now.saturating_sub(self.looked_at) < self.look_every() {
            return;
        }
        self.looked_at = now;
        let Ok(found) = std::fs::metadata(self.dialer.files.path()) else {
            return;
        };
        let file = Some((found.ino(), found.mtime(), found.mtime_nsec()));
        if file == self.file {
            return;
        }
        match self.dialer.files.load() {
            Ok(Some(identity)) => {
                self.file = file;
                self.use_identity(Arc::new(identity), false);
            }
            Ok(None) => {}
            Err(error) => self.warning = Some(chain(&error)),
        }
    }

    /// Takes up an identity: `dialled` by the session that uses it, else because it lies on the disk.
    fn use_identity(&mut self, identity: Arc<Identity>, dialled: bool) {
        let other = !dialled
            && self
                .identity
                .as_ref()
                .is_some_and(|ours| ours.certificate != identity.certificate);
        let renew_in = self.renew_in(&identity);
        self.identity = Some(identity);
        self.handle(Event::Identity { renew_in, other });
    }

    /// A certificate is renewed at the half of its life, by the controller's clock as far as it is known.
    fn renew_in(&self, identity: &Identity) -> Duration {
        let life = identity.not_after_us.saturating_sub(identity.not_before_us);
        let half = identity.not_before_us.saturating_add(life / 2);
        let now = now_us().saturating_add_signed(self.clock_offset_us.unwrap_or(0).saturating_neg());
        Duration::from_micros(half.saturating_sub(now)).max(RENEW_LEAST)
    }

    fn take(&mut self, input: Option<Input>) {
        match input {
            Some(Input::Session(number, notice)) if number == self.number => self.notice(notice),
            Some(Input::Done(event)) => {
                self.spool_bytes = self.storage.spool.used().ok();
                self.handle(event);
            }
            Some(Input::Uploaded(number, id, result)) if number == self.number => {
                self.uploading = None;
                self.handle(Event::Uploaded(id, result));
            }
            Some(Input::Renewed(Ok(identity))) => self.use_identity(identity, false),
            Some(Input::Renewed(Err(why))) => self.handle(Event::RenewFailed(why)),
            // Late, from an earlier connection.
            _ => {}
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Identity(identity) => self.use_identity(identity, true),
            Notice::Up(up) => {
                self.name = Some(up.welcome.name.clone());
                self.clock_offset_us = Some(up.clock_offset_us);
                let head = up.welcome.head.clone();
                self.up = Some(up);
                if let Some(head) = head {
                    self.keep_head(&head);
                }
                self.handle(Event::Connected);
            }
            Notice::Heard(heard) => match *heard {
                Heard::Event(event) => self.handle(event),
                Heard::Head(head) => self.keep_head(&head),
                Heard::Nothing(what) => tracing::warn!(what, "passed over what the controller sent"),
            },
            Notice::Lost(loss) => self.lost(loss),
        }
    }

    fn lost(&mut self, loss: Loss) {
        tracing::warn!(
            why = loss.why,
            hint = loss.hint,
            "no connection to the controller"
        );
        self.hang_up();
        self.handle(Event::Lost(loss));
    }

    fn handle(&mut self, event: Event) {
        for action in self.machine.handle(event, since_boot()) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial => {
                self.number += 1;
                let session = session(self.dialer.clone(), self.number, self.sessions.clone());
                self.session = Some(tokio::spawn(session));
            }
            Action::HangUp => self.hang_up(),
            Action::Answer(number) => self.say(message(Said::ProbeAnswered(number))),
            Action::TellStarted(id) => self.say(message(Said::CommandStarted(id.to_string()))),
            Action::TellFinished(id, outcome) => {
                tracing::info!(command = %id, ?outcome, "a command has ended");
                self.say(finished(id, &outcome));
            }
            Action::Accept { id, deadline, order } => {
                match &order {
                    Order::Capture(capture) => {
                        tracing::info!(command = %id, sections = ?capture.sections, "a command was received");
                    }
                    Order::Act(_) => tracing::info!(command = %id, "a demand was received"),
                }
                self.change(Change::Accept(id, deadline, order));
            }
            Action::Finish(id, outcome) => self.change(Change::Finish(id, outcome)),
            Action::Forget(ids) => self.change(Change::Forget(ids)),
            Action::Capture(id, order) => {
                let capture = self.storage.clone().capture(id, order, self.done.clone());
                drop(tokio::spawn(capture));
            }
            Action::Act { id, act, late } => self.pass_on(id, act, late),
            Action::Upload(id) => self.upload(id),
            Action::StopUpload(id) => {
                if self.uploading.as_ref().is_some_and(|(ours, _)| *ours == id) {
                    self.stop_upload();
                }
            }
            Action::Renew => self.renew(),
        }
    }

    /// Passes a demand on. It goes on without a connection: what becomes of it is told when there is one again.
    fn pass_on(&self, id: Id, act: Act, late: bool) {
        let actor = Actor {
            dialer: self.dialer.clone(),
            id: self.identity.as_ref().map(|ours| ours.spiffe.id),
            proposing: self.proposing.clone(),
        };
        let done = self.done.clone();
        drop(tokio::spawn(async move {
            let result = actor.act(&act, late).await;
            // Nobody listens any more when the process ends.
            drop(done.send(Event::Acted(id, result)).await);
        }));
    }

    fn change(&self, change: Change) {
        // The storage's task lives as long as the driver.
        drop(self.changes.send(change));
    }

    /// Queues a message. Where the controller takes none any more, the connection is given up.
    fn say(&mut self, message: v1::AgentMessage) {
        let Some(up) = &self.up else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = up.outgoing.try_send(message) {
            // Told as if the session had ended, after what is being handled now.
            self.hang_up();
            let loss = Loss {
                kind: LossKind::Passing,
                why: "the controller takes no messages".to_owned(),
                hint: None,
            };
            let (number, sessions) = (self.number, self.sessions.clone());
            drop(tokio::spawn(async move {
                drop(sessions.send((number, Notice::Lost(loss))).await);
            }));
        }
    }

    fn upload(&mut self, id: Id) {
        self.stop_upload();
        let Some(up) = &self.up else {
            return;
        };
        let (channel, spool) = (up.channel.clone(), self.storage.spool.clone());
        let (number, inputs) = (self.number, self.inputs.clone());
        let task = tokio::spawn(async move {
            let result = upload(channel, spool, id).await;
            drop(inputs.send(Input::Uploaded(number, id, result)).await);
        });
        self.uploading = Some((id, task));
    }

    fn stop_upload(&mut self) {
        if let Some((_, task)) = self.uploading.take() {
            task.abort();
        }
    }

    fn hang_up(&mut self) {
        self.stop_upload();
        self.up = None;
        if let Some(session) = self.session.take() {
            session.abort();
        }
    }

    /// Gets a new certificate with a new key over the connection, and puts it on the disk.
    fn renew(&mut self) {
        let (Some(up), Some(identity)) = (&self.up, &self.identity) else {
            return;
        };
        let (channel, old) = (up.channel.clone(), identity.clone());
        let (dialer, inputs) = (self.dialer.clone(), self.inputs.clone());
        drop(tokio::spawn(async move {
            let renewal = renewal(channel, &old, &dialer.files);
            let result = timeout(RENEWAL, renewal).await;
            let result = result.unwrap_or_else(|_| Err("no answer".to_owned()));
            drop(inputs.send(Input::Renewed(result.map(Arc::new))).await);
        }));
    }

    /// Keeps a head of the audit log, unless it contradicts the one that was seen.
    fn keep_head(&mut self, head: &v1::AuditHead) {
        if head.hash.is_empty() {
            return;
        }
        let head = match Head::try_from(head) {
            Ok(head) => head,
            Err(error) => {
                tracing::warn!(why = %error, "the controller sent no head of an audit log");
                return;
            }
        };
        let conflict = self
            .head
            .as_ref()
            .and_then(|seen| match head.sequence.0.cmp(&seen.sequence.0) {
                std::cmp::Ordering::Less => Some(format!(
                    "the controller's audit log was seen with {} records and now has {}: it was cut or restored",
                    seen.sequence.0, head.sequence.0
                )),
                std::cmp::Ordering::Equal if head.hash != seen.hash => Some(format!(
                    "the controller's audit log was rewritten at or before record {}",
                    seen.sequence.0
                )),
                _ => None,
            });
        if let Some(conflict) = conflict {
            tracing::error!("{conflict}");
            self.warning = Some(conflict);
            return;
        }
        if self.head.as_ref() != Some(&head) {
            self.head = Some(head.clone());
            self.change(Change::Head(Box::new(head)));
        }
    }

    /// Says it in the log and to systemd when the connection stands otherwise than before.
    pub(super) fn stands(&mut self, standing: Standing) {
        if self.standing != standing {
            self.standing = standing;
            let words = format!("{}: {}", standing.as_str(), self.dialer.address);
            tracing::info!("{words}");
            // Without systemd there is nobody to tell.
            drop(sd_notify::notify(&[sd_notify::NotifyState::Status(&words)]));
        }
    }
}

async fn renewal(
    channel: tonic::transport::Channel,
    old: &Identity,
    files: &Files,
) -> Result<Identity, String> {
    let key = Key::generate().map_err(|error| chain(&error))?;
    let csr = key.request().map_err(|error| chain(&error))?;
    let answer = LinkClient::new(channel)
        .renew(v1::RenewRequest { csr: csr.into() })
        .await
        .map_err(|status| super::wire::of_status(&status))?;
    let (identity, _) =
        netghost_client::renewed(answer.into_inner(), key, &Trust::Authority(old.authority.clone()))
            .map_err(|error| chain(&error))?;
    // An identity that was enrolled meanwhile stays, and is taken up.
    files
        .renew(&old.certificate, identity)
        .map_err(|error| chain(&error))
}
