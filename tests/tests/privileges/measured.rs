//! What is read with which privileges, by the command itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use netghost_lab::Namespace;
use serde_json::Value;

/// The state of each section by its name.
pub(crate) type States = BTreeMap<String, String>;

/// Something in every section.
pub(crate) const RULES: &str = "nft add table inet f
    iptables-legacy -A INPUT -j DROP
    ip6tables-legacy -A INPUT -j DROP
    arptables-legacy -P INPUT DROP";

const NOBODY: &str = "--reuid 65534 --regid 65534 --no-new-privs";

/// How `setpriv` makes a process with the privileges that the document names so.
fn setpriv(privilege: &str) -> String {
    let groups = if privilege.contains("group root") {
        "--groups 0"
    } else {
        "--clear-groups"
    };
    let capabilities = |all: &str| format!("--inh-caps={all} --ambient-caps={all} --bounding-set={all}");
    match privilege {
        "root" => String::new(),
        "nothing" | "group root" => {
            format!("setpriv {NOBODY} {groups} {}", capabilities("-all"))
        }
        "CAP_NET_ADMIN" | "CAP_NET_ADMIN, group root" => {
            format!("setpriv {NOBODY} {groups} {}", capabilities("-all,+net_admin"))
        }
        other => {
            panic!("docs/privileges.md has a column {other:?}, and no test knows how to make that process")
        }
    }
}

/// Reads a namespace, prepared by a script, with these privileges only.
pub(crate) fn states(privilege: &str, script: &str) -> States {
    let place = Place::new();
    let namespace = Namespace::new()
        .unwrap()
        .with_variable("XTABLES_LOCKFILE", place.0.join("xtables.lock"));
    namespace.must(&["sh", "-euc", script]).unwrap();
    let read = format!(
        "exec {} {} host capture -o json",
        setpriv(privilege),
        place.program()
    );
    let output = namespace.exec(&["sh", "-euc", &read]).unwrap();
    let snapshot: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        panic!("{privilege}: {error}: {}{stderr}", output.text())
    });
    let sections = snapshot["sections"].as_array().unwrap();
    assert!(!sections.is_empty());
    let states: States = sections.iter().map(state).collect();
    let all_read = states.values().all(|state| state == READ);
    assert_eq!(
        output.status.shell_code(),
        if all_read { 0 } else { 3 },
        "{privilege}"
    );
    states
}

const READ: &str = "read";

/// One section's state as the document has it. What was not read says why and what to do, and looks like nothing read.
fn state(section: &Value) -> (String, String) {
    let name = section["name"].as_str().unwrap().to_owned();
    let state = section["state"].as_str().unwrap();
    if state == "captured" {
        assert!(section["config_digest"].is_string(), "{section}");
        return (name, READ.to_owned());
    }
    let why = section["why"].as_str().unwrap_or_default();
    if state == "not_applicable" {
        // Known not to be there, as legacy ebtables is in a kernel without it.
        assert!(!why.is_empty(), "{section}");
        return (name, READ.to_owned());
    }
    assert!(
        why.contains("run as root"),
        "{name} does not say what to do: {why:?}"
    );
    // What is shown of it is named as a part, with what is missing beside it.
    let gaps = section["gaps"].as_array().unwrap();
    let nothing = section["config"].is_null() && section["config_digest"].is_null();
    assert!(nothing || !gaps.is_empty(), "{section}");
    assert!(
        nothing || section["config"]["facts"] != serde_json::json!([]),
        "it looks empty: {section}"
    );
    (name, state.to_owned())
}

/// A directory with the command in it that everybody can enter, gone with the value.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place =
            Self(std::env::temp_dir().join(format!("netghost-privileges-{}-{number}", std::process::id())));
        fs::create_dir(&place.0).unwrap();
        fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).unwrap();
        // `scripts/run-tests` builds the command beside the lab's program.
        let built = Path::new(env!("CARGO_BIN_EXE_netghost-lab")).with_file_name("netghost");
        fs::copy(built, place.program()).expect("the command: `cargo build --workspace --bins`");
        place
    }

    fn program(&self) -> String {
        self.0.join("netghost").display().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
