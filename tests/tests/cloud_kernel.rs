//! What this machine's own kernel may lack, read in a machine with a distribution's kernel: loaded by the ordinary tools there,
//! read by the command there, held against what the tools show there, printed, and loaded there once more.
//!
//! Needs root and QEMU. All tests share one machine. `cargo test -p netghost-lab --test cloud_kernel -- --ignored capture`
//! writes the fixtures of `core/src/raw/tests` again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[path = "cloud_kernel/fixtures.rs"]
mod fixtures;
#[path = "cloud_kernel/guest.rs"]
mod guest;
#[path = "cloud_kernel/held.rs"]
mod held;
#[path = "cloud_kernel/reading.rs"]
mod reading;
#[path = "cloud_kernel/rules.rs"]
mod rules;

#[path = "xtables/match_lines.rs"]
mod match_lines;
#[path = "xtables/target_lines.rs"]
mod target_lines;
