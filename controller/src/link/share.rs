//! How much an agent may bring into the store: so much for each command that it was given and that has not ended.
//!
//! Counted in this process: a restart begins anew with the commands that are still open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use netghost_core::fleet::Id;
use tonic::Status;

use crate::Controller;
use crate::caller::Agent;
use crate::store::{Error, commands};

/// How much one command may bring, bytes.
const OF_A_COMMAND: u64 = 256 * 1024 * 1024;

/// The commands of this agent that have not ended. Refused where there is none, or not the one whose manifest is sent.
pub(super) async fn open(
    controller: &Controller,
    agent: &Agent,
    manifest: Option<Id>,
) -> Result<BTreeSet<Id>, Status> {
    let mut open: BTreeSet<Id> = controller
        .links
        .shared()
        .orders
        .open(agent.id)
        .into_iter()
        .collect();
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    open.extend(commands::open(&mut connection, agent.id).await?);
    let name = &agent.name;
    match manifest {
        Some(command) if !open.contains(&command) => Err(Status::failed_precondition(format!(
            "agent {name} was not given a command {command}, or it has ended"
        ))),
        None if open.is_empty() => Err(Status::failed_precondition(format!(
            "agent {name} has no command that has not ended: nothing is taken from it"
        ))),
        _ => Ok(open),
    }
}

/// What was brought, bytes, by agent and command.
#[derive(Debug, Default)]
pub(super) struct Shares(Mutex<BTreeMap<(Id, Id), u64>>);

impl Shares {
    /// Counts bytes to the first open command with room for them; what is no longer open is forgotten.
    fn charge(&self, agent: Id, open: &BTreeSet<Id>, size: u64) -> Option<Id> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|(of, command), _| *of != agent || open.contains(command));
        for command in open {
            let bytes = taken.entry((agent, *command)).or_default();
            if bytes.saturating_add(size) <= OF_A_COMMAND {
                *bytes += size;
                return Some(*command);
            }
        }
        None
    }

    fn give_back(&self, agent: Id, command: Id, size: u64) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = taken.get_mut(&(agent, command)) {
            *bytes = bytes.saturating_sub(size);
        }
    }
}

/// The bytes of an upload, counted until this is dropped, and on if they were kept.
#[derive(Debug)]
pub(super) struct Share {
    controller: Controller,
    agent: Id,
    command: Id,
    size: u64,
}

impl Share {
    /// Counts what an upload declares, or refuses it.
    pub(super) fn take(
        controller: &Controller,
        agent: Id,
        open: &BTreeSet<Id>,
        size: u64,
    ) -> Result<Self, Status> {
        let shares = &controller.links.shared().uploads.shares;
        let command = shares.charge(agent, open, size).ok_or_else(|| {
            Status::resource_exhausted(format!(
                "{size} bytes more would pass the {OF_A_COMMAND} that a command may bring"
            ))
        })?;
        Ok(Self {
            controller: controller.clone(),
            agent,
            command,
            size,
        })
    }

    /// The bytes are in the store.
    pub(super) fn keep(&mut self) {
        self.size = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let shares = &self.controller.links.shared().uploads.shares;
        shares.give_back(self.agent, self.command, self.size);
    }
}
