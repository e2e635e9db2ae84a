//! Random rulesets and sets, there and back: loaded by the ordinary tools, read, printed, loaded by the ordinary tools into a fresh
//! namespace, and read again with an equal digest. What the tools or the kernel refuse is counted apart and has to be little.
//!
//! Needs root. `NETGHOST_CASES` says how many rules or elements each test tries, `NETGHOST_SEED` repeats a failure.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking and shows its seed; its random numbers are small"
)]

mod dice;
mod ipset;
mod nft;
mod trip;
mod xtables;
