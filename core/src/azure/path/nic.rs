//! What a path needs of a network interface and its subnet.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::azure::body::{BadField, field, flag, shape, string};
use crate::azure::id::ResourceId;

/// A network interface.
#[derive(Debug, Clone, PartialEq)]
pub struct Nic {
    /// Its resource id.
    pub id: ResourceId,
    /// The virtual machine that it is attached to.
    pub machine: Option<String>,
    /// Whether it takes packets that are not to it and sends those that are not from it; none: the body does not say.
    pub forwards: Option<bool>,
    /// The private endpoint that it belongs to.
    pub private_endpoint: Option<String>,
    /// The network security group that is associated with it.
    pub nsg: Option<String>,
    /// Its addresses.
    pub configurations: Vec<IpConfiguration>,
    /// Its subnets, as far as they were read.
    pub subnets: Vec<Subnet>,
}

/// An address of a network interface.
#[derive(Debug, Clone, PartialEq)]
pub struct IpConfiguration {
    /// The private address.
    pub address: Option<IpAddr>,
    /// Whether it is the first of its interface; none: the body does not say.
    pub primary: Option<bool>,
    /// The subnet.
    pub subnet: Option<ResourceId>,
    /// The public address.
    pub public: Option<String>,
    /// Pools and rules of load balancers that it belongs to.
    pub balancers: Vec<String>,
    /// Its application security groups, in lower case.
    pub groups: Vec<String>,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq)]
pub struct Subnet {
    /// Its resource id.
    pub id: ResourceId,
    /// The network security group that is associated with it.
    pub nsg: Option<String>,
    /// The route table that is associated with it.
    pub route_table: Option<String>,
    /// The NAT gateway.
    pub nat_gateway: Option<String>,
    /// Whether machines without a way out of their own get one. Subnets that were made before this could be switched off do not
    /// say; they have it.
    pub default_outbound: Option<bool>,
    /// Which policies hold for private endpoints in it, as Azure writes it.
    pub endpoint_policies: Option<String>,
    /// The policies that say which accounts may be reached by its service endpoints; none: all.
    pub service_policies: Vec<String>,
}

/// The fields of a resource: in `properties` as Azure Resource Manager has it, beside the name as `az` prints it.
pub(super) fn inner(object: &Map<String, Value>) -> Result<&Map<String, Value>, BadField> {
    match field(object, "properties") {
        None => Ok(object),
        Some(Value::Object(inner)) => Ok(inner),
        Some(other) => Err(wrong("properties", other)),
    }
}

pub(super) fn wrong(name: &str, value: &Value) -> BadField {
    BadField::new(name, format!("{} where an object belongs", shape(value)))
}

pub(super) fn object<'a>(body: &'a Value, what: &str) -> Result<&'a Map<String, Value>, BadField> {
    body.as_object().ok_or_else(|| wrong(what, body))
}

fn id(object: &Map<String, Value>, kind: &str) -> Result<ResourceId, BadField> {
    let bad = |why: String| BadField::new("id", why);
    let text = string(object, "id")?.ok_or_else(|| bad("it is missing".to_owned()))?;
    let id: ResourceId = text.parse().map_err(|error| bad(format!("{error}")))?;
    let mut last = id.as_str().rsplit('/').skip(1);
    let fits = last.next().is_some_and(|word| word.eq_ignore_ascii_case(kind));
    if fits {
        Ok(id)
    } else {
        Err(bad(format!("{id} is of no resource of {kind}")))
    }
}

