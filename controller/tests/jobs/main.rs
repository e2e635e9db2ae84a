//! Jobs of a controller, over agents that follow a script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing"
)]

mod edits;
mod exports;
mod gaps;
mod limits;
mod place;
mod reach;
mod restart;
mod schedules;
mod verdicts;
