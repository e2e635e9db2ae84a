//! The effective routes of each NIC, as a routing table of the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use super::{PREFERENCE, Port, port_of};
use crate::azure::Prefix;
use crate::azure::effective::routes::{Row, select, table};
use crate::azure::effective::tags::{HOST, METADATA};
use crate::azure::world::{Hop, Id, World, WorldError};
use crate::fabric::Link;

/// What is to be given to `ip -4 -batch` and to `ip -6 -batch`: new tables, numbered from `first`, take the place of the old
/// ones.
pub(super) fn batches(
    world: &World,
    ports: &BTreeMap<Id, Port>,
    open: &[(String, Ipv4Addr)],
    old: &BTreeMap<String, u32>,
    first: u32,
) -> Result<[String; 2], WorldError> {
    let mut fill = [String::new(), String::new()];
    let mut switch = String::new();
    for (number, (nic, port)) in (first..).zip(ports) {
        let [v4, v6] = &mut fill;
        for (prefix, way) in ways(world, ports, nic)? {
            let batch = if prefix.is_v6() { &mut *v6 } else { &mut *v4 };
            line(batch, format_args!("route add {prefix} {way} table {number}"));
        }
        for (link, address) in open {
            line(
                v4,
                format_args!("route replace {address}/32 dev {link} table {number}"),
            );
        }
        let rule = format!("pref {PREFERENCE} iif {}", port.link);
        line(&mut switch, format_args!("rule add {rule} lookup {number}"));
        if let Some(old) = old.get(&port.link) {
            line(&mut switch, format_args!("rule delete {rule} lookup {old}"));
            line(&mut switch, format_args!("route flush table {old}"));
        }
    }
    Ok(fill.map(|fill| fill + &switch))
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // A string takes all that is written to it.
    writeln!(text, "{line}").ok();
}

/// What each prefix leads over, so that the longest one decides as Azure's rules do: among the addresses of a prefix that are
/// in none of the longer ones, all have the same routes to choose from.
fn ways(world: &World, ports: &BTreeMap<Id, Port>, nic: &Id) -> Result<BTreeMap<Prefix, String>, WorldError> {
    let rows = table(world, world.nic(nic.as_str())?)?;
    let hosts = world
        .nics
        .values()
        .flat_map(|nic| nic.addresses().map(Prefix::host));
    let prefixes: BTreeSet<Prefix> = rows
        .iter()
        .map(|row| row.prefix)
        .chain([Prefix::ALL_V4, Prefix::ALL_V6])
        .chain(hosts)
        .collect();
    let mut ways = BTreeMap::new();
    for prefix in prefixes {
        let way = match select(&rows, prefix).first() {
            Some(row) => way(world, ports, nic, row, prefix)?,
            None => over(Link::Nowhere, prefix),
        };
        ways.insert(prefix, way);
    }
    // Nothing leads these elsewhere.
    for platform in [HOST, METADATA].map(Prefix::host) {
        ways.insert(platform, over(Link::Platform, platform));
    }
    Ok(ways)
}

fn over(link: Link, to: Prefix) -> String {
    format!("via {} dev {} onlink", link.hop(to.is_v6()), link.name())
}

fn way(
    world: &World,
    ports: &BTreeMap<Id, Port>,
    from: &Id,
    row: &Row,
    to: Prefix,
) -> Result<String, WorldError> {
    let link = match row.hop {
        Hop::Internet => Link::Internet,
        Hop::ServiceEndpoint => Link::Service,
        Hop::Gateway => match has_gateway(world, from)? {
            true => Link::Gateway,
            false => Link::Nowhere,
        },
        Hop::None => Link::Nowhere,
        Hop::Appliance(hop) => return appliance(world, ports, from, hop, to),
        Hop::VnetLocal | Hop::Peering | Hop::InterfaceEndpoint => return local(world, ports, from, to),
    };
    Ok(over(link, to))
}

/// The NIC that has the address; a private endpoint's is the service itself.
fn local(world: &World, ports: &BTreeMap<Id, Port>, from: &Id, to: Prefix) -> Result<String, WorldError> {
    if !to.is_host() {
        return Ok(over(Link::Nowhere, to));
    }
    if let Some((id, port)) = port_of(world, ports, from, to.address())?
        && id != from
    {
        return Ok(format!("dev {}", port.link));
    }
    let endpoints = world
        .private_endpoints
        .values()
        .flat_map(|endpoint| &endpoint.nics);
    let mut nics = endpoints.filter_map(|id| world.nics.get(id));
    let service = nics.any(|nic| nic.addresses().any(|address| address == to.address()));
    Ok(over(if service { Link::Service } else { Link::Nowhere }, to))
}

/// The appliance takes it only where its NIC may forward.
fn appliance(
    world: &World,
    ports: &BTreeMap<Id, Port>,
    from: &Id,
    hop: IpAddr,
    to: Prefix,
) -> Result<String, WorldError> {
    if let Some((id, port)) = port_of(world, ports, from, hop)?
        && id != from
        && hop.is_ipv6() == to.is_v6()
    {
        let forwards = world.nic(id.as_str())?.forwarding;
        // It also gets what is sent to its own address by way of it.
        if forwards || Prefix::host(hop) == to {
            return Ok(format!("via {hop} dev {} onlink", port.link));
        }
    }
    Ok(over(Link::Nowhere, to))
}

/// The NIC's VNet has a gateway, or uses a peer's.
fn has_gateway(world: &World, nic: &Id) -> Result<bool, WorldError> {
    let (_, vnet) = world.place(world.nic(nic.as_str())?)?;
    let mut vnets = world
        .peerings(vnet)
        .filter(|peering| peering.use_remote_gateways)
        .map(|peering| &peering.remote)
        .chain([&vnet.id]);
    Ok(vnets.any(|id| world.gateways.values().any(|gateway| gateway.vnet == *id)))
}