/// `{"id": "…"}`; none where the field is absent or null.
pub(super) fn reference(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, BadField> {
    match field(fields, name) {
        None => Ok(None),
        Some(Value::Object(inner)) => {
            let id = string(inner, "id").map_err(|bad| bad.within(name))?;
            id.map(Some)
                .ok_or_else(|| BadField::new(format!("{name}.id"), "it is missing"))
        }
        Some(other) => Err(wrong(name, other)),
    }
}

fn references(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, BadField> {
    let bad = |other: &Value| BadField::new(name, format!("{} where a list belongs", shape(other)));
    let members = match field(fields, name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(members)) => members,
        Some(other) => return Err(bad(other)),
    };
    let one = |member: &Value| {
        let inner = object(member, name)?;
        string(inner, "id")?.ok_or_else(|| BadField::new(name, "a member without an id"))
    };
    members.iter().map(one).collect()
}

impl Nic {
    /// Reads the body of a network interface and those of its subnets.
    ///
    /// # Errors
    /// Where one of them is of another form. A field that a path needs and that is not understood is never taken for absent.
    pub fn parse(nic: &Value, subnets: &[Value]) -> Result<Self, BadField> {
        let outer = object(nic, "nic")?;
        let fields = inner(outer)?;
        let list = match field(fields, "ipConfigurations") {
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong("ipConfigurations", other)),
            None => return Err(BadField::new("ipConfigurations", "it is missing")),
        };
        let configurations = list.iter().enumerate().map(|(at, one)| {
            IpConfiguration::parse(one).map_err(|bad| bad.within(&format!("ipConfigurations.{at}")))
        });
        Ok(Self {
            id: id(outer, "networkInterfaces")?,
            machine: reference(fields, "virtualMachine")?,
            forwards: flag(fields, "enableIPForwarding")?,
            private_endpoint: reference(fields, "privateEndpoint")?,
            nsg: reference(fields, "networkSecurityGroup")?,
            configurations: configurations.collect::<Result<_, _>>()?,
            subnets: subnets.iter().map(Subnet::parse).collect::<Result<_, _>>()?,
        })
    }

    /// What it has of this address.
    pub fn configuration(&self, address: IpAddr) -> Option<&IpConfiguration> {
        self.configurations
            .iter()
            .find(|one| one.address == Some(address))
    }

    /// The address of a family that it has first: that of its primary configuration, where that is of the family.
    pub fn first(&self, ipv4: bool) -> Option<IpAddr> {
        let of_family = |one: &&IpConfiguration| one.address.is_some_and(|address| address.is_ipv4() == ipv4);
        let mut all = self.configurations.iter().filter(of_family);
        let primary = all.clone().find(|one| one.primary == Some(true));
        primary.or_else(|| all.next())?.address
    }

    /// The subnet of this address, where that was read. A packet that is only forwarded leaves by the first address.
    pub fn subnet(&self, address: IpAddr) -> Option<&Subnet> {
        let id = self.subnet_id(address)?;
        self.subnets.iter().find(|subnet| subnet.id == *id)
    }

    /// The id of the subnet of this address.
    pub fn subnet_id(&self, address: IpAddr) -> Option<&ResourceId> {
        let its = self.configuration(address).or(self.configurations.first());
        its?.subnet.as_ref()
    }

    /// The id of the virtual network, in lower case.
    pub fn network(&self, address: IpAddr) -> Option<String> {
        let key = self.subnet_id(address)?.key();
        key.rsplit_once("/subnets/")
            .map(|(network, _)| network.to_owned())
    }
}

impl IpConfiguration {
    fn parse(one: &Value) -> Result<Self, BadField> {
        let fields = inner(object(one, "ipConfiguration")?)?;
        let address = match string(fields, "privateIPAddress")? {
            None => None,
            Some(text) => {
                let address = text.parse();
                Some(
                    address
                        .map_err(|_| BadField::new("privateIPAddress", format!("{text:?} is no address")))?,
                )
            }
        };
        let subnet = match reference(fields, "subnet")? {
            None => None,
            Some(text) => {
                let id = text.parse();
                Some(id.map_err(|error| BadField::new("subnet.id", format!("{error}")))?)
            }
        };
        let mut balancers = Vec::new();
        for name in [
            "loadBalancerBackendAddressPools",
            "loadBalancerInboundNatRules",
            "applicationGatewayBackendAddressPools",
        ] {
            balancers.extend(references(fields, name)?);
        }
        let groups = references(fields, "applicationSecurityGroups")?;
        Ok(Self {
            address,
            primary: flag(fields, "primary")?,
            subnet,
            public: reference(fields, "publicIPAddress")?,
            balancers,
            groups: groups.iter().map(|id| id.to_lowercase()).collect(),
        })
    }
}

impl Subnet {
    /// Reads the body of a subnet.
    ///
    /// # Errors
    /// Where it is of another form.
    pub fn parse(body: &Value) -> Result<Self, BadField> {
        let outer = object(body, "subnet")?;
        let fields = inner(outer)?;
        Ok(Self {
            id: id(outer, "subnets")?,
            nsg: reference(fields, "networkSecurityGroup")?,
            route_table: reference(fields, "routeTable")?,
            nat_gateway: reference(fields, "natGateway")?,
            default_outbound: flag(fields, "defaultOutboundAccess")?,
            endpoint_policies: string(fields, "privateEndpointNetworkPolicies")?,
            service_policies: references(fields, "serviceEndpointPolicies")?,
        })
    }
}
