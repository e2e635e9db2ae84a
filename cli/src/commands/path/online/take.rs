//! The interfaces that were chosen, read.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use netghost_azure::{NicReader, Reading};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::path::{self as azure, End, Interface, Network, Read};
use netghost_core::azure::route::Hop;
use netghost_core::snapshot::Snapshot;
use serde_json::Value;

use super::{Asking, Pick};
use crate::commands::path::address::{network, vnets};
use crate::commands::path::end::{Found, Kind, Known, Word};
use crate::world::tool;

impl Asking<'_> {
    /// Reads the interfaces, both at once and each once.
    pub(super) async fn take(&self, words: &[Word; 2], picks: [Pick; 2], v4: bool) -> [Found; 2] {
        let mut ids: Vec<ResourceId> = picks
            .iter()
            .filter_map(|pick| match pick {
                Pick::Nic { id, .. } => Some(id.clone()),
                Pick::Done(_) => None,
            })
            .collect();
        ids.sort();
        ids.dedup();
        let left = self.until.saturating_duration_since(Instant::now());
        let reader = NicReader::new(self.account.arm.clone(), Reading::new(tool(), left));
        let mut read: Vec<(ResourceId, Snapshot)> = Vec::new();
        reader
            .read_all(&ids, |one| {
                read.extend(ids.get(one.index).map(|id| (id.clone(), one.snapshot)));
            })
            .await;
        let asks_by_address = |pick: &Pick| match pick {
            Pick::Done(found) => {
                matches!(&found.known, Known::Storage(account, _) if !account.addresses.is_empty())
            }
            Pick::Nic { .. } => false,
        };
        if picks.iter().any(asks_by_address) {
            self.publics(ids.first().map(ResourceId::subscription)).await;
        }
        let [source, destination] = picks;
        let [from, to] = words;
        let chosen = [self.args.source_address, self.args.destination_address];
        let one = |word: &Word, pick, chosen| match pick {
            Pick::Done(found) => *found,
            Pick::Nic { id, seen, public, .. } => {
                let snapshot = read
                    .iter()
                    .find(|(own, _)| *own == id)
                    .map(|(_, snapshot)| snapshot.clone());
                let snapshot = snapshot.unwrap_or_else(|| reader.unreadable(&id, "it was not read"));
                let said = match word {
                    Word::Azure(_) => chosen,
                    _ => seen,
                };
                let found = Found::interface(word, snapshot, said, (seen, v4));
                let found = found.known_by(public);
                match self.publics.get() {
                    Some(all) => found.with_public(all),
                    None => found,
                }
            }
        };
        let [first, second] = chosen;
        [one(from, source, first), one(to, destination, second)]
    }

    /// The virtual networks of the ends, where a peering may be crossed: which are peered is said by nothing else.
    pub(super) async fn networks(&self, ends: &[Found; 2]) -> (BTreeMap<String, Read<Network>>, Vec<Value>) {
        let own = ends.iter().filter_map(|end| match &end.known {
            Known::End(End::Nic(interface)) => {
                let nic = interface.nic.captured()?;
                nic.subnet_id(interface.address)
            }
            Known::Public(public) => {
                let nic = public.interface.nic.captured()?;
                nic.subnet_id(public.interface.address)
            }
            _ => None,
        });
        let all = vnets(own);
        let mut read = BTreeMap::new();
        let mut bodies = Vec::new();
        let [source, destination] = ends;
        let has_hops = !named(source, destination).is_empty() || !named(destination, source).is_empty();
        // Within one network nothing crosses a peering, unless a machine in another stands between.
        if all.len() > 1 || has_hops {
            for vnet in all {
                let (network, body) = network(&self.account.arm, &vnet, self.period()).await;
                read.insert(vnet.key(), network);
                bodies.extend(body);
            }
        }
        (read, bodies)
    }

    /// The interfaces of machines that routes lead to.
    pub(super) async fn appliances(&self, ends: &[Found; 2]) -> Result<Vec<azure::Nic>, String> {
        let [source, destination] = ends;
        let mut hops = named(source, destination);
        hops.extend(named(destination, source));
        hops.sort();
        hops.dedup();
        if hops.is_empty() {
            return Ok(Vec::new());
        }
        let of_ends = ends.iter().filter_map(|end| end.nic.as_ref());
        let all = self
            .neighbours(of_ends.map(ResourceId::subscription).next())
            .await?;
        let nics = ends.iter().filter_map(|end| match &end.known {
            Known::End(End::Nic(interface)) => interface.nic.captured(),
            Known::Public(public) => public.interface.nic.captured(),
            _ => None,
        });
        let subnets = nics.flat_map(|nic| nic.configurations.iter().filter_map(|one| one.subnet.as_ref()));
        let vnets = vnets(subnets);
        let mut found: Vec<azure::Nic> = Vec::new();
        for hop in hops {
            found.extend(all.near(hop, &vnets).await.into_iter().cloned());
        }
        Ok(found)
    }
}

/// The machines that routes of one end to the other name.
fn named(from: &Found, to: &Found) -> Vec<IpAddr> {
    let interface: &Interface = match &from.known {
        Known::End(End::Nic(interface)) => interface,
        Known::Public(public) => &public.interface,
        _ => return Vec::new(),
    };
    let Some(table) = interface.routes.captured() else {
        return Vec::new();
    };
    let leads = |prefix: netghost_core::azure::net::Net| match to.address() {
        Some(address) => prefix.contains(address),
        None => to.kind == Kind::Internet,
    };
    let routes = table
        .routes
        .iter()
        .filter(|route| route.hop() == Hop::Appliance && leads(route.prefix));
    routes
        .flat_map(|route| &route.properties.next_hop_ips)
        .filter_map(|hop| hop.parse().ok())
        .collect()
}
