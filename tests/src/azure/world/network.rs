//! Virtual networks and what stands in them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::body::Body;
use super::{Id, Resources, WorldError, each};
use crate::azure::Prefix;

/// A virtual network.
#[derive(Debug, Clone)]
pub struct Vnet {
    /// Its id.
    pub id: Id,
    /// `westeurope`.
    pub location: String,
    /// Its address space.
    pub space: Vec<Prefix>,
    /// Its own halves of peerings.
    pub peerings: Vec<Peering>,
}

/// One VNet's half of a peering.
#[derive(Debug, Clone)]
pub struct Peering {
    /// Its id.
    pub id: Id,
    /// The other VNet.
    pub remote: Id,
    /// Its state is `Connected`.
    pub connected: bool,
    /// The other VNet is in the tag `VirtualNetwork` here. Without it packets still go, where a rule lets them.
    pub allow_access: bool,
    /// Packets from over there are let in that started elsewhere.
    pub allow_forwarded: bool,
    /// The other VNet may use a gateway here.
    pub allow_gateway_transit: bool,
    /// This VNet uses the gateway over there.
    pub use_remote_gateways: bool,
    /// The other VNet's address space when the peering was last synchronised, where the peering says.
    pub remote_space: Option<Vec<Prefix>>,
}

/// A subnet.
#[derive(Debug, Clone)]
pub struct Subnet {
    /// Its id.
    pub id: Id,
    /// Its VNet.
    pub vnet: Id,
    /// Its prefixes.
    pub prefixes: Vec<Prefix>,
    /// The security group of all that is in it.
    pub nsg: Option<Id>,
    /// The routes of all that is in it.
    pub route_table: Option<Id>,
    /// The services that are reached from it directly.
    pub service_endpoints: Vec<ServiceEndpoint>,
    /// What holds for private endpoints in it.
    pub endpoint_policies: EndpointPolicies,
    /// NICs without another way get out by an address of Azure's.
    pub default_outbound: bool,
    /// The NAT gateway that its NICs get out by.
    pub nat_gateway: Option<Id>,
}

/// A service that a subnet reaches directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceEndpoint {
    /// `Microsoft.Storage`.
    pub service: String,
    /// Regions; none and `*` both stand for all.
    pub locations: Vec<String>,
}

/// What of a subnet holds for private endpoints in it (`privateEndpointNetworkPolicies`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointPolicies {
    /// Its security group does.
    pub nsg: bool,
    /// User routes do.
    pub routes: bool,
}

/// A virtual network gateway.
///
/// What it has learnt is in no resource of Azure's: the lab's state says it in `lab.learnedRoutes`, a list of objects with
/// `addressPrefix` and `nextHopIpAddress`.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// Its id.
    pub id: Id,
    /// The VNet that its subnet is in.
    pub vnet: Id,
    /// What the other side has announced.
    pub learned: Vec<Learned>,
}

/// A route that a gateway has learnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    /// Where it leads.
    pub prefix: Prefix,
    /// The gateway's own address, or its peer's.
    pub hop: IpAddr,
}

/// A public address.
#[derive(Debug, Clone)]
pub struct PublicIp {
    /// Its id.
    pub id: Id,
    /// The address, where it has one.
    pub address: Option<IpAddr>,
    /// Its SKU is Standard, which lets nothing in that no security group allows.
    pub standard: bool,
}

/// A private endpoint.
#[derive(Debug, Clone)]
pub struct PrivateEndpoint {
    /// Its id.
    pub id: Id,
    /// The subnet it is in.
    pub subnet: Id,
    /// Its NICs.
    pub nics: Vec<Id>,
}

pub(super) fn vnets(resources: &Resources) -> Result<BTreeMap<Id, Vnet>, WorldError> {
    each(resources, "microsoft.network/virtualnetworks", |id, body| {
        let properties = body.properties()?;
        let space = properties
            .inside("addressSpace")?
            .ok_or_else(|| properties.bad("addressSpace", "missing"))?;
        let peerings = resources.parts(&properties, id, "virtualNetworkPeerings")?;
        Ok(Vnet {
            id: id.clone(),
            location: body.text("location")?.unwrap_or_default().to_owned(),
            space: space.all_parsed("addressPrefixes")?,
            peerings: peerings
                .iter()
                .map(|(id, part)| peering(id, &Body::of(id, part)?.properties()?))
                .collect::<Result<_, _>>()?,
        })
    })
}

fn peering(id: &Id, body: &Body<'_>) -> Result<Peering, WorldError> {
    let states = [("Connected", true), ("Initiated", false), ("Disconnected", false)];
    let space = body.inside("remoteAddressSpace")?;
    Ok(Peering {
        id: id.clone(),
        remote: body
            .reference("remoteVirtualNetwork")?
            .ok_or_else(|| body.bad("remoteVirtualNetwork", "missing"))?,
        connected: body.word("peeringState", &states)?,
        allow_access: body.flag("allowVirtualNetworkAccess", true)?,
        allow_forwarded: body.flag("allowForwardedTraffic", false)?,
        allow_gateway_transit: body.flag("allowGatewayTransit", false)?,
        use_remote_gateways: body.flag("useRemoteGateways", false)?,
        remote_space: space
            .map(|space| space.all_parsed("addressPrefixes"))
            .transpose()?,
    })
}

