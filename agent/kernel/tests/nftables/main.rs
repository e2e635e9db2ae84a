//! nf_tables read from the kernel, against what `nft` loaded and lists.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test states what it expects by failing; the configuration for tests does not reach their helpers"
)]

mod reading;

mod equivalences;
mod everyday;
mod files;
mod groups;
mod listed;
mod objects;
mod oracle;
mod pairs;
mod phrases;
mod random;
mod software;
mod taken_back;
mod whole;
