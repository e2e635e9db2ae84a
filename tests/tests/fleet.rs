//! The whole of it on VMs of the lab: a controller, agents, an operator, over the wire; these need root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing, and show what they measured"
)]

#[path = "fleet/attested.rs"]
mod attested;
#[path = "fleet/audit.rs"]
mod audit;
#[path = "fleet/clock.rs"]
mod clock;
#[path = "fleet/disk.rs"]
mod disk;
#[path = "fleet/faults.rs"]
mod faults;
#[path = "fleet/files.rs"]
mod files;
#[path = "fleet/flow.rs"]
mod flow;
#[path = "fleet/gate.rs"]
mod gate;
#[path = "fleet/identity.rs"]
mod identity;
#[path = "fleet/load.rs"]
mod load;
#[path = "support/operator.rs"]
mod operator;
#[path = "fleet/store.rs"]
mod store;
#[path = "support/traces.rs"]
mod traces;
