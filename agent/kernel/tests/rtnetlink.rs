//! Links, routes and traffic control read from the kernel, field by field against `ip` and `tc` in the same namespace.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use netghost_core::section::{Content, Section, State};
use netghost_lab::netns::Namespace;
use rustix::process::Uid;
use rustix::thread::set_thread_uid;
use serde_json::Value;

#[path = "shared/in_namespace.rs"]
mod in_namespace;
#[path = "rtnetlink/links.rs"]
mod links;
#[path = "rtnetlink/routes.rs"]
mod routes;
#[path = "rtnetlink/tc.rs"]
mod tc;

type Read = fn(&dyn Fn() -> u64) -> Section;

use in_namespace::{namespace, now_us, run};

fn read(namespace: &Namespace, reader: Read) -> Section {
    namespace.enter(|| reader(&now_us)).unwrap()
}

/// The content of a section that must have been read whole.
fn captured(namespace: &Namespace, reader: Read) -> Content {
    let section = read(namespace, reader);
    assert_eq!(section.state, State::Captured);
    section.content.unwrap()
}

fn json(namespace: &Namespace, argv: &[&str]) -> Vec<Value> {
    let output = namespace.must(argv).unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

/// Links, routes and shapers are told to everyone: `nobody`, without capabilities, reads what root reads.
#[test]
fn root_reads_without_privilege() {
    let namespace = namespace("ip link add v0 type veth peer name w0");
    for reader in [
        netghost_kernel::links::read as Read,
        netghost_kernel::routes::read,
        netghost_kernel::tc::read,
    ] {
        let unprivileged = || {
            // Only this thread changes, and it ends with the closure.
            set_thread_uid(Uid::from_raw(65534)).unwrap();
            assert!(std::fs::read("/etc/shadow").is_err(), "still privileged");
            reader(&now_us)
        };
        let section = namespace.enter(unprivileged).unwrap();
        assert_eq!(section.state, State::Captured);
        assert_eq!(section.content, read(&namespace, reader).content);
    }
}
