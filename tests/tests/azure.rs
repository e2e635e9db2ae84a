//! Azure as the lab has it: what it computes from configured resources, and what becomes of packets.

#[path = "azure/effective.rs"]
mod effective;
#[path = "azure/state.rs"]
mod state;
