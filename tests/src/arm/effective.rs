//! Effective tables of a NIC: told by the state, else computed from the resources.

use std::time::Duration;

use serde_json::{Value, json};

use super::body::{self, pretty};
use super::core::{Call, Core};
use super::http::Answer;
use super::operation::{Plan, Work};
use super::path::Path;
use super::refusal::Refusal;
use crate::azure::effective;

/// Which table of a NIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Routes,
    Nsg,
}

impl Core {
    /// `POST …/effectiveRouteTable` and `POST …/effectiveNetworkSecurityGroups`.
    pub(crate) fn effective(&mut self, call: &Call<'_>, table: Table) -> Result<Answer, Refusal> {
        let nic = call.path.parent();
        let resource = self.existing(&nic)?;
        let region = self.state.region(Some(&resource));
        if !self.runs(&resource) {
            return Err(not_running(&resource, table));
        }
        let takes = Duration::from_millis(self.state.settings.effective_ms);
        let key = nic.key();
        let retry = self.state.settings.retry_after.to_string();
        let plan = Plan {
            work: Work::Effective { nic: key, table },
            takes,
            lock: None,
            region,
            logged: false,
        };
        let (id, addresses) = self.start(call, plan);
        if let Some(result) = self.outcome(&id) {
            // Over at once: the first answer has the result.
            return Ok(result?.with("Location", addresses.result));
        }
        Ok(Answer::new(202)
            .text("application/json; charset=utf-8", "null")
            .with("Location", addresses.result)
            .with("Retry-After", retry))
    }

    /// A table of a NIC, as of now.
    pub(crate) fn table(&mut self, key: &str, table: Table) -> Result<Value, Refusal> {
        let Some(nic) = self.state.resources.get(key).cloned() else {
            let path = Path::parse(key).unwrap_or_default();
            return Err(Refusal::no_resource(&path.kind(), path.name(), &path.group));
        };
        if !self.runs(&nic) {
            return Err(not_running(&nic, table));
        }
        let told = self.state.effective.get(key).and_then(|told| match table {
            Table::Routes => told.routes.clone(),
            Table::Nsg => told.nsg.clone(),
        });
        if let Some(told) = told {
            return Ok(told);
        }
        let world = self.world()?;
        let computed = match table {
            Table::Routes => effective::routes(&world, key),
            Table::Nsg => effective::nsg(&world, key),
        };
        computed.map_err(|error| internal(error.to_string()))
    }

    /// Whether the NIC is attached to a machine that runs.
    fn runs(&self, nic: &Value) -> bool {
        let machine = body::text(nic, "/properties/virtualMachine/id").to_ascii_lowercase();
        self.state.resources.contains_key(&machine)
            && self
                .state
                .vms
                .get(&machine)
                .is_none_or(|machine| machine.power == "running")
    }

    /// `POST …/listNetworkManagerEffectiveSecurityAdminRules`.
    pub(crate) fn admin_rules(&mut self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let network = call.path.parent();
        self.existing(&network)?;
        let key = network.key();
        let told = self
            .state
            .admin_rules
            .get(&key)
            .and_then(Value::as_array)
            .cloned();
        let rules = match told {
            Some(rules) => rules,
            None => {
                let world = self.world()?;
                let list = effective::admin(&world, &key).map_err(|error| internal(error.to_string()))?;
                let list = list.get("value").and_then(Value::as_array);
                list.cloned().unwrap_or_default()
            }
        };
        let asked = if call.request.body.is_empty() {
            Value::Null
        } else {
            call.json()?
        };
        let from: usize = match body::text(&asked, "/skipToken") {
            "" => 0,
            token => token
                .parse()
                .map_err(|_| Refusal::format(format!("The skip token '{token}' is invalid.")))?,
        };
        let size = call
            .request
            .parameter("$top")
            .and_then(|top| top.parse().ok())
            .unwrap_or(self.state.settings.page)
            .max(1);
        let page: Vec<&Value> = rules.iter().skip(from).take(size).collect();
        let next = from.saturating_add(page.len());
        let mut answer = json!({"value": page});
        if next < rules.len() {
            body::set(&mut answer, "skipToken", next.to_string().into());
        }
        Ok(Answer::new(200).text("application/json; charset=utf-8", pretty(&answer)))
    }
}

/// Something that only a fault of the lab explains.
pub(crate) fn internal(why: String) -> Refusal {
    Refusal::provider(500, "InternalServerError", why)
}

fn not_running(nic: &Value, table: Table) -> Refusal {
    let id = body::text(nic, "/id");
    let (code, what) = match table {
        Table::Routes => (
            "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
            "effective routes",
        ),
        Table::Nsg => (
            "NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups",
            "effective security groups",
        ),
    };
    Refusal::provider(
        400,
        code,
        format!(
            "A network interface must be attached to a running virtual machine to get {what}. The network interface {id} is \
             not attached to a running virtual machine."
        ),
    )
}
