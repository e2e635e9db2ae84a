//! What bridges do with frames beyond what their links say: ports (`linux/if_link.h`), VLANs (`linux/if_bridge.h`), entries
//! for hardware and multicast addresses.
//!
//! Configuration is what somebody sets. Which state a port is in, what was learnt and joined, and the entries that the kernel
//! makes for the addresses of its own links are runtime; so are the multicast addresses that a link listens to, since programs
//! join and leave them all the time.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::facts::{Fact, Facts, Lifted};
use crate::raw::HostRaw;
use crate::raw::attr::Attr;
use crate::raw::lift::LiftError;

mod forwarding;
mod multicast;
mod port;
mod vlan;

/// The part that holds ports and their VLANs.
pub const PORTS: &str = "bridge ports";
/// The part that holds the entries for hardware addresses.
pub const FORWARDING: &str = "bridge forwarding";
/// The part that holds the entries for multicast groups.
pub const MULTICAST: &str = "bridge multicast";
/// The part that holds the options of each VLAN at each port.
pub const VLANS: &str = "bridge vlans";
/// The part that holds the options of each VLAN of a bridge.
pub const GLOBAL: &str = "bridge vlan globals";

/// What is found, part by part.
#[derive(Debug, Default)]
struct Found {
    config: Vec<Fact>,
    runtime: Vec<Fact>,
    /// By link and number: several parts tell of one VLAN.
    vlans: BTreeMap<(Text, u16), (Fact, Fact)>,
    /// Hardware addresses of ports and bridges by index, and the bridge of each port.
    own: BTreeMap<u32, (Vec<u8>, Option<u32>)>,
}

/// Decodes the dumps of ports, entries and VLANs.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut found = Found::default();
    let mut gaps = Vec::new();
    raw.each((PORTS, "port"), &[port::NEW_LINK], &mut gaps, |payload| {
        port::port(raw, payload, &mut found)
    })?;
    raw.each(
        (FORWARDING, "fdb"),
        &[forwarding::NEW_NEIGHBOUR],
        &mut gaps,
        |payload| forwarding::entry(raw, payload, &mut found),
    )?;
    raw.each((MULTICAST, "mdb"), &multicast::TYPES, &mut gaps, |payload| {
        multicast::groups(raw, payload, &mut found)
    })?;
    for source in [VLANS, GLOBAL] {
        raw.each((source, "vlan"), &[vlan::NEW_VLAN], &mut gaps, |payload| {
            vlan::options(raw, payload, &mut found)
        })?;
    }
    for (config, runtime) in found.vlans.into_values() {
        found.config.push(config);
        if !runtime.properties.is_empty() {
            found.runtime.push(runtime);
        }
    }
    Ok(Lifted {
        config: Facts::new(found.config),
        runtime: Facts::new(found.runtime),
        gaps,
        ..Lifted::default()
    })
}

fn find<'a>(all: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    all.iter().copied().find(|attr| attr.kind == kind)
}

#[cfg(test)]
mod tests;