pub(super) fn subnets(resources: &Resources) -> Result<BTreeMap<Id, Subnet>, WorldError> {
    let mut subnets = BTreeMap::new();
    for (vnet, body) in resources.of("microsoft.network/virtualnetworks") {
        let properties = Body::of(vnet, body)?.properties()?;
        for (id, part) in resources.parts(&properties, vnet, "subnets")? {
            let read = subnet(&id, vnet, &Body::of(&id, &part)?.properties()?)?;
            subnets.insert(id, read);
        }
    }
    Ok(subnets)
}

fn subnet(id: &Id, vnet: &Id, body: &Body<'_>) -> Result<Subnet, WorldError> {
    let prefixes = body.both("addressPrefix", "addressPrefixes")?;
    let endpoints = body.objects("serviceEndpoints")?;
    let policies = |nsg, routes| EndpointPolicies { nsg, routes };
    let words = [
        ("Disabled", policies(false, false)),
        ("Enabled", policies(true, true)),
        ("NetworkSecurityGroupEnabled", policies(true, false)),
        ("RouteTableEnabled", policies(false, true)),
    ];
    Ok(Subnet {
        id: id.clone(),
        vnet: vnet.clone(),
        prefixes: prefixes
            .into_iter()
            .map(|text| body.parsed("addressPrefix", text))
            .collect::<Result<_, _>>()?,
        nsg: body.reference("networkSecurityGroup")?,
        route_table: body.reference("routeTable")?,
        service_endpoints: endpoints
            .iter()
            .map(|endpoint| {
                let locations = endpoint.texts("locations")?;
                Ok(ServiceEndpoint {
                    service: endpoint.need("service")?.to_owned(),
                    locations: locations.into_iter().map(str::to_owned).collect(),
                })
            })
            .collect::<Result<_, WorldError>>()?,
        endpoint_policies: match body.value("privateEndpointNetworkPolicies") {
            None => policies(false, false),
            Some(_) => body.word("privateEndpointNetworkPolicies", &words)?,
        },
        default_outbound: body.flag("defaultOutboundAccess", true)?,
        nat_gateway: body.reference("natGateway")?,
    })
}

pub(super) fn gateways(resources: &Resources) -> Result<BTreeMap<Id, Gateway>, WorldError> {
    each(
        resources,
        "microsoft.network/virtualnetworkgateways",
        |id, body| {
            let properties = body.properties()?;
            let config = properties.objects("ipConfigurations")?;
            let config = config
                .first()
                .ok_or_else(|| properties.bad("ipConfigurations", "none"))?;
            let subnet = config.properties()?.reference("subnet")?;
            let lab = body.inside("lab")?;
            let learned = lab.map(|lab| lab.objects("learnedRoutes")).transpose()?;
            Ok(Gateway {
                id: id.clone(),
                vnet: subnet
                    .and_then(|subnet| subnet.parent())
                    .ok_or_else(|| properties.bad("ipConfigurations.0.subnet", "missing"))?,
                learned: learned
                    .unwrap_or_default()
                    .iter()
                    .map(|route| {
                        Ok(Learned {
                            prefix: route.parsed("addressPrefix", route.need("addressPrefix")?)?,
                            hop: route.parsed("nextHopIpAddress", route.need("nextHopIpAddress")?)?,
                        })
                    })
                    .collect::<Result<_, WorldError>>()?,
            })
        },
    )
}

pub(super) fn public_ips(resources: &Resources) -> Result<BTreeMap<Id, PublicIp>, WorldError> {
    each(resources, "microsoft.network/publicipaddresses", |id, body| {
        let skus = [("Standard", true), ("StandardV2", true), ("Basic", false)];
        let properties = body.properties()?;
        Ok(PublicIp {
            id: id.clone(),
            address: properties
                .text("ipAddress")?
                .map(|text| properties.parsed("ipAddress", text))
                .transpose()?,
            standard: match body.inside("sku")? {
                Some(sku) => sku.word("name", &skus)?,
                None => false,
            },
        })
    })
}

pub(super) fn private_endpoints(resources: &Resources) -> Result<BTreeMap<Id, PrivateEndpoint>, WorldError> {
    each(resources, "microsoft.network/privateendpoints", |id, body| {
        let properties = body.properties()?;
        Ok(PrivateEndpoint {
            id: id.clone(),
            subnet: properties
                .reference("subnet")?
                .ok_or_else(|| properties.bad("subnet", "missing"))?,
            nics: properties.references("networkInterfaces")?,
        })
    })
}
