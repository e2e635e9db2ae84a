//! Public addresses: how a flow gets one on its way out, and how it comes in by one.
//!
//! A way out is a public address of the interface, a NAT gateway of the subnet, an outbound rule of a load balancer, or the
//! default outbound access of a subnet that is not private (Microsoft: "Default outbound access in Azure").

use std::net::IpAddr;

use super::leg::{Leg, Reach};
use super::row::{Layer, Object, Place, Row, Status, Way};
use super::{End, Interface, IpConfiguration, Nic, Subnet};
use crate::azure::nsg::Protocol;
use crate::section::SectionName;

/// The row of the way out.
pub(super) fn egress(leg: &mut Leg<'_, '_>) -> Row {
    let new = |status, why: &str| Row::new(Layer::Egress, Place::Source, Way::Forward, status, why);
    let (status, why, object) = match own(leg.from) {
        Ok((nic, own)) => way_out(leg.from, (nic, own), leg.question.flow.protocol),
        Err(why) => (Status::Unknown, why, None),
    };
    if status == Status::Unknown {
        leg.lacks(Layer::Egress, Some(SectionName::Nic), why.clone());
    }
    let mut row = new(status, &why).evidence(SectionName::Nic, None);
    row.object = object;
    row
}

/// The interface and its configuration of the flow's address.
fn own(interface: &Interface) -> Result<(&Nic, &IpConfiguration), String> {
    let nic = interface.nic.as_result().map_err(str::to_owned)?;
    let own = nic.configuration(interface.address);
    let own = own.ok_or_else(|| format!("{} is no address of the interface", interface.address))?;
    Ok((nic, own))
}

/// A NAT gateway carries TCP and UDP alone (Microsoft: "Troubleshoot Azure NAT Gateway connectivity"); of default outbound access
/// no page says what becomes of the rest.
fn way_out(
    interface: &Interface,
    (nic, own): (&Nic, &IpConfiguration),
    protocol: Protocol,
) -> (Status, String, Option<Object>) {
    let has_ports = matches!(protocol, Protocol::Tcp | Protocol::Udp);
    let object = |kind, id: &str| {
        Some(Object {
            kind,
            id: Some(id.to_owned()),
            text: id.rsplit('/').next().unwrap_or_default().to_owned(),
        })
    };
    let ipv4 = interface.address.is_ipv4();
    let subnet = nic.subnet(interface.address);
    if let Some(id) = &own.public {
        return by_public(subnet, has_ports, object("public-address", id));
    }
    let Some(subnet) = subnet else {
        return (Status::Unknown, "the subnet was not read".to_owned(), None);
    };
    let of_subnet = object("subnet", subnet.id.as_str());
    match (&subnet.nat_gateway, own.balancers.first()) {
        (Some(id), _) if ipv4 && protocol == Protocol::Any => {
            let why = "the subnet has a NAT gateway, which carries TCP and UDP alone".to_owned();
            (Status::Unknown, why, object("nat-gateway", id))
        }
        (Some(id), _) if ipv4 && !has_ports => {
            let why = "the subnet has a NAT gateway, which carries TCP and UDP alone".to_owned();
            (Status::Block, why, object("nat-gateway", id))
        }
        (Some(id), _) if ipv4 => {
            let why = "the subnet has a NAT gateway".to_owned();
            (Status::Pass, why, object("nat-gateway", id))
        }
        (Some(id), _) => {
            let why = "whether the NAT gateway serves IPv6 was not read".to_owned();
            (Status::Unknown, why, object("nat-gateway", id))
        }
        (None, Some(id)) => {
            let why = "the outbound rules of the load balancer were not read".to_owned();
            (Status::Unknown, why, object("load-balancer", id))
        }
        (None, None) if !ipv4 => {
            let why = "there is no public address, and default outbound access is for IPv4 only".to_owned();
            (Status::Block, why, of_subnet)
        }
        (None, None) if subnet.default_outbound == Some(false) => {
            let why = "there is no public address, NAT gateway or load balancer, and the subnet is private"
                .to_owned();
            (Status::Block, why, of_subnet)
        }
        (None, None) if !has_ports => {
            let why =
                "whether default outbound access carries more than TCP and UDP is not documented".to_owned();
            (Status::Unknown, why, of_subnet)
        }
        (None, None) => {
            let why =
                "the subnet has default outbound access, which Azure may change without notice".to_owned();
            (Status::Pass, why, of_subnet)
        }
    }
}

/// The way out of an interface that has a public address. A NAT gateway of its subnet goes before that for what it carries
/// (Microsoft: "What is Azure NAT Gateway?"); what becomes of the rest is not said.
fn by_public(
    subnet: Option<&Subnet>,
    has_ports: bool,
    object: Option<Object>,
) -> (Status, String, Option<Object>) {
    let gateway = subnet.map(|subnet| subnet.nat_gateway.is_some());
    let (status, why) = match gateway {
        Some(false) => (Status::Pass, "the interface has a public address"),
        _ if has_ports => (
            Status::Pass,
            "the interface has a public address, or the subnet a NAT gateway, which goes before it",
        ),
        Some(true) => (
            Status::Unknown,
            "the subnet has a NAT gateway beside the public address of the interface, which carries TCP and UDP alone",
        ),
        None => (
            Status::Unknown,
            "whether the subnet has a NAT gateway, which carries TCP and UDP alone, was not read",
        ),
    };
    (status, why.to_owned(), object)
}

/// The public address that a flow certainly leaves by: the interface's own, where no gateway or machine goes before it.
pub(super) fn leaves_by(source: &Interface, reach: &Reach, own: Option<IpAddr>) -> Option<IpAddr> {
    let nic = source.nic.captured()?;
    let free = nic.subnet(source.address)?.nat_gateway.is_none();
    let has = nic.configuration(source.address)?.public.is_some();
    own.filter(|_| free && has && *reach == Reach::Internet)
}

/// The row of the way in from the Internet.
pub(super) fn ingress(destination: &End) -> Option<Row> {
    let interface = destination.interface()?;
    let new = |status, why: &str| {
        Row::new(
            Layer::PublicAddress,
            Place::Destination,
            Way::Forward,
            status,
            why,
        )
    };
    let (nic, own) = match own(interface) {
        Ok(found) => found,
        Err(why) => return Some(new(Status::Unknown, &why)),
    };
    let object = |kind, id: &str| Object {
        kind,
        id: Some(id.to_owned()),
        text: id.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let row = match (&own.public, own.balancers.first()) {
        (Some(id), _) => {
            new(Status::Pass, "the interface has a public address").object(object("public-address", id))
        }
        (None, Some(id)) => new(Status::Unknown, "the rules of the load balancer were not read")
            .object(object("load-balancer", id)),
        (None, None) => new(
            Status::Block,
            "the interface has no public address and stands behind no load balancer: nothing from the Internet comes to it",
        )
        .object(object("network-interface", nic.id.as_str())),
    };
    Some(row.evidence(SectionName::Nic, None))
}
