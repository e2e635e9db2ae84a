//! All that the simulator knows, in one JSON file: read at the start, written whole at each change.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::throttle::Limits;

/// The content of the state file. What it holds beside these fields is kept as it is, for whoever else reads the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct State {
    /// The id of the one tenant.
    pub tenant: String,
    /// Subscriptions by id, with their names.
    pub subscriptions: BTreeMap<String, String>,
    /// Who may log in, and what they may do.
    pub principals: Vec<Principal>,
    /// Every resource by its id in lower case, as Azure shows it. Subnets, peerings, rules and routes stand in the resource that
    /// they are part of.
    pub resources: BTreeMap<String, Value>,
    /// What is known of virtual machines that no resource shows, by resource id in lower case.
    pub vms: BTreeMap<String, Machine>,
    /// Effective tables by the id of their NIC in lower case, to be answered instead of what would be computed.
    pub effective: BTreeMap<String, Told>,
    /// Effective security admin rules by the id of their virtual network in lower case: a list.
    pub admin_rules: BTreeMap<String, Value>,
    /// Packet captures by the id of their resource in lower case.
    pub captures: BTreeMap<String, Capture>,
    /// The Activity Log, oldest first.
    pub events: Vec<Value>,
    /// How it behaves.
    pub settings: Settings,
    /// What is of no concern here.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Somebody who may log in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Principal {
    /// What the Activity Log and refusals call them: the user principal name of a person, else empty.
    pub name: String,
    /// The application's id, with which it logs in.
    pub client_id: String,
    /// The object's id in the directory.
    pub object_id: String,
    /// The client secret.
    pub secret: Option<String>,
    /// The assertion that a workload shows instead of a secret, whole.
    pub assertion: Option<String>,
    /// Whether the identity endpoint gives its tokens.
    pub managed: bool,
    /// What it may do where.
    pub roles: Vec<Role>,
}

/// What a role allows below a scope (`Microsoft.Authorization/roleDefinitions`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// A resource id, a group, a subscription, or `/` for all.
    pub scope: String,
    /// Patterns such as `Microsoft.Network/*/read`.
    pub actions: Vec<String>,
    /// Patterns that are taken away from these.
    pub not_actions: Vec<String>,
}

/// What no resource shows of a virtual machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Machine {
    /// `running`, `stopped`, `deallocated`, as in `PowerState/…`.
    pub power: String,
    /// Where commands run; without it the VM agent does not answer.
    pub runs_in: Option<Place>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            power: "running".to_owned(),
            runs_in: None,
        }
    }
}

/// Where a machine's commands run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Place {
    /// A VM of a lab that is up.
    Lab {
        /// The lab.
        lab: String,
        /// The VM.
        vm: String,
    },
    /// A network namespace that `ip netns` shows.
    Namespace {
        /// Its name.
        namespace: String,
    },
}

/// What no resource shows of a packet capture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Capture {
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// `Manual` or `TimeExceeded`, once it has stopped.
    pub stop_reason: Option<String>,
}

/// Effective tables as they are to be answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Told {
    /// The body of the effective route table.
    pub routes: Option<Value>,
    /// The body of the effective network security groups.
    pub nsg: Option<Value>,
}

/// How the simulator behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The region of resources that name none.
    pub region: String,
    /// Milliseconds until effective tables are there; with 0 the first answer has them.
    pub effective_ms: u64,
    /// Milliseconds that a change of a resource takes.
    pub write_ms: u64,
    /// Milliseconds that a command takes at least.
    pub command_ms: u64,
    /// Most seconds that a command may run.
    pub command_seconds: u64,
    /// What `Retry-After` says of operations, in seconds.
    pub retry_after: u64,
    /// Lifetime of tokens, in seconds.
    pub token_seconds: u64,
    /// The header `X-IDENTITY-HEADER` that the identity endpoint wants, where it is asked in the manner of App Service.
    pub identity_header: String,
    /// Whether requests are throttled.
    pub throttle: bool,
    /// By how much.
    pub limits: Limits,
    /// 409 `AnotherOperationInProgress`, or 429 `RetryableErrorDueToAnotherOperation`.
    pub lock_status: u16,
    /// Entries on a page of a list.
    pub page: usize,
    /// Seconds by which the simulator's clock is ahead of the machine's.
    pub clock_skew: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "westeurope".to_owned(),
            effective_ms: 200,
            write_ms: 200,
            command_ms: 500,
            command_seconds: 90 * 60,
            retry_after: 1,
            token_seconds: 3600,
            identity_header: "lab".to_owned(),
            throttle: true,
            limits: Limits::default(),
            lock_status: 409,
            page: 100,
            clock_skew: 0,
        }
    }
}

