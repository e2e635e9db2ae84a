//! Whether VMs run.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory;
use serde_json::Value;

use super::{AT_ONCE, Draft};
use crate::within::Within;

/// So many are asked for one by one; more, by one question to Resource Graph first.
const FEW: usize = 4;

const QUERY: &str = "Resources | where type =~ 'microsoft.compute/virtualmachines' \
     | project id, power = properties.extended.instanceView.powerState.code | order by id asc";

impl Within<'_> {
    /// The power state of each VM, in their order; why not, where it can't be had.
    pub(super) async fn powers(self, draft: &Draft) -> Vec<Result<String, String>> {
        let known = if draft.vms.len() > FEW {
            self.of_graph(draft).await
        } else {
            BTreeMap::new()
        };
        let known = &known;
        let each = draft.vms.keys().map(|vm| async move {
            match known.get(vm) {
                Some(state) => Ok(state.clone()),
                None => self.of_view(vm).await,
            }
        });
        // Collected, so that whoever asks may be moved between threads.
        let each: Vec<_> = each.collect();
        stream::iter(each).buffered(AT_ONCE).collect().await
    }

    /// What Resource Graph says; nothing where it can't be asked.
    async fn of_graph(self, draft: &Draft) -> BTreeMap<ResourceId, String> {
        let mut subscriptions: Vec<&str> = draft.vms.keys().map(ResourceId::subscription).collect();
        subscriptions.sort_unstable();
        subscriptions.dedup();
        let Ok(pages) = self.graph(&subscriptions, QUERY).await else {
            return BTreeMap::new();
        };
        let row = |row: &Value| {
            let id: ResourceId = row.get("id")?.as_str()?.parse().ok()?;
            Some((id, inventory::power_of(row.get("power")?.as_str()?)?))
        };
        pages.items().filter_map(row).collect()
    }

    async fn of_view(self, vm: &ResourceId) -> Result<String, String> {
        let view = self.instance_view(vm).await.map_err(|error| error.to_string())?;
        inventory::power(&view.json).map_err(|error| error.to_string())
    }
}
