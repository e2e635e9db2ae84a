//! Every decoder against bytes that no kernel and no tool ever gave: it ends in a refusal, in something opaque, or in something that
//! can be printed, written down and read back; never in a panic, without end, or out of all proportion.
//!
//! `NETGHOST_CASES` says how many cases each test tries and `NETGHOST_SEED` with which it begins.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test states what it expects by failing; the configuration for tests does not reach their helpers"
)]

mod captures;
mod cases;
mod chance;
mod change;
mod cuts;
mod documents;
mod files;
mod judge;
mod memory;
mod routes;
mod text;
mod watch;

use captures::Small;

/// What is not changed is read whole, without gaps but those that it was captured with.
#[test]
fn every_capture_decodes() {
    let mut refused = Vec::new();
    for capture in captures::whole() {
        if !judge::reading(capture.name, &capture.raw, true) {
            refused.push(capture.name);
        }
    }
    // Readings that the tests of single decoders make to be refused.
    println!("refused as they are: {refused:?}");
    assert!(refused.len() < 16, "{refused:?}");
}

#[test]
fn changed_readings_are_refused_or_shown() {
    let small = Small::new();
    cases::run("readings", 5_000, |chance| {
        let (capture, other) = (small.pick(chance).clone(), small.pick(chance));
        let mut raw = capture.raw;
        change::raw(chance, &mut raw, &other.raw);
        judge::reading(capture.name, &raw, chance.one_in(3))
    });
}
