//! Takes a manifest: only whole, with all its objects, and for a command that was given.

use std::collections::BTreeSet;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{self, LoadError, Manifest, ObjectError};
use netghost_core::audit::Outcome as Ended;
use netghost_core::fleet::Id;
use netghost_core::snapshot::Target;
use tonic::Status;

use super::presence::event;
use crate::caller::Agent;
use crate::store::{Error, Store, commands};
use crate::{Controller, audit};

/// How many missing objects are named.
const NAMED: usize = 20;

/// True if this very manifest was taken for this command already: sent twice it is the same, since its reply can be lost.
pub(super) async fn is_taken(
    controller: &Controller,
    agent: &Agent,
    command: Id,
    digest: &Digest,
) -> Result<bool, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    let kept = commands::manifest_of(&mut connection, digest).await?;
    Ok(kept == Some((agent.id, command)))
}

/// Checks a manifest against its objects and keeps it.
pub(super) async fn take(
    controller: &Controller,
    agent: &Agent,
    command: Id,
    bytes: Vec<u8>,
) -> Result<(), Status> {
    let (manifest, bytes) = checked(bytes, read).await?;
    if !matches!(manifest.target, Target::Host { .. }) {
        return Err(Status::invalid_argument("the manifest is not of a host"));
    }
    let missing = missing(&controller.store, &manifest).await?;
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().take(NAMED).map(Digest::to_string).collect();
        return Err(Status::failed_precondition(format!(
            "{} objects of the manifest are missing, upload them first: {}",
            missing.len(),
            named.join(", ")
        )));
    }
    let store = controller.store.clone();
    let runtime = tokio::runtime::Handle::current();
    let ((), bytes) = checked(bytes, move |bytes| load(&store, &runtime, bytes)).await?;
    let digest = controller.store.put_object(bytes).await?;
    keep(controller, agent, command, &digest).await
}

/// Does something with the bytes that takes long, apart from the runtime.
async fn checked<T: Send + 'static>(
    bytes: Vec<u8>,
    work: impl FnOnce(&[u8]) -> Result<T, Status> + Send + 'static,
) -> Result<(T, Vec<u8>), Status> {
    let work = move || work(&bytes).map(|done| (done, bytes));
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Status::internal(format!("the check of a manifest ended: {error}")))?
}

fn read(bytes: &[u8]) -> Result<Manifest, Status> {
    Manifest::read(bytes).map_err(|error| Status::invalid_argument(chain(&error)))
}

/// The objects that are named and not there, each once.
async fn missing(store: &Store, manifest: &Manifest) -> Result<Vec<Digest>, Error> {
    let named: BTreeSet<Digest> = manifest
        .sections
        .iter()
        .flat_map(|entry| [entry.config_digest, entry.runtime_digest, entry.raw_digest])
        .flatten()
        .collect();
    let mut missing = Vec::new();
    for digest in named {
        if !store.has_object(&digest).await? {
            missing.push(digest);
        }
    }
    Ok(missing)
}

/// Loads the whole snapshot: what is kept can be compared.
fn load(store: &Store, runtime: &tokio::runtime::Handle, bytes: &[u8]) -> Result<(), Status> {
    let get = |digest: &Digest| {
        runtime
            .block_on(store.get_object(digest))
            .map_err(|error| match error {
                Error::Missing { .. } => ObjectError::Missing,
                error => ObjectError::Unread(std::io::Error::other(error)),
            })
    };
    match manifest::load(bytes, &get) {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.innermost(), LoadError::Object { .. }) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an object of the store");
            Err(Status::data_loss(format!(
                "{}: restore the controller's store from a backup",
                chain(&error)
            )))
        }
        Err(error) => Err(Status::invalid_argument(chain(&error))),
    }
}

/// Keeps that the manifest was taken, whose it is and of which command, once.
async fn keep(controller: &Controller, agent: &Agent, command: Id, digest: &Digest) -> Result<(), Status> {
    let now_us = controller.outside.now_us();
    let mut transaction = controller.store.begin().await?;
    if commands::take_manifest(&mut transaction, digest, agent.id, command, now_us)
        .await
        .map_err(Status::from)?
    {
        let event = event(agent, "snapshot.store", Ended::Done)
            .target(command)
            .with("manifest", digest);
        audit::append(&mut transaction, now_us, event).await?;
    } else {
        let kept = commands::manifest_of(&mut transaction, digest).await?;
        if kept != Some((agent.id, command)) {
            return Err(Status::invalid_argument(
                "this very manifest was taken for another command: each command reads anew",
            ));
        }
    }
    transaction.commit().await.map_err(Error::from)?;
    Ok(())
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
