//! A controller on a store of its own, and agents that say what a test tells them to.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use hyper_util::rt::TokioIo;
use netghost_client::Key;
use netghost_controller::jobs::{Order, Reach, Running, Unreached};
use netghost_controller::link::{LinkReach, Links, Timings};
use netghost_controller::outside::Outside;
use netghost_controller::peer::{Peer, PeerStream};
use netghost_controller::pki::{Authority, PublicKey, Validity};
use netghost_controller::store::identities::Identity;
use netghost_controller::store::{Store, certificates, identities};
use netghost_controller::{Controller, Shared, server};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::manifest::Meta;
use netghost_core::audit::Record;
use netghost_core::fleet::{Id, Kind};
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::controller_message::Kind as Hear;
use netghost_proto::v1::fleet_client::FleetClient;
use netghost_proto::v1::link_client::LinkClient;
use netghost_proto::v1::{self, command_finished};
use sqlx::Row;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A controller with its files.
pub(crate) struct Site {
    pub(crate) controller: Controller,
    pub(crate) directory: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// An agent that was enrolled.
pub(crate) struct Holder {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Key,
}

/// Short ones, so that a test that waits for one is quick; long ones where nothing must happen.
pub(crate) fn timings() -> Timings {
    Timings {
        hello: Duration::from_millis(400),
        rival: Duration::from_millis(400),
        ..Timings::default()
    }
}

/// A new directory under the system's for temporary files.
pub(crate) fn directory() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("netghost-link-{}-{number}", std::process::id()))
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(timings()).await
    }

    pub(crate) async fn with(timings: Timings) -> Self {
        Self::at(directory(), timings).await
    }

    pub(crate) async fn at(directory: PathBuf, timings: Timings) -> Self {
        let outside = Outside::real();
        let store = Store::open(&directory.join("store"), None).await.unwrap();
        let ca = Authority::create(&directory.join("pki"), "netghost.test", &outside).unwrap();
        let controller = Controller::new(Shared {
            store,
            outside,
            ca,
            signer: Signer::from_seed(&[7; 32]).unwrap(),
            links: Links::with(timings),
            reach: Arc::new(LinkReach),
            jobs: Running::default(),
        });
        Self {
            controller,
            directory,
        }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.directory.join("store")
    }

    /// Another controller on the same store.
    pub(crate) async fn other_process(&self) -> Controller {
        Controller::new(Shared {
            store: Store::open(&self.store(), None).await.unwrap(),
            outside: self.controller.outside,
            ca: Authority::open(&self.directory.join("pki")).unwrap(),
            signer: Signer::from_seed(&[7; 32]).unwrap(),
            links: Links::with(timings()),
            reach: Arc::new(LinkReach),
            jobs: Running::default(),
        })
    }

    /// An agent that a running job has asked for something.
    pub(crate) async fn agent(&self, name: &str) -> Holder {
        let holder = self.idle(name).await;
        let (job, asked) = (
            self.controller.outside.id().unwrap(),
            self.controller.outside.id().unwrap(),
        );
        let pool = self.controller.store.pool();
        sqlx::query(
            "INSERT INTO jobs (id, kind, state, request, started_at_us, deadline_at_us, asked_by) \
             VALUES ($1, 'baseline', 'running', '{}', 1, 2, 'local')",
        )
        .bind(job.to_string())
        .execute(pool)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO job_targets (job, identity, name, command, state) VALUES ($1, $2, $3, $4, 'sent')",
        )
        .bind(job.to_string())
        .bind(holder.id.to_string())
        .bind(name)
        .bind(asked.to_string())
        .execute(pool)
        .await
        .unwrap();
        holder
    }

    /// Enrols an agent by its rows. Nobody asked it for anything.
    pub(crate) async fn idle(&self, name: &str) -> Holder {
        self.agent_for(name, Duration::from_secs(3600)).await
    }

    /// Likewise, with a certificate that is valid so long.
    pub(crate) async fn agent_for(&self, name: &str, lifetime: Duration) -> Holder {
        let outside = &self.controller.outside;
        let (id, now_us) = (outside.id().unwrap(), outside.now_us());
        let key = Key::generate().unwrap();
        let public = PublicKey::from_spki(&key.spki()).unwrap();
        let ca = &self.controller.ca;
        let validity = Validity::starting(now_us, u64::try_from(lifetime.as_micros()).unwrap());
        let issued = ca
            .issue(&public, &ca.name(Kind::Agent, id), validity, outside)
            .unwrap();
        let identity = Identity {
            id,
            kind: Kind::Agent,
            name: name.to_owned(),
            role: String::new(),
            enrolled_at_us: now_us,
            revoked: None,
            removed_at_us: None,
        };
        let mut transaction = self.controller.store.begin().await.unwrap();
        identities::insert(&mut transaction, &identity).await.unwrap();
        certificates::insert(&mut transaction, id, &public, &issued, now_us)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        Holder {
            id,
            name: name.to_owned(),
            certificate: issued.der,
            key,
        }
    }

    /// A connection of its own, by this peer.
    pub(crate) async fn channel(&self, peer: Peer) -> Channel {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let stream = PeerStream::new(theirs, peer);
        let incoming = futures_util::stream::iter([Ok::<_, io::Error>(stream)]);
        let serving = tonic::transport::Server::builder()
            .add_routes(server::routes(&self.controller))
            .serve_with_incoming(incoming.chain(futures_util::stream::pending()));
        tokio::spawn(serving);
        let mut ours = Some(TokioIo::new(ours));
        let connector = tower::service_fn(move |_: http::Uri| {
            std::future::ready(
                ours.take()
                    .ok_or_else(|| io::Error::other("the one connection ended")),
            )
        });
        Endpoint::from_static("http://controller")
            .connect_with_connector(connector)
            .await
            .unwrap()
    }

    pub(crate) async fn connect(&self, holder: &Holder) -> LinkClient<Channel> {
        let peer = Peer::Certificate(holder.certificate.clone());
        LinkClient::new(self.channel(peer).await)
    }

    pub(crate) async fn admin(&self) -> FleetClient<Channel> {
        FleetClient::new(self.channel(Peer::Local).await)
    }

    /// An agent that has said Hello and was welcomed.
    pub(crate) async fn welcomed(&self, holder: &Holder, process: &str) -> Scripted {
        let mut agent = Scripted::open(self.connect(holder).await).await;
        agent.hello(process).await;
        match agent.hear().await.unwrap() {
            Hear::Welcome(welcome) => assert_eq!(welcome.name, holder.name),
            other => panic!("{other:?}"),
        }
        agent
    }

    /// Has a target read itself, in a task of its own.
    pub(crate) fn order(&self, target: Id, command: Id, lifetime: Duration) -> Ordered {
        let controller = self.controller.clone();
        let (began, begun) = mpsc::unbounded_channel();
        let ended = tokio::spawn(async move {
            let order = Order {
                target,
                command,
                lifetime,
                sections: Vec::new(),
                meta: Meta::default(),
            };
            LinkReach
                .capture(&controller, order, &move || began.send(()).unwrap_or(()))
                .await
        });
        Ordered { begun, ended }
    }

    /// How many records of the audit log are of this action.
    pub(crate) async fn audited(&self, action: &str) -> usize {
        let rows = sqlx::query("SELECT record FROM audit_records")
            .fetch_all(self.controller.store.pool())
            .await
            .unwrap();
        let wanted = format!("\"action\":\"{action}\"");
        rows.iter()
            .filter(|row| {
                let record: Vec<u8> = row.get("record");
                String::from_utf8(record).unwrap().contains(&wanted)
            })
            .count()
    }

    /// An argument of each record of this action.
    pub(crate) async fn arguments(&self, action: &str, name: &str) -> Vec<String> {
        let rows = sqlx::query("SELECT record FROM audit_records ORDER BY sequence")
            .fetch_all(self.controller.store.pool())
            .await
            .unwrap();
        let records = rows.iter().map(|row| row.get::<Vec<u8>, _>("record"));
        records
            .map(|record| serde_json::from_slice::<Record>(&record).unwrap())
            .filter(|record| record.action == action)
            .flat_map(|record| record.arguments)
            .filter(|argument| argument.name == name)
            .map(|argument| argument.value)
            .collect()
    }

    /// The names of the files in a directory of the store, and below.
    pub(crate) fn files(&self, below: &str) -> Vec<String> {
        let mut found = Vec::new();
        gather(&self.store().join(below), &mut found);
        found.sort();
        found
    }
}

