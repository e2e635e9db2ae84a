//! Addresses: of a name in DNS, and the network interfaces that have one.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use netghost_azure::{Arm, Scope};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::vnet_of;
use netghost_core::azure::path::{Network, Nic, PublicIp, Read};
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
            if let (Read::Captured(network), _) = network(self.arm, vnet, self.period).await {
                keys.extend(network.peers().map(str::to_owned));
            }
        }
        all.into_iter().filter(|nic| within(nic, &keys)).collect()
    }
}

/// A virtual network, read, and its body where there is one.
pub(super) async fn network(
    arm: &Arm,
    vnet: &ResourceId,
    period: Duration,
) -> (Read<Network>, Option<Value>) {
    match arm.within(period).vnet(vnet).await {
        Ok(answer) => (Network::parse(&answer.json).into(), Some(answer.json)),
        Err(error) => (Read::Unread(error.to_string()), None),
    }
}

/// The public addresses of some subscriptions.
#[derive(Debug)]
pub(super) struct Publics {
    all: Vec<PublicIp>,
    /// What was not read or not understood.
    lost: Vec<String>,
    subscriptions: Vec<String>,
}

/// Whose a public address is.
#[derive(Debug)]
pub(super) enum Whose {
    /// An interface's; the resource of the address.
    Nic(ResourceId, ResourceId),
    /// Not known, or of something that is not read: why.
    Unread(String),
    /// Of nothing in these subscriptions.
    Nobody(String),
}

impl Publics {
    pub(super) async fn list(arm: &Arm, subscriptions: BTreeSet<String>, period: Duration) -> Self {
        let mut found = Self {
            all: Vec::new(),
            lost: Vec::new(),
            subscriptions: Vec::new(),
        };
        if subscriptions.is_empty() {
            found
                .lost
                .push("it is not known in which subscription it could be".to_owned());
        }
        for subscription in subscriptions {
            let scope = Scope::Subscription(&subscription);
            match arm.within(period).public_addresses(scope).await {
                Ok(pages) => pages.items().for_each(|item| match PublicIp::parse(item) {
                    Ok(address) => found.all.push(address),
                    Err(bad) => found.lost.push(bad.to_string()),
                }),
                Err(error) => found.lost.push(error.to_string()),
            }
            // Addresses of their instances are listed by each set alone.
            match arm.within(period).scale_sets(scope).await {
                Ok(pages) if pages.items().next().is_some() => found
                    .lost
                    .push("the public addresses of scale sets' instances are not listed".to_owned()),
                Ok(_) => {}
                Err(error) => found.lost.push(error.to_string()),
            }
            found.subscriptions.push(subscription);
        }
        found
    }

    pub(super) fn whose(&self, address: IpAddr) -> Whose {
        let Some(its) = self.all.iter().find(|one| one.address == Some(address)) else {
            let all = self.subscriptions.join(", ");
            return match self.lost.first() {
                Some(why) => Whose::Unread(format!(
                    "whether {address} is an address of a machine in Azure was not read: {why}"
                )),
                None => Whose::Nobody(format!(
                    "{address} is no public address of the subscription {all}, and is asked as any on the Internet; of a \
                     machine in another subscription nothing was asked"
                )),
            };
        };
        match (its.nic(), its.owner()) {
            (Some(nic), _) => Whose::Nic(nic, its.id.clone()),
            (None, Some(owner)) => {
                Whose::Unread(format!("{address} is the address of {owner}, which was not read"))
            }
            (None, None) => Whose::Unread(format!("{} belongs to nothing at the moment", its.id)),
        }
    }

    /// The address of a resource.
    pub(super) fn address(&self, id: &str) -> Option<IpAddr> {
        let its = self
            .all
            .iter()
            .find(|one| one.id.as_str().eq_ignore_ascii_case(id));
        its?.address
    }
}

/// The virtual networks of an interface's subnets.
pub(super) fn vnets<'s>(subnets: impl IntoIterator<Item = &'s ResourceId>) -> Vec<ResourceId> {
    let all: BTreeSet<ResourceId> = subnets.into_iter().filter_map(vnet_of).collect();
    all.into_iter().collect()
}
