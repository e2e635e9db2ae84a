//! Qdiscs removed and replaced, and trees put back: on the kernel of this host, in network namespaces of the tests' own. Needs root.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use netghost_core::artifact::json::{self, Digest};
use netghost_core::gate::{Operation, QdiscPlace, QdiscSpec};
use netghost_core::section::{Content, State};
use netghost_kernel::tc;
use netghost_kernel::write::{self, Change, Standing, WriteError};
use netghost_lab::netns::Namespace;

mod cut;
#[allow(dead_code, reason = "the trees need a part of it")]
#[path = "../round_trips/dice.rs"]
mod dice;
mod machine;
mod random;
mod refused;
mod trees;

const LINKS: &str = "
    ip link add v0 type veth peer name w0
    ip link add v1 type veth peer name w1
    for dev in v0 w0 v1 w1; do ip link set $dev addrgenmode none up; done
";

fn namespace(script: &str) -> Namespace {
    let namespace = Namespace::new().unwrap();
    run(&namespace, LINKS);
    run(&namespace, script);
    namespace
}

fn run(namespace: &Namespace, script: &str) {
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        namespace.must(&["sh", "-c", line]).unwrap();
    }
}

/// The digest of all traffic control of the namespace.
fn digest(namespace: &Namespace) -> Digest {
    let section = namespace.enter(|| tc::read(&|| 0)).unwrap();
    assert_eq!(section.state, State::Captured);
    match section.content {
        Some(Content::Tc { config, .. }) => json::digest(&config).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn plan(namespace: &Namespace, operation: &Operation) -> Result<Change, WriteError> {
    let change = namespace.enter(|| write::plan(operation)).unwrap()?;
    // It comes from a record.
    Ok(serde_json::from_slice(&serde_json::to_vec(&change).unwrap()).unwrap())
}

fn remove(device: &str, at: QdiscPlace) -> Operation {
    Operation::QdiscRemove {
        device: device.into(),
        at,
    }
}

fn replace(device: &str, qdisc: QdiscSpec) -> Operation {
    Operation::QdiscReplace {
        device: device.into(),
        qdisc,
    }
}

fn apply(namespace: &Namespace, change: &Change) -> Result<(), WriteError> {
    namespace.enter(|| change.apply()).unwrap()
}

fn undo(namespace: &Namespace, change: &Change) -> Result<(), WriteError> {
    namespace.enter(|| change.undo()).unwrap()
}

fn standing(namespace: &Namespace, change: &Change) -> Standing {
    namespace.enter(|| change.standing()).unwrap().unwrap()
}

fn shown(namespace: &Namespace, what: &str) -> String {
    let output = namespace.must(&["sh", "-c", what]).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Does and undoes it, twice: also the way of an undo that a person asks for. What is wrong, if it can't.
fn there_and_back(namespace: &Namespace, operation: &Operation) -> Result<(), String> {
    let said = |error: WriteError| format!("{}: {error}", error.code());
    let is = |what: &str, now: Digest, expected: Digest| match now == expected {
        true => Ok(()),
        false => Err(format!("it does not read as {what}")),
    };
    let before = digest(namespace);
    let change = plan(namespace, operation).map_err(said)?;
    assert_eq!(standing(namespace, &change), Standing::Before);
    apply(namespace, &change).map_err(said)?;
    assert_eq!(standing(namespace, &change), Standing::After);
    let after = digest(namespace);
    assert_ne!(after, before);
    undo(namespace, &change).map_err(said)?;
    is("before", digest(namespace), before)?;
    assert_eq!(standing(namespace, &change), Standing::Before);
    apply(namespace, &change).map_err(said)?;
    let back = change.reversed().unwrap();
    assert_eq!(standing(namespace, &back), Standing::Before);
    apply(namespace, &back).map_err(said)?;
    is("before, by its reverse", digest(namespace), before)?;
    undo(namespace, &back).map_err(said)?;
    is("after, by its reverse", digest(namespace), after)?;
    // As it was, for whoever comes next.
    undo(namespace, &change).map_err(said)?;
    is("before, at the end", digest(namespace), before)
}
