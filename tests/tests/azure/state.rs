//! States of the lab's Azure, as Resource Manager would show them.

use serde_json::{Map, Value, json};

/// A state that is being made.
#[derive(Debug, Clone, Default)]
pub(crate) struct State(pub(crate) Map<String, Value>);

const GROUP: &str = "/subscriptions/5b1e7d3a-0000-4000-8000-000000000001/resourceGroups/rg-lab/providers";

/// The id of a resource of Microsoft.Network, in Azure's own letter case.
pub(crate) fn id(path: &str) -> String {
    format!("{GROUP}/Microsoft.Network/{path}")
}

/// The same as an object.
pub(crate) fn reference(path: &str) -> Value {
    json!({ "id": id(path) })
}

impl State {
    /// Puts a resource of Microsoft.Network there.
    pub(crate) fn put(&mut self, path: &str, mut body: Value) -> &mut Self {
        let id = id(path);
        body["id"] = json!(id);
        body["name"] = json!(path.rsplit('/').next());
        self.0.insert(id.to_lowercase(), body);
        self
    }

    pub(crate) fn vnet(&mut self, name: &str, space: &[&str], subnets: Value, peerings: Value) -> &mut Self {
        let path = format!("virtualNetworks/{name}");
        let properties = json!({
            "addressSpace": { "addressPrefixes": space },
            "subnets": subnets,
            "virtualNetworkPeerings": peerings,
        });
        self.put(
            &path,
            json!({ "location": "westeurope", "properties": properties }),
        )
    }

    /// A NIC of the VM of the same name.
    pub(crate) fn nic(&mut self, name: &str, subnet: &str, address: &str, more: Value) -> &mut Self {
        let mut properties = json!({
            "ipConfigurations": [{ "name": "ipconfig1", "properties": {
                "privateIPAddress": address,
                "subnet": reference(&format!("virtualNetworks/{subnet}")),
                "primary": true,
            }}],
            "virtualMachine": { "id": format!("{GROUP}/Microsoft.Compute/virtualMachines/{name}") },
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            properties[field] = value.clone();
        }
        self.put(
            &format!("networkInterfaces/{name}"),
            json!({ "properties": properties }),
        )
    }

    pub(crate) fn nsg(&mut self, name: &str, rules: &[Value]) -> &mut Self {
        let path = format!("networkSecurityGroups/{name}");
        self.put(&path, json!({ "properties": { "securityRules": rules } }))
    }

    pub(crate) fn route_table(&mut self, name: &str, no_gateway_routes: bool, routes: &[Value]) -> &mut Self {
        let properties = json!({ "disableBgpRoutePropagation": no_gateway_routes, "routes": routes });
        self.put(
            &format!("routeTables/{name}"),
            json!({ "properties": properties }),
        )
    }

    /// A gateway in a VNet that has a subnet `GatewaySubnet`.
    pub(crate) fn gateway(&mut self, name: &str, vnet: &str, learned: &[(&str, &str)]) -> &mut Self {
        let subnet = reference(&format!("virtualNetworks/{vnet}/subnets/GatewaySubnet"));
        let learned: Vec<Value> = learned
            .iter()
            .map(|(prefix, hop)| json!({ "addressPrefix": prefix, "nextHopIpAddress": hop }))
            .collect();
        let body = json!({
            "properties": { "ipConfigurations": [{ "properties": { "subnet": subnet } }] },
            "lab": { "learnedRoutes": learned },
        });
        self.put(&format!("virtualNetworkGateways/{name}"), body)
    }

    pub(crate) fn tags(&mut self, tags: &[(&str, &[&str])]) -> &mut Self {
        let values: Vec<Value> = tags
            .iter()
            .map(|(name, prefixes)| {
                let region = name.split_once('.').map_or("", |(_, region)| region);
                let properties = json!({ "region": region, "addressPrefixes": prefixes });
                json!({ "name": name, "id": name, "properties": properties })
            })
            .collect();
        self.put("serviceTags/public", json!({ "values": values }))
    }

    /// Admin rules for these VNets.
    pub(crate) fn admin(&mut self, vnets: &[&str], rules: &[Value]) -> &mut Self {
        let group = "networkManagers/nm/networkGroups/all";
        self.put(group, json!({ "properties": {} }));
        for vnet in vnets {
            let member = json!({ "properties": { "resourceId": id(&format!("virtualNetworks/{vnet}")) } });
            self.put(&format!("{group}/staticMembers/{vnet}"), member);
        }
        let collection = "networkManagers/nm/securityAdminConfigurations/c/ruleCollections/rc";
        let applies = json!([{ "networkGroupId": id(group) }]);
        self.put(
            collection,
            json!({ "properties": { "appliesToGroups": applies } }),
        );
        for (number, rule) in rules.iter().enumerate() {
            let body = json!({ "kind": "Custom", "properties": rule });
            self.put(&format!("{collection}/rules/r{number}"), body);
        }
        self
    }

    pub(crate) fn value(&self) -> Value {
        json!({ "resources": self.0 })
    }
}

/// A subnet, with what else its properties hold.
pub(crate) fn subnet(vnet: &str, name: &str, prefix: &str, more: Value) -> Value {
    let mut properties = json!({ "addressPrefix": prefix });
    for (field, value) in more.as_object().into_iter().flatten() {
        properties[field] = value.clone();
    }
    json!({ "name": name, "id": id(&format!("virtualNetworks/{vnet}/subnets/{name}")), "properties": properties })
}

/// One half of a peering.
pub(crate) fn peering(remote: &str, more: Value) -> Value {
    let mut properties = json!({
        "peeringState": "Connected",
        "remoteVirtualNetwork": reference(&format!("virtualNetworks/{remote}")),
        "allowVirtualNetworkAccess": true,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        properties[field] = value.clone();
    }
    json!({ "name": format!("to-{remote}"), "properties": properties })
}

/// A rule from words: `100 Inbound Allow Tcp 10.0.0.0/8 Internet 22,80-90`.
pub(crate) fn rule(name: &str, words: &str) -> Value {
    let words: Vec<&str> = words.split(' ').collect();
    let [priority, direction, access, protocol, from, to, ports] = words[..] else {
        panic!("seven words: {words:?}");
    };
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    json!({ "name": name, "properties": {
        "priority": priority.parse::<u16>().unwrap(),
        "direction": direction,
        "access": access,
        "protocol": protocol,
        "sourceAddressPrefixes": list(from),
        "destinationAddressPrefixes": list(to),
        "sourcePortRange": "*",
        "destinationPortRanges": list(ports),
    }})
}

/// A route from words: `10.0.0.0/8 VirtualAppliance 10.0.0.4`.
pub(crate) fn route(name: &str, words: &str) -> Value {
    let mut words = words.split(' ');
    json!({ "name": name, "properties": {
        "addressPrefix": words.next(),
        "nextHopType": words.next(),
        "nextHopIpAddress": words.next(),
    }})
}
