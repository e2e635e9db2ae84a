//! One resource by its id, or by its name.

use futures_util::StreamExt;
use futures_util::stream;
use netghost_core::azure::body::{self, BadField};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::{self, Nic, Vm};
use serde_json::Value;

use super::{AT_ONCE, DiscoverError, Draft};
use crate::ops::Scope;
use crate::within::Within;

impl Within<'_> {
    /// The one VM of this name in a subscription.
    pub(super) async fn named(self, subscription: &str, name: &str) -> Result<ResourceId, DiscoverError> {
        let vms = self.vms(Scope::Subscription(subscription)).await?;
        let mut candidates = of_name(vms.items(), name, "the VMs of the subscription")?;
        // An instance of a scale set is called after the set and its own number.
        if let (true, Some((set, instance))) = (candidates.is_empty(), name.rsplit_once('_')) {
            let sets = self.scale_sets(Scope::Subscription(subscription)).await?;
            for set in of_name(sets.items(), set, "the scale sets of the subscription")? {
                let id = format!("{set}/virtualMachines/{instance}");
                candidates.extend(id.parse().ok());
            }
        }
        match candidates.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(DiscoverError::NoSuch {
                name: name.to_owned(),
                subscription: subscription.to_owned(),
            }),
            _ => Err(DiscoverError::Ambiguous {
                name: name.to_owned(),
                candidates,
            }),
        }
    }

    pub(super) async fn one_vm(self, id: &ResourceId) -> Result<Draft, DiscoverError> {
        let answer = self.vm(id).await?;
        let vm = inventory::vm(&answer.json).map_err(|bad| form(id, bad))?;
        let mut draft = Draft::default();
        // What was asked for, as it was asked for: instances of scale sets give their ids in varying letter case.
        draft.vms.insert(id.clone(), Vm { id: id.clone(), ..vm });
        Ok(draft)
    }

    pub(super) async fn one_nic(self, id: &ResourceId) -> Result<Draft, DiscoverError> {
        let mut draft = Draft::default();
        draft.add(self.nic_of(id).await?);
        Ok(draft)
    }

    async fn nic_of(self, id: &ResourceId) -> Result<Nic, DiscoverError> {
        let answer = self.nic(id).await?;
        let nic = inventory::nic(&answer.json).map_err(|bad| form(id, bad))?;
        Ok(Nic {
            id: id.clone(),
            ..nic
        })
    }

    /// Adds each of these; one that can't be read is missing.
    pub(super) async fn add_nics(self, draft: &mut Draft, ids: &[ResourceId]) {
        // Collected, so that whoever asks may be moved between threads.
        let each: Vec<_> = ids
            .iter()
            .map(|id| async move { (id, self.nic_of(id).await) })
            .collect();
        let mut running = stream::iter(each).buffered(AT_ONCE);
        while let Some((id, nic)) = running.next().await {
            match nic {
                Ok(nic) => draft.add(nic),
                Err(error) => draft.miss(id.to_string(), said(&error)),
            }
        }
    }
}

/// The ids of the resources of this name. One whose name or id can't be told could be meant.
fn of_name<'v>(
    items: impl Iterator<Item = &'v Value>,
    name: &str,
    what: &str,
) -> Result<Vec<ResourceId>, DiscoverError> {
    let mut found = Vec::new();
    for (at, item) in items.enumerate() {
        let read = || {
            let object = item
                .as_object()
                .ok_or_else(|| BadField::new("", "it is no object"))?;
            let called = body::string(object, "name")?;
            let called = called.ok_or_else(|| BadField::new("name", "it is missing"))?;
            let meant = called.to_lowercase() == name.to_lowercase();
            meant.then(|| inventory::own_id(object)).transpose()
        };
        let id = read().map_err(|bad| form(what, bad.within(&format!("value.{at}"))))?;
        found.extend(id);
    }
    Ok(found)
}

pub(super) fn form(what: impl ToString, source: BadField) -> DiscoverError {
    DiscoverError::Form {
        what: what.to_string(),
        source,
    }
}

/// An error with its cause.
pub(super) fn said(error: &DiscoverError) -> String {
    match std::error::Error::source(error) {
        Some(source) if matches!(error, DiscoverError::Form { .. }) => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}
