//! Whether the controller can do its work.

use crate::store::{Error, Store};
use crate::{Controller, audit};

/// Why it can't; nothing if it can.
pub(super) async fn reasons(controller: &Controller, disk_free: u64) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Err(error) = writable(&controller.store).await {
        reasons.push(format!(
            "the store can't be written: {:#}",
            anyhow::Error::new(error)
        ));
    }
    // The authority and the signing key were loaded, or there would be no controller.
    if let Err(error) = audit::last_head(&controller.store).await {
        reasons.push(format!("the audit log: {:#}", anyhow::Error::new(error)));
    }
    match free(&controller.store) {
        Ok(free) if free < disk_free => reasons.push(format!(
            "{} MiB are free in {}, and {} MiB are wanted: free some space, or lower limits.disk_free_mib",
            free >> 20,
            controller.store.directory().display(),
            disk_free >> 20
        )),
        Ok(_) => {}
        Err(error) => reasons.push(format!("the free disk space is not known: {error}")),
    }
    reasons
}

/// Takes the lock that every writer takes, and writes nothing that stays.
async fn writable(store: &Store) -> Result<(), Error> {
    let mut transaction = store.begin().await?;
    sqlx::query("UPDATE audit_tail SET sequence = sequence WHERE one = 1")
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.rollback().await?)
}

/// Bytes that are free for this user on the store's disk.
pub(crate) fn free(store: &Store) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(store.directory())?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
