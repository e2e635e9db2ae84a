//! A controller in a directory of its own, removed at its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use netghost_controller::link::{LinkReach, Links};
use netghost_controller::outside::Outside;
use netghost_controller::peer::{Peer, PeerStream};
use netghost_controller::pki::Authority;
use netghost_controller::store::Store;
use netghost_controller::{Controller, Shared, audit, jobs, keys, server};
use netghost_core::audit::{Event, Outcome};
use netghost_proto::v1::fleet_client::FleetClient;
use tonic::transport::{Channel, Endpoint};

/// See the module.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) controller: Controller,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        Self::new(None).await
    }

    pub(crate) async fn postgres(url: &str) -> Self {
        Self::new(Some(url)).await
    }

    async fn new(database: Option<&str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-ops-{}-{number}", std::process::id()));
        let outside = Outside::real();
        std::fs::create_dir(&path).unwrap();
        let state = path.join("state");
        let controller = Controller::new(Shared {
            store: Store::open(&state, database).await.unwrap(),
            signer: keys::open_or_create(&state, &outside).unwrap(),
            ca: Authority::create(&state.join("pki"), "example.org", &outside).unwrap(),
            links: Links::default(),
            reach: Arc::new(LinkReach),
            jobs: jobs::Running::default(),
            outside,
        });
        keys::publish(&controller.store, controller.signer.public(), 1)
            .await
            .unwrap();
        Self { controller, path }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.controller.store
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    pub(crate) fn below(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes so many events to the log.
    pub(crate) async fn append(&self, count: u64) {
        for number in 0..count {
            append(&self.controller, number).await;
        }
    }

    /// Runs SQL that both databases take, behind the controller's back.
    pub(crate) async fn edit(&self, sql: &'static str) {
        let done = sqlx::query(sql).execute(self.store().pool()).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }

    /// A client that is served within the process.
    pub(crate) async fn client(&self) -> FleetClient<Channel> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let far = PeerStream::new(far, Peer::Local);
        let routes = server::routes(&self.controller);
        let one = tokio_stream::once(Ok::<_, std::io::Error>(far));
        let incoming = futures_util::StreamExt::chain(one, futures_util::stream::pending());
        drop(tokio::spawn(async move {
            tonic::transport::Server::builder()
                .add_routes(routes)
                .serve_with_incoming(incoming)
                .await
        }));
        let near = std::sync::Mutex::new(Some(near));
        let connector = tower::service_fn(move |_| {
            let near = near.lock().unwrap().take().unwrap();
            async move { Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(near)) }
        });
        let endpoint = Endpoint::from_static("http://controller");
        FleetClient::new(endpoint.connect_with_connector(connector).await.unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// One event in a transaction of its own.
pub(crate) async fn append(controller: &Controller, number: u64) {
    let mut transaction = controller.store.begin().await.unwrap();
    let event = Event::new("user/ada", "agent.tag", Outcome::Done)
        .target(format_args!("vm{number}"))
        .with("tag", "role=web");
    audit::append(&mut transaction, controller.outside.now_us(), event)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

/// True if a path below has nothing left that is unfinished.
pub(crate) fn is_clean(path: &Path) -> bool {
    std::fs::read_dir(path)
        .unwrap()
        .all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with('.'))
}
