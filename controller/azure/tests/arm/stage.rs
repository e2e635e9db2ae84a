//! A server that answers by path, for what asks in no fixed order.

use std::collections::BTreeMap;

use netghost_core::azure::id::ResourceId;
use serde_json::{Value, json};

use crate::play::{Came, Play, SUBSCRIPTION, Says, id};

/// Answers by the end of the path, after the method: `GET …/networkInterfaces/web-nic`. The longest that fits is given, and
/// where none does Azure's own 404.
#[derive(Clone, Default)]
pub(crate) struct Stage(BTreeMap<String, Says>);

impl Stage {
    pub(crate) fn says(mut self, method: &str, end: &str, says: Says) -> Self {
        self.0.insert(format!("{method} {}", end.to_lowercase()), says);
        self
    }

    pub(crate) fn with(self, method: &str, end: &str, body: Value) -> Self {
        self.says(method, end, Says::json(200, body))
    }

    pub(crate) fn answer(&self, came: &Came, base: &str) -> Says {
        let path = came.path.split('?').next().unwrap_or_default().to_lowercase();
        let fits = |key: &&String| {
            let (method, end) = key.split_once(' ').unwrap();
            method == came.method && path.ends_with(end)
        };
        let key = self.0.keys().filter(fits).max_by_key(|key| key.len());
        key.map_or_else(not_found, |key| self.0[key].clone().based(base))
    }

    pub(crate) async fn play(self) -> Play {
        Play::with(Box::new(move |_, came, base| self.answer(came, base))).await
    }
}

pub(crate) fn not_found() -> Says {
    Says::error(
        404,
        "ResourceNotFound",
        "The Resource was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )
}

pub(crate) fn forbidden(action: &str) -> Says {
    let message = format!(
        "The client 'c' with object id 'o' does not have authorization to perform action '{action}' over scope '/x' or the scope is invalid."
    );
    Says::error(403, "AuthorizationFailed", &message)
}

pub(crate) fn not_running() -> Says {
    let code = "NicMustBeAttachedToRunningVmToGetEffectiveRoutes";
    Says::error(
        400,
        code,
        "A network interface must be attached to a running virtual machine.",
    )
}

pub(crate) fn nic_id(name: &str) -> ResourceId {
    id(&format!("Microsoft.Network/networkInterfaces/{name}"))
}

pub(crate) fn vm_id(name: &str) -> ResourceId {
    id(&format!("Microsoft.Compute/virtualMachines/{name}"))
}

pub(crate) fn subnet_id() -> ResourceId {
    id("Microsoft.Network/virtualNetworks/hub/subnets/front")
}

/// A network interface of a VM.
pub(crate) fn nic(name: &str, vm: &str) -> Value {
    let mut nic = loose(name);
    nic["properties"]["virtualMachine"] = json!({"id": vm_id(vm).as_str()});
    nic
}

/// A network interface of no VM.
pub(crate) fn loose(name: &str) -> Value {
    json!({"id": nic_id(name).as_str(), "name": name, "location": "westeurope", "properties": {
        "primary": true,
        "ipConfigurations": [{"name": "a", "properties": {"privateIPAddress": "10.0.0.4", "subnet": {"id": subnet_id().as_str()}}}],
    }})
}

pub(crate) fn vm(name: &str, nics: &[&str]) -> Value {
    let nics: Vec<Value> = nics
        .iter()
        .map(|nic| json!({"id": nic_id(nic).as_str()}))
        .collect();
    json!({"id": vm_id(name).as_str(), "name": name, "location": "westeurope",
        "properties": {"networkProfile": {"networkInterfaces": nics}}})
}

pub(crate) fn view(state: &str) -> Value {
    json!({"statuses": [{"code": "ProvisioningState/succeeded"}, {"code": format!("PowerState/{state}")}]})
}

pub(crate) fn list(items: &[Value]) -> Value {
    json!({ "value": items })
}

pub(crate) fn of_subscription(kind: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/{kind}")
}

pub(crate) fn of_group(kind: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/{kind}")
}
