//! Signs heads of the log, a batch of records at a time.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::audit::{HEAD_SCHEMA, Head, Witnessed, origin};
use netghost_core::bytes::Big;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use tokio_util::sync::CancellationToken;

use super::rows;
use crate::store::{self, Error, Store};
use crate::{Controller, keys, metrics};

/// How long a record can stand without a head over it while the controller runs.
const EVERY: Duration = Duration::from_secs(1);

/// Signs the log as it is, if records stand after the last head, and tells the agents. The head is on the disk first.
pub async fn sign(controller: &Controller) -> Result<Option<v1::AuditHead>, Error> {
    if !behind(&controller.store).await? {
        return Ok(None);
    }
    let id = controller.store.controller_id(&controller.outside).await?;
    let mut transaction = controller.store.begin().await?;
    // Locks the tail, so that two controllers on one store don't sign at once.
    sqlx::query("UPDATE audit_tail SET sequence = sequence WHERE one = 1")
        .execute(&mut *transaction)
        .await?;
    let tail = rows::tail(&mut transaction).await?;
    let last = rows::last_head(&mut transaction).await?;
    if last
        .as_ref()
        .is_some_and(|(sequence, _)| *sequence >= tail.sequence)
    {
        return Ok(None);
    }
    let previous = last.map_or_else(origin, |(_, signed)| Digest::of(&signed));
    let head = head(controller, id, tail, previous)?;
    sqlx::query("INSERT INTO audit_heads (sequence, signed) VALUES ($1, $2)")
        .bind(store::column(head.sequence))
        .bind(head.signed.to_vec())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    controller.links.announce(&head);
    Ok(Some(head))
}

fn head(controller: &Controller, id: Id, tail: Witnessed, previous: Digest) -> Result<v1::AuditHead, Error> {
    let head = Head {
        schema: HEAD_SCHEMA.to_owned(),
        controller: id.to_string(),
        sequence: Big(tail.sequence),
        hash: tail.hash,
        previous,
        at_us: Big(controller.outside.now_us()),
    };
    Ok(wire(&head, head.sign(&controller.signer)?))
}

fn wire(head: &Head, signed: Vec<u8>) -> v1::AuditHead {
    v1::AuditHead {
        sequence: head.sequence.0,
        hash: head.hash.as_bytes().to_vec().into(),
        signed: signed.into(),
    }
}

async fn behind(store: &Store) -> Result<bool, Error> {
    let mut connection = store.pool().acquire().await?;
    let tail = rows::tail(&mut connection).await?;
    let head = rows::last_head(&mut connection).await?;
    Ok(tail.sequence > head.map_or(0, |(sequence, _)| sequence))
}

/// The last signed head, its signature checked. Nothing if none was signed yet.
pub async fn last_head(store: &Store) -> Result<Option<v1::AuditHead>, Error> {
    Ok(opened(store).await?.map(|(head, signed)| wire(&head, signed)))
}

/// Tells the agents of the last signed head, before any of them has connected: who is welcomed before the next is signed takes it
/// along all the same.
pub async fn announce_last(controller: &Controller) -> Result<(), Error> {
    if let Some(head) = last_head(&controller.store).await? {
        controller.links.announce(&head);
    }
    Ok(())
}

/// When the last head was signed, microseconds since 1970 UTC by the controller's clock.
pub(crate) async fn last_signed_us(store: &Store) -> Result<Option<u64>, Error> {
    Ok(opened(store).await?.map(|(head, _)| head.at_us.0))
}

async fn opened(store: &Store) -> Result<Option<(Head, Vec<u8>)>, Error> {
    let last = {
        let mut connection = store.pool().acquire().await?;
        rows::last_head(&mut connection).await?
    };
    let Some((sequence, signed)) = last else {
        return Ok(None);
    };
    match Head::open(&signed, &keys::public(store).await?) {
        Ok(head) if head.sequence.0 == sequence => Ok(Some((head, signed))),
        Ok(_) | Err(_) => Err(Error::Damaged {
            what: format!("the audit log's head at record {sequence}"),
        }),
    }
}

/// Signs at most each second while there is something to sign, and once more when told to stop.
pub async fn keep_signed(controller: Controller, stop: CancellationToken) {
    loop {
        let stopped = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
        if let Err(error) = sign(&controller).await {
            metrics::HEAD_FAILURES.add(1);
            let error = anyhow::Error::new(error);
            tracing::error!("the audit log's head could not be signed, and is tried again: {error:#}");
        }
        if stopped {
            return;
        }
    }
}
