//! Virtual networks: which are peered with which.
//!
//! An effective route of a peering says that its prefix is delivered in a peered network, and not in which. Two networks may
//! have one prefix, of which only one is peered: so the peerings are read from the network itself (Microsoft: "Virtual network
//! peering"; two networks with a common prefix can't be peered with one third).

use std::net::IpAddr;

use serde_json::Value;

use super::Read;
use super::leg::Reach;
use super::nic::{inner, object, wrong};
use super::row::Status;
use crate::azure::body::{BadField, field, flag, string, strings};
use crate::azure::id::ResourceId;
use crate::azure::net::Net;

/// A virtual network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Its resource id.
    pub id: ResourceId,
    /// Its peerings.
    pub peerings: Vec<Peering>,
}

/// A peering as one of its two networks has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Peering {
    /// The id of the other network, in lower case.
    pub remote: String,
    /// `Connected`, `Initiated` or `Disconnected`, as Azure writes it.
    pub state: Option<String>,
    /// Whether the other network belongs to the tag `VirtualNetwork`; none: the body does not say.
    pub access: Option<bool>,
    /// Whether it takes from the other network what that only forwards; none: the body does not say.
    pub forwarded: Option<bool>,
    /// The prefixes of the other network that this one knows; empty: the body does not say.
    pub prefixes: Vec<Net>,
}

impl Peering {
    fn is_connected(&self) -> bool {
        let is = |word: &String| word.eq_ignore_ascii_case("Connected");
        self.state.as_ref().is_some_and(is)
    }

    fn has(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|net| net.contains(address))
    }
}

impl Network {
    /// Reads the body of a virtual network, as Azure Resource Manager or `az network vnet show` writes it.
    ///
    /// # Errors
    /// Where it is of another form; also where it does not say which peerings there are, which is not the same as none.
    pub fn parse(body: &Value) -> Result<Self, BadField> {
        let outer = object(body, "virtualNetwork")?;
        let id = string(outer, "id")?.ok_or_else(|| BadField::new("id", "it is missing"))?;
        let id: ResourceId = id
            .parse()
            .map_err(|error| BadField::new("id", format!("{error}")))?;
        if id.after("virtualNetworks") != Some(id.name()) {
            return Err(BadField::new("id", format!("{id} is of no virtual network")));
        }
        let fields = inner(outer)?;
        let peerings = match field(fields, "virtualNetworkPeerings") {
            Some(Value::Array(peerings)) => peerings,
            Some(other) => return Err(wrong("virtualNetworkPeerings", other)),
            None => return Err(BadField::new("virtualNetworkPeerings", "it is missing")),
        };
        let peerings = peerings.iter().enumerate().map(|(at, one)| {
            Peering::parse(one).map_err(|bad| bad.within(&format!("virtualNetworkPeerings.{at}")))
        });
        Ok(Self {
            id,
            peerings: peerings.collect::<Result<_, _>>()?,
        })
    }

    /// The ids of the networks that it is peered with, in lower case.
    pub fn peers(&self) -> impl Iterator<Item = &str> {
        self.peerings.iter().map(|peering| peering.remote.as_str())
    }

    /// True where a peering that keeps its network out of the tag `VirtualNetwork`, or does not say, has or may have the address.
    pub(super) fn keeps_out(&self, address: IpAddr) -> bool {
        self.peerings.iter().any(|peering| {
            peering.access != Some(true) && (peering.prefixes.is_empty() || peering.has(address))
        })
    }
}

impl Peering {
    fn parse(one: &Value) -> Result<Self, BadField> {
        let fields = inner(object(one, "peering")?)?;
        let remote = match field(fields, "remoteVirtualNetwork") {
            Some(Value::Object(remote)) => {
                string(remote, "id").map_err(|bad| bad.within("remoteVirtualNetwork"))?
            }
            Some(other) => return Err(wrong("remoteVirtualNetwork", other)),
            None => None,
        };
        let remote = remote.ok_or_else(|| BadField::new("remoteVirtualNetwork.id", "it is missing"))?;
        let mut prefixes = Vec::new();
        for name in ["remoteVirtualNetworkAddressSpace", "remoteAddressSpace"] {
            let Some(space) = field(fields, name) else {
                continue;
            };
            let space = space.as_object().ok_or_else(|| wrong(name, space))?;
            for text in strings(space, "addressPrefixes").map_err(|bad| bad.within(name))? {
                let net = text.parse().map_err(|_| {
                    BadField::new(
                        format!("{name}.addressPrefixes"),
                        format!("{text:?} is no prefix"),
                    )
                })?;
                prefixes.push(net);
            }
        }
        Ok(Self {
            remote: remote.trim_end_matches('/').to_lowercase(),
            state: string(fields, "peeringState")?,
            access: flag(fields, "allowVirtualNetworkAccess")?,
            forwarded: flag(fields, "allowForwardedTraffic")?,
            prefixes,
        })
    }
}

/// True where a network certainly takes what its peer only forwards. How strictly Azure keeps to the setting is not documented.
pub(super) fn takes_forwarded(network: Option<&Read<Network>>, from: &str) -> bool {
    let network = network.and_then(Read::captured);
    let peering = network.and_then(|network| network.peerings.iter().find(|peering| peering.remote == from));
    peering.is_some_and(|peering| peering.forwarded == Some(true))
}

/// Whether a route to a peered network, of a network of this id, leads to `there`, which has the address. Both ids are in lower
/// case.
pub(super) fn peered(
    own: Option<&Read<Network>>,
    (here, there): (&str, &str),
    address: IpAddr,
) -> (Status, String, Reach) {
    let unknown = |why: String| (Status::Unknown, why, Reach::Direct);
    let network = match own {
        Some(Read::Captured(network)) => network,
        Some(Read::Unread(why)) => {
            return unknown(format!(
                "with which networks {} is peered was not read: {why}",
                name(here)
            ));
        }
        None => {
            return unknown(format!(
                "with which networks {} is peered was not read",
                name(here)
            ));
        }
    };
    if let Some(peering) = network.peerings.iter().find(|peering| peering.remote == there) {
        if !peering.is_connected() {
            let state = peering.state.as_deref().unwrap_or("not said");
            return unknown(format!(
                "the state of the peering with {} is {state}, and the route leads to a peered network",
                name(there)
            ));
        }
        if !peering.prefixes.is_empty() && !peering.has(address) {
            return unknown(format!(
                "the peering with {} does not know of {address}, and the route leads to a peered network",
                name(there)
            ));
        }
        let why = format!("the peered network {} delivers it", name(there));
        return (Status::Pass, why, Reach::Direct);
    }
    let mut others = network
        .peerings
        .iter()
        .filter(|peering| peering.is_connected() && peering.has(address));
    match others.next() {
        Some(other) => {
            let why = format!(
                "the route leads to the peered network {}, which has this address too; the other end's network {} is not peered",
                name(&other.remote),
                name(there)
            );
            (Status::Block, why, Reach::Nowhere)
        }
        None => unknown(format!(
            "the route leads to a peered network, and {} is not peered with {}",
            name(here),
            name(there)
        )),
    }
}

/// The last part of an id.
fn name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}
