//! Who gets in, who is known, and who is refused: a controller in this process, its own clock, callers over TLS on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing, in what they share too"
)]

mod agents;
mod attested;
mod authority;
mod azure;
mod calls;
mod joining;
mod judged;
mod manager;
#[path = "../ops/postgres.rs"]
mod postgres;
mod recovery;
mod tls;
mod tokens;
mod users;
mod world;
