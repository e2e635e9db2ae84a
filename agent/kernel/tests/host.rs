//! Sections that are lists of facts, read from the kernel and held against the ordinary tools in the same namespace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use netghost_core::facts::{Fact, Facts};
use netghost_core::section::{Content, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_lab::netns::Namespace;
use serde_json::Value;

#[path = "host/addresses.rs"]
mod addresses;
#[path = "host/bridge.rs"]
mod bridge;
#[path = "host/edits.rs"]
mod edits;
#[path = "shared/in_namespace.rs"]
mod in_namespace;
#[path = "host/ipset.rs"]
mod ipset;
#[path = "host/mptcp.rs"]
mod mptcp;
#[path = "host/neighbours.rs"]
mod neighbours;
#[path = "host/nexthops.rs"]
mod nexthops;
#[path = "host/policy_rules.rs"]
mod policy_rules;
#[path = "host/xfrm.rs"]
mod xfrm;

use in_namespace::{namespace, now_us, run};

fn json(namespace: &Namespace, line: &str) -> Vec<Value> {
    let output = namespace.must(&["sh", "-c", line]).unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn read(namespace: &Namespace, name: SectionName) -> Section {
    let read = || netghost_kernel::capture(&[name], &now_us).remove(0);
    namespace.enter(read).unwrap()
}

/// Configuration and runtime of a section that must have been read whole.
fn both(namespace: &Namespace, name: SectionName) -> (Facts, Facts) {
    let section = read(namespace, name);
    assert_eq!(section.state, State::Captured);
    assert_eq!(section.warnings, []);
    match section.content.unwrap() {
        Content::Facts { config, runtime } => (config, runtime),
        other => panic!("{other:?}"),
    }
}

fn config(namespace: &Namespace, name: SectionName) -> Vec<Fact> {
    both(namespace, name).0.facts
}

fn lines(facts: &[Fact]) -> Vec<String> {
    facts.iter().map(ToString::to_string).collect()
}

fn snapshot(section: Section) -> Snapshot {
    Snapshot {
        namespaces: None,
        target: Target::File { name: "test".into() },
        tool: "test".to_owned(),
        taken_at_us: section.taken_at_us,
        coverage: netghost_core::section::coverage::coverage(std::slice::from_ref(&section)),
        sections: vec![section],
    }
}

/// What a comparison says of two readings: the kind and the path of each change.
fn changes(before: Section, after: Section) -> Vec<String> {
    let name = before.name;
    let found = netghost_core::diff::compare(&snapshot(before), &snapshot(after), &[name]);
    let words = found
        .changes
        .iter()
        .map(|change| format!("{} {}", change.kind.as_str(), change.path));
    words.collect()
}

/// One edit is one change, of this kind at this path; what undoes it leaves none.
fn one_edit(namespace: &Namespace, name: SectionName, edit: &str, expected: &str, undo: &str) {
    let before = read(namespace, name);
    run(namespace, edit);
    let after = read(namespace, name);
    assert_eq!(changes(before.clone(), after), [expected], "{edit}");
    run(namespace, undo);
    assert_eq!(changes(before, read(namespace, name)), [""; 0], "{undo}");
}
