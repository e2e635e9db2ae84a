//! An agent in this process, on a state directory of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use netghost_agent::disk::Disk;
use netghost_agent::link::driver::{self, Setup};
use netghost_agent::outside::{Host, random};
use netghost_agent::spool::Spool;
use netghost_agent::status::{Board, Report};
use netghost_client::{Address, Files, Identity, Proxy as ProxyAddress};
use netghost_core::fleet::Id;
use tokio::sync::oneshot;

use crate::authority::FRESH;
use crate::controller::{Controller, SOON};
use crate::proxy::Proxy;

pub(crate) fn id(number: u8) -> Id {
    Id::from_random([number; 16])
}

/// A state directory, removed at the end.
pub(crate) struct Site {
    pub(crate) directory: PathBuf,
    address: Address,
    proxy: Option<ProxyAddress>,
    pub(crate) metadata_service: Option<SocketAddr>,
}

/// A running agent; dropped, it is stopped as by a signal.
pub(crate) struct Agent {
    pub(crate) board: Board,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn parsed(address: SocketAddr) -> Address {
    Address::parse(&address.to_string()).unwrap()
}

impl Site {
    /// An enrolled agent's.
    pub(crate) fn new(controller: &Controller) -> Self {
        let site = Self::empty(controller);
        site.save(&controller.authority.identity(id(9), FRESH));
        site
    }

    /// One that is not enrolled.
    pub(crate) fn empty(controller: &Controller) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("netghost-site-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        Self {
            directory,
            address: parsed(controller.address),
            proxy: None,
            metadata_service: None,
        }
    }

    pub(crate) fn through(mut self, proxy: &Proxy) -> Self {
        self.proxy = Some(ProxyAddress::parse(&format!("http://{}", proxy.address)).unwrap());
        self
    }

    pub(crate) fn save(&self, identity: &Identity) {
        Files::new(&self.directory).save(identity).unwrap();
    }

    /// The configuration of the binary for this directory.
    pub(crate) fn config(&self) -> PathBuf {
        let path = self.directory.join("agent.toml");
        let mut text = format!(
            "controller = \"{}\"\nstate_directory = \"{}\"\nruntime_directory = \"{}/run\"\n\
             act_socket = \"{}/act.sock\"\napprovers_file = \"{}/approvers.pem\"\n",
            self.address,
            self.directory.display(),
            self.directory.display(),
            self.directory.display(),
            self.directory.display()
        );
        if let Some(proxy) = &self.proxy {
            text.push_str(&format!("proxy = \"http://{}\"\n", proxy.address));
        }
        if let Some(address) = &self.metadata_service {
            text.push_str(&format!("metadata_service = \"{address}\"\n"));
        }
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Where a process would listen that acts.
    pub(crate) fn act_socket(&self) -> PathBuf {
        self.directory.join("act.sock")
    }

    pub(crate) fn start(&self) -> Agent {
        let host = Host::this();
        let disk = Disk::default();
        let (spool, kept) = Spool::open(&self.directory, 256 << 20, disk.clone(), &host.boot_id).unwrap();
        let board = Board::default();
        let setup = Setup {
            state: self.directory.clone(),
            address: self.address.clone(),
            proxy: self.proxy.clone(),
            host,
            act_socket: self.act_socket(),
            spool: Arc::new(spool),
            kept,
            disk,
            board: board.clone(),
            seed: random().unwrap(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(driver::run(setup, async { drop(stopped.await) }));
        });
        Agent {
            board,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

impl Agent {
    /// Waits for a report of this kind.
    pub(crate) async fn reports(&self, what: &str, is: impl Fn(&Report) -> bool) -> Report {
        let end = Instant::now() + SOON;
        loop {
            let report = self.board.get();
            if is(&report) {
                return report;
            }
            assert!(Instant::now() < end, "not {what}: {report:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn is(&self, state: &str) -> Report {
        self.reports(state, |report| report.state == state).await
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
