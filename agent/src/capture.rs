//! Reads this host for a command.

use netghost_core::artifact::manifest::{Stored, store};
use netghost_core::section::coverage::coverage;
use netghost_core::snapshot::Snapshot;

use crate::order::{Failed, Order};
use crate::outside::{Host, now_us};

/// What stands in a manifest as the program that read.
const TOOL: &str = concat!("netghost-agent ", env!("CARGO_PKG_VERSION"));

/// Reads what was ordered, in the network namespace of the calling thread. What can't be read says so in its section.
pub fn capture(order: &Order, host: &Host) -> Result<Stored, Failed> {
    let sections = netghost_kernel::capture(&order.sections, &now_us);
    let snapshot = Snapshot {
        target: host.target(),
        tool: TOOL.to_owned(),
        taken_at_us: now_us(),
        coverage: coverage(&sections),
        namespaces: None,
        sections,
    };
    store(&snapshot, &order.meta()).map_err(|error| Failed::new("internal", chain(&error)))
}

/// An error and what lies below it, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        // Some libraries repeat their source in their own message.
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = error.source();
    }
    line
}
