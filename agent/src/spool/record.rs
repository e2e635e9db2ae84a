//! The file of a command.

use std::io;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::Big;
use netghost_core::fleet::Id;
use serde::{Deserialize, Serialize};

use crate::link::machine::Kept;
use crate::order::{Failed, Order, Outcome};

/// The schema of the file.
const SCHEMA: &str = "netghost.spooled_command/v1";

/// A command and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    schema: String,
    pub(super) id: Id,
    /// The boot by whose clock the deadline is.
    boot_id: String,
    /// Milliseconds since that boot, by CLOCK_BOOTTIME.
    deadline_ms: Big,
    /// What it is; nothing where the file was damaged.
    order: Option<Order>,
    pub(super) state: State,
}

/// How far a command is. It only goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum State {
    Accepted,
    Captured { manifest: Digest, objects: Vec<Digest> },
    Finished { ended: Outcome },
}

impl Record {
    pub(super) fn new(id: Id, boot_id: &str, deadline: Duration, order: Order) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            id,
            boot_id: boot_id.to_owned(),
            deadline_ms: Big(u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX)),
            order: Some(order),
            state: State::Accepted,
        }
    }

    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// What was written. A file that was damaged is a command that failed: nothing else can be said of it for certain.
    pub(super) fn from_bytes(id: Id, bytes: &[u8]) -> Self {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(record) if record.schema == SCHEMA && record.id == id => record,
            _ => Self {
                schema: SCHEMA.to_owned(),
                id,
                boot_id: String::new(),
                deadline_ms: Big(0),
                order: None,
                state: State::Finished {
                    ended: Outcome::Failed(Failed::new(
                        "internal",
                        "the command's file in the agent's spool was damaged: ask again",
                    )),
                },
            },
        }
    }

    /// What the machine takes up, or nothing where the command is to be forgotten.
    pub(super) fn kept(self, boot_id: &str) -> Option<Kept> {
        let this_boot = !boot_id.is_empty() && self.boot_id == boot_id;
        let deadline = this_boot.then(|| Duration::from_millis(self.deadline_ms.0));
        match self.state {
            State::Accepted => Some(Kept::Accepted {
                deadline: deadline?,
                order: self.order?,
            }),
            // What was read before a reboot says nothing of the host after it.
            State::Captured { .. } => Some(Kept::Captured { deadline: deadline? }),
            State::Finished { ended } => Some(Kept::Finished(ended)),
        }
    }
}
