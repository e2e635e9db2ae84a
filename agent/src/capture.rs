//! Reads this host for a command.

use std::path::Path;

use netghost_core::artifact::manifest::{Stored, store};
use netghost_core::namespace::{self, Asked, Namespaces};
use netghost_core::section::SectionName;
use netghost_core::section::coverage::coverage;
use netghost_core::snapshot::Snapshot;
use netghost_ns::ask::{AskError, ask};

use crate::order::{Capture, Failed};
use crate::outside::{Host, now_us};

/// What stands in a manifest as the program that read.
const TOOL: &str = concat!("netghost-agent ", env!("CARGO_PKG_VERSION"));

/// Reads what was ordered, in the network namespace of the calling thread, and in the others as far as somebody listens at
/// `namespaces` who may enter them. What can't be read says so in its section.
pub fn capture(order: &Capture, host: &Host, namespaces: &Path) -> Result<Stored, Failed> {
    let sections = netghost_kernel::capture(&order.sections, &now_us);
    let snapshot = Snapshot {
        target: host.target(),
        tool: TOOL.to_owned(),
        taken_at_us: now_us(),
        coverage: coverage(&sections),
        sections,
        namespaces: None,
    };
    let snapshot = others(snapshot, &order.sections, namespaces);
    store(&snapshot, &order.meta()).map_err(|error| Failed::new("internal", chain(&error)))
}

/// The snapshot with the other network namespaces.
fn others(mut snapshot: Snapshot, sections: &[SectionName], socket: &Path) -> Snapshot {
    let namespaces = match ask(socket, sections) {
        Ok(namespaces) => namespaces,
        Err(error @ AskError::NotEnabled) => {
            let why = format!("not read ({error})");
            namespace::replace(&mut snapshot.coverage, namespace::not_read(&why));
            return snapshot;
        }
        Err(error) => Namespaces::unlisted(Asked::All, chain(&error)),
    };
    snapshot = snapshot.with_namespaces(namespaces);
    snapshot.taken_at_us = now_us();
    snapshot
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

#[cfg(test)]
mod tests {
    use netghost_core::artifact::manifest::Manifest;

    use super::*;

    fn manifest(socket: &Path) -> Manifest {
        let order = Capture {
            sections: vec![SectionName::Links],
            name: None,
            asked_by: None,
            ticket: None,
            note: None,
        };
        let stored = capture(&order, &Host::this(), socket).unwrap();
        Manifest::read(&stored.manifest_bytes).unwrap()
    }

    #[test]
    fn where_nobody_may_enter_namespaces_the_coverage_says_so() {
        let manifest = manifest(Path::new("/nonexistent/socket"));
        let mut rows = manifest.coverage.iter();
        let row = rows.find(|row| row.mechanism == namespace::MECHANISM).unwrap();
        assert_eq!(row.state, "unreadable");
        assert_eq!(row.why.as_deref(), Some("not read (netghost-ns not enabled)"));
        assert!(manifest.namespaces.is_none());
    }

    #[test]
    fn who_listens_and_does_not_answer_leaves_namespaces_unlisted() {
        let path = std::env::temp_dir().join(format!("netghost-no-answer-{}", std::process::id()));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let deaf = std::thread::spawn(move || drop(listener.accept()));
        let manifest = manifest(&path);
        std::fs::remove_file(&path).unwrap();
        deaf.join().unwrap();
        let namespaces = manifest.namespaces.unwrap();
        assert_eq!((namespaces.asked, namespaces.all.len()), (Asked::All, 0));
        assert!(namespaces.why.unwrap().contains("connection"));
    }
}
