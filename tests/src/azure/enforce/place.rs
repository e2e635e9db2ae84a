//! Where the VMs of a world stand in a lab.

use std::net::{IpAddr, Ipv4Addr};

use crate::azure::Prefix;
use crate::azure::world::{Id, Nic, World, WorldError};
use crate::fabric::{Place, Subnet};

/// A NIC with the VM it is attached to.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The NIC.
    pub nic: Id,
    /// Its VM.
    pub vm: Id,
    /// Where it stands.
    pub place: Place,
}

/// All NICs that are attached to a VM, in the order of their ids, with the places for [`crate::Plan::placed`].
///
/// # Errors
/// A NIC without an address of IPv4, one whose address another one has, or a second one of the same VM.
pub fn places(world: &World) -> Result<Vec<Placed>, WorldError> {
    let mut placed: Vec<Placed> = Vec::new();
    for nic in world.nics.values() {
        let Some(vm) = &nic.vm else { continue };
        let place = place(world, nic)?;
        let refused = [
            (
                placed.iter().any(|other| other.place.address == place.address),
                "another NIC has its address",
            ),
            (
                placed.iter().any(|other| other.vm == *vm),
                "its VM has another NIC, and the lab's have one",
            ),
        ];
        if let Some((_, why)) = refused.into_iter().find(|(refused, _)| *refused) {
            return Err(WorldError::not_enforced(&nic.id, why));
        }
        placed.push(Placed {
            nic: nic.id.clone(),
            vm: vm.clone(),
            place,
        });
    }
    Ok(placed)
}

fn place(world: &World, nic: &Nic) -> Result<Place, WorldError> {
    let v4 = nic.addresses().find_map(|address| match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    });
    let v6 = nic.addresses().find_map(|address| match address {
        IpAddr::V6(v6) => Some(v6),
        IpAddr::V4(_) => None,
    });
    let address = v4.ok_or_else(|| WorldError::not_enforced(&nic.id, "it has no address of IPv4"))?;
    let (subnet, _) = world.place(nic)?;
    let around = subnet
        .prefixes
        .iter()
        .find(|prefix| prefix.contains(address.into()));
    let around =
        around.ok_or_else(|| WorldError::not_enforced(&nic.id, "its address is not in its subnet"))?;
    Ok(Place {
        address,
        subnet: Subnet {
            length: around.length(),
            gateway: first(around)
                .ok_or_else(|| WorldError::not_enforced(&subnet.id, "it has no gateway"))?,
            v6,
        },
    })
}

/// The first address behind the subnet's own, which is the gateway's.
fn first(prefix: &Prefix) -> Option<Ipv4Addr> {
    match prefix.address() {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(Ipv4Addr::from_bits),
        IpAddr::V6(_) => None,
    }
}
