//! A controller in a directory of its own, its agents, and a caller in the same process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use hyper_util::rt::TokioIo;
use netghost_controller::Controller;
use netghost_controller::azure::Azure;
use netghost_controller::jobs::{self, Running};
use netghost_controller::link::Links;
use netghost_controller::outside::Outside;
use netghost_controller::peer::{Peer, PeerStream};
use netghost_controller::pki::Authority;
use netghost_controller::store::Store;
use netghost_controller::{Shared, keys, server};
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use netghost_proto::v1::fleet_client::FleetClient;
use netghost_proto::v1::start_job_request::Kind;
use sqlx::Row;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Server};

use crate::reach::{Script, Scripted};

/// A directory that goes with the test.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("netghost-jobs-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self { path }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// A controller as one process has it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) controller: Controller,
    pub(crate) reach: Arc<Scripted>,
    pub(crate) client: FleetClient<Channel>,
}

/// The id of agent `number`.
pub(crate) fn agent(number: u8) -> Id {
    Id::from_random([number; 16])
}

impl Process {
    pub(crate) async fn start(path: &Path, reach: Arc<Scripted>) -> Self {
        Self::start_at(path, reach, Outside::real()).await
    }

    pub(crate) async fn start_at(path: &Path, reach: Arc<Scripted>, outside: Outside) -> Self {
        let store = Store::open(path, None).await.unwrap();
        Self::start_as((path, store), reach, outside, None).await
    }

    /// With a login to Azure.
    pub(crate) async fn start_in(path: &Path, reach: Arc<Scripted>, azure: Azure) -> Self {
        let store = Store::open(path, None).await.unwrap();
        Self::start_as((path, store), reach, Outside::real(), Some(azure)).await
    }

    /// With a login to Azure and its rows in this database of PostgreSQL, if one is named; no agent answers.
    pub(crate) async fn start_on(path: &Path, database: Option<&str>, azure: Azure) -> Self {
        let store = Store::open(path, database).await.unwrap();
        let reach = Arc::new(Scripted::default());
        Self::start_as((path, store), reach, Outside::real(), Some(azure)).await
    }

    async fn start_as(
        (path, store): (&Path, Store),
        reach: Arc<Scripted>,
        outside: Outside,
        azure: Option<Azure>,
    ) -> Self {
        let pki = path.join("pki");
        let ca = Authority::open(&pki).or_else(|_| Authority::create(&pki, "example.org", &outside));
        let controller = Controller::new(Shared {
            signer: keys::open_or_create(path, &outside).unwrap(),
            ca: ca.unwrap(),
            links: Links::default(),
            reach: Arc::clone(&reach) as Arc<dyn jobs::Reach>,
            jobs: Running::default(),
            store,
            outside,
        });
        let controller = match azure {
            Some(azure) => controller.with_azure(azure),
            None => controller,
        };
        let client = FleetClient::new(channel(&controller).await);
        Self {
            controller,
            reach,
            client,
        }
    }

    /// Lets agents `1..=count` in, called `vm1`, `vm2` ….
    pub(crate) async fn enrol(&self, count: u8) {
        for number in 1..=count {
            self.enrol_as(number, &format!("vm{number}")).await;
        }
    }

    pub(crate) async fn enrol_as(&self, number: u8, name: &str) {
        sqlx::query("INSERT INTO identities (id, kind, name, enrolled_at_us) VALUES ($1, 'agent', $2, 1)")
            .bind(agent(number).to_string())
            .bind(name.to_owned())
            .execute(self.controller.store.pool())
            .await
            .unwrap();
    }

    pub(crate) fn script(&self, number: u8, script: Script) {
        self.reach.set(agent(number), script);
    }

    pub(crate) async fn begin(&self, request: v1::StartJobRequest) -> Result<v1::Job, Status> {
        Ok(self.client.clone().start_job(request).await?.into_inner())
    }

