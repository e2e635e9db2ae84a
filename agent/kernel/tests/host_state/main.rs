//! What a host holds besides rules and links, read from the kernel: against the ordinary tools, and one edit is one change.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use netghost_core::bytes::Text;
use netghost_core::diff::compare;
use netghost_core::facts::{Fact, Facts};
use netghost_core::section::{Content, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_lab::Namespace;

mod bpf;
mod conntrack;
#[path = "../shared/in_namespace.rs"]
mod in_namespace;
mod namespaces;
mod security_labels;
mod sockets;
mod sysctls;

use in_namespace::{namespace, now_us, run};

/// What a command prints, without the white space around it.
fn printed(namespace: &Namespace, line: &str) -> String {
    let output = namespace.must(&["sh", "-c", line]).unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn read(namespace: &Namespace, name: SectionName) -> Section {
    let mut sections = namespace
        .enter(|| netghost_kernel::capture(&[name], &now_us))
        .unwrap();
    sections.remove(0)
}

/// A section that must have been read whole.
fn captured(namespace: &Namespace, name: SectionName) -> Section {
    let section = read(namespace, name);
    assert_eq!(section.state, State::Captured);
    assert_eq!(section.warnings, []);
    section
}

/// Its configuration and what changes by itself.
fn facts(section: &Section) -> (&Facts, &Facts) {
    match &section.content {
        Some(Content::Facts { config, runtime }) => (config, runtime),
        other => panic!("{other:?}"),
    }
}

fn shown(facts: &Facts) -> Vec<String> {
    facts.facts.iter().map(ToString::to_string).collect()
}

/// The fact whose path is this.
fn fact<'a>(facts: &'a Facts, path: &str) -> &'a Fact {
    let found = facts.facts.iter().find(|fact| fact.path() == path);
    found.unwrap_or_else(|| panic!("no {path} in {:#?}", shown(facts)))
}

/// What a comparison says, as `kind path`.
fn changes(before: &Section, after: &Section) -> Vec<String> {
    let snapshot = |section: &Section| Snapshot {
        namespaces: None,
        target: Target::File {
            name: Text::from("test"),
        },
        tool: "test".to_owned(),
        taken_at_us: section.taken_at_us,
        sections: vec![section.clone()],
        coverage: Vec::new(),
    };
    let comparison = compare(&snapshot(before), &snapshot(after), &[before.name]);
    let changes = comparison.changes.iter();
    changes
        .map(|change| format!("{} {}", change.kind.as_str(), change.path))
        .collect()
}
