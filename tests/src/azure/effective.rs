//! What Azure computes from configured resources for one NIC, in the shapes in which its API answers.

use serde_json::Value;

use super::world::{Id, World, WorldError};

pub mod gates;
mod json;
pub mod routes;
pub mod tags;

/// The answer to `networkInterfaces/NIC/effectiveRouteTable`.
///
/// # Errors
/// Where the NIC, or something its routes need, is missing.
pub fn routes(world: &World, nic: &str) -> Result<Value, WorldError> {
    Ok(json::routes(&routes::table(world, world.nic(nic)?)?))
}

/// The answer to `networkInterfaces/NIC/effectiveNetworkSecurityGroups`.
///
/// # Errors
/// Where the NIC, or something its rules name, is missing.
pub fn nsg(world: &World, nic: &str) -> Result<Value, WorldError> {
    json::gates(world, world.nic(nic)?)
}

/// All rules of the answer to `virtualNetworks/VNET/listNetworkManagerEffectiveSecurityAdminRules`, on one page. The id may
/// also be that of a NIC in the VNet.
///
/// # Errors
/// Where there is neither a VNet nor a NIC of this id.
pub fn admin(world: &World, id: &str) -> Result<Value, WorldError> {
    let vnet = match world.vnets.get(&Id::new(id)) {
        Some(vnet) => vnet,
        None => world.place(world.nic(id)?)?.1,
    };
    Ok(json::admin(world, &vnet.id))
}
