//! Whether a VM's identity may be superseded, or is claimed by two.

use netghost_core::fleet::Id;
use tonic::Status;

use super::Asked;
use crate::enrol::join::AGAIN_US;
use crate::store::attested::{self, AttestedRow};
use crate::store::identities::{self, Identity};
use crate::{Controller, caller, store};

/// Refuses another key for a VM whose agent answers, has only just enrolled, or was revoked by a person. The answer is whose
/// place is taken, if the VM has an identity.
pub(super) async fn refused(
    controller: &Controller,
    asked: &Asked<'_>,
    now_us: u64,
) -> Result<Option<Id>, Status> {
    let mut reader = controller
        .store
        .pool()
        .acquire()
        .await
        .map_err(store::Error::from)?;
    let Some(holder) = attested::holder(&mut reader, &asked.statement.vm).await? else {
        return Ok(None);
    };
    let identity = identities::by_id(&mut reader, holder.identity).await?;
    drop(reader);
    // One that a person removed leaves its VM free.
    let identity = identity.filter(|identity| identity.removed_at_us.is_none());
    if let Some(identity) = identity.filter(|_| holder.key != asked.digest) {
        standing(&identity)?;
        if controller.links.answers(identity.id).await {
            return Err(contested(
                asked,
                &identity,
                "is connected and answers",
                "stop that agent, or revoke and remove it, if this is its VM",
            ));
        }
        recent(asked, &holder, &identity, now_us)?;
    }
    Ok(Some(holder.identity))
}

/// Of two that enrol one after the other, the second may be a copy: it waits.
fn recent(asked: &Asked<'_>, holder: &AttestedRow, identity: &Identity, now_us: u64) -> Result<(), Status> {
    let until_us = holder.at_us.saturating_add(AGAIN_US);
    if now_us > until_us {
        return Ok(());
    }
    let since = format!("enrolled at {}", caller::shown(holder.at_us));
    let advice = format!("ask again after {}, if that one is gone", caller::shown(until_us));
    Err(contested(asked, identity, &since, &advice))
}

/// A VM whose agent a person revoked does not come back by itself.
fn standing(identity: &Identity) -> Result<(), Status> {
    caller::standing(identity).map_err(|status| {
        Status::permission_denied(format!(
            "{}: an admin lets its VM enrol anew by `netghost agent remove {}`",
            status.message(),
            identity.name
        ))
    })
}

fn contested(asked: &Asked<'_>, identity: &Identity, why: &str, advice: &str) -> Status {
    Status::already_exists(format!(
        "contested: VM {} is agent {} ({}), which {why}, and {} claims to be it too, by another key: one of them is a copy, or \
         something else on the VM asked; {advice}",
        asked.statement.vm, identity.name, identity.id, asked.name
    ))
}
