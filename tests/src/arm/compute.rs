//! Virtual machines: how they are shown, started and stopped.

use std::time::Duration;

use serde_json::{Value, json};

use super::body::{self, pretty};
use super::clock;
use super::core::{Call, Core};
use super::http::Answer;
use super::operation::{Plan, Work};
use super::path::Path;
use super::refusal::Refusal;
use super::throttle::Taken;

impl Core {
    /// A body as a request wants it: with or without its instance view.
    pub(crate) fn shown(&self, call: &Call<'_>, mut found: Value) -> Value {
        // What only the lab knows of a resource is not Azure's to show.
        if let Some(found) = found.as_object_mut() {
            found.remove("lab");
        }
        let kind = body::text(&found, "/type").to_ascii_lowercase();
        if !kind.starts_with("microsoft.compute/") {
            return found;
        }
        let expands = call
            .request
            .parameter("$expand")
            .is_some_and(|expand| expand.eq_ignore_ascii_case("instanceView"));
        if kind.ends_with("virtualmachines") && expands {
            let key = body::text(&found, "/id").to_ascii_lowercase();
            let view = self.instance_view(&key, &found, call);
            body::set_property(&mut found, "instanceView", view);
        } else if !expands
            && let Some(properties) = found.get_mut("properties").and_then(Value::as_object_mut)
        {
            properties.remove("instanceView");
        }
        found
    }

    /// `GET …/instanceView`.
    pub(crate) fn view(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let machine = call.path.parent();
        let found = self.existing(&machine)?;
        let view = self.instance_view(&machine.key(), &found, call);
        Ok(Answer::new(200).text("application/json; charset=utf-8", pretty(&view)))
    }

    /// What Azure knows of a machine at this moment.
    fn instance_view(&self, key: &str, machine: &Value, call: &Call<'_>) -> Value {
        let known = self.state.vms.get(key).cloned().unwrap_or_default();
        let at = clock::iso_offset(call.now.wall);
        let mut view = json!({
            "computerName": body::text(machine, "/name"),
            "osName": "debian", "osVersion": "12", "hyperVGeneration": "V2",
            "statuses": [
                {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
                 "time": at},
                {"code": format!("PowerState/{}", known.power), "level": "Info",
                 "displayStatus": format!("VM {}", known.power)},
            ],
        });
        if known.power == "running" && known.runs_in.is_some() {
            let agent = json!({
                "vmAgentVersion": "2.9.1.1", "extensionHandlers": [],
                "statuses": [{"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready",
                              "message": "Guest Agent is running", "time": at}],
            });
            body::set(&mut view, "vmAgent", agent);
        } else if known.power == "running" {
            let agent = json!({
                "vmAgentVersion": "Unknown",
                "statuses": [{"code": "ProvisioningState/Unavailable", "level": "Warning", "displayStatus": "Not Ready",
                              "message": "VM status blob is found but not yet populated.", "time": at}],
            });
            body::set(&mut view, "vmAgent", agent);
        }
        view
    }

    /// `POST …/start`, `…/powerOff`, `…/deallocate`.
    pub(crate) fn power(&mut self, call: &Call<'_>, power: &'static str) -> Result<Answer, Refusal> {
        let machine = call.path.parent();
        let found = self.existing(&machine)?;
        let left = self.machine_update(call, &machine)?;
        self.must_be_free(call, &machine.key())?;
        let region = self.state.region(Some(&found));
        let (_, addresses) = self.start(
            call,
            Plan {
                work: Work::Power {
                    key: machine.key(),
                    power,
                },
                takes: Duration::from_millis(self.state.settings.write_ms),
                lock: Some(machine.key()),
                region,
                logged: true,
            },
        );
        Ok(self
            .accepted(addresses)
            .with("x-ms-ratelimit-remaining-resource", left))
    }

    /// A machine that runs, or why nothing can run in it.
    pub(crate) fn running(&self, machine: &Path) -> Result<Value, Refusal> {
        let found = self.existing(machine)?;
        let known = self.state.vms.get(&machine.key());
        if known.is_none_or(|known| known.power == "running") {
            return Ok(found);
        }
        let message = "The operation requires the VM to be running (or set to run).";
        // The code is that of reports; its status is nowhere recorded.
        Err(Refusal::provider(409, "OperationNotAllowed", message))
    }

    /// Counts an update of a machine; says what remains, as the header has it.
    pub(crate) fn machine_update(&mut self, call: &Call<'_>, machine: &Path) -> Result<String, Refusal> {
        if !self.state.settings.throttle {
            return Ok(remaining(240));
        }
        let limit = self.state.settings.limits.machine;
        let name = format!("machine {}", machine.key());
        match self.buckets.take(&name, limit, call.now.mono) {
            Taken::Left(left) => Ok(remaining(left)),
            Taken::Wait(seconds) => {
                let mut refusal = Refusal::provider(
                    429,
                    "OperationNotAllowed",
                    "The server rejected the request because too many requests have been received for this VM.",
                )
                .with("Retry-After", seconds.to_string());
                refusal.details = vec![json!({
                    "code": "TooManyRequests", "target": "UpdateVM3Min",
                    "message": "{\"operationGroup\":\"UpdateVM3Min\"}",
                })];
                Err(refusal)
            }
        }
    }
}

fn remaining(left: u64) -> String {
    let of_half_hour = left.saturating_mul(5);
    format!("Microsoft.Compute/UpdateVM3Min;{left},Microsoft.Compute/UpdateVM30Min;{of_half_hour}")
}