fn gather(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
}

/// A capture that was asked for.
pub(crate) struct Ordered {
    pub(crate) begun: mpsc::UnboundedReceiver<()>,
    ended: tokio::task::JoinHandle<Result<Digest, Unreached>>,
}

impl Ordered {
    pub(crate) async fn outcome(self) -> Result<Digest, Unreached> {
        within(self.ended).await.unwrap()
    }

    pub(crate) async fn refusal(self) -> Unreached {
        self.outcome().await.unwrap_err()
    }
}

/// An agent that says what a test tells it to.
pub(crate) struct Scripted {
    pub(crate) client: LinkClient<Channel>,
    pub(crate) say: mpsc::Sender<v1::AgentMessage>,
    pub(crate) heard: Streaming<v1::ControllerMessage>,
}

impl Scripted {
    pub(crate) async fn open(mut client: LinkClient<Channel>) -> Self {
        let (say, said) = mpsc::channel(64);
        let heard = within(client.control(ReceiverStream::new(said)))
            .await
            .unwrap()
            .into_inner();
        Self { client, say, heard }
    }

    pub(crate) async fn say(&self, kind: Say) {
        let message = v1::AgentMessage { kind: Some(kind) };
        self.say.send(message).await.unwrap();
    }

    pub(crate) async fn hello(&self, process: &str) {
        self.say(Say::Hello(hello(process))).await;
    }

