//! A typed view of configured resources, read from the bodies that Azure Resource Manager shows of them.
//!
//! The state is a JSON object `{"resources": {"<id>": <body>, …}}`. A part of a resource (a subnet, a security rule, a route)
//! stands in its parent's body or under its own id; where both do, the one under its own id counts. What only a lab can tell
//! stands in an object `lab` beside `properties`: see [`Gateway`].

use std::collections::BTreeMap;

use serde_json::Value;

use body::Body;

mod admin;
mod body;
mod id;
mod network;
mod nic;
mod route;
mod rule;
mod tag;

pub use admin::{AdminAccess, AdminRule};
pub use id::Id;
pub use network::{
    EndpointPolicies, Gateway, Learned, Peering, PrivateEndpoint, PublicIp, ServiceEndpoint, Subnet, Vnet,
};
pub use nic::{IpConfig, Nic};
pub use route::{Hop, RouteTable, UserRoute};
pub use rule::{Access, Direction, Nsg, Ports, Protocol, Rule, Where};
pub use tag::ServiceTag;

/// Why resources can't be understood or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// The state is not of the form.
    #[error("the state has no object `resources`")]
    NoResources,
    /// A field of a resource is not of a known form.
    #[error("{id}: {field}: {why}")]
    Field {
        /// The resource.
        id: String,
        /// Where in its body.
        field: String,
        /// What is wrong.
        why: String,
    },
    /// A resource that is named by another one, or asked for, is not there.
    #[error("there is no {what} {id}")]
    Missing {
        /// What it should be.
        what: &'static str,
        /// Its id or name.
        id: String,
    },
    /// The lab has no way to do what the resources ask for.
    #[error("{id}: {why}")]
    NotEnforced {
        /// The resource.
        id: String,
        /// What can't be done.
        why: String,
    },
}

impl WorldError {
    fn field(id: &Id, field: &str, why: &str) -> Self {
        Self::Field {
            id: id.to_string(),
            field: field.to_owned(),
            why: why.to_owned(),
        }
    }

    /// A resource that is not there.
    pub fn missing(what: &'static str, id: impl ToString) -> Self {
        Self::Missing {
            what,
            id: id.to_string(),
        }
    }

    /// Something that the lab can not do for this resource.
    pub fn not_enforced(id: impl ToString, why: impl Into<String>) -> Self {
        Self::NotEnforced {
            id: id.to_string(),
            why: why.into(),
        }
    }
}

/// All resources that decide about packets.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Virtual networks.
    pub vnets: BTreeMap<Id, Vnet>,
    /// Their subnets.
    pub subnets: BTreeMap<Id, Subnet>,
    /// Network interfaces.
    pub nics: BTreeMap<Id, Nic>,
    /// Network security groups.
    pub nsgs: BTreeMap<Id, Nsg>,
    /// Route tables.
    pub route_tables: BTreeMap<Id, RouteTable>,
    /// Virtual network gateways.
    pub gateways: BTreeMap<Id, Gateway>,
    /// Public addresses.
    pub public_ips: BTreeMap<Id, PublicIp>,
    /// Private endpoints.
    pub private_endpoints: BTreeMap<Id, PrivateEndpoint>,
    /// Security admin rules of network managers, by priority.
    pub admin_rules: Vec<AdminRule>,
    /// Service tags by name in lower case.
    pub tags: BTreeMap<String, ServiceTag>,
}

impl World {
    /// Reads all resources of the state. Those that don't decide about packets are passed over.
    ///
    /// # Errors
    /// A resource whose body is not of a known form.
    pub fn from_state(state: &Value) -> Result<Self, WorldError> {
        let resources = state
            .get("resources")
            .and_then(Value::as_object)
            .ok_or(WorldError::NoResources)?;
        let resources = Resources(
            resources
                .iter()
                .map(|(id, body)| {
                    // The body shows the id in its own letter case.
                    let shown = body.get("id").and_then(Value::as_str);
                    let shown = shown.filter(|shown| shown.eq_ignore_ascii_case(id));
                    (Id::new(shown.unwrap_or(id)), body.clone())
                })
                .collect(),
        );
        Ok(Self {
            vnets: network::vnets(&resources)?,
            subnets: network::subnets(&resources)?,
            nics: nic::all(&resources)?,
            nsgs: rule::nsgs(&resources)?,
            route_tables: route::tables(&resources)?,
            gateways: network::gateways(&resources)?,
            public_ips: network::public_ips(&resources)?,
            private_endpoints: network::private_endpoints(&resources)?,
            admin_rules: admin::rules(&resources)?,
            tags: tag::all(&resources)?,
        })
    }

