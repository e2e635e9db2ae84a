//! Jobs: what a person or a schedule asked of some targets, until it has ended, across restarts.

use std::time::Duration;

use futures_util::future::BoxFuture;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Meta;
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use netghost_core::section::SectionName;

use crate::Controller;

mod agentless;
mod attribution;
mod baseline;
mod compare;
mod drift;
mod finish;
mod keep;
mod layers;
mod nic;
mod resolve;
mod run;
mod running;
mod schedules;
mod snapshot;
mod start;
mod trusted;
mod visit;

pub(crate) use attribution::{logs, peers};
pub use keep::{keep, kept};
pub(crate) use run::{Begun, spawn};
pub use running::Running;
pub use schedules::tick;
pub(crate) use snapshot::{Broken, chain, load, sealed};
pub(crate) use start::name_taken;
pub use start::{Asker, start};
pub(crate) use trusted::known_keys;
pub use trusted::trust;

/// What whoever asks for the layer `azure` is told where there is no login to Azure.
pub(crate) const NO_AZURE: &str =
    "this controller has no login to Azure: the section [azure] of its configuration says how to log in";

/// What is wanted of one target. The same command id is the same command, however often it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The target.
    pub target: Id,
    /// The command's id.
    pub command: Id,
    /// How long the answer is wanted.
    pub lifetime: Duration,
    /// Which sections; none: all that the target reads.
    pub sections: Vec<SectionName>,
    /// What stands in the manifest.
    pub meta: Meta,
}

/// Why a target gave no snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreached {
    /// A fixed word: `offline`, `expired`, `revoked`, `contested`, `refused`, `disk_full`, `internal`.
    pub code: String,
    /// For people: why, and what to do.
    pub message: String,
}

/// How snapshots are had from targets.
pub trait Reach: Send + Sync + std::fmt::Debug {
    /// By which way targets are read.
    fn way(&self) -> Way {
        Way::Agent
    }

    /// Has the target read itself. The manifest with this digest and all its objects are then in the store, and the digest
    /// stands in `manifests`. `started` is called when the target has begun.
    fn capture<'a>(
        &'a self,
        controller: &'a Controller,
        order: Order,
        started: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<Digest, Unreached>>;
}

/// Takes up the jobs that an earlier process left running, and starts what the schedules say, until the runtime ends.
pub async fn resume(controller: &Controller) -> Result<(), crate::store::Error> {
    let mut connection = controller.store.pool().acquire().await?;
    for id in crate::store::jobs::running(&mut connection).await? {
        spawn(controller, id, Begun::Before);
    }
    drop(tokio::spawn(schedules::run(controller.clone())));
    Ok(())
}
