//! Resource Manager as the one that knows which VM a resource id names.

use std::time::Duration;

use futures_util::future::BoxFuture;
use netghost_azure::Arm;
use netghost_core::azure::body;
use netghost_core::azure::id::ResourceId;

use super::Resources;

/// How long a VM that enrols waits for it: its agent waits twice as long for the whole.
const PERIOD: Duration = Duration::from_secs(15);

/// Resource Manager, asked by the controller's own login. Needs `Microsoft.Compute/virtualMachines/read`.
#[derive(Debug)]
pub struct Manager(Arm);

impl Manager {
    /// With this client.
    pub fn new(arm: Arm) -> Self {
        Self(arm)
    }
}

impl Resources for Manager {
    fn vm<'a>(&'a self, id: &'a ResourceId) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let answer = self.0.within(PERIOD).vm(id).await;
            let answer = answer.map_err(|error| format!("Azure Resource Manager does not say: {error}"))?;
            let said =
                |why: String| format!("what Azure Resource Manager says of {id} is not understood: {why}");
            let properties = answer
                .json
                .get("properties")
                .and_then(serde_json::Value::as_object);
            let properties = properties.ok_or_else(|| said("it has no properties".to_owned()))?;
            match body::string(properties, "vmId") {
                Ok(Some(vm)) if !vm.is_empty() => Ok(vm),
                Ok(_) => Err(said("it has no vmId".to_owned())),
                Err(bad) => Err(said(bad.to_string())),
            }
        })
    }
}
