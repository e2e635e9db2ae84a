//! Without a controller: the controller's own code in this process, on a private store, with this host as its one target.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use netghost_controller::Controller;
use netghost_controller::azure::Azure;
use netghost_controller::peer::{Peer, PeerStream};
use netghost_controller::probe::Probe;
use tonic::transport::{Channel, Endpoint};

use super::{Dial, Fleet, Place, runtime};
use crate::error::Failure;
use crate::world::World;

mod build;
mod reach;
mod row;

/// How long another command on the same store is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is in flight between the two ends, in bytes.
const PIPE: usize = 256 * 1024;

/// Opens the private store and serves it within this process. Azure is asked so, if at all.
pub fn open(world: &World, azure: Option<Azure>, probe: Probe) -> Result<Fleet, Failure> {
    let root = world.store()?.root().to_path_buf();
    let lock = lock(&root)?;
    let runtime = runtime(true)?;
    let (controller, name) = runtime.block_on(build::controller(world, &root, (azure, probe)))?;
    let dial = LocalDial {
        controller,
        _lock: lock,
    };
    let place = Place {
        name,
        seen: seen(&root),
        standalone: true,
    };
    Ok(Fleet::new(runtime, Box::new(dial), place))
}

/// Where the pinned keys and the last head are kept.
pub(super) fn seen(root: &Path) -> PathBuf {
    root.join("seen")
}

/// One command at a time works on the store, so that what a killed one left is told from what runs.
fn lock(root: &Path) -> Result<File, Failure> {
    let path = root.join("controller.lock");
    let open = || {
        DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
    };
    let failed = |error: anyhow::Error| Failure::failed("store", error);
    let file = open()
        .with_context(|| format!("cannot open {}", path.display()))
        .map_err(failed)?;
    let give_up = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let error = anyhow!("another netghost command works on {}", root.display());
                return Err(failed(error).hint("wait until it has ended"));
            }
            Err(std::fs::TryLockError::Error(error)) => {
                return Err(failed(
                    anyhow!(error).context(format!("cannot lock {}", path.display())),
                ));
            }
        }
    }
}

/// Connects to the controller in this process.
#[derive(Debug)]
struct LocalDial {
    controller: Controller,
    _lock: File,
}

impl Dial for LocalDial {
    fn dial(&mut self) -> BoxFuture<'_, Result<Channel, Failure>> {
        Box::pin(async {
            let channel = serve(&self.controller).await;
            channel.map_err(|error| Failure::failed("internal", error))
        })
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        // What this command wrote down is signed; what could not be, or what a killed one left, is signed by the next.
        Box::pin(async { drop(build::close(&self.controller).await) })
    }
}

async fn serve(controller: &Controller) -> Result<Channel, tonic::transport::Error> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let stream = PeerStream::new(theirs, Peer::Local);
    let incoming = tokio_stream::iter([Ok::<_, io::Error>(stream)]);
    let server =
        tonic::transport::Server::builder().add_routes(netghost_controller::server::routes(controller));
    tokio::spawn(async move { server.serve_with_incoming(incoming).await });
    over(ours).await
}

/// A channel over one end of a byte stream in this process.
pub async fn over(stream: tokio::io::DuplexStream) -> Result<Channel, tonic::transport::Error> {
    let once = Arc::new(std::sync::Mutex::new(Some(stream)));
    let connector = tower::service_fn(move |_: http::Uri| {
        let stream = once.lock().ok().and_then(|mut stream| stream.take());
        std::future::ready(
            stream
                .map(TokioIo::new)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)),
        )
    });
    // The name is never looked up.
    Endpoint::from_static("http://local")
        .connect_with_connector(connector)
        .await
}
