//! The controller's state.

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Big;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;
use serde::Serialize;

/// The schema of a controller's state.
pub const SCHEMA: &str = "netghost.controller/v1";

/// A controller, as it says itself.
#[derive(Debug, Serialize)]
pub struct Controller {
    /// Its version.
    pub version: String,
    /// The trust domain of its identities.
    pub domain: String,
    /// How many agents are enrolled.
    pub agents: Big,
    /// How many of them are connected.
    pub connected: Big,
    /// How many jobs run.
    pub running_jobs: Big,
    /// The last signed head of the audit log; `null` before the first.
    pub audit_head: Option<Head>,
    /// Its wall clock, microseconds since 1970 UTC.
    pub clock_us: Big,
    /// Who asks, as it sees it.
    pub user: String,
    /// What they may do.
    pub role: String,
}

/// A head of the audit log.
#[derive(Debug, Serialize)]
pub struct Head {
    /// How many records are under it.
    pub sequence: Big,
    /// The hash of the last of them.
    pub hash: Digest,
}

impl TryFrom<v1::ControllerStatus> for Controller {
    type Error = BadField;

    fn try_from(status: v1::ControllerStatus) -> Result<Self, BadField> {
        let head = |head: v1::AuditHead| {
            Ok(Head {
                sequence: Big(head.sequence),
                hash: convert::digest("head.hash", &head.hash)?,
            })
        };
        Ok(Self {
            version: status.version,
            domain: status.domain,
            agents: Big(status.agents),
            connected: Big(status.connected),
            running_jobs: Big(status.running_jobs),
            audit_head: status
                .head
                .filter(|head| head.sequence > 0)
                .map(head)
                .transpose()?,
            clock_us: Big(status.clock_us),
            user: status.user,
            role: status.role,
        })
    }
}