impl State {
    /// Reads a state file.
    ///
    /// # Errors
    /// When it can't be read or is none.
    pub fn load(path: &Path) -> io::Result<Self> {
        let mut state: Self = serde_json::from_slice(&fs::read(path)?)?;
        state.lower_ids();
        Ok(state)
    }

    /// Writes the state; a reader sees the old one or the new one, never a part.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        fs::rename(&new, path)
    }

    /// The state as a JSON value.
    ///
    /// # Errors
    /// Never for a state that was read or made here.
    pub fn to_value(&self) -> io::Result<Value> {
        Ok(serde_json::to_value(self)?)
    }

    /// Changes it by a JSON merge patch (RFC 7396).
    ///
    /// # Errors
    /// When the outcome is no state.
    pub fn patched(&self, patch: &Value) -> io::Result<Self> {
        let mut value = self.to_value()?;
        merge(&mut value, patch);
        let mut state: Self = serde_json::from_value(value)?;
        state.lower_ids();
        Ok(state)
    }

    /// Keys are looked up in lower case, however the file has them.
    fn lower_ids(&mut self) {
        fn lowered<T>(map: &mut BTreeMap<String, T>) {
            let all = std::mem::take(map);
            map.extend(
                all.into_iter()
                    .map(|(id, value)| (id.to_ascii_lowercase(), value)),
            );
        }
        lowered(&mut self.subscriptions);
        lowered(&mut self.resources);
        lowered(&mut self.vms);
        lowered(&mut self.effective);
        lowered(&mut self.admin_rules);
        lowered(&mut self.captures);
    }

    /// The region of a resource, as addresses of operations have it.
    pub(crate) fn region(&self, resource: Option<&Value>) -> String {
        let said = resource
            .and_then(|body| body.get("location"))
            .and_then(Value::as_str);
        said.unwrap_or(&self.settings.region)
            .replace(' ', "")
            .to_ascii_lowercase()
    }
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Some(into) = into.as_object_mut() else { return };
    for (key, value) in patch {
        if value.is_null() {
            into.remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_keeps_what_nobody_knows() {
        let state: State = serde_json::from_value(json!({
            "tenant": "t", "resources": {"/Subscriptions/S/a": {"x": [1], "y": 1}}, "gateways": {"g": 1},
        }))
        .unwrap();
        let patched = state
            .patched(&json!({"resources": {"/Subscriptions/S/a": {"x": [2], "y": null}, "/b": {}}}))
            .unwrap();
        assert_eq!(patched.more["gateways"], json!({"g": 1}));
        assert_eq!(patched.resources["/b"], json!({}));
        assert_eq!(patched.resources["/subscriptions/s/a"], json!({"x": [2]}));
        assert!(state.patched(&json!({"resources": 1})).is_err());
    }

    #[test]
    fn a_machine_is_in_a_lab_or_a_namespace() {
        let lab: Machine = serde_json::from_value(json!({"runsIn": {"lab": "l", "vm": "vm1"}})).unwrap();
        assert!(matches!(lab.runs_in, Some(Place::Lab { .. })));
        let machine = json!({"power": "stopped", "runsIn": {"namespace": "n"}});
        let space: Machine = serde_json::from_value(machine).unwrap();
        assert!(matches!(space.runs_in, Some(Place::Namespace { .. })));
        assert!(serde_json::from_value::<Machine>(json!({"powr": "running"})).is_err());
    }
}