    /// What is heard next; the end of the stream is its status.
    pub(crate) async fn hear(&mut self) -> Result<Hear, Status> {
        match within(self.heard.message()).await? {
            Some(message) => Ok(message.kind.unwrap()),
            None => Err(Status::ok("the end")),
        }
    }

    pub(crate) async fn command(&mut self) -> v1::Command {
        match self.hear().await.unwrap() {
            Hear::Command(command) => command,
            other => panic!("{other:?}"),
        }
    }

    /// Answers one probe.
    pub(crate) async fn answer(&mut self) {
        match self.hear().await.unwrap() {
            Hear::Probe(number) => self.say(Say::ProbeAnswered(number)).await,
            other => panic!("{other:?}"),
        }
    }

    /// The code with which the stream ends, whatever is heard before.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.hear().await {
                return status;
            }
        }
    }

    pub(crate) async fn captured(&self, command: Id, manifest: &Digest) {
        let manifest = manifest.as_bytes().to_vec().into();
        self.finished(
            command,
            command_finished::Outcome::Captured(v1::Captured { manifest }),
        )
        .await;
    }

    pub(crate) async fn failed(&self, command: Id, code: &str) {
        let (code, message) = (code.to_owned(), "as the script says".to_owned());
        self.finished(
            command,
            command_finished::Outcome::Failed(v1::Failed { code, message }),
        )
        .await;
    }

    async fn finished(&self, command: Id, outcome: command_finished::Outcome) {
        self.say(Say::CommandFinished(v1::CommandFinished {
            id: command.to_string(),
            outcome: Some(outcome),
        }))
        .await;
    }

    pub(crate) async fn acknowledged(&mut self, command: Id) {
        match self.hear().await.unwrap() {
            Hear::Acknowledged(these) => assert_eq!(these.commands, [command.to_string()]),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn hello(process: &str) -> v1::Hello {
    v1::Hello {
        protocol_min: 1,
        protocol_max: 1,
        capabilities: vec!["capture".to_owned()],
        boot_id: "0b3f".to_owned(),
        host_name: "vm1".to_owned(),
        kernel: "6.18.0".to_owned(),
        version: "0.1.0".to_owned(),
        clock_us: Outside::real().now_us() + 3_600_000_000,
        head: None,
        process_id: process.to_owned(),
    }
}

/// Something that must happen soon.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("it takes too long")
}

/// Something that must become true soon.
pub(crate) async fn until(what: impl AsyncFn() -> bool) {
    within(async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A command's id.
pub(crate) fn command(number: u8) -> Id {
    Id::from_random([number; 16])
}

/// A status has this code and says this.
#[track_caller]
pub(crate) fn says(status: &Status, code: Code, words: &str) {
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(words), "{status:?}");
}
