//! What a login sees in Azure, from the simulator.

use std::path::Path;

use serde_json::json;

use super::cloud::Cloud;

/// The commands' documents: whole, and with something missing.
pub(crate) fn write(place: &Path, run: &dyn Fn(&str, u8, &str)) {
    let cloud = Cloud::new(&place.join("cloud"));
    let (operator, reader) = (cloud.account(false).join(" "), cloud.account(true).join(" "));
    for (status, line) in [
        (
            0,
            format!("azure login-check {operator} --role change --role capture"),
        ),
        (0, format!("azure login-check {reader}")),
        (1, format!("azure login-check {reader} --role probe")),
    ] {
        run("azure-login-check", status, &line);
    }
    for (status, which) in [
        (0, String::new()),
        (0, "lab/vm1".to_owned()),
        (0, cloud.network("networkInterfaces/vm2")),
    ] {
        run("azure-vms", status, &format!("azure vms {which} {reader}"));
    }
    // A spare interface, a stopped VM, and a list that is refused.
    let spare = cloud.network("networkInterfaces/vm2");
    cloud.set(
        "resources",
        &spare,
        &json!({"properties": {"virtualMachine": null}}),
    );
    cloud.set("vms", &cloud.machine("vm2"), &json!({"power": "deallocated"}));
    let refused = json!({"path": "virtualMachineScaleSets", "fault": "error", "status": 403, "code": "AuthorizationFailed"});
    cloud.arm.fault(&refused).unwrap();
    run("azure-vms", 3, &format!("azure vms {operator}"));
}
