//! Who may come in without a token.

use std::collections::BTreeSet;
use std::path::PathBuf;

use netghost_core::fleet::Tag;
use serde::Deserialize;
use uuid::Uuid;

use crate::attested::{Attested, Cloud, Nonces, Policy, ReadError, Roots};

/// Ways into the fleet beside tokens. Without configuration there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enrolment {
    /// By an attested document of Azure.
    pub azure: Option<Azure>,
}

/// Whose attested documents count.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Azure {
    /// The subscriptions whose VMs may enrol.
    pub subscriptions: Vec<Subscription>,
    /// Certificates (PEM) to one of which the signer's must chain.
    pub roots: PathBuf,
    /// Certificates (PEM) that may stand between.
    #[serde(default)]
    pub intermediates: Option<PathBuf>,
    /// Which cloud.
    #[serde(default)]
    pub cloud: Cloud,
    /// What agents that come in so carry.
    #[serde(default)]
    pub tags: Vec<TagWord>,
}

/// The id of a subscription, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Subscription(String);

impl Subscription {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Subscription {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Uuid::try_parse(&text) {
            Ok(id) => Ok(Self(id.hyphenated().to_string())),
            Err(_) => Err(format!("{text:?} is no id of a subscription (a UUID)")),
        }
    }
}

/// A tag, written `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TagWord(Tag);

impl TryFrom<String> for TagWord {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Tag::parse(&text).map(Self).map_err(|error| error.to_string())
    }
}

/// Why documents can't be judged as configured.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// No subscription is named.
    #[error("enrolment.azure.subscriptions is empty: name those whose VMs may enrol")]
    NoSubscription,
    /// A tag's key is there twice.
    #[error("enrolment.azure.tags: {0} is given twice")]
    Twice(String),
    /// A file of certificates.
    #[error("enrolment.azure.roots or intermediates")]
    Roots(#[from] ReadError),
}

impl Azure {
    /// Reads the files. Nonces are those of this secret.
    pub fn open(&self, secret: &[u8; 32]) -> Result<Attested, Unusable> {
        let subscriptions: BTreeSet<String> = self.subscriptions.iter().map(|one| one.0.clone()).collect();
        if subscriptions.is_empty() {
            return Err(Unusable::NoSubscription);
        }
        let mut keys = BTreeSet::new();
        if let Some(twice) = self.tags.iter().find(|tag| !keys.insert(&tag.0.key)) {
            return Err(Unusable::Twice(twice.0.key.to_string()));
        }
        Ok(Attested {
            policy: Policy {
                cloud: self.cloud,
                subscriptions,
                roots: Roots::read(&self.roots, self.intermediates.as_deref())?,
                tags: self.tags.iter().map(|tag| tag.0.clone()).collect(),
            },
            nonces: Nonces::new(secret),
            resources: None,
        })
    }
}
