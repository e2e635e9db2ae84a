//! The agents' link, tried by a scripted agent that speaks gRPC to a controller in the same process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests state what they expect by failing, and show what they measured"
)]

mod commands;
mod control;
mod fetch;
mod full_disk;
mod harness;
mod latency;
mod rivals;
mod snapshots;
mod uploads;
