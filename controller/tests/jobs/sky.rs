//! An Azure of some VMs in one group, each with one network interface, and what can go wrong with them.

use std::sync::{Arc, Mutex};

use netghost_controller::azure::Azure;
use netghost_core::azure::id::ResourceId;
use netghost_proto::v1;
use serde_json::{Value, json};

use crate::play::{Came, Play, SUBSCRIPTION, Says};
use crate::stage::{self, Stage, list, of_group, of_subscription, subnet_id, view, vm};

/// The group of everything.
pub(crate) const GROUP: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shop";

/// The server, whose answers can be changed while it runs.
#[derive(Clone)]
pub(crate) struct Sky {
    pub(crate) stage: Arc<Mutex<Stage>>,
    pub(crate) play: Play,
    // The server has a runtime of its own, so that it outlives the controllers that ask it.
    _runtime: Arc<Runtime>,
}

struct Runtime(Option<tokio::runtime::Runtime>);

impl Drop for Runtime {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

impl Sky {
    /// VMs of these names, each with a network interface `NAME-nic`.
    pub(crate) fn of(names: &[&str]) -> Self {
        let stage = Arc::new(Mutex::new(stage(names)));
        let answers = Arc::clone(&stage);
        let script = move |_, came: &Came, base: &str| answers.lock().unwrap().answer(came, base);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        runtime.spawn(async move { sender.send(Play::with(Box::new(script)).await).unwrap() });
        Self {
            stage,
            play: receiver.recv().unwrap(),
            _runtime: Arc::new(Runtime(Some(runtime))),
        }
    }

    /// From now on it says this.
    pub(crate) fn says(&self, method: &str, end: &str, says: Says) {
        let mut stage = self.stage.lock().unwrap();
        *stage = std::mem::take(&mut *stage).says(method, end, says);
    }

    pub(crate) fn with(&self, method: &str, end: &str, body: Value) {
        self.says(method, end, Says::json(200, body));
    }

    pub(crate) fn login(&self) -> Azure {
        Azure {
            arm: self.play.arm(),
            subscription: Some(SUBSCRIPTION.to_owned()),
        }
    }

    /// How often something with this in its path was asked for.
    pub(crate) fn asked(&self, part: &str) -> usize {
        let came = self.play.came();
        came.iter()
            .filter(|came| came.path.to_lowercase().contains(&part.to_lowercase()))
            .count()
    }
}

pub(crate) fn nic_id(name: &str) -> ResourceId {
    stage::nic_id(&format!("{name}-nic"))
}

fn stage(names: &[&str]) -> Stage {
    let subnet =
        json!({"id": subnet_id().as_str(), "name": "front", "properties": {"addressPrefix": "10.0.0.0/24"}});
    let nics: Vec<Value> = names.iter().map(|name| nic(name)).collect();
    let vms: Vec<Value> = names
        .iter()
        .map(|name| vm(name, &[&format!("{name}-nic")]))
        .collect();
    let lists = [
        ("Microsoft.Network/networkInterfaces", list(&nics)),
        ("Microsoft.Compute/virtualMachines", list(&vms)),
        ("Microsoft.Compute/virtualMachineScaleSets", list(&[])),
    ];
    let mut stage = Stage::default().with("GET", "/hub/subnets/front", subnet).with(
        "POST",
        "/hub/listNetworkManagerEffectiveSecurityAdminRules",
        list(&[]),
    );
    for (kind, list) in lists {
        stage = stage
            .with("GET", &of_group(kind), list.clone())
            .with("GET", &of_subscription(kind), list);
    }
    for name in names {
        stage = stage
            .with("GET", &format!("/networkInterfaces/{name}-nic"), nic(name))
            .with(
                "GET",
                &format!("/virtualMachines/{name}"),
                vm(name, &[&format!("{name}-nic")]),
            )
            .with("GET", &format!("/{name}/instanceView"), view("running"))
            .with(
                "POST",
                &routes(name),
                list(&[route("10.0.0.9"), route("10.0.0.8")]),
            )
            .with(
                "POST",
                &rules(name),
                list(&[gate(&[rule("web", 80), rule("ssh", 22)])]),
            );
    }
    stage
}

pub(crate) fn nic(name: &str) -> Value {
    stage::nic(&format!("{name}-nic"), name)
}

/// Where the effective routes of a VM's network interface are asked for.
pub(crate) fn routes(name: &str) -> String {
    format!("/{name}-nic/effectiveRouteTable")
}

/// Likewise the effective rules.
pub(crate) fn rules(name: &str) -> String {
    format!("/{name}-nic/effectiveNetworkSecurityGroups")
}

pub(crate) fn route(hop: &str) -> Value {
    json!({"name": hop, "source": "User", "state": "Active", "addressPrefix": [format!("{hop}/32")],
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": [hop]})
}

pub(crate) fn gate(rules: &[Value]) -> Value {
    let group = format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg");
    json!({"networkSecurityGroup": {"id": group}, "association": {"subnet": {"id": subnet_id().as_str()}},
        "effectiveSecurityRules": rules, "tagMap": {}})
}

pub(crate) fn rule(name: &str, port: u16) -> Value {
    let ports = format!("{port}-{port}");
    json!({"name": format!("securityRules/{name}"), "protocol": "Tcp", "sourcePortRange": "0-65535",
        "destinationPortRange": ports, "sourcePortRanges": ["0-65535"], "destinationPortRanges": [ports],
        "sourceAddressPrefix": "10.0.0.0/8", "destinationAddressPrefix": "0.0.0.0/0",
        "sourceAddressPrefixes": ["10.0.0.0/8"], "destinationAddressPrefixes": ["0.0.0.0/0"],
        "expandedSourceAddressPrefix": [], "expandedDestinationAddressPrefix": [],
        "access": "Allow", "priority": 100 + port, "direction": "Inbound"})
}

/// The layer `azure` of these.
pub(crate) fn in_azure(words: &[&str]) -> Option<v1::Selector> {
    Some(v1::Selector {
        azure: words.iter().map(ToString::to_string).collect(),
        ..v1::Selector::default()
    })
}