    /// Every state of a job that is told, up to the last.
    pub(crate) async fn watch(&self, id: &str) -> Vec<v1::Job> {
        let request = v1::WatchJobRequest { id: id.to_owned() };
        let stream = self.client.clone().watch_job(request).await.unwrap().into_inner();
        let states = tokio::time::timeout(Duration::from_secs(60), stream.collect::<Vec<_>>());
        let states = states.await.expect("the job ends");
        states.into_iter().map(|state| state.unwrap()).collect()
    }

    /// Runs a job to its end.
    pub(crate) async fn run(&self, request: v1::StartJobRequest) -> v1::Job {
        let id = self.begin(request).await.unwrap().id;
        self.watch(&id).await.pop().unwrap()
    }

    pub(crate) async fn object(&self, digest: &[u8]) -> Vec<u8> {
        let digest = Digest::from(<[u8; 32]>::try_from(digest).unwrap());
        self.controller.store.get_object(&digest).await.unwrap()
    }

    /// The document of a drift check.
    pub(crate) async fn document(&self, job: &v1::Job) -> serde_json::Value {
        serde_json::from_slice(&self.object(&job.document).await).unwrap()
    }

    /// How often the audit log holds this action with this outcome.
    pub(crate) async fn audited(&self, action: &str, outcome: &str) -> usize {
        let rows = sqlx::query("SELECT record FROM audit_records ORDER BY sequence")
            .fetch_all(self.controller.store.pool())
            .await
            .unwrap();
        let records = rows.iter().map(|row| {
            let bytes: Vec<u8> = row.try_get("record").unwrap();
            serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()
        });
        records
            .filter(|record| record["action"] == action && record["outcome"] == outcome)
            .count()
    }
}

async fn channel(controller: &Controller) -> Channel {
    let (near, far) = tokio::io::duplex(1 << 16);
    let one = futures_util::stream::iter([Ok::<_, std::io::Error>(PeerStream::new(far, Peer::Local))]);
    let incoming = one.chain(futures_util::stream::pending());
    let routes = server::routes(controller);
    drop(tokio::spawn(
        Server::builder().add_routes(routes).serve_with_incoming(incoming),
    ));
    let mut near = Some(TokioIo::new(near));
    let connector = tower::service_fn(move |_| {
        let near = near
            .take()
            .ok_or_else(|| std::io::Error::other("one connection only"));
        async move { near }
    });
    let endpoint = Endpoint::from_static("http://in.process");
    endpoint.connect_with_connector(connector).await.unwrap()
}

/// Some agents by name.
pub(crate) fn named(names: &[&str]) -> Option<v1::Selector> {
    Some(v1::Selector {
        names: names.iter().map(ToString::to_string).collect(),
        ..v1::Selector::default()
    })
}

/// All agents.
pub(crate) fn all() -> Option<v1::Selector> {
    Some(v1::Selector {
        all: true,
        ..v1::Selector::default()
    })
}

fn request(selector: Option<v1::Selector>, kind: Kind) -> v1::StartJobRequest {
    v1::StartJobRequest {
        id: Outside::real().id().unwrap().to_string(),
        selector,
        kind: Some(kind),
        ticket: "CHG-1".to_owned(),
        note: String::new(),
        deadline_ms: 10_000,
        ..v1::StartJobRequest::default()
    }
}

pub(crate) fn baseline(name: &str, selector: Option<v1::Selector>) -> v1::StartJobRequest {
    let job = v1::BaselineJob {
        name: name.to_owned(),
        sections: vec![],
    };
    request(selector, Kind::Baseline(job))
}

pub(crate) fn drift(name: &str, selector: Option<v1::Selector>) -> v1::StartJobRequest {
    let job = v1::DriftJob {
        baseline: name.to_owned(),
        mute_chains: vec![],
    };
    request(selector, Kind::Drift(job))
}

pub(crate) fn sweep(name: &str, concurrency: u32, jitter_ms: u64) -> v1::StartJobRequest {
    request(all(), Kind::Sweep(sweep_job(name, concurrency, jitter_ms)))
}

pub(crate) fn sweep_job(name: &str, concurrency: u32, jitter_ms: u64) -> v1::SweepJob {
    v1::SweepJob {
        baseline: name.to_owned(),
        concurrency,
        jitter_ms,
        mute_chains: vec![],
        schedule: String::new(),
    }
}
