//! Ports, VLANs and entries of bridges.

use netghost_core::host::bridge;
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, read as read_facts};
use crate::netlink::{DumpError, Protocol, Socket};

// RTM_GET*.
const GET_LINK: u16 = 18;
const GET_NEIGHBOUR: u16 = 30;
const GET_MDB: u16 = 86;
const GET_VLAN: u16 = 114;

/// `AF_BRIDGE`.
const FAMILY: u8 = 7;
/// `IFLA_EXT_MASK`, `RTEXT_FILTER_BRVLAN_COMPRESSED` and `RTEXT_FILTER_MST`: ranges keep the VLANs of a port in one message.
const EXT_MASK: (u16, u32) = (29, 4 | 0x80);
/// `BRIDGE_VLANDB_DUMP_FLAGS` and `BRIDGE_VLANDB_DUMPF_GLOBAL`.
const GLOBAL: (u16, u32) = (1, 2);

/// Reads every bridge. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Bridge,
        absent: always_there,
        pass,
        lift: bridge::lift,
    };
    read_facts(&source, now_us)
}

/// A kernel without bridges, or without VLANs on them, refuses to list them, which says that there are none.
fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    let mut socket = Socket::open(Protocol::Route)?;
    // `struct ifinfomsg`, `struct ndmsg`, `struct br_port_msg`, `struct br_vlan_msg`: the family first.
    let [link, neighbour, port, vlan] = [16, 12, 8, 8].map(header);
    let ports = [link, attribute(EXT_MASK)].concat();
    parts.dump(&mut socket, bridge::PORTS, GET_LINK, &ports)?;
    parts.dump(&mut socket, bridge::FORWARDING, GET_NEIGHBOUR, &neighbour)?;
    parts.dump(&mut socket, bridge::MULTICAST, GET_MDB, &port)?;
    parts.dump(&mut socket, bridge::VLANS, GET_VLAN, &vlan)?;
    let global = [vlan, attribute(GLOBAL)].concat();
    parts.dump(&mut socket, bridge::GLOBAL, GET_VLAN, &global)
}

fn header(length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    if let Some(family) = out.first_mut() {
        *family = FAMILY;
    }
    out
}

fn attribute((kind, value): (u16, u32)) -> Vec<u8> {
    let mut out = [8u16.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(&value.to_ne_bytes());
    out
}
