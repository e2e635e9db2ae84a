//! Each single live edit is exactly one change of the right kind, its undoing none, and neither is packets or a reload.

use netghost_core::section::SectionName;

use super::{changes, namespace, read, run};

#[path = "edits/configuration.rs"]
mod configuration;
#[path = "edits/firewalls.rs"]
mod firewalls;

/// A command, the one change that it is, and the command that undoes it; several commands stand behind one another with `;`.
type Edit = (&'static str, &'static str, &'static str);

/// One mechanism.
struct Plane<'a> {
    name: SectionName,
    setup: &'a str,
    edits: &'a [Edit],
    /// What is no change: packets, reloads, what the kernel does by itself.
    noise: &'a [&'a str],
}

/// Handle of the one rule in `family table chain` whose text has this in it.
const HANDLE: &str = "handle() { nft -a list chain $1 $2 $3 | sed -n \"s/.*$4.*# handle //p\"; }; set -e; ";

impl Plane<'_> {
    fn judge(&self) {
        let namespace = namespace(self.setup);
        let before = read(&namespace, self.name);
        let mut wrong = Vec::new();
        let mut after = |what: &str, expected: &[&str]| {
            run(&namespace, &format!("{HANDLE}{what}"));
            let found = changes(before.clone(), read(&namespace, self.name));
            let kinds: Vec<&str> = found
                .iter()
                .map(|change| change.split(' ').next().unwrap())
                .collect();
            if kinds != expected {
                wrong.push(format!("{what}\n    expected {expected:?}, found {found:?}"));
            }
        };
        for (does, kind, undoes) in self.edits {
            after(does, &[kind]);
            after(undoes, &[]);
        }
        for noise in self.noise {
            after(noise, &[]);
        }
        assert!(wrong.is_empty(), "{}: {}", self.name, wrong.join("\n"));
    }
}
