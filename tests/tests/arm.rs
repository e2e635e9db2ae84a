//! The simulator of Azure Resource Manager over TLS, by a client that knows nothing of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing, and show what they measured"
)]

#[path = "arm/captures.rs"]
mod captures;
#[path = "arm/client.rs"]
mod client;
#[path = "arm/commands.rs"]
mod commands;
#[path = "arm/discovery.rs"]
mod discovery;
#[path = "arm/effective.rs"]
mod effective;
#[path = "arm/faults.rs"]
mod faults;
#[path = "arm/identity.rs"]
mod identity;
#[path = "arm/limits.rs"]
mod limits;
#[path = "arm/path.rs"]
mod path;
#[path = "arm/program.rs"]
mod program;
#[path = "arm/writes.rs"]
mod writes;
