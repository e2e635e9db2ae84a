//! Network interfaces, from `RTM_NEWLINK` messages (`linux/rtnetlink.h`, `linux/if_link.h`).
//!
//! Apart from this section: addresses, the per-interface sysctls that `IFLA_AF_SPEC` repeats, and the state of bridge ports;
//! the list of mechanisms names them.

use serde::{Deserialize, Serialize};

use crate::bytes::{Big, Hex, Text};
use crate::raw::lift::{LiftError, Lifted, OpaqueAttribute};
use crate::raw::{LinkName, NetlinkRaw, RawMessage};

mod decode;
mod flags;
mod info;
mod text;

pub use info::{InfoAttribute, InfoData, Mapping, Vlan};

/// Configuration, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinksConfig {
    /// Every link of the namespace.
    pub links: Vec<Link>,
}

/// Another link that a link stands on or is tied to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum LinkRef {
    /// A link of this namespace.
    Here {
        /// Its name.
        name: Text,
    },
    /// A link of another namespace, whose names are not known here.
    OtherNamespace,
    /// An index that no link has: what a tunnel stood on was removed.
    Gone,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub name: Text,
    /// Its further names, sorted.
    pub alternative_names: Vec<Text>,
    /// `ARPHRD_*` of `linux/if_arp.h`: 1 is Ethernet, 772 loopback.
    pub hardware_type: u16,
    /// `vlan`, `veth`; none for a device of a driver.
    pub kind: Option<Text>,
    /// Whether it is switched on.
    pub admin_up: bool,
    /// The other flags that people or drivers set, in the words of `ip`, sorted.
    pub flags: Vec<String>,
    /// The largest packet in bytes.
    pub mtu: u32,
    /// Its hardware address, `00:11:22:33:44:55`; tunnels have their outer address here.
    pub mac: Option<String>,
    /// Its broadcast address; tunnels have their far end here.
    pub broadcast: Option<String>,
    /// The bridge, bond or VRF that it belongs to.
    pub master: Option<Text>,
    /// How the master treats it: `bridge`, `bond`.
    pub member_kind: Option<Text>,
    /// The link below it, or a veth's other end.
    pub parent: Option<LinkRef>,
    /// Packets that its queue may hold where a qdisc asks.
    pub queue_length_packets: Option<u32>,
    /// The number of its group; 0 is the default.
    pub group: u32,
    /// `default` or `dormant`.
    pub mode: String,
    /// Whether a protocol holds it down.
    pub protocol_down: bool,
    /// Words that people gave it.
    pub alias: Option<Text>,
    /// How many queues it sends by.
    pub transmit_queues: Option<u32>,
    /// How many queues it receives by.
    pub receive_queues: Option<u32>,
    /// Limits of segmentation and of joining what arrives.
    pub segmentation: Segmentation,
    /// Where an XDP program sits: `driver`, `generic`, `hardware`; sorted. Which program it is, is not told here.
    pub xdp: Vec<String>,
    /// What its kind was told.
    pub data: InfoData,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// The largest packets that software hands to a link or makes of what it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Segmentation {
    /// `IFLA_GSO_MAX_SIZE`.
    pub gso_max_bytes: Option<u32>,
    /// `IFLA_GSO_MAX_SEGS`.
    pub gso_max_segments: Option<u32>,
    /// `IFLA_GRO_MAX_SIZE`.
    pub gro_max_bytes: Option<u32>,
    /// `IFLA_GSO_IPV4_MAX_SIZE`.
    pub gso_ipv4_max_bytes: Option<u32>,
    /// `IFLA_GRO_IPV4_MAX_SIZE`.
    pub gro_ipv4_max_bytes: Option<u32>,
}

/// Operational state and counters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinksRuntime {
    /// One for each link.
    pub links: Vec<LinkRuntime>,
}

/// What a link's driver and its traffic change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkRuntime {
    /// The kernel's index.
    pub index: u32,
    /// `up`, `down`, `lowerlayerdown` and the others of RFC 2863.
    pub operational_state: Option<String>,
    /// Whether the far end is there.
    pub carrier: Option<bool>,
    /// How often the carrier changed.
    pub carrier_changes: Option<u32>,
    /// How often it came.
    pub carrier_up_count: Option<u32>,
    /// How often it went.
    pub carrier_down_count: Option<u32>,
    /// `running`, `lower_up`, `dormant`; sorted.
    pub flags: Vec<String>,
    /// The kind of its root qdisc.
    pub qdisc: Option<Text>,
    /// How many want all packets of the medium, captures among them.
    pub promiscuity: Option<u32>,
    /// How many want all multicast.
    pub all_multicast: Option<u32>,
    /// The hardware address that it was made with.
    pub permanent_mac: Option<String>,
    /// The smallest MTU that the driver takes, in bytes.
    pub min_mtu: Option<u32>,
    /// The largest MTU that the driver takes, in bytes; 0 is without limit.
    pub max_mtu: Option<u32>,
    /// The name of its device on the bus.
    pub device: Option<Text>,
    /// The bus.
    pub bus: Option<Text>,
    /// This namespace's number for the one in which `parent` is.
    pub parent_namespace: Option<u32>,
    /// Packets and bytes.
    pub statistics: Option<LinkStatistics>,
    /// What its kind counts or measures.
    pub data: Vec<OpaqueAttribute>,
    /// `IFLA_INFO_SLAVE_DATA`: its state as a member, timers among it, not decoded.
    pub member_data: Option<Hex>,
}

/// `struct rtnl_link_stats64`, as far as packets can be lost by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LinkStatistics {
    /// Packets received.
    pub rx_packets: Big,
    /// Packets sent.
    pub tx_packets: Big,
    /// Bytes received.
    pub rx_bytes: Big,
    /// Bytes sent.
    pub tx_bytes: Big,
    /// Received with an error.
    pub rx_errors: Big,
    /// Not sent for an error.
    pub tx_errors: Big,
    /// Received, and dropped by this host.
    pub rx_dropped: Big,
    /// Dropped before they were sent.
    pub tx_dropped: Big,
    /// Multicast packets received.
    pub multicast: Big,
    /// Collisions.
    pub collisions: Big,
    /// Missed because the device had no room.
    pub rx_missed: Big,
    /// Sent into a missing carrier.
    pub tx_carrier_errors: Big,
    /// Received for a protocol that nobody here speaks.
    pub rx_no_handler: Big,
}

/// Decodes the messages of a dump of links (type 16). Names come from the messages themselves.
pub fn lift(raw: &NetlinkRaw) -> Result<Lifted<LinksConfig, LinksRuntime>, LiftError> {
    let names = names(&raw.messages)?;
    let mut links = decode::messages(&raw.messages, &names)?;
    links.sort_by(|(left, _), (right, _)| left.name.cmp(&right.name));
    let (links, runtime) = links.into_iter().unzip();
    Ok(Lifted {
        config: LinksConfig { links },
        runtime: LinksRuntime { links: runtime },
    })
}

/// The index and name of each link of a dump, for the readers whose messages carry indexes; sorted by index.
pub fn names(messages: &[RawMessage]) -> Result<Vec<LinkName>, LiftError> {
    let mut names = messages
        .iter()
        .enumerate()
        .map(|(position, message)| decode::name(message, position))
        .collect::<Result<Vec<_>, _>>()?;
    names.sort_by_key(|link| link.index);
    Ok(names)
}

#[cfg(test)]
mod tests;
