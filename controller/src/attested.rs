//! Azure's attested document: a VM says which one it is by words that Azure signed.
//!
//! The instance metadata service of a VM gives, for a nonce, a PKCS#7 SignedData over JSON that names the VM's unique id and its
//! subscription (<https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service#attested-data>). It is believed
//! here if it is DER to the last byte, signed by the one certificate that it names, which chains to a root of the
//! configuration, is for a name of the cloud's metadata service and for signatures, and if nonce, time and subscription are
//! right. Nothing is fetched: intermediates come in the document or from the configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use netghost_core::azure::id::ResourceId;
use netghost_core::fleet::Tag;

mod chain;
mod cloud;
mod cms;
mod content;
mod manager;
mod nonce;

pub use chain::{ReadError, Roots};
pub use cloud::Cloud;
pub use content::{NotAStatement, Statement};
pub use manager::Manager;
pub use nonce::{LIFETIME_US, Nonces};

/// The longest document that is read, in bytes. One with a certificate has about 3,000; each intermediate adds some 1,500.
pub const LONGEST: usize = 12 * 1024;

/// How documents are judged.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Which cloud signs.
    pub cloud: Cloud,
    /// The subscriptions whose VMs may enrol, in lower case.
    pub subscriptions: BTreeSet<String>,
    /// What a signer's certificate must chain to.
    pub roots: Roots,
    /// What every agent that enrols so carries.
    pub tags: Vec<Tag>,
}

/// Why a document is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than any.
    #[error("the attested document has {0} bytes, more than {LONGEST}")]
    Long(usize),
    /// Not the structure that Azure signs.
    #[error("the attested document can't be read: {0}")]
    Form(#[from] cms::NotSigned),
    /// Signed by nobody who may.
    #[error("the attested document is not Azure's: {0}")]
    Signer(#[from] chain::NotTrusted),
    /// What is signed is no statement of a VM, or of another time.
    #[error("the attested document does not serve: {0}")]
    Statement(#[from] NotAStatement),
    /// Of a subscription that may not.
    #[error(
        "the VM's subscription {0} may not enrol: an admin adds it to enrolment.azure.subscriptions in the controller's \
         configuration"
    )]
    Subscription(String),
}

impl Policy {
    /// What the document says, if all of it is believed. Whether its nonce is ours is another question.
    pub fn verify(&self, document: &[u8], now_us: u64) -> Result<Statement, Refusal> {
        if document.len() > LONGEST {
            return Err(Refusal::Long(document.len()));
        }
        let signed = cms::Signed::read(document)?;
        self.roots.verify(&signed, self.cloud, now_us)?;
        // What is not signed is not read.
        let statement = Statement::read(signed.content, now_us)?;
        if !self.subscriptions.contains(&statement.subscription) {
            return Err(Refusal::Subscription(statement.subscription));
        }
        Ok(statement)
    }
}

/// Asks Azure Resource Manager which VM a resource id names.
pub trait Resources: std::fmt::Debug + Send + Sync {
    /// The VM's unique id (`properties.vmId`), or why that can't be told.
    fn vm<'a>(&'a self, id: &'a ResourceId) -> BoxFuture<'a, Result<String, String>>;
}

/// Enrolment by attested documents, as a controller offers it.
#[derive(Debug)]
pub struct Attested {
    /// How documents are judged.
    pub policy: Policy,
    /// What documents must hold.
    pub nonces: Nonces,
    /// Who tells whether a resource id is true; where nobody does, it is kept as not verified.
    pub resources: Option<Arc<dyn Resources>>,
}
