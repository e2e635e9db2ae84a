//! Configured resources made to hold for real packets, in the fabric of a lab.
//!
//! Every NIC has a routing table of its own, met by what comes from its link, and chains of its own on the way of forwarded
//! packets: outwards admin rules, NIC, subnet; inwards admin rules, subnet, NIC. A flow that a NIC has let through is written
//! down under the NIC's number in the connection's label, as Azure's flow records are: later packets of it pass that NIC, also
//! after its rules have changed.
//!
//! What differs from Azure: the path through an appliance keeps one connection record for both halves; public addresses of NICs
//! are not reached from other NICs; default outbound access has one address for all; security rules on the platform's own
//! addresses (`AzurePlatformDNS` and the like) are refused.

use std::collections::{BTreeMap, BTreeSet};

use super::world::{Direction, Id, World, WorldError};
use crate::error::{LabError, Result};
use crate::lab::Lab;
use crate::netns::Namespace;

mod place;
mod routes;
mod rules;
mod text;

pub use place::{Placed, places};

/// Where a rule of policy routing of ours stands.
const PREFERENCE: u32 = 77;

/// Routing tables of ours are counted from here.
const FIRST_TABLE: u32 = 1000;

/// A NIC's link into the fabric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The interface in the fabric's namespace.
    pub link: String,
    /// Its place in the labels of connections, from 0 to 63; it must never be another NIC's in the same lab.
    pub number: u8,
}

/// The fabric of a lab with the NICs on it.
#[derive(Debug)]
pub struct Fabric {
    namespace: Namespace,
    ports: BTreeMap<Id, Port>,
    /// Links of the lab's own, over which everything goes: the controller's.
    open: Vec<(String, std::net::Ipv4Addr)>,
    zone: u16,
    counted: Vec<Counted>,
}

/// What decides about a packet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decider {
    /// The NIC.
    pub nic: Id,
    /// The way that the packet goes at it.
    pub direction: Direction,
    /// Where: `admin`, `subnet` or `nic`, `route`, or what the fabric sees to itself.
    pub gate: &'static str,
    /// The rule's name; of a route, where it leads.
    pub rule: String,
}

/// A counter and what it counts.
#[derive(Debug, Clone)]
struct Counted {
    decider: Decider,
    drops: bool,
}

/// How often something has decided since the last [`Fabric::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// What has decided.
    pub decider: Decider,
    /// It drops; otherwise it lets through.
    pub drops: bool,
    /// How many packets. Later packets of a flow that was let through are not counted.
    pub packets: u64,
}

impl Fabric {
    /// The fabric of this lab, whose VMs have these NICs; other VMs' links let everything through. The lab must have been
    /// [placed](crate::Plan::placed).
    ///
    /// # Errors
    /// Where the lab has no such VM, or too many of them.
    pub fn of(lab: &Lab, nics: &[(Id, String)]) -> Result<Self> {
        let mut ports = BTreeMap::new();
        for (nic, vm) in nics {
            let number = lab.vms().iter().position(|known| known.name() == vm);
            let number = number.and_then(|number| u8::try_from(number).ok());
            let number = number.filter(|number| *number < 64);
            let link = lab.vm(vm)?.name().to_owned();
            let number = number.ok_or(LabError::BadCount(nics.len()))?;
            ports.insert(nic.clone(), Port { link, number });
        }
        let linked: BTreeSet<&str> = ports.values().map(|port| port.link.as_str()).collect();
        let open = lab.vms().iter().filter(|vm| !linked.contains(vm.name()));
        let open = open.map(|vm| (vm.name().to_owned(), vm.address())).collect();
        Ok(Self {
            namespace: Namespace::open(&lab.directory().namespace("fabric"))?,
            ports,
            open,
            zone: 1,
            counted: Vec::new(),
        })
    }

