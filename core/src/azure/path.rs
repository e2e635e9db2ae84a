//! The layers of Azure that one flow meets between two ends, there and back.
//!
//! In Azure's order: the source's security admin rules, the network security groups of its interface and of its subnet, its
//! effective route and what is behind that; the destination's admin rules, the groups of its subnet and of its interface; then
//! the reply. Security groups keep state: a reply of a flow that they let through passes them, so only routes matter on the way
//! back (Microsoft: "How network security groups filter network traffic").
//!
//! Every layer that blocks is listed, not only the first. A layer behind another is judged as if the flow came so far. What was
//! not read is a row of its own that says so, and a path with such a row is never ALLOW.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::azure::admin;
use crate::azure::nsg::{Effective, Gate, Protocol};
use crate::azure::route::Table;
use crate::azure::tags::Tags;
use crate::section::SectionName;

mod address;
mod anywhere;
mod back;
mod gates;
mod hop;
mod internet;
mod known;
mod leg;
mod network;
mod nic;
mod ports;
mod public;
mod row;
mod snapshot;
mod storage;
#[cfg(test)]
mod tests;
mod unasked;
mod walk;

pub use address::PublicIp;
pub use anywhere::{AddressPart, Anywhere, walk_internet};
pub use network::{Network, Peering};
pub use nic::{IpConfiguration, Nic, Subnet};
pub use public::{Public, walk_public};
pub use row::{Evidence, Layer, Missing, Object, Part, PartVerdict, Path, Place, Row, Status, Way};
pub use storage::{Account, walk_storage};
pub use unasked::{Unasked, unasked};
pub use walk::walk;

/// A section of an end.
#[derive(Debug, Clone, PartialEq)]
pub enum Read<T> {
    /// It was read.
    Captured(T),
    /// It was not, and why.
    Unread(String),
}

impl<T> Read<T> {
    /// What was read.
    pub fn captured(&self) -> Option<&T> {
        match self {
            Self::Captured(value) => Some(value),
            Self::Unread(_) => None,
        }
    }

    /// What was read, or why it was not.
    pub(crate) fn as_result(&self) -> Result<&T, &str> {
        match self {
            Self::Captured(value) => Ok(value),
            Self::Unread(why) => Err(why),
        }
    }
}

impl<T, E: std::fmt::Display> From<Result<T, E>> for Read<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Captured(value),
            Err(error) => Self::Unread(error.to_string()),
        }
    }
}

/// One end of a flow.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// A network interface.
    Nic(Box<Interface>),
    /// An address that is of no interface of a virtual machine that could be read: on the Internet, or behind a gateway.
    Outside(IpAddr),
}

impl End {
    /// Its address.
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Nic(interface) => interface.address,
            Self::Outside(address) => *address,
        }
    }

    /// The interface, where it is one.
    pub fn interface(&self) -> Option<&Interface> {
        match self {
            Self::Nic(interface) => Some(interface),
            Self::Outside(_) => None,
        }
    }

    /// What was read of the interface, where it is one and that was read.
    pub(crate) fn nic(&self) -> Option<&Nic> {
        self.interface().and_then(|interface| interface.nic.captured())
    }
}

/// A network interface as an end. Of several addresses and interfaces of a machine the caller chooses the one.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// The private address that the flow has here.
    pub address: IpAddr,
    /// The resources of the interface and of its subnet.
    pub nic: Read<Nic>,
    /// Its effective routes.
    pub routes: Read<Table>,
    /// Its effective security rules.
    pub rules: Read<Effective>,
    /// The admin rules of its virtual network; `Captured` without rules where there certainly are none.
    pub admin: Read<Gate>,
    /// What else is known about tags and groups. Without prefixes of the virtual network these are taken from the routes, as
    /// far as those tell.
    pub tags: Tags,
}

/// What is sent. Azure looks neither at the type of an ICMP message nor at flags of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// The protocol.
    pub protocol: Protocol,
    /// The ports that it comes from, first and last; none: not known.
    pub source_ports: Option<(u16, u16)>,
    /// The ports that it goes to, first and last; none: it has none, or they are not known.
    pub ports: Option<(u16, u16)>,
}

/// A question: what becomes of a flow between two ends.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Where the flow begins.
    pub source: &'a End,
    /// Where it goes.
    pub destination: &'a End,
    /// What it is.
    pub flow: Flow,
    /// What is known of what lies around them.
    pub around: &'a Around,
}

/// What is known of what lies around the ends of a flow. What is not here was not read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Around {
    /// Interfaces of machines that may stand in between as next hops.
    pub appliances: Vec<Nic>,
    /// Virtual networks by their ids in lower case.
    pub networks: BTreeMap<String, Read<Network>>,
}

/// A gate of admin rules that has none: what a virtual network without a network manager has.
pub fn no_admin_rules() -> Gate {
    let empty = serde_json::json!({"value": []});
    admin::parse(&empty).map_or_else(|error| unread_admin_rules(&error.to_string()), |(gate, _)| gate)
}

/// A gate of admin rules that says nothing, since it was not read.
fn unread_admin_rules(why: &str) -> Gate {
    Gate {
        kind: crate::azure::nsg::GateKind::Admin,
        nsg: None,
        association: None,
        rules: Vec::new(),
        cut: Some(why.to_owned()),
        tags: BTreeMap::new(),
    }
}

/// The sections that a path is made of, in the order of [`SectionName::AZURE`].
pub const SECTIONS: [SectionName; 4] = [
    SectionName::Nic,
    SectionName::EffectiveRoutes,
    SectionName::EffectiveNsg,
    SectionName::AdminRules,
];
