//! Baselines and drift checks of Azure's layer by the command alone, against the simulator over TLS on the loopback address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

#[path = "cloud_drift/agentless.rs"]
mod agentless;
#[path = "cloud_drift/changes.rs"]
mod changes;
#[path = "support/cloud.rs"]
mod cloud;
#[path = "cloud_drift/controlled.rs"]
mod controlled;
#[path = "cloud_drift/faults.rs"]
mod faults;
#[path = "cloud_drift/scope.rs"]
mod scope;
#[path = "cloud_drift/site.rs"]
mod site;
#[path = "cloud_drift/windows.rs"]
mod windows;
