//! The agents' link, tried by a scripted agent that speaks gRPC to a controller in the same process.

mod commands;
mod control;
mod fetch;
mod harness;
mod latency;
mod rivals;
mod snapshots;
mod uploads;
