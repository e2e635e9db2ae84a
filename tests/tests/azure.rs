//! Azure as the lab has it: what it computes from configured resources, and what becomes of packets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test states what it expects by failing"
)]

#[path = "azure/effective.rs"]
mod effective;
#[path = "azure/fabric.rs"]
mod fabric;
#[path = "azure/packets.rs"]
mod packets;
#[path = "azure/paths.rs"]
mod paths;
#[path = "azure/random.rs"]
mod random;
#[path = "azure/record.rs"]
mod record;
#[path = "azure/state.rs"]
mod state;
#[path = "azure/verdicts.rs"]
mod verdicts;
