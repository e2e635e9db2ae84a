//! A state to begin with: the VMs of a lab in a virtual network of their own, and who may log in.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::identity::guid;
use super::rules;
use super::state::{Machine, Place, Principal, Role, State};
use crate::error::Result;
use crate::lab::Lab;

/// The resource group of what is made here.
pub const GROUP: &str = "lab";

/// A machine that is to stand in the state.
#[derive(Debug, Clone)]
pub struct Member {
    /// The name of the virtual machine and of its NIC.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its MAC address as Azure writes it, `00-0D-3A-01-02-03`.
    pub mac: String,
    /// Where its commands run.
    pub runs_in: Option<Place>,
}

/// The VMs of a lab that is up, with their addresses.
///
/// # Errors
/// When there is no such lab, or a VM does not answer.
pub fn of_lab(name: &str) -> Result<State> {
    let lab = Lab::open(name)?;
    let members = lab.vms().iter().map(|vm| {
        let shown = vm.must(&["ip", "-o", "link", "show", "dev", vm.nic()])?.text();
        let mut words = shown
            .split_ascii_whitespace()
            .skip_while(|word| *word != "link/ether");
        let mac = words
            .nth(1)
            .unwrap_or_default()
            .replace(':', "-")
            .to_ascii_uppercase();
        Ok(Member {
            name: vm.name().to_owned(),
            address: vm.address(),
            mac,
            runs_in: Some(Place::Lab {
                lab: name.to_owned(),
                vm: vm.name().to_owned(),
            }),
        })
    });
    Ok(of(&members.collect::<Result<Vec<_>>>()?))
}

/// Machines in the subnet 10.77.0.0/24 of one virtual network (10.77.0.0/16 where that is too small), with a network security group and a route table that say nothing of
/// their own; an operator who may do everything, and a reader who may do what the product reads.
pub fn of(members: &[Member]) -> State {
    let subscription = guid();
    let fits = members
        .iter()
        .all(|member| member.address.octets().starts_with(&[10, 77, 0]));
    let prefix = if fits { "10.77.0.0/24" } else { "10.77.0.0/16" };
    let network = format!("/subscriptions/{subscription}/resourceGroups/{GROUP}/providers/Microsoft.Network");
    let mut made = Resources {
        subscription: subscription.clone(),
        all: BTreeMap::new(),
    };
    let nsg = format!("{network}/networkSecurityGroups/default");
    made.put(
        &nsg,
        json!({
            "securityRules": [], "defaultSecurityRules": rules::defaults(&nsg), "resourceGuid": guid(),
        }),
    );
    let table = format!("{network}/routeTables/default");
    made.put(
        &table,
        json!({"routes": [], "disableBgpRoutePropagation": false, "resourceGuid": guid()}),
    );
    let subnet = format!("{network}/virtualNetworks/lab/subnets/default");
    made.put(&format!("{network}/virtualNetworks/lab"), json!({
        "addressSpace": {"addressPrefixes": ["10.77.0.0/16"]},
        "subnets": [{
            "name": "default", "id": subnet, "type": "Microsoft.Network/virtualNetworks/subnets",
            "properties": {
                "provisioningState": "Succeeded", "addressPrefix": prefix,
                "networkSecurityGroup": {"id": nsg}, "routeTable": {"id": table}, "serviceEndpoints": [],
                "privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled",
            },
        }],
        "virtualNetworkPeerings": [], "enableDdosProtection": false, "resourceGuid": guid(),
    }));
    let mut vms = BTreeMap::new();
    for member in members {
        let id = made.machine(member, &network, &subnet);
        let machine = Machine {
            runs_in: member.runs_in.clone(),
            ..Machine::default()
        };
        vms.insert(id.to_ascii_lowercase(), machine);
    }
    made.surroundings();
    State {
        tenant: guid(),
        subscriptions: [(subscription, "lab".to_owned())].into(),
        principals: principals(),
        resources: made.all,
        vms,
        ..State::default()
    }
}

