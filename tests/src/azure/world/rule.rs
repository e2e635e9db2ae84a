//! Network security groups and their rules.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::body::Body;
use super::{Id, Resources, WorldError, each};
use crate::azure::Prefix;

/// A network security group.
#[derive(Debug, Clone)]
pub struct Nsg {
    /// Its id.
    pub id: Id,
    /// The rules that its owner made, by priority.
    pub rules: Vec<Rule>,
}

/// A rule of a security group.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The lowest goes first.
    pub priority: u64,
    /// The way that the packets go which it is about.
    pub direction: Direction,
    /// What becomes of them.
    pub access: Access,
    /// Of which protocol they are.
    pub protocol: Protocol,
    /// Where they come from.
    pub sources: Vec<Where>,
    /// Where they go to.
    pub destinations: Vec<Where>,
    /// From which ports; empty stands for all.
    pub source_ports: Vec<Ports>,
    /// To which ports; empty stands for all.
    pub destination_ports: Vec<Ports>,
}

/// The way that a packet goes, as its VM sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the VM.
    Inbound,
    /// From the VM.
    Outbound,
}

impl Direction {
    /// As Azure writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Lets the packet through this gate.
    Allow,
    /// Drops it.
    Deny,
}

/// A protocol of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Any.
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP of either family.
    Icmp,
    /// Encapsulated payload of IPsec.
    Esp,
    /// Authentication header of IPsec.
    Ah,
}

/// Addresses as a rule or route names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// All of both families.
    Any,
    /// These.
    Prefix(Prefix),
    /// Those of a service tag.
    Tag(String),
    /// Those of the NICs of an application security group.
    Group(Id),
}

impl FromStr for Where {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text == "*" || text.eq_ignore_ascii_case("any") {
            return Ok(Self::Any);
        }
        Ok(text
            .parse()
            .map_or_else(|_| Self::Tag(text.to_owned()), Self::Prefix))
    }
}

/// Ports from the first to the second, both counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ports(pub u16, pub u16);

impl Ports {
    /// Every port.
    pub const ALL: Self = Self(0, u16::MAX);
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// A text that names no ports.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither a port nor a range of ports")]
pub struct NotPorts(String);

impl FromStr for Ports {
    type Err = NotPorts;

    fn from_str(text: &str) -> Result<Self, NotPorts> {
        let bad = || NotPorts(text.to_owned());
        if text == "*" {
            return Ok(Self::ALL);
        }
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.parse::<u16>().map_err(|_| bad());
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(bad());
        }
        Ok(Self(first, last))
    }
}

pub(super) const PROTOCOLS: [(&str, Protocol); 8] = [
    ("*", Protocol::Any),
    ("Any", Protocol::Any),
    ("All", Protocol::Any),
    ("Tcp", Protocol::Tcp),
    ("Udp", Protocol::Udp),
    ("Icmp", Protocol::Icmp),
    ("Esp", Protocol::Esp),
    ("Ah", Protocol::Ah),
];

pub(super) const DIRECTIONS: [(&str, Direction); 2] =
    [("Inbound", Direction::Inbound), ("Outbound", Direction::Outbound)];

pub(super) fn nsgs(resources: &Resources) -> Result<BTreeMap<Id, Nsg>, WorldError> {
    each(
        resources,
        "microsoft.network/networksecuritygroups",
        |id, body| {
            let properties = body.properties()?;
            let parts = resources.parts(&properties, id, "securityRules")?;
            let mut rules = parts
                .iter()
                .map(|(id, part)| rule(id, &Body::of(id, part)?.properties()?))
                .collect::<Result<Vec<Rule>, _>>()?;
            rules.sort_by_key(|rule| rule.priority);
            Ok(Nsg {
                id: id.clone(),
                rules,
            })
        },
    )
}

fn rule(id: &Id, body: &Body<'_>) -> Result<Rule, WorldError> {
    let accesses = [("Allow", Access::Allow), ("Deny", Access::Deny)];
    Ok(Rule {
        name: id.name().to_owned(),
        priority: body.number("priority")?,
        direction: body.word("direction", &DIRECTIONS)?,
        access: body.word("access", &accesses)?,
        protocol: body.word("protocol", &PROTOCOLS)?,
        sources: places(
            body,
            "sourceAddressPrefix",
            "sourceAddressPrefixes",
            "sourceApplicationSecurityGroups",
        )?,
        destinations: places(
            body,
            "destinationAddressPrefix",
            "destinationAddressPrefixes",
            "destinationApplicationSecurityGroups",
        )?,
        source_ports: ports(body, &body.both("sourcePortRange", "sourcePortRanges")?)?,
        destination_ports: ports(body, &body.both("destinationPortRange", "destinationPortRanges")?)?,
    })
}

/// A rule that names no address is refused: it is not known what Azure would make of it.
fn places(body: &Body<'_>, one: &str, many: &str, groups: &str) -> Result<Vec<Where>, WorldError> {
    let texts = body.both(one, many)?;
    let mut places: Vec<Where> = texts
        .into_iter()
        .map(|text| body.parsed(one, text))
        .collect::<Result<_, _>>()?;
    places.extend(body.references(groups)?.into_iter().map(Where::Group));
    if places.is_empty() {
        return Err(body.bad(one, "no address is named"));
    }
    Ok(places)
}

pub(super) fn ports(body: &Body<'_>, texts: &[&str]) -> Result<Vec<Ports>, WorldError> {
    texts
        .iter()
        .map(|text| body.parsed("sourcePortRange or destinationPortRange", text))
        .collect()
}
