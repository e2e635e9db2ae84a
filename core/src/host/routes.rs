//! Routes of both families, all tables, from `RTM_NEWROUTE` messages (`linux/rtnetlink.h`).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::bytes::{Hex, Text};
use crate::raw::NetlinkRaw;
use crate::raw::lift::{LiftError, Lifted, OpaqueAttribute};

mod decode;
mod nexthop;
mod text;
pub(crate) mod words;

pub use nexthop::{Encapsulation, Nexthop};

/// Configuration, sorted by table, family and destination. The order of routes that are alike in all of that says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoutesConfig {
    /// Every route of every table, but for what the kernel remembers of single destinations.
    pub routes: Vec<Route>,
}

/// The family of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// An address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// The network.
    pub address: IpAddr,
    /// Leading bits.
    pub length: u8,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Route {
    /// The number of its table: 254 is `main`, 255 `local`, 253 `default`.
    pub table: u32,
    /// Its family.
    pub family: IpFamily,
    /// Where to; length 0 is the default route.
    pub destination: Prefix,
    /// Only from here (IPv6).
    pub source: Option<Prefix>,
    /// Only for packets with this type of service.
    pub tos: u8,
    /// Lower is preferred; what `ip` calls metric.
    pub priority: u32,
    /// `unicast`, `local`, `blackhole`, `unreachable`, `prohibit`, `throw` and so on, or the kernel's number.
    pub kind: String,
    /// Who made it: `kernel`, `boot`, `static`, `dhcp`, or the kernel's number.
    pub protocol: String,
    /// How far the destination is: `global`, `link`, `host`, or the kernel's number.
    pub scope: String,
    /// The address that packets from this host get.
    pub preferred_source: Option<IpAddr>,
    /// The ways, sorted; several share the traffic by weight. None for a route that ends here.
    pub nexthops: Vec<Nexthop>,
    /// The number of the nexthop object that it uses; the kernel spells that object out in `nexthops`.
    pub nexthop_object: Option<u32>,
    /// `RTAX_*`, sorted by name.
    pub metrics: Vec<Metric>,
    /// The congestion control for connections along it.
    pub congestion_control: Option<Text>,
    /// IPv6: `low`, `medium` or `high`.
    pub preference: Option<String>,
    /// Flags of the route as a whole, sorted.
    pub flags: Vec<String>,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// One of a route's metrics.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Metric {
    /// `mtu`, `advmss`, `hoplimit`; the kernel's number where it has no name here.
    pub name: String,
    /// Its value, in the kernel's unit: bytes for `mtu` and `advmss`, milliseconds for `rto_min`.
    pub value: u32,
    /// Whether the kernel may not change it from what it learns.
    pub locked: bool,
}

/// Lifetimes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RoutesRuntime {
    /// One for each route.
    pub routes: Vec<RouteRuntime>,
    /// How many entries for single destinations (`RTM_F_CLONED`) were left out.
    pub cloned_left_out: u32,
}

/// What the kernel changes about a route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct RouteRuntime {
    /// `dead`, `linkdown`, `offload` and the like, of the route and each of its ways in the kernel's order.
    pub flags: Vec<String>,
    /// Hundredths of a second until it goes; absent for one that stays.
    pub expires_cs: Option<i32>,
    /// `struct rta_cacheinfo` whole.
    pub cache: Option<Hex>,
}

/// Decodes the messages of dumps of routes (type 24) of `AF_INET` and `AF_INET6`.
pub fn lift(raw: &NetlinkRaw) -> Result<Lifted<RoutesConfig, RoutesRuntime>, LiftError> {
    let (mut routes, cloned_left_out) = decode::messages(raw)?;
    routes.sort();
    let (routes, runtime) = routes.into_iter().unzip();
    Ok(Lifted {
        config: RoutesConfig { routes },
        runtime: RoutesRuntime {
            routes: runtime,
            cloned_left_out,
        },
    })
}

#[cfg(test)]
mod tests;