struct Resources {
    subscription: String,
    all: BTreeMap<String, Value>,
}

impl Resources {
    /// Puts a resource of this id, whose name and type the id says.
    fn put(&mut self, id: &str, mut properties: Value) {
        super::body::set(&mut properties, "provisioningState", "Succeeded".into());
        let mut words = id.rsplit('/');
        let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let namespace = words.next().unwrap_or_default();
        let mut whole = json!({
            "name": name, "id": id, "type": format!("{namespace}/{kind}"), "location": "westeurope", "tags": {},
            "properties": properties,
        });
        if namespace == "Microsoft.Network" {
            super::resources::stamp(&mut whole);
        }
        self.all.insert(id.to_ascii_lowercase(), whole);
    }

    /// A virtual machine with its NIC; says its id.
    fn machine(&mut self, member: &Member, network: &str, subnet: &str) -> String {
        let Member {
            name, address, mac, ..
        } = member;
        let nic = format!("{network}/networkInterfaces/{name}");
        let group = network.strip_suffix("/Microsoft.Network").unwrap_or(network);
        let machine = format!("{group}/Microsoft.Compute/virtualMachines/{name}");
        self.put(&nic, json!({
            "resourceGuid": guid(), "macAddress": mac, "primary": true, "enableIPForwarding": false,
            "enableAcceleratedNetworking": false, "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
            "virtualMachine": {"id": machine}, "hostedWorkloads": [], "tapConfigurations": [], "nicType": "Standard",
            "ipConfigurations": [{
                "name": "ipconfig1", "id": format!("{nic}/ipConfigurations/ipconfig1"),
                "type": "Microsoft.Network/networkInterfaces/ipConfigurations",
                "properties": {
                    "provisioningState": "Succeeded", "privateIPAddress": address, "privateIPAllocationMethod": "Dynamic",
                    "subnet": {"id": subnet}, "primary": true, "privateIPAddressVersion": "IPv4",
                },
            }],
        }));
        self.put(&machine, json!({
            "vmId": guid(), "hardwareProfile": {"vmSize": "Standard_B2s"},
            "osProfile": {"computerName": name, "adminUsername": "lab"},
            "storageProfile": {"osDisk": {"osType": "Linux", "name": format!("{name}-os"), "createOption": "FromImage"}},
            "networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"primary": true}}]},
        }));
        machine
    }

    /// What is there in every subscription: the watcher of the region, and a storage account.
    fn surroundings(&mut self) {
        let start = format!("/subscriptions/{}/resourceGroups", self.subscription);
        let watcher = format!(
            "{start}/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/NetworkWatcher_westeurope"
        );
        self.put(&watcher, json!({"runningOperationIds": []}));
        let account = format!("{start}/{GROUP}/providers/Microsoft.Storage/storageAccounts/labstorage");
        self.put(&account, json!({
            "primaryEndpoints": {"blob": "https://labstorage.blob.core.windows.net/"}, "supportsHttpsTrafficOnly": true,
            "publicNetworkAccess": "Enabled", "minimumTlsVersion": "TLS1_2",
            "networkAcls": {"bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow"},
        }));
    }
}

fn principals() -> Vec<Principal> {
    let one = |managed: bool, actions: &[&str]| Principal {
        client_id: guid(),
        object_id: guid(),
        secret: (!managed).then(guid),
        managed,
        roles: vec![Role {
            scope: "/".to_owned(),
            actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            not_actions: Vec::new(),
        }],
        ..Principal::default()
    };
    let reads = [
        "*/read",
        "Microsoft.Network/networkInterfaces/effectiveRouteTable/action",
        "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action",
        "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveSecurityAdminRules/action",
        "Microsoft.Network/networkWatchers/packetCaptures/queryStatus/action",
    ];
    vec![one(false, &["*"]), one(false, &reads), one(true, &reads)]
}
