//! The agent against a scripted controller: real TLS, real gRPC, loopback only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing"
)]

mod act;
mod actions;
mod authority;
mod azure;
mod check;
mod commands;
mod controller;
mod faults;
mod hostile;
mod identity;
mod proxy;
mod site;
mod uploads;
