//! This host.

use std::fs;

use netghost_core::bytes::Text;
use netghost_core::namespace::{Asked, Namespaces};
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Section, SectionName};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_kernel::namespaces::{Doors, read_others};

use crate::clock;
use crate::world::tool;

/// Which host this is, by `/proc/sys/kernel`.
pub fn target() -> Target {
    let read = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
        Some(text.trim_end().to_owned())
    };
    Target::Host {
        name: Text::from(read("hostname").unwrap_or_else(|| "unknown".to_owned())),
        boot_id: read("random/boot_id"),
        kernel: read("osrelease").unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// Reads sections of this host, in the network namespace of the calling thread.
pub fn capture(names: &[SectionName]) -> Vec<Section> {
    netghost_kernel::capture(names, &clock::now_us)
}

/// Reads sections in other network namespaces.
pub fn namespaces(asked: &Asked, names: &[SectionName]) -> Namespaces {
    read_others(asked, (names, Doors::Named), &clock::now_us, &|| None)
}

/// What a host is now, read by `capture`.
pub fn snapshot(
    capture: &dyn Fn(&[SectionName]) -> Vec<Section>,
    target: fn() -> Target,
    now_us: fn() -> u64,
    names: &[SectionName],
) -> Snapshot {
    let mut sections = capture(names);
    sections.sort_by_key(|section| section.name);
    let coverage = coverage(&sections);
    Snapshot {
        target: target(),
        tool: tool(),
        taken_at_us: now_us(),
        sections,
        coverage,
        namespaces: None,
    }
}
