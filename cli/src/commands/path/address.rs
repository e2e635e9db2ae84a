//! Addresses: of a name in DNS, and the network interfaces that have one.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use netghost_azure::{Arm, Scope};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::vnet_of;
use netghost_core::azure::path::Nic;
use serde_json::Value;

/// The longest that a name is looked for.
const NAME: Duration = Duration::from_secs(10);

/// The addresses of a name in DNS, each once.
pub(super) async fn of_name(name: &str) -> Result<Vec<IpAddr>, String> {
    let asked = tokio::time::timeout(NAME, tokio::net::lookup_host((name, 0))).await;
    let found = asked
        .map_err(|_| "the resolver does not answer".to_owned())?
        .map_err(|error| error.to_string())?;
    let all: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
    Ok(all.into_iter().collect())
}

/// The network interfaces of a subscription, and which virtual networks are connected with which.
#[derive(Debug)]
pub(super) struct Neighbours<'a> {
    arm: &'a Arm,
    period: Duration,
    nics: Vec<Nic>,
}

impl<'a> Neighbours<'a> {
    /// Lists them. One that is not understood is left out: an address that is not found is no end that was read.
    pub(super) async fn list(arm: &'a Arm, subscription: &str, period: Duration) -> Result<Self, String> {
        let pages = arm.within(period).nics(Scope::Subscription(subscription)).await;
        let pages = pages.map_err(|error| {
            format!("the network interfaces of the subscription were not listed: {error}")
        })?;
        let nics = pages
            .items()
            .filter_map(|item| Nic::parse(item, &[]).ok())
            .collect();
        Ok(Self { arm, period, nics })
    }

    /// Those that have the address.
    pub(super) fn of(&self, address: IpAddr) -> Vec<&Nic> {
        self.nics
            .iter()
            .filter(|nic| nic.configuration(address).is_some())
            .collect()
    }

    /// Those that have the address, in these virtual networks or in one that is peered with one of them. Within those an address
    /// is one interface's.
    pub(super) async fn near(&self, address: IpAddr, vnets: &[ResourceId]) -> Vec<&Nic> {
        let all = self.of(address);
        let within =
            |nic: &Nic, keys: &BTreeSet<String>| nic.network(address).is_some_and(|own| keys.contains(&own));
        let mut keys: BTreeSet<String> = vnets.iter().map(ResourceId::key).collect();
        if all.is_empty() || all.iter().any(|nic| within(nic, &keys)) {
            return all.into_iter().filter(|nic| within(nic, &keys)).collect();
        }
        for vnet in vnets {
            // Where it can't be read, only its own interfaces are near.
            if let Ok(answer) = self.arm.within(self.period).vnet(vnet).await {
                keys.extend(peers(&answer.json));
            }
        }
        all.into_iter().filter(|nic| within(nic, &keys)).collect()
    }
}

/// The virtual networks that one is peered with, in lower case.
fn peers(vnet: &Value) -> Vec<String> {
    let peerings = vnet
        .pointer("/properties/virtualNetworkPeerings")
        .and_then(Value::as_array);
    let remote = |peering: &Value| {
        let id = peering.pointer("/properties/remoteVirtualNetwork/id")?.as_str()?;
        Some(id.to_lowercase())
    };
    peerings.into_iter().flatten().filter_map(remote).collect()
}

/// The virtual networks of an interface's subnets.
pub(super) fn vnets<'s>(subnets: impl IntoIterator<Item = &'s ResourceId>) -> Vec<ResourceId> {
    let all: BTreeSet<ResourceId> = subnets.into_iter().filter_map(vnet_of).collect();
    all.into_iter().collect()
}
