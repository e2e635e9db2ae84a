//! Public addresses as resources: whose they are.

use std::net::IpAddr;

use serde_json::Value;

use super::nic::{inner, object, reference};
use crate::azure::body::{BadField, string};
use crate::azure::id::ResourceId;

/// A public address.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicIp {
    /// Its resource id.
    pub id: ResourceId,
    /// The address; none: it has none at the moment, as one that is given out only while its machine runs.
    pub address: Option<IpAddr>,
    /// The id of the configuration that it belongs to: of an interface, a load balancer, a gateway.
    pub configuration: Option<String>,
    /// The NAT gateway that it belongs to.
    pub nat_gateway: Option<String>,
}

impl PublicIp {
    /// Reads the body of a public address.
    ///
    /// # Errors
    /// Where it is of another form.
    pub fn parse(body: &Value) -> Result<Self, BadField> {
        let outer = object(body, "publicIPAddress")?;
        let id = string(outer, "id")?.ok_or_else(|| BadField::new("id", "it is missing"))?;
        let fields = inner(outer)?;
        let address = string(fields, "ipAddress")?.map(|text| {
            let bad = |_| BadField::new("ipAddress", format!("{text:?} is no address"));
            text.parse().map_err(bad)
        });
        Ok(Self {
            id: id
                .parse()
                .map_err(|error| BadField::new("id", format!("{error}")))?,
            address: address.transpose()?,
            configuration: reference(fields, "ipConfiguration")?,
            nat_gateway: reference(fields, "natGateway")?,
        })
    }

    /// The network interface that it belongs to.
    pub fn nic(&self) -> Option<ResourceId> {
        let configuration = self.configuration.as_deref()?;
        let at = configuration.to_lowercase().find("/ipconfigurations/")?;
        let id: ResourceId = configuration.get(..at)?.parse().ok()?;
        (id.after("networkInterfaces") == Some(id.name())).then_some(id)
    }

    /// Whose it is, for people.
    pub fn owner(&self) -> Option<&str> {
        let owner = self.configuration.as_deref().or(self.nat_gateway.as_deref())?;
        // A configuration is part of its resource: `…/loadBalancers/l/frontendIPConfigurations/f`.
        let mut cut = owner.rmatch_indices('/');
        match self.configuration {
            Some(_) => cut.nth(1).and_then(|(at, _)| owner.get(..at)),
            None => Some(owner),
        }
    }
}