    /// Makes this world hold, whatever held before. Rules change at one moment, for new connections only; so do the routes of
    /// each NIC, the moment before.
    ///
    /// # Errors
    /// Where the world is not whole, asks for something that the fabric has no way to do, or the kernel refuses.
    pub fn apply(&mut self, world: &World) -> Result<()> {
        let program = rules::program(world, &self.ports, &self.open, self.zone).map_err(LabError::World)?;
        let old = self.tables()?;
        let first = old
            .values()
            .max()
            .map_or(FIRST_TABLE, |last| last.saturating_add(1));
        let [v4, v6] =
            routes::batches(world, &self.ports, &self.open, &old, first).map_err(LabError::World)?;
        self.run(&["ip", "-4", "-batch", "-"], &v4)?;
        self.run(&["ip", "-6", "-batch", "-"], &v6)?;
        self.run(&["nft", "-f", "-"], &program.text)?;
        self.counted = program.counted;
        Ok(())
    }

    /// Forgets all flows that were let through: the next packet of each meets the rules again. In force with the next
    /// [`apply`](Self::apply).
    pub fn forget_flows(&mut self) {
        self.zone = self.zone.wrapping_add(1).max(1);
    }

    /// What has decided about packets since the last [`apply`](Self::apply), and how often; what has not is left out.
    ///
    /// # Errors
    /// Where the kernel can't be asked.
    pub fn counts(&self) -> Result<Vec<Count>> {
        let shown = self
            .namespace
            .must(&["nft", "-j", "list", "counters", "table", "inet", rules::TABLE])?;
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout)
            .map_err(|error| LabError::Pipe("understand nft", error.into()))?;
        let objects = shown.get("nftables").and_then(serde_json::Value::as_array);
        let mut counts = Vec::new();
        for counter in objects
            .into_iter()
            .flatten()
            .filter_map(|object| object.get("counter"))
        {
            let name = counter.get("name").and_then(serde_json::Value::as_str);
            let number = name.and_then(|name| name.strip_prefix('c')?.parse::<usize>().ok());
            let packets = counter.get("packets").and_then(serde_json::Value::as_u64);
            if let (Some(counted), Some(packets @ 1..)) =
                (number.and_then(|number| self.counted.get(number)), packets)
            {
                counts.push(Count {
                    decider: counted.decider.clone(),
                    drops: counted.drops,
                    packets,
                });
            }
        }
        Ok(counts)
    }

    /// Those of [`counts`](Self::counts) that drop.
    ///
    /// # Errors
    /// As there.
    pub fn drops(&self) -> Result<Vec<Count>> {
        let mut counts = self.counts()?;
        counts.retain(|count| count.drops);
        Ok(counts)
    }

    fn run(&self, argv: &[&str], input: &str) -> Result<()> {
        self.namespace
            .exec_with_input(argv, input.as_bytes())?
            .ok(argv)
            .map(drop)
    }

    /// The routing table of each link that has one of ours.
    fn tables(&self) -> Result<BTreeMap<String, u32>> {
        let shown = self
            .namespace
            .must(&["ip", "-4", "rule", "show", "pref", &PREFERENCE.to_string()])?;
        let text = shown.text();
        let table = |line: &str| {
            // `77:	from all iif vm1 lookup 1000`
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |word: &str| {
                let at = words.iter().position(|known| *known == word)?;
                words.get(at.checked_add(1)?).copied()
            };
            Some((after("iif")?.to_owned(), after("lookup")?.parse().ok()?))
        };
        Ok(text.lines().filter_map(table).collect())
    }
}

/// The port at which this address is reached from the VNet of that NIC: one in the VNet, or in one that it is peered with.
fn port_of<'a>(
    world: &World,
    ports: &'a BTreeMap<Id, Port>,
    from: &Id,
    address: std::net::IpAddr,
) -> std::result::Result<Option<(&'a Id, &'a Port)>, WorldError> {
    let (_, vnet) = world.place(world.nic(from.as_str())?)?;
    let near: BTreeSet<&Id> = std::iter::once(&vnet.id)
        .chain(world.peerings(vnet).map(|peering| &peering.remote))
        .collect();
    for (id, port) in ports {
        let nic = world.nic(id.as_str())?;
        if nic.addresses().any(|own| own == address) && near.contains(&world.place(nic)?.1.id) {
            return Ok(Some((id, port)));
        }
    }
    Ok(None)
}