    /// The NIC of this id, in any letter case.
    ///
    /// # Errors
    /// Where there is none.
    pub fn nic(&self, id: &str) -> Result<&Nic, WorldError> {
        self.nics
            .get(&Id::new(id))
            .ok_or_else(|| WorldError::missing("NIC", id))
    }

    /// The subnet of the NIC's primary address, and its VNet.
    ///
    /// # Errors
    /// Where either is missing.
    pub fn place(&self, nic: &Nic) -> Result<(&Subnet, &Vnet), WorldError> {
        let id = &nic.primary().subnet;
        let subnet = self.subnets.get(id);
        let subnet = subnet.ok_or_else(|| WorldError::missing("subnet", id))?;
        Ok((subnet, self.vnet(&subnet.vnet)?))
    }

    /// The VNet of this id.
    ///
    /// # Errors
    /// Where there is none.
    pub fn vnet(&self, id: &Id) -> Result<&Vnet, WorldError> {
        self.vnets.get(id).ok_or_else(|| WorldError::missing("VNet", id))
    }

    /// The peerings of the VNet over which packets go: connected, and from both sides where the other VNet is in this world.
    pub fn peerings<'a>(&'a self, vnet: &'a Vnet) -> impl Iterator<Item = &'a Peering> {
        vnet.peerings.iter().filter(|peering| {
            let back = self.vnets.get(&peering.remote).map(|remote| {
                remote
                    .peerings
                    .iter()
                    .any(|back| back.connected && back.remote == vnet.id)
            });
            peering.connected && back != Some(false)
        })
    }

    /// The address space of the VNet at the other end: as it was when the peering was last synchronised.
    ///
    /// # Errors
    /// Where neither the peering nor this world says it.
    pub fn peered_space<'a>(&'a self, peering: &'a Peering) -> Result<&'a [prefix::Prefix], WorldError> {
        match &peering.remote_space {
            Some(space) => Ok(space),
            None => Ok(&self.vnet(&peering.remote)?.space),
        }
    }
}

use super::prefix;

/// The bodies by id.
struct Resources(BTreeMap<Id, Value>);

impl Resources {
    /// Those of this kind, `microsoft.network/virtualnetworks`.
    fn of(&self, kind: &str) -> impl Iterator<Item = (&Id, &Value)> {
        self.0.iter().filter(move |(id, _)| id.kind() == kind)
    }

    /// The parts of this name (`subnets`) of a resource, in its own body and under ids of their own.
    fn parts(&self, whole: &Body<'_>, id: &Id, name: &str) -> Result<BTreeMap<Id, Value>, WorldError> {
        let mut parts = BTreeMap::new();
        for part in whole.list(name)? {
            let part_id = match part.get("id").and_then(Value::as_str) {
                Some(id) => Id::new(id),
                None => match part.get("name").and_then(Value::as_str) {
                    Some(part) => Id::new(&format!("{id}/{name}/{part}")),
                    None => return Err(whole.bad(name, "a member has neither id nor name")),
                },
            };
            parts.insert(part_id, part.clone());
        }
        let kind = format!("{}/{}", id.kind(), name.to_lowercase());
        for (part, body) in self
            .of(&kind)
            .filter(|(part, _)| part.parent().as_ref() == Some(id))
        {
            parts.insert(part.clone(), body.clone());
        }
        Ok(parts)
    }
}

/// Reads every resource of a kind.
fn each<T>(
    resources: &Resources,
    kind: &str,
    read: impl Fn(&Id, &Body<'_>) -> Result<T, WorldError>,
) -> Result<BTreeMap<Id, T>, WorldError> {
    resources
        .of(kind)
        .map(|(id, body)| Ok((id.clone(), read(id, &Body::of(id, body)?)?)))
        .collect()
}
