//! The writer of nf_tables, against the kernel and its own tools: what is deleted or inserted comes back to the digest.
//!
//! Needs root. `NETGHOST_CASES` says how many random rules each test tries, `NETGHOST_SEED` repeats a failure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking and shows its seed; its random numbers are small"
)]

#[path = "../round_trips/dice.rs"]
#[allow(dead_code, reason = "shared with tests that choose more")]
mod dice;

mod deleted;
mod faults;
mod host;
mod inserted;
mod of_iptables;
mod random;
mod whole;
