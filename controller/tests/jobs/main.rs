//! Jobs of a controller, over agents that follow a script.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests state what they expect by failing"
)]

mod azure;
mod both;
mod edits;
mod exports;
mod gaps;
mod limits;
mod place;
#[allow(dead_code, reason = "the client's own tests use the rest")]
#[path = "../../azure/tests/arm/play.rs"]
mod play;
#[path = "../ops/postgres.rs"]
mod postgres;
mod reach;
mod restart;
mod schedules;
mod sky;
#[allow(dead_code, reason = "the client's own tests use the rest")]
#[path = "../../azure/tests/arm/stage.rs"]
mod stage;
mod verdicts;
mod windows;
