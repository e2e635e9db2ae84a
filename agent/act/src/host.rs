//! What is really changed: the kernel's configuration, packages, servers.

use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Operation};
use netghost_kernel::write::{self, Standing, WriteError};
use serde::{Deserialize, Serialize};

use crate::lease::Lease;
use crate::namespace::within;
use crate::package::Installation;
use crate::work::{At, Failure, Work};

/// This host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

/// A change of this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Change {
    /// The kernel's configuration.
    Kernel(write::Change),
    /// A package.
    Package(Installation),
    /// A server. The guard starts and ends it.
    Server(Lease),
}

impl Work for Host {
    type Change = Change;

    fn plan(&self, at: At<'_>, operation: &Operation) -> Result<Change, WriteError> {
        match operation {
            Operation::PackageInstall { package } => Installation::plan(package).map(Change::Package),
            Operation::ServerStart {
                server,
                port,
                lease_s,
            } => within(at.namespace, || Lease::plan(*server, *port, *lease_s))?.map(Change::Server),
            _ => within(at.namespace, || write::plan(operation))?.map(Change::Kernel),
        }
    }

    fn effect<'c>(&self, change: &'c Change) -> &'c Effect {
        match change {
            Change::Kernel(change) => &change.effect,
            Change::Package(change) => &change.effect,
            Change::Server(change) => &change.effect,
        }
    }

    fn apply(&self, at: At<'_>, change: &Change) -> Result<Option<Text>, Failure> {
        match change {
            Change::Kernel(change) => {
                within(at.namespace, || change.apply())??;
                Ok(None)
            }
            Change::Package(change) => change.install(at.trace),
            Change::Server(_) => Err(elsewhere().into()),
        }
    }

    fn undo(&self, at: At<'_>, change: &Change) -> Result<(), WriteError> {
        match change {
            Change::Kernel(change) => within(at.namespace, || change.undo())?,
            Change::Package(change) => Err(WriteError::Unsupported {
                what: format!("{} has no inverse", change.effect.object),
            }),
            Change::Server(_) => Err(elsewhere()),
        }
    }

    fn standing(&self, at: At<'_>, change: &Change) -> Result<Standing, WriteError> {
        match change {
            Change::Kernel(change) => within(at.namespace, || change.standing())?,
            Change::Package(change) => change.standing(),
            Change::Server(_) => Err(elsewhere()),
        }
    }

    fn reversed(&self, change: &Change) -> Option<Change> {
        match change {
            Change::Kernel(change) => change.reversed().map(Change::Kernel),
            Change::Package(_) | Change::Server(_) => None,
        }
    }

    fn lease<'c>(&self, change: &'c Change) -> Option<&'c Lease> {
        match change {
            Change::Server(lease) => Some(lease),
            Change::Kernel(_) | Change::Package(_) => None,
        }
    }
}

fn elsewhere() -> WriteError {
    WriteError::Unsupported {
        what: "a server is started and ended by the guard".to_owned(),
    }
}
