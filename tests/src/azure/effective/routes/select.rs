//! Which route goes before which.

use crate::azure::Prefix;
use crate::azure::world::{Hop, Vnet, World};

use super::{Row, Source, private};

/// Among routes of one prefix the lowest goes first.
fn rank(row: &Row) -> u8 {
    match (row.source, row.hop) {
        // "Can't be overridden by a route table."
        (Source::Default, Hop::ServiceEndpoint) => 0,
        (Source::User, _) => 1 + tag_rank(row.tag.as_deref()),
        // "System routes for VNet, peering and service endpoints are preferred, even if BGP routes are more specific."
        (Source::Default, Hop::VnetLocal | Hop::Peering | Hop::InterfaceEndpoint) => 10,
        (Source::Gateway, _) => 11,
        (Source::Default, _) => 12,
    }
}

/// Among user routes: a prefix, a tag of a region, a tag of all regions, all of Azure in a region, all of Azure.
fn tag_rank(tag: Option<&str>) -> u8 {
    let Some(tag) = tag else { return 0 };
    let tag = tag.to_ascii_lowercase();
    match (tag.split_once('.'), tag.starts_with("azurecloud")) {
        (Some(_), false) => 1,
        (None, false) => 2,
        (Some(_), true) => 3,
        (None, true) => 4,
    }
}

/// Says of each row whether it is used: not where one of the same prefix goes before it, and not the address of a private
/// endpoint that a user route takes over.
pub(super) fn settle(rows: &mut [Row], world: &World, vnet: &Vnet) {
    let losers: Vec<bool> = rows
        .iter()
        .map(|row| {
            let mut same = rows.iter().filter(|other| other.prefix == row.prefix);
            same.any(|other| rank(other) < rank(row)) || taken_over(row, rows, world, vnet)
        })
        .collect();
    for (row, loses) in rows.iter_mut().zip(losers) {
        row.active = !loses;
    }
}

/// A user route takes a private endpoint over where the endpoint's subnet lets user routes, and the route is no broader than
/// the address space that the endpoint is in.
fn taken_over(row: &Row, rows: &[Row], world: &World, vnet: &Vnet) -> bool {
    if row.hop != Hop::InterfaceEndpoint {
        return false;
    }
    let endpoint = private(world, vnet).find(|(_, address)| row.prefix == Prefix::host(*address));
    let Some(subnet) = endpoint.and_then(|(endpoint, _)| world.subnets.get(&endpoint.subnet)) else {
        return false;
    };
    let space = world.vnets.get(&subnet.vnet).map(|vnet| vnet.space.as_slice());
    subnet.endpoint_policies.routes
        && rows.iter().any(|user| {
            user.source == Source::User
                && user.prefix.covers(&row.prefix)
                && space
                    .unwrap_or_default()
                    .iter()
                    .any(|space| space.covers(&user.prefix))
        })
}

/// The route that packets to all of these addresses have in common: of each longer prefix that some route leads to, ask apart.
/// Several only where gateways have learnt the same prefix more than once:
/// traffic is then spread over them.
pub fn select(rows: &[Row], to: Prefix) -> Vec<&Row> {
    let mut rows: Vec<&Row> = rows
        .iter()
        .filter(|row| row.active && row.prefix.covers(&to))
        .collect();
    let preferred = rows.iter().any(|row| {
        let kinds = matches!(row.hop, Hop::VnetLocal | Hop::Peering | Hop::ServiceEndpoint);
        (row.source == Source::Default && kinds) || row.over_gateway_routes
    });
    if preferred {
        rows.retain(|row| row.source != Source::Gateway);
    }
    if rows.iter().any(|row| row.hop == Hop::ServiceEndpoint) {
        rows.retain(|row| row.source != Source::User);
    }
    let longest = rows.iter().map(|row| row.prefix.length()).max();
    rows.retain(|row| Some(row.prefix.length()) == longest);
    let best = rows.iter().map(|row| rank(row)).min();
    rows.retain(|row| Some(rank(row)) == best);
    rows
}
