//! The controller of a fleet: it knows who is in it, keeps what the agents sealed, compares, and writes down what was done.
//!
//! [`server::Server`] serves three gRPC services on one port. What they do is in [`Controller`], which also runs inside the
//! `netghost` command where there is no controller.

pub mod actions;
pub mod attested;
pub mod audit;
pub mod azure;
pub mod backup;
mod bucket;
pub mod caller;
pub mod config;
pub mod enrol;
pub mod files;
pub mod fleet;
pub mod http;
pub mod jobs;
pub mod keys;
pub mod link;
pub mod metrics;
pub mod outside;
pub mod peer;
pub mod pki;
pub mod probe;
mod refusals;
pub mod select;
pub mod server;
pub mod store;
pub mod users;
pub mod windows;

use std::sync::Arc;

use netghost_core::artifact::key::Signer;

use outside::Outside;
use store::Store;

/// The default trust domain of the SPIFFE ids that a controller issues.
pub const DOMAIN: &str = "netghost.internal";

/// Everything that the services share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Controller(
    Arc<Shared>,
    Arc<refusals::Refusals>,
    Arc<actions::Live>,
    Option<Arc<attested::Attested>>,
    Option<Arc<azure::Azure>>,
    probe::Probe,
);

/// See [`Controller`].
#[derive(Debug)]
pub struct Shared {
    /// Rows and objects.
    pub store: Store,
    /// Clock and randomness.
    pub outside: Outside,
    /// The certificate authority.
    pub ca: pki::Authority,
    /// Signs certificates of drift, seals and audit heads; not the CA's key.
    pub signer: Signer,
    /// The agents that are connected.
    pub links: link::Links,
    /// How snapshots of targets are had.
    pub reach: Arc<dyn jobs::Reach>,
    /// The jobs that run.
    pub jobs: jobs::Running,
}

impl Controller {
    /// Puts the parts together. Nothing runs yet: [`jobs::resume`] and [`actions::resume`] take up what an earlier
    /// process left.
    pub fn new(shared: Shared) -> Self {
        Self(
            Arc::new(shared),
            Arc::default(),
            Arc::default(),
            None,
            None,
            probe::Probe::default(),
        )
    }

    /// Lets VMs in by attested documents, as well as by tokens.
    #[must_use]
    pub fn attesting(mut self, attested: attested::Attested) -> Self {
        self.3 = Some(Arc::new(attested));
        self
    }

    /// Reads network interfaces, and VMs without an agent, with this login to Azure.
    #[must_use]
    pub fn with_azure(mut self, azure: azure::Azure) -> Self {
        self.4 = Some(Arc::new(azure));
        self
    }

    /// The login to Azure, if there is one.
    pub fn azure(&self) -> Option<&azure::Azure> {
        self.4.as_deref()
    }

    /// Reads hosts without an agent by these ways. Without it: by none.
    #[must_use]
    pub fn with_probe(mut self, probe: probe::Probe) -> Self {
        self.5 = probe;
        self
    }

    /// By which ways hosts without an agent may be read.
    pub fn probe(&self) -> &probe::Probe {
        &self.5
    }

    /// How VMs come in by attested documents, if they may.
    pub(crate) fn attested(&self) -> Option<&attested::Attested> {
        self.3.as_deref()
    }

    /// The actions that are under way in this process.
    pub(crate) fn live(&self) -> &actions::Live {
        &self.2
    }
}

impl std::ops::Deref for Controller {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// This program and its version, as it stands in what it writes.
pub fn tool() -> String {
    format!("netghost-controller {}", env!("CARGO_PKG_VERSION"))
}
