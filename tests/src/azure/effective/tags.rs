//! Which addresses a service tag stands for at a NIC.
//!
//! Source: `articles/virtual-network/service-tags-overview.md` and `what-is-ip-address-168-63-129-16.md` of Microsoft's
//! documentation. `VirtualNetwork` is "the virtual network address space, all connected on-premises address spaces, peered
//! virtual networks, virtual networks connected to a virtual network gateway, the virtual IP address of the host, and address
//! prefixes used on user-defined routes; it might also contain default routes".

use std::net::{IpAddr, Ipv4Addr};

use crate::azure::Prefix;
use crate::azure::prefix::{difference, merged};
use crate::azure::world::{Nic, Where, World, WorldError};

/// The host's virtual address: load balancer probes, DNS, DHCP.
pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16));

/// The address of the instance metadata service.
pub const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

/// What of IPv4 and IPv6 is not reached over the Internet: RFC 6890 and, of IPv6, all but 2000::/3.
const PRIVATE: [&str; 9] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "fc00::/7",
];

/// What of IPv6 is reached over the Internet.
const PUBLIC_V6: &str = "2000::/3";

/// The addresses of the tag for the rules of this NIC.
///
/// # Errors
/// Where the tag is none of those that follow from the VNet, and the world's list of service tags lacks it.
pub fn resolve(world: &World, nic: &Nic, tag: &str) -> Result<Vec<Prefix>, WorldError> {
    match tag.to_ascii_lowercase().as_str() {
        "virtualnetwork" => virtual_network(world, nic),
        "azureloadbalancer" => Ok(vec![Prefix::host(HOST)]),
        "internet" => internet(world, nic),
        other => {
            let tag = world.tags.get(other);
            Ok(merged(
                &tag.ok_or_else(|| WorldError::missing("service tag", tag_name(other)))?
                    .prefixes,
            ))
        }
    }
}

fn tag_name(tag: &str) -> String {
    format!("{tag} in the list of service tags")
}

/// The VNet, its connected peers whose access is allowed, and what their gateways have learnt.
fn reachable(world: &World, nic: &Nic) -> Result<Vec<Prefix>, WorldError> {
    let (subnet, vnet) = world.place(nic)?;
    let mut prefixes = vnet.space.clone();
    for peering in world.peerings(vnet).filter(|peering| peering.allow_access) {
        prefixes.extend(world.peered_space(peering)?);
    }
    let table = subnet
        .route_table
        .as_ref()
        .and_then(|id| world.route_tables.get(id));
    if !table.is_some_and(|table| table.no_gateway_routes) {
        prefixes.extend(super::routes::learned(world, vnet).map(|learned| learned.prefix));
    }
    Ok(prefixes)
}

fn virtual_network(world: &World, nic: &Nic) -> Result<Vec<Prefix>, WorldError> {
    let mut prefixes = reachable(world, nic)?;
    prefixes.push(Prefix::host(HOST));
    let (subnet, _) = world.place(nic)?;
    let table = subnet
        .route_table
        .as_ref()
        .and_then(|id| world.route_tables.get(id));
    for route in table.iter().flat_map(|table| &table.routes) {
        match &route.to {
            Where::Prefix(prefix) => prefixes.push(*prefix),
            Where::Tag(tag) => prefixes.extend(resolve(world, nic, tag)?),
            Where::Any | Where::Group(_) => {}
        }
    }
    Ok(merged(&prefixes))
}

/// All public addresses but those of the VNet and what it is connected to. A default route takes none away: the tag stands
/// for what lies behind it.
fn internet(world: &World, nic: &Nic) -> Result<Vec<Prefix>, WorldError> {
    let mut removed = reachable(world, nic)?;
    removed.retain(|prefix| prefix.length() > 0);
    removed.push(Prefix::host(HOST));
    removed.extend(PRIVATE.iter().filter_map(|text| text.parse::<Prefix>().ok()));
    let mut all = vec![Prefix::ALL_V4];
    if has_v6(world, nic)? {
        all.extend(PUBLIC_V6.parse::<Prefix>().ok());
    }
    Ok(difference(&all, &removed))
}

/// The NIC's VNet has addresses of IPv6.
///
/// # Errors
/// Where the NIC's VNet is missing.
pub fn has_v6(world: &World, nic: &Nic) -> Result<bool, WorldError> {
    Ok(world.place(nic)?.1.space.iter().any(Prefix::is_v6))
}
