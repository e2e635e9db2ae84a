//! What an operator does with a fleet, and what the commands must answer.

use netghost_lab::{Fleet, Kind, Output, Plan, Status};
use serde_json::Value;

/// The lab's program; the product's are built beside it.
pub(crate) const LAB: &str = env!("CARGO_BIN_EXE_netghost-lab");

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let Status::Exited(status) = output.status else {
            panic!("{output:?}");
        };
        Self {
            status,
            // openssl shows what the other side says as it comes.
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Answer {
    /// The same, if it ended with this status.
    pub(crate) fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All that it said, to look for words in.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A plan of such VMs.
pub(crate) fn plan(kinds: &[Kind]) -> Plan {
    Plan::new(kinds).with_program(LAB)
}

/// A fleet of VMs that are namespaces, all connected.
pub(crate) fn fleet(vms: usize) -> Fleet {
    Fleet::up(&plan(&vec![Kind::Netns; vms])).unwrap()
}

/// A command of the admin, with its status.
pub(crate) fn netghost(fleet: &Fleet, words: &[&str], status: i32) -> Answer {
    Answer::from(fleet.netghost(words).unwrap()).with(status)
}

/// The document of a command of the admin.
pub(crate) fn document(fleet: &Fleet, words: &[&str], status: i32) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["-o", "json"]).collect();
    netghost(fleet, &words, status).json()
}

/// Seals all agents under a name; every section of each must be read.
pub(crate) fn seal(fleet: &Fleet, name: &str) -> Value {
    document(fleet, &["baseline", "create", name, "--all"], 0)
}

/// Compares all agents with a baseline.
pub(crate) fn check(fleet: &Fleet, name: &str, status: i32) -> Value {
    document(fleet, &["drift", "check", "--baseline", name, "--all"], status)
}

/// Each change as `target section kind`, sorted.
pub(crate) fn changes(found: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = found["changes"].as_array().unwrap();
    let mut named: Vec<String> = list
        .iter()
        .map(|change| {
            let parts = ["target", "section", "kind"].map(|field| word(&change[field]));
            parts.join(" ")
        })
        .collect();
    named.sort();
    named
}

/// The verdict of one target.
pub(crate) fn verdict(found: &Value, target: &str) -> String {
    let targets = found["targets"].as_array().unwrap();
    let one = targets.iter().find(|known| known["name"] == target);
    one.unwrap_or_else(|| panic!("no {target} in {found}"))["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The whole chain of the audit log is good, from the operator's machine and at the controller itself.
pub(crate) fn audit_is_good(fleet: &Fleet) {
    netghost(fleet, &["audit", "verify"], 0);
    Answer::from(fleet.controller_command(&["audit", "verify"]).unwrap()).with(0);
}
