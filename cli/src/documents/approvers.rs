//! Approvers: who may consent, and the key of who wants to.

use std::path::PathBuf;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::gate::Roster;
use serde::Serialize;

/// The schema of approvers and their CA.
pub const SCHEMA: &str = "netghost.approvers_status/v1";
/// The schema of a person's own key.
pub const KEY: &str = "netghost.approver_key/v1";

/// Approvers and their CA.
#[derive(Debug, Serialize)]
pub struct Approvers {
    /// The SHA-256 of the public key (SPKI) of the CA.
    pub ca: Digest,
    /// Its public half, PEM: what each VM trusts.
    pub ca_pem: String,
    /// The file that holds it; `null` where the controller said it.
    pub ca_file: Option<PathBuf>,
    /// How often the list was edited, from 1; `null` where there is none.
    pub version: Option<u64>,
    /// Sorted by name.
    pub approvers: Vec<Approver>,
    /// Whether the controller has this list; `null` where there is none to have it.
    pub published: Option<bool>,
    /// Why it has not.
    pub why: Option<String>,
}

/// One approver.
#[derive(Debug, Serialize)]
pub struct Approver {
    /// The name under which the controller knows them.
    pub name: Name,
    /// The key id; `null` where the key can't be read.
    pub keyid: Option<Digest>,
    /// True if what they sign counts no more.
    pub revoked: bool,
}

impl Approvers {
    /// A list, which nobody was told of yet.
    pub fn new(ca: &PublicKey, file: Option<PathBuf>, roster: Option<&Roster>) -> Self {
        let row = |approver: &netghost_core::gate::Approver| Approver {
            name: approver.name.clone(),
            keyid: approver.public().ok().map(|key| key.id()),
            revoked: approver.revoked,
        };
        let approvers = roster.map(|roster| roster.approvers.iter().map(row).collect());
        Self {
            ca: ca.id(),
            // A key that was read has a PEM form.
            ca_pem: ca.to_pem().unwrap_or_default(),
            ca_file: file,
            version: roster.map(|roster| roster.version),
            approvers: approvers.unwrap_or_default(),
            published: None,
            why: None,
        }
    }
}

/// A person's own key.
#[derive(Debug, Serialize)]
pub struct OwnKey {
    /// The key id.
    pub keyid: Digest,
    /// The public half, PEM: what an admin adds.
    pub pem: String,
    /// The file with the private half.
    pub file: PathBuf,
    /// The file with the public half.
    pub public_file: PathBuf,
}
