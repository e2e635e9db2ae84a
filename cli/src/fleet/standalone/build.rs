//! The parts of the controller in this process.

use std::path::Path;
use std::sync::Arc;

use anyhow::Error;
use netghost_controller::azure::Azure;
use netghost_controller::outside::Outside;
use netghost_controller::probe::Probe;
use netghost_controller::store::Store;
use netghost_controller::{Controller, DOMAIN, Shared, audit, jobs, keys, link, pki};

use super::reach::ThisHost;
use super::row;
use crate::error::Failure;
use crate::world::World;

/// Puts the controller together, with this host as its target; also the name under which the host is selected.
pub(super) async fn controller(
    world: &World,
    root: &Path,
    (azure, probe): (Option<Azure>, Probe),
) -> Result<(Controller, String), Failure> {
    let failed =
        |error: Error| Failure::failed("store", error.context("cannot open the command's own store"));
    let directory = root.join("controller");
    let store = Store::open(&directory, None)
        .await
        .map_err(|error| failed(error.into()))?;
    let outside = Outside {
        now_us: world.now_us,
        ..Outside::real()
    };
    let target = (world.target)();
    let (id, name) = row::this_host(&store, &outside, &target).await?;
    let signer = world.store()?.signer((world.now_us)())?;
    let mut controller = Controller::new(Shared {
        store,
        outside,
        ca: authority(&directory.join("pki"), &outside).map_err(|error| failed(error.into()))?,
        signer,
        links: link::Links::default(),
        reach: Arc::new(ThisHost {
            id,
            capture: world.capture.clone(),
            target: world.target,
            now_us: world.now_us,
        }),
        jobs: jobs::Running::default(),
    })
    .with_probe(probe);
    if let Some(azure) = azure {
        controller = controller.with_azure(azure);
    }
    keys::publish(&controller.store, controller.signer.public(), (world.now_us)())
        .await
        .map_err(|error| failed(error.into()))?;
    jobs::resume(&controller)
        .await
        .map_err(|error| failed(error.into()))?;
    Ok((controller, name))
}

/// The authority, which nothing asks for a certificate here; made at first use.
fn authority(directory: &Path, outside: &Outside) -> Result<pki::Authority, pki::Error> {
    if directory.exists() {
        pki::Authority::open(directory)
    } else {
        pki::Authority::create(directory, DOMAIN, outside)
    }
}

/// Signs the audit log as the command leaves it.
pub(super) async fn close(controller: &Controller) -> Result<(), netghost_controller::store::Error> {
    audit::sign(controller).await.map(drop)
}
