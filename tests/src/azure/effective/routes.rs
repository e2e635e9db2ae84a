//! The routes of a NIC, and which of them a packet takes.
//!
//! Source: `articles/virtual-network/virtual-networks-udr-overview.md` and
//! `private-link/disable-private-endpoint-network-policy.md` of Microsoft's documentation.

use std::net::IpAddr;

use crate::azure::Prefix;
use crate::azure::world::{
    Hop, Learned, Nic, PrivateEndpoint, RouteTable, ServiceEndpoint, Subnet, Vnet, Where, World, WorldError,
};

mod select;

pub use select::select;

/// One prefix of one effective route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Rows of one number are one entry of Azure's answer.
    pub entry: usize,
    /// The user route's name.
    pub name: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// It is used; another one of the same prefix goes before it otherwise.
    pub active: bool,
    /// Where it leads.
    pub prefix: Prefix,
    /// What it leads over.
    pub hop: Hop,
    /// The addresses beside the hop, as Azure shows them.
    pub hop_addresses: Vec<IpAddr>,
    /// A user route that goes before all gateway routes to the same addresses.
    pub over_gateway_routes: bool,
    /// The route table keeps gateway routes away.
    pub no_gateway_routes: bool,
    /// The tag that the prefix is one of.
    pub tag: Option<String>,
}

/// Where a route comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Azure makes it.
    Default,
    /// A route table.
    User,
    /// A gateway has learnt it.
    Gateway,
}

/// What Azure sends nowhere unless the VNet has it.
const RESERVED: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/// All routes of the NIC.
///
/// # Errors
/// Where something that they follow from is missing.
pub fn table(world: &World, nic: &Nic) -> Result<Vec<Row>, WorldError> {
    let (subnet, vnet) = world.place(nic)?;
    let table = match &subnet.route_table {
        None => None,
        Some(id) => {
            let table = world.route_tables.get(id);
            Some(table.ok_or_else(|| WorldError::missing("route table", id))?)
        }
    };
    let mut rows = Rows::new(table);
    system(&mut rows, world, vnet)?;
    reserved(&mut rows, table);
    endpoints(&mut rows, world, subnet, vnet)?;
    if !table.is_some_and(|table| table.no_gateway_routes) {
        for learned in learned(world, vnet) {
            rows.add(Source::Gateway, Hop::Gateway, [learned.prefix], &[learned.hop]);
        }
    }
    if let Some(table) = table {
        user(&mut rows, world, nic, table)?;
    }
    let mut rows = rows.rows;
    select::settle(&mut rows, world, vnet);
    Ok(rows)
}

/// What the gateways of the VNet, and those that peered VNets lend it, have learnt.
pub fn learned<'a>(world: &'a World, vnet: &'a Vnet) -> impl Iterator<Item = &'a Learned> {
    let lenders = world
        .peerings(vnet)
        .filter(|peering| peering.use_remote_gateways && world.lends(vnet, peering))
        .map(|peering| &peering.remote);
    let vnets: Vec<_> = std::iter::once(&vnet.id).chain(lenders).collect();
    let gateways = world.gateways.values();
    gateways
        .filter(move |gateway| vnets.contains(&&gateway.vnet))
        .flat_map(|gateway| &gateway.learned)
}

impl World {
    /// The other VNet lets this one use its gateway; so it is taken where this world does not have the other one.
    fn lends(&self, vnet: &Vnet, peering: &crate::azure::world::Peering) -> bool {
        self.vnets.get(&peering.remote).is_none_or(|remote| {
            let mut back = remote.peerings.iter();
            back.any(|back| back.remote == vnet.id && back.allow_gateway_transit)
        })
    }
}

struct Rows {
    rows: Vec<Row>,
    entries: usize,
    no_gateway_routes: bool,
}

impl Rows {
    fn new(table: Option<&RouteTable>) -> Self {
        Self {
            rows: Vec::new(),
            entries: 0,
            no_gateway_routes: table.is_some_and(|table| table.no_gateway_routes),
        }
    }

    /// Adds an entry.
    fn add(
        &mut self,
        source: Source,
        hop: Hop,
        prefixes: impl IntoIterator<Item = Prefix>,
        addresses: &[IpAddr],
    ) -> &mut [Row] {
        let first = self.rows.len();
        self.entries += 1;
        self.rows.extend(prefixes.into_iter().map(|prefix| Row {
            entry: self.entries,
            name: None,
            source,
            active: true,
            prefix,
            hop,
            hop_addresses: addresses.to_vec(),
            over_gateway_routes: false,
            no_gateway_routes: self.no_gateway_routes,
            tag: None,
        }));
        self.rows.get_mut(first..).unwrap_or_default()
    }
}

