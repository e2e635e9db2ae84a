//! Which resources a change of what was read of a network interface may come from.

use std::collections::BTreeSet;

use serde_json::Value;

use super::index::key;
use super::peers::Peers;
use crate::azure::id::ResourceId;
use crate::azure::inventory::vnet_of;
use crate::raw::{PartRead, Raw};
use crate::section::SectionName;
use crate::snapshot::{Snapshot, Target};

/// What a gateway, a router or a private endpoint does to routes without any of the interface's own resources changing.
const ROUTERS: [&str; 9] = [
    "microsoft.network/virtualnetworkgateways",
    "microsoft.network/connections",
    "microsoft.network/localnetworkgateways",
    "microsoft.network/expressroutecircuits",
    "microsoft.network/expressroutecircuits/peerings",
    "microsoft.network/virtualhubs",
    "microsoft.network/virtualhubs/bgpconnections",
    "microsoft.network/vpngateways",
    "microsoft.network/expressroutegateways",
];

/// Other ends of peerings, whose addresses become routes and tags here.
const NETWORKS: [&str; 2] = [
    "microsoft.network/virtualnetworks",
    "microsoft.network/virtualnetworks/virtualnetworkpeerings",
];

/// Kinds of fields in which a subnet lists what others have in it.
const OTHERS: [&str; 5] = [
    "ipConfigurations",
    "ipConfigurationProfiles",
    "privateEndpoints",
    "serviceAssociationLinks",
    "resourceNavigationLinks",
];

/// Resources that a change may come from. Ids are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// These alone.
    pub(super) exact: BTreeSet<String>,
    /// These, and what lies below them.
    pub(super) below: BTreeSet<String>,
    /// Any of these types: what is found there is a possible origin, not more.
    pub(super) kinds: BTreeSet<&'static str>,
    /// The networks whose peers can have this effect too: their gateways, and their own addresses.
    pub(super) networks: BTreeSet<ResourceId>,
    /// The subscriptions of those peers; nothing while nobody looked.
    pub(super) peers: Option<BTreeSet<String>>,
    /// Why not all of them are known.
    pub(super) lacking: Option<String>,
}

impl Origins {
    /// The resources, in lower case, sorted.
    pub fn resources(&self) -> Vec<String> {
        self.exact.union(&self.below).cloned().collect()
    }

    /// The subscriptions whose logs would tell, sorted.
    pub fn subscriptions(&self) -> BTreeSet<String> {
        let of = |id: &String| id.split('/').nth(2).map(str::to_owned);
        let own = self.exact.iter().chain(&self.below).filter_map(of);
        own.chain(self.peers.iter().flatten().cloned()).collect()
    }

    /// The networks whose peers are to be looked for.
    pub fn peering(&self) -> &BTreeSet<ResourceId> {
        &self.networks
    }

    /// Takes in where the peers of its networks lie. Those that are not known are lacking.
    pub fn peered(&mut self, known: &Peers) {
        let mut found = BTreeSet::new();
        for network in &self.networks {
            match known.get(&network.key()) {
                Some(Ok(subscriptions)) => found.extend(subscriptions.iter().cloned()),
                Some(Err(why)) => {
                    let why = format!("in which subscriptions the peers of {network} lie: {why}");
                    self.lacking.get_or_insert(why);
                }
                None => return,
            }
        }
        self.peers = Some(found);
    }

    /// Why not every place is known from which the change may come.
    pub(super) fn unknown(&self) -> Option<String> {
        let unpeered = self.peers.is_none() && !self.networks.is_empty();
        let nobody = || "nobody looked in which subscriptions the peers of its network lie".to_owned();
        let without = self.networks.is_empty() && !self.kinds.is_empty();
        let network = || "its virtual network".to_owned();
        self.lacking
            .clone()
            .or_else(|| unpeered.then(nobody))
            .or_else(|| without.then(network))
    }

