//! Snapshots that this process read itself, into the store.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Stored;
use netghost_core::fleet::Id;

use crate::Controller;
use crate::store::{Error, commands};

/// Keeps a snapshot of a target for the command that asked for it. Objects first: a manifest that stands in the table is whole.
pub async fn keep(
    controller: &Controller,
    (target, command): (Id, Id),
    stored: Stored,
) -> Result<Digest, Error> {
    for (_, bytes) in stored.objects {
        controller.store.put_object(bytes).await?;
    }
    let digest = controller.store.put_object(stored.manifest_bytes).await?;
    let mut transaction = controller.store.begin().await?;
    let now_us = controller.outside.now_us();
    commands::take_manifest(&mut transaction, &digest, target, command, now_us).await?;
    transaction.commit().await?;
    Ok(digest)
}

/// The manifest that a command was answered with already, if it was.
pub async fn kept(controller: &Controller, command: Id) -> Result<Option<Digest>, Error> {
    let mut connection = controller.store.pool().acquire().await?;
    commands::manifest_for(&mut connection, command).await
}
