//! Route tables and user routes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::body::Body;
use super::{Id, Resources, Where, WorldError, each};

/// A route table.
#[derive(Debug, Clone)]
pub struct RouteTable {
    /// Its id.
    pub id: Id,
    /// What gateways have learnt does not come to the subnets of this table.
    pub no_gateway_routes: bool,
    /// Its routes.
    pub routes: Vec<UserRoute>,
}

/// A route of a route table.
#[derive(Debug, Clone)]
pub struct UserRoute {
    /// Its name.
    pub name: String,
    /// Where it leads: a prefix or a service tag.
    pub to: Where,
    /// What it leads over.
    pub hop: Hop,
    /// It goes before all gateway routes to the same addresses, longer ones too.
    pub over_gateway_routes: bool,
}

/// What a route leads over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// Within the VNet.
    VnetLocal,
    /// To a peered VNet.
    Peering,
    /// To a private endpoint.
    InterfaceEndpoint,
    /// To a service directly.
    ServiceEndpoint,
    /// Out.
    Internet,
    /// To the gateway.
    Gateway,
    /// To an address.
    Appliance(IpAddr),
    /// Nowhere.
    None,
}

pub(super) fn tables(resources: &Resources) -> Result<BTreeMap<Id, RouteTable>, WorldError> {
    each(resources, "microsoft.network/routetables", |id, body| {
        let properties = body.properties()?;
        let routes = resources.parts(&properties, id, "routes")?;
        Ok(RouteTable {
            id: id.clone(),
            no_gateway_routes: properties.flag("disableBgpRoutePropagation", false)?,
            routes: routes
                .iter()
                .map(|(id, part)| route(id, &Body::of(id, part)?.properties()?))
                .collect::<Result<_, _>>()?,
        })
    })
}

fn route(id: &Id, body: &Body<'_>) -> Result<UserRoute, WorldError> {
    let to: Where = body.need("addressPrefix")?.parse().unwrap_or(Where::Any);
    if to == Where::Any {
        return Err(body.bad("addressPrefix", "neither a prefix nor a tag"));
    }
    let appliance = body.text("nextHopIpAddress")?.filter(|text| !text.is_empty());
    let appliance = appliance
        .map(|text| body.parsed::<IpAddr>("nextHopIpAddress", text))
        .transpose()?;
    let words = [
        ("VnetLocal", Some(Hop::VnetLocal)),
        ("Internet", Some(Hop::Internet)),
        ("VirtualNetworkGateway", Some(Hop::Gateway)),
        ("None", Some(Hop::None)),
        ("VirtualAppliance", appliance.map(Hop::Appliance)),
    ];
    Ok(UserRoute {
        name: id.name().to_owned(),
        to,
        hop: body
            .word("nextHopType", &words)?
            .ok_or_else(|| body.bad("nextHopIpAddress", "missing"))?,
        over_gateway_routes: body.flag("hasBgpOverride", false)?,
    })
}
