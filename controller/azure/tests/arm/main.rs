//! The client against a server that plays what Azure, a proxy or an enemy might answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing"
)]

mod discover;
mod faults;
mod login;
mod operations;
mod paging;
mod play;
mod recorded;
mod retries;
mod sections;
mod stage;
