//! VMs, and scripts that Azure runs on them.

use netghost_core::azure::id::ResourceId;
use serde_json::{Value, json};

use super::{Scope, api, bare};
use crate::answer::Answer;
use crate::error::ArmError;
use crate::pages::Pages;
use crate::within::{Act, At, Within};

const VM: &str = "Microsoft.Compute/virtualMachines";
const COMMAND: &str = "Microsoft.Compute/virtualMachines/runCommands";

/// A managed run-command: one of several on a VM, with its own time limit.
#[derive(Debug, Clone)]
pub struct Managed<'a> {
    /// The VM's location, which Azure wants to be told.
    pub location: &'a str,
    /// The script, for `/bin/sh`.
    pub script: &'a str,
    /// The time after which Azure ends it, in seconds.
    pub seconds: u32,
    /// Where its whole output goes: the URL of an append blob with a signature. Without it, 4,096 bytes are kept.
    pub output: Option<&'a str>,
    /// Where its whole error output goes.
    pub errors: Option<&'a str>,
}

impl Within<'_> {
    /// A VM. Needs `Microsoft.Compute/virtualMachines/read`.
    ///
    /// # Errors
    /// As [`ArmError`] says; so do all calls.
    pub async fn vm(self, vm: &ResourceId) -> Result<Answer, ArmError> {
        self.read(At::new(self.of_kind(vm, VM)?, api::COMPUTE)).await
    }

    /// The VMs of a scope; instances of scale sets in uniform mode are not among them. Needs
    /// `Microsoft.Compute/virtualMachines/read`.
    pub async fn vms(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        self.list(At::new(&self.listed(scope, VM)?, api::COMPUTE)).await
    }

    /// Whether a VM runs, and its agent. Needs `Microsoft.Compute/virtualMachines/instanceView/read`.
    pub async fn instance_view(self, vm: &ResourceId) -> Result<Answer, ArmError> {
        let path = format!("{}/instanceView", self.of_kind(vm, VM)?);
        self.read(At::new(&path, api::COMPUTE)).await
    }

    /// The scale sets of a scope. Needs `Microsoft.Compute/virtualMachineScaleSets/read`.
    pub async fn scale_sets(self, scope: Scope<'_>) -> Result<Pages, ArmError> {
        let path = self.listed(scope, "Microsoft.Compute/virtualMachineScaleSets")?;
        self.list(At::new(&path, api::COMPUTE)).await
    }

    /// Runs a script on a VM as root, one at a time for each VM, up to 90 minutes. Azure keeps the last 4,096 bytes of each
    /// stream, and no exit status. Needs `Microsoft.Compute/virtualMachines/runCommand/action`.
    ///
    /// It is made again only where Azure refused it without beginning, since it does its work each time.
    pub async fn run_command(self, vm: &ResourceId, script: &[&str]) -> Result<Answer, ArmError> {
        let path = format!("{}/runCommand", self.of_kind(vm, VM)?);
        let body = json!({ "commandId": "RunShellScript", "script": script });
        let act = Act {
            body: Some(body),
            if_match: None,
            once: true,
            reads: false,
        };
        let answer = self.post(At::new(&path, api::COMPUTE), act).await?;
        self.result(&format!("POST {path}"), answer)
    }

    /// Begins a managed run-command and does not wait for the script: its state is read by [`Within::managed_command`].
    /// Needs `Microsoft.Compute/virtualMachines/runCommands/write`.
    pub async fn put_managed_command(
        self,
        command: &ResourceId,
        managed: &Managed<'_>,
    ) -> Result<Answer, ArmError> {
        let path = self.of_kind(command, COMMAND)?;
        let mut properties = json!({
            "source": { "script": managed.script },
            "asyncExecution": true,
            "timeoutInSeconds": managed.seconds,
        });
        if let Value::Object(properties) = &mut properties {
            for (name, url) in [
                ("outputBlobUri", managed.output),
                ("errorBlobUri", managed.errors),
            ] {
                properties.extend(url.map(|url| (name.to_owned(), json!(url))));
            }
        }
        let body = json!({ "location": managed.location, "properties": properties });
        // Whether Azure would run it again is not promised: after a broken connection, its state tells.
        let act = Act {
            body: Some(body),
            if_match: None,
            once: true,
            reads: false,
        };
        self.put(At::new(path, api::COMPUTE), act).await
    }

    /// A managed run-command with what it did: `properties.instanceView`. Needs
    /// `Microsoft.Compute/virtualMachines/runCommands/read`.
    pub async fn managed_command(self, command: &ResourceId) -> Result<Answer, ArmError> {
        let path = self.of_kind(command, COMMAND)?;
        let query = [("$expand", "instanceView")];
        self.read(At {
            path,
            api: api::COMPUTE,
            query: &query,
        })
        .await
    }

    /// Deletes a managed run-command, and ends it if it runs. Needs
    /// `Microsoft.Compute/virtualMachines/runCommands/delete`.
    pub async fn delete_managed_command(self, command: &ResourceId) -> Result<Answer, ArmError> {
        self.delete(At::new(self.of_kind(command, COMMAND)?, api::COMPUTE), bare(None))
            .await
    }
}