    /// True if routers beyond what Azure names can have this effect: of them no log is known.
    pub(super) fn beyond(&self) -> bool {
        ROUTERS.iter().any(|kind| self.kinds.contains(kind))
    }

    /// The same, of which it is known why they are not all.
    #[must_use]
    pub fn lacks(mut self, why: Option<String>) -> Self {
        self.lacking = self.lacking.or(why);
        self
    }

    /// These and others.
    pub fn join(&mut self, other: Self) {
        let looked = |of: &Self| of.networks.is_empty() || of.peers.is_some();
        let looked = looked(self) && looked(&other);
        let peers = self.peers.take().into_iter().chain(other.peers).flatten();
        self.peers = looked.then(|| peers.collect());
        self.networks.extend(other.networks);
        self.exact.extend(other.exact);
        self.below.extend(other.below);
        self.kinds.extend(other.kinds);
        self.lacking = self.lacking.take().or(other.lacking);
    }

    fn exactly<'a>(mut self, ids: impl IntoIterator<Item = &'a ResourceId>) -> Self {
        self.exact.extend(ids.into_iter().map(ResourceId::key));
        self
    }

    fn and_below<'a>(mut self, ids: impl IntoIterator<Item = &'a ResourceId>) -> Self {
        self.below.extend(ids.into_iter().map(ResourceId::key));
        self
    }

    /// The virtual networks and their peerings, not their other subnets.
    fn networks(mut self, there: &Around) -> Self {
        let peerings = there
            .vnets()
            .into_iter()
            .map(|vnet| format!("{}/virtualnetworkpeerings", vnet.key()));
        self.below.extend(peerings);
        let vnets = there.vnets();
        self.exactly(&vnets)
    }

    /// What of these types is in the subscriptions of its networks or of their peers.
    fn possibly(mut self, kinds: &[&'static str], there: &Around) -> Self {
        self.kinds.extend(kinds);
        self.networks.extend(there.vnets());
        self
    }
}

/// What the resource of a network interface and those of its subnets name, on either side.
#[derive(Debug, Default)]
pub struct Around {
    ids: BTreeSet<ResourceId>,
    lacking: Option<String>,
}

impl Around {
    /// Of what was read before and after.
    pub fn of(sides: [&Snapshot; 2]) -> Self {
        let mut there = Self::default();
        for side in sides {
            if let Target::Nic { id } = &side.target {
                there.ids.insert(id.clone());
            }
            there.read(side);
        }
        there
    }

    fn read(&mut self, side: &Snapshot) {
        let section = side.section(SectionName::Nic);
        let Some(Raw::Host(raw)) = section.and_then(|section| section.raw.as_ref()) else {
            self.lacks("the resource of the network interface was not kept");
            return;
        };
        for part in &raw.parts {
            let body = match &part.read {
                PartRead::File { content } => {
                    content.as_str().and_then(|text| serde_json::from_str(text).ok())
                }
                _ => None,
            };
            match body {
                Some(body) => self.walk(&body, part.source.starts_with("subnet ")),
                None => self.lacks(&format!("{} was not read", part.source)),
            }
        }
    }

    fn lacks(&mut self, why: &str) {
        self.lacking.get_or_insert_with(|| why.to_owned());
    }

    fn walk(&mut self, body: &Value, in_subnet: bool) {
        match body {
            Value::Array(list) => list.iter().for_each(|one| self.walk(one, in_subnet)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let others = in_subnet && OTHERS.iter().any(|other| other.eq_ignore_ascii_case(name));
                    match value {
                        Value::String(text) if name.eq_ignore_ascii_case("id") => {
                            self.ids.extend(text.parse())
                        }
                        _ if others => {}
                        value => self.walk(value, in_subnet),
                    }
                }
            }
            _ => {}
        }
    }

    fn all(&self, namespace: &str, kind: &str) -> Vec<ResourceId> {
        let of = |id: &&ResourceId| id.is(namespace, kind);
        self.ids.iter().filter(of).cloned().collect()
    }

    fn network(&self, kind: &str) -> Vec<ResourceId> {
        self.all("Microsoft.Network", kind)
    }

    fn nics(&self) -> Vec<ResourceId> {
        let mut nics = self.network("networkInterfaces");
        nics.extend(self.all("Microsoft.Compute", "networkInterfaces"));
        nics
    }

    fn machines(&self) -> Vec<ResourceId> {
        self.all("Microsoft.Compute", "virtualMachines")
    }

    fn vnets(&self) -> Vec<ResourceId> {
        self.network("subnets").iter().filter_map(vnet_of).collect()
    }
}