/// The VNet, its peers, and all else out.
fn system(rows: &mut Rows, world: &World, vnet: &Vnet) -> Result<(), WorldError> {
    for prefix in &vnet.space {
        rows.add(Source::Default, Hop::VnetLocal, [*prefix], &[]);
    }
    for peering in world.peerings(vnet) {
        // Without allowed access packets still go: only the tag changes.
        let space = world.peered_space(peering)?.iter().copied();
        rows.add(Source::Default, Hop::Peering, space, &[]);
    }
    rows.add(Source::Default, Hop::Internet, [Prefix::ALL_V4], &[]);
    if vnet.space.iter().any(Prefix::is_v6) {
        rows.add(Source::Default, Hop::Internet, [Prefix::ALL_V6], &[]);
    }
    Ok(())
}

/// The reserved ranges go nowhere, unless the VNet (or, the same way, a peered one) has the range or a larger one, or a user
/// route takes everything.
fn reserved(rows: &mut Rows, table: Option<&RouteTable>) {
    let default = Where::Prefix(Prefix::ALL_V4);
    if table.is_some_and(|table| table.routes.iter().any(|route| route.to == default)) {
        return;
    }
    for prefix in RESERVED.iter().filter_map(|text| text.parse::<Prefix>().ok()) {
        let taken = rows
            .rows
            .iter()
            .any(|row| matches!(row.hop, Hop::VnetLocal | Hop::Peering) && row.prefix.covers(&prefix));
        if !taken {
            rows.add(Source::Default, Hop::None, [prefix], &[]);
        }
    }
}

/// Services that the subnet reaches directly, and the private endpoints in the VNet and its peers.
fn endpoints(rows: &mut Rows, world: &World, subnet: &Subnet, vnet: &Vnet) -> Result<(), WorldError> {
    for endpoint in &subnet.service_endpoints {
        for prefixes in service(world, endpoint)? {
            rows.add(
                Source::Default,
                Hop::ServiceEndpoint,
                prefixes.iter().copied(),
                &[],
            );
        }
    }
    for address in private(world, vnet).map(|(_, address)| address) {
        rows.add(
            Source::Default,
            Hop::InterfaceEndpoint,
            [Prefix::host(address)],
            &[],
        );
    }
    Ok(())
}

/// The private endpoints that this VNet has routes to, with their addresses.
fn private<'a>(world: &'a World, vnet: &'a Vnet) -> impl Iterator<Item = (&'a PrivateEndpoint, IpAddr)> + 'a {
    let seen: Vec<_> = std::iter::once(&vnet.id)
        .chain(world.peerings(vnet).map(|peering| &peering.remote))
        .collect();
    let all = world.private_endpoints.values();
    all.filter(move |endpoint| {
        let subnet = world.subnets.get(&endpoint.subnet);
        subnet.is_some_and(|subnet| seen.contains(&&subnet.vnet))
    })
    .flat_map(move |endpoint| {
        let nics = endpoint.nics.iter().filter_map(|id| world.nics.get(id));
        nics.flat_map(Nic::addresses)
            .map(move |address| (endpoint, address))
    })
}

/// The prefixes of the service's tag, for each region that the endpoint names, or for all.
fn service<'a>(world: &'a World, endpoint: &ServiceEndpoint) -> Result<Vec<&'a Vec<Prefix>>, WorldError> {
    let service = endpoint
        .service
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let of = |tag: &str| {
        let tag = world.tags.get(tag);
        tag.map(|tag| &tag.prefixes)
    };
    let missing = || WorldError::missing("service tag for the endpoint", &endpoint.service);
    if endpoint.locations.is_empty() || endpoint.locations.iter().any(|location| location == "*") {
        return Ok(vec![of(&service).ok_or_else(missing)?]);
    }
    let named = |location: &String| {
        let location = location.replace(' ', "").to_lowercase();
        of(&format!("{service}.{location}")).ok_or_else(missing)
    };
    endpoint.locations.iter().map(named).collect()
}

fn user(rows: &mut Rows, world: &World, nic: &Nic, table: &RouteTable) -> Result<(), WorldError> {
    for route in &table.routes {
        let addresses = match route.hop {
            Hop::Appliance(address) => vec![address],
            _ => Vec::new(),
        };
        let (prefixes, tag) = match &route.to {
            Where::Prefix(prefix) => (vec![*prefix], None),
            Where::Tag(tag) => (super::tags::resolve(world, nic, tag)?, Some(tag.clone())),
            Where::Any | Where::Group(_) => continue,
        };
        for row in rows.add(Source::User, route.hop, prefixes, &addresses) {
            row.name = Some(route.name.clone());
            row.over_gateway_routes = route.over_gateway_routes;
            row.tag.clone_from(&tag);
        }
    }
    Ok(())
}
