//! A controller on loopback with a clock of the test's own.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use netghost_client::{Address, Dial, EnrolError, Identity, Key, Trust, enrol};
use netghost_controller::attested::Attested;
use netghost_controller::jobs::{Order, Reach, Unreached};
use netghost_controller::outside::Outside;
use netghost_controller::pki::Authority;
use netghost_controller::server::Server;
use netghost_controller::store::Store;
use netghost_controller::{Controller, Shared, users};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Outcome, Record};
use netghost_core::fleet::{Role, Token};
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use sqlx::Row;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

/// When each test begins: 2026-11-22.
const BEGIN_US: u64 = 1_795_305_600_000_000;
pub(crate) const SECOND_US: u64 = 1_000_000;
pub(crate) const HOUR_US: u64 = 3600 * SECOND_US;
pub(crate) const DAY_US: u64 = 24 * HOUR_US;
pub(crate) const DOMAIN: &str = "test.internal";

thread_local! {
    // A test and all its tasks run on one thread: each test has its own time.
    static NOW_US: Cell<u64> = const { Cell::new(BEGIN_US) };
}

pub(crate) fn now_us() -> u64 {
    NOW_US.get()
}

pub(crate) fn later(us: u64) {
    NOW_US.set(now_us() + us);
}

pub(crate) fn earlier(us: u64) {
    NOW_US.set(now_us() - us);
}

pub(crate) fn outside() -> Outside {
    Outside {
        now_us,
        ..Outside::real()
    }
}

#[derive(Debug)]
struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_micros(now_us())))
    }
}

#[derive(Debug)]
struct Nobody;

impl Reach for Nobody {
    fn capture<'a>(
        &'a self,
        _controller: &'a Controller,
        _order: Order,
        _started: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>> {
        Box::pin(async {
            Err(Unreached {
                code: "offline".to_owned(),
                message: "nobody is there".to_owned(),
            })
        })
    }
}

/// A directory that goes with the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let id = Outside::real().id().unwrap();
        let path = std::env::temp_dir().join(format!("netghost-identity-{id}"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

pub(crate) struct World {
    pub(crate) controller: Controller,
    pub(crate) port: u16,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _scratch: Scratch,
}

impl World {
    pub(crate) async fn start() -> Self {
        let scratch = Scratch::new();
        let controller = controller(&scratch, None).await;
        Self::serve(controller, scratch).await
    }

    /// One that lets VMs in by attested documents.
    pub(crate) async fn attesting(attested: Attested) -> Self {
        Self::attesting_on(attested, None).await
    }

    /// Likewise, with its rows in this database of PostgreSQL.
    pub(crate) async fn attesting_on(attested: Attested, database: Option<&str>) -> Self {
        let scratch = Scratch::new();
        let controller = controller(&scratch, database).await.attesting(attested);
        Self::serve(controller, scratch).await
    }

    async fn serve(controller: Controller, scratch: Scratch) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let names = vec![ServerName::try_from("127.0.0.1").unwrap()];
        let server = Server::new(controller.clone(), names).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            server.serve(listener, stopped).await.unwrap();
        });
        Self {
            controller,
            port,
            stop,
            served,
            _scratch: scratch,
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::Fingerprint(self.controller.ca.fingerprint())
    }

    pub(crate) fn dial(&self, identity: Option<Arc<Identity>>) -> Dial {
        let mut dial = Dial::new(
            Address::parse(&format!("127.0.0.1:{}", self.port)).unwrap(),
            self.trust(),
        );
        dial.identity = identity;
        dial.clock = Some(Arc::new(Clock));
        dial
    }

    pub(crate) async fn channel(&self, identity: Option<&Arc<Identity>>) -> Channel {
        self.dial(identity.cloned()).connect().await.unwrap()
    }

    pub(crate) async fn fleet(&self, identity: &Arc<Identity>) -> FleetClient<Channel> {
        FleetClient::new(self.channel(Some(identity)).await)
    }

    pub(crate) async fn enrol(
        &self,
        token: &Token,
        key: Key,
        name: &str,
    ) -> Result<Arc<Identity>, EnrolError> {
        let (identity, _) = enrol(self.channel(None).await, token, key, name).await?;
        Ok(Arc::new(identity))
    }

    pub(crate) async fn user(&self, name: &str, role: Role) -> Arc<Identity> {
        let login = users::add(&self.controller, &Name::parse(name).unwrap(), role)
            .await
            .unwrap();
        self.enrol(&login.token, Key::generate().unwrap(), "")
            .await
            .unwrap()
    }

    /// A token for so many agents, an hour long, made by an admin of its own.
    pub(crate) async fn token(&self, uses: u32) -> Token {
        let admin = self.user(&format!("maker-{uses}"), Role::Admin).await;
        let request = v1::CreateTokenRequest {
            uses,
            lifetime_ms: 3_600_000,
            tags: vec![v1::Tag {
                key: "role".to_owned(),
                value: "web".to_owned(),
            }],
            request_id: String::new(),
        };
        let made = self.fleet(&admin).await.create_token(request).await.unwrap();
        Token::parse(&made.into_inner().text).unwrap()
    }

    pub(crate) async fn agent(&self, name: &str) -> Arc<Identity> {
        let token = self.token(1).await;
        self.enrol(&token, Key::generate().unwrap(), name).await.unwrap()
    }

    pub(crate) async fn agents(&self) -> Vec<v1::Agent> {
        let viewer = self.user("eyes", Role::Viewer).await;
        self.seen_by(&viewer).await
    }

    /// As another viewer, after the first.
    pub(crate) async fn agents_again(&self) -> Vec<v1::Agent> {
        let viewer = self.user("eyes-again", Role::Viewer).await;
        self.seen_by(&viewer).await
    }

    async fn seen_by(&self, viewer: &Arc<Identity>) -> Vec<v1::Agent> {
        let all = v1::Selector {
            all: true,
            ..v1::Selector::default()
        };
        let list = self.fleet(viewer).await.list_agents(all).await.unwrap();
        list.into_inner().agents
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        let rows = sqlx::query("SELECT record FROM audit_records ORDER BY sequence")
            .fetch_all(self.controller.store.pool())
            .await
            .unwrap();
        rows.iter()
            .map(|row| serde_json::from_slice(&row.get::<Vec<u8>, _>("record")).unwrap())
            .collect()
    }

    /// The reasons of what was refused, as the log has them.
    pub(crate) async fn denials(&self) -> Vec<String> {
        let records = self.records().await;
        let denied = records.iter().filter(|record| record.outcome == Outcome::Denied);
        denied
            .flat_map(|record| record.arguments.iter())
            .filter(|argument| argument.name == "why")
            .map(|argument| argument.value.clone())
            .collect()
    }
}

async fn controller(scratch: &Scratch, database: Option<&str>) -> Controller {
    let ca = Authority::create(&scratch.0.join("pki"), DOMAIN, &outside()).unwrap();
    Controller::new(Shared {
        store: Store::open(&scratch.0.join("store"), database).await.unwrap(),
        outside: outside(),
        ca,
        signer: Signer::from_seed(&[7; 32]).unwrap(),
        links: Default::default(),
        reach: Arc::new(Nobody),
        jobs: Default::default(),
    })
}

/// The refusal of an enrolment.
pub(crate) fn refused(answer: Result<Arc<Identity>, EnrolError>) -> tonic::Status {
    match answer {
        Err(EnrolError::Refused(status)) => status,
        Err(other) => panic!("refused otherwise: {other:?}"),
        Ok(identity) => panic!("not refused: {}", identity.spiffe),
    }
}
