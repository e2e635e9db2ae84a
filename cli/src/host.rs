//! This host.

use std::fs;

use netghost_core::bytes::Text;
use netghost_core::section::{DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::Target;

use crate::clock;

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
    names.iter().map(|name| section(*name)).collect()
}

fn section(name: SectionName) -> Section {
    match name {
        SectionName::Nftables => netghost_kernel::nftables::read(&clock::now_us),
        _ => unread(name),
    }
}

fn unread(name: SectionName) -> Section {
    Section {
        name,
        state: State::Unreadable {
            why: "no reader in this version".to_owned(),
        },
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: clock::now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}
