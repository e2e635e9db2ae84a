//! Network interfaces.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::body::Body;
use super::{Id, Resources, WorldError, each};

/// A network interface.
#[derive(Debug, Clone)]
pub struct Nic {
    /// Its id.
    pub id: Id,
    /// Its addresses; never empty, the primary one first.
    pub configs: Vec<IpConfig>,
    /// It may send from and receive for addresses that are not its own.
    pub forwarding: bool,
    /// Its security group.
    pub nsg: Option<Id>,
    /// The VM that it is attached to.
    pub vm: Option<Id>,
    /// Its hardware address as Azure writes it: `00-0D-3A-1B-C7-21`.
    pub mac: Option<String>,
}

/// An address of a NIC.
#[derive(Debug, Clone)]
pub struct IpConfig {
    /// Its name.
    pub name: String,
    /// The private address.
    pub address: IpAddr,
    /// The subnet it is in.
    pub subnet: Id,
    /// The public address that stands for it outside.
    pub public: Option<Id>,
    /// The application security groups it is in.
    pub groups: Vec<Id>,
}

impl Nic {
    /// Its primary address.
    #[expect(clippy::indexing_slicing, reason = "a NIC without addresses is never built")]
    pub fn primary(&self) -> &IpConfig {
        &self.configs[0]
    }

    /// All its private addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.configs.iter().map(|config| config.address)
    }
}

/// NICs of VMs of their own, and of VMs of scale sets.
const KINDS: [&str; 2] = [
    "microsoft.network/networkinterfaces",
    "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces",
];

pub(super) fn all(resources: &Resources) -> Result<BTreeMap<Id, Nic>, WorldError> {
    let mut nics = BTreeMap::new();
    for kind in KINDS {
        nics.extend(each(resources, kind, nic)?);
    }
    Ok(nics)
}

fn nic(id: &Id, body: &Body<'_>) -> Result<Nic, WorldError> {
    let properties = body.properties()?;
    let mut configs = Vec::new();
    for config in properties.objects("ipConfigurations")? {
        let (primary, config) = ip_config(&config)?;
        let place = if primary { 0 } else { configs.len() };
        configs.insert(place, config);
    }
    if configs.is_empty() {
        return Err(properties.bad("ipConfigurations", "none"));
    }
    Ok(Nic {
        id: id.clone(),
        configs,
        forwarding: properties.flag("enableIPForwarding", false)?,
        nsg: properties.reference("networkSecurityGroup")?,
        vm: properties.reference("virtualMachine")?,
        mac: properties.text("macAddress")?.map(str::to_owned),
    })
}

fn ip_config(config: &Body<'_>) -> Result<(bool, IpConfig), WorldError> {
    let properties = config.properties()?;
    let config = IpConfig {
        name: config.text("name")?.unwrap_or_default().to_owned(),
        address: properties.parsed("privateIPAddress", properties.need("privateIPAddress")?)?,
        subnet: properties
            .reference("subnet")?
            .ok_or_else(|| properties.bad("subnet", "missing"))?,
        public: properties.reference("publicIPAddress")?,
        groups: properties.references("applicationSecurityGroups")?,
    };
    Ok((properties.flag("primary", false)?, config))
}
