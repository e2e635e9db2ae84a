//! This host.

use std::fs;

use netghost_core::bytes::Text;
use netghost_core::section::{DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::Target;

use crate::clock::now_us;

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
    use netghost_kernel::{links, nftables, routes, tc, xtables};
    match name {
        SectionName::Nftables => nftables::read(&now_us),
        SectionName::XtablesLegacyIpv4 => xtables::read_ipv4(&now_us),
        SectionName::XtablesLegacyIpv6 => xtables::read_ipv6(&now_us),
        SectionName::Tc => tc::read(&now_us),
        SectionName::Links => links::read(&now_us),
        SectionName::Routes => routes::read(&now_us),
        SectionName::IptablesSave | SectionName::Ip6tablesSave => no_reader(name),
    }
}

/// What is text comes from a file, not from a kernel.
fn no_reader(name: SectionName) -> Section {
    Section {
        name,
        state: State::Unreadable {
            why: "not a section of a host: it is the text of a save tool".to_owned(),
        },
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us: now_us(),
        generation: None,
        content: None,
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }
}