impl Around {
    fn start(&self) -> Origins {
        Origins {
            lacking: self.lacking.clone(),
            ..Origins::default()
        }
    }

    /// Every resource that what was read comes from, or may come from elsewhere.
    pub fn everything(&self) -> Origins {
        let mut found = self
            .start()
            .and_below(&self.nics())
            .and_below(&self.network("networkSecurityGroups"))
            .and_below(&self.network("routeTables"))
            .exactly(&self.network("subnets"))
            .networks(self)
            .possibly(&ROUTERS, self)
            .possibly(&NETWORKS, self);
        found.groups();
        found
    }

    /// The resources that a change at this place of a section may come from.
    pub fn of_change(&self, section: SectionName, path: &str) -> Origins {
        let mut found = match section {
            SectionName::EffectiveRoutes => self.of_route(path),
            SectionName::EffectiveNsg => self.of_rule(path),
            SectionName::AdminRules => Origins {
                // The rule names its manager, whatever else was read.
                lacking: based(path).is_none().then(|| format!("{path} names no manager")),
                ..self.start().exactly(&self.vnets()).and_below(&based(path))
            },
            _ if path.starts_with("subnet/") => self
                .start()
                .exactly(&self.network("subnets"))
                .exactly(&self.vnets()),
            _ => self
                .start()
                .and_below(&self.nics())
                .exactly(&self.machines())
                .exactly(&self.network("subnets")),
        };
        found.groups();
        found
    }

    fn of_route(&self, path: &str) -> Origins {
        let origins = self
            .start()
            .exactly(&self.network("subnets"))
            .and_below(&self.network("routeTables"))
            .networks(self);
        match path {
            // The peering that lends its gateway may be the other network's.
            path if path.contains("/virtualnetworkgateway") => {
                origins.possibly(&ROUTERS, self).possibly(&NETWORKS, self)
            }
            path if path.ends_with("/user") => origins,
            _ => origins
                .possibly(&NETWORKS, self)
                .possibly(&["microsoft.network/privateendpoints"], self),
        }
    }

    fn of_rule(&self, path: &str) -> Origins {
        let groups = match based(path) {
            Some(group) => vec![group],
            None => self.network("networkSecurityGroups"),
        };
        let origins = self
            .start()
            .exactly(&self.nics())
            .exactly(&self.network("subnets"))
            .exactly(&self.vnets())
            .and_below(&groups);
        if !path.starts_with("tag/") {
            return origins;
        }
        origins
            .networks(self)
            .and_below(&self.network("routeTables"))
            .possibly(&NETWORKS, self)
    }
}

impl Origins {
    /// Whoever deletes a group deletes what is in it.
    fn groups(&mut self) {
        let group = |id: &String| {
            let parts: Vec<&str> = id.split('/').take(5).collect();
            key(&parts.join("/"))
        };
        let groups: BTreeSet<String> = self.exact.iter().chain(&self.below).map(group).collect();
        self.exact.extend(groups);
    }
}

/// The resource that a place names: `rule/subnet//subscriptions/…/networksecuritygroups/g/inbound/own/r` names `g`.
fn based(path: &str) -> Option<ResourceId> {
    let at = path.to_ascii_lowercase().find("/subscriptions/")?;
    let parts: Vec<&str> = path.get(at..)?.split('/').take(9).collect();
    parts.join("/").parse().ok()
}
