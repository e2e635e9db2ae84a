//! A place to run the command in: a network namespace, a directory and a store of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use netghost_lab::{Limits, Namespace, Output, Status};
use serde_json::Value;

/// The lab's program; the command is built beside it.
pub(crate) const LAB: &str = env!("CARGO_BIN_EXE_netghost-lab");

/// The command, as `scripts/run-tests` builds it before the tests.
pub(crate) fn program() -> PathBuf {
    let path = Path::new(LAB).with_file_name("netghost");
    assert!(
        path.is_file(),
        "{} is missing: `cargo build --workspace --bins`",
        path.display()
    );
    path
}

/// A namespace, and a directory that goes with the value. In scripts `$netghost` is the command and `$XDG_STATE_HOME` its
/// store, both in the working directory.
pub(crate) struct Site {
    namespace: Namespace,
    dir: PathBuf,
}

/// How a run of the command ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Site {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("netghost-host-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let namespace = Namespace::new().unwrap();
        let namespace = namespace
            .with_variable("XTABLES_LOCKFILE", dir.join("xtables.lock"))
            .with_variable("XDG_STATE_HOME", dir.join("state"))
            .with_variable("netghost", program());
        Self { namespace, dir }
    }

    /// The same after a script.
    pub(crate) fn with(script: &str) -> Self {
        let site = Self::new();
        site.sh(script);
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn shell(&self, script: &str, input: &[u8]) -> Output {
        let script = format!("cd '{}'\n{script}", self.dir.display());
        self.namespace
            .exec_with_input(&["sh", "-euc", &script], input)
            .unwrap()
    }

    /// Runs a script that must succeed, and hands out what it printed.
    pub(crate) fn sh(&self, script: &str) -> String {
        self.sh_with_input(script, b"")
    }

    pub(crate) fn sh_with_input(&self, script: &str, input: &[u8]) -> String {
        let output = self.shell(script, input);
        assert!(
            output.status.success(),
            "{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.text()
    }

    /// Runs a script that must succeed, however long it is needed.
    pub(crate) fn sh_for_long(&self, script: &str) {
        let script = format!("cd '{}'\n{script}", self.dir.display());
        let limits = Limits {
            time: Duration::from_secs(600),
            ..Limits::default()
        };
        let output = self.namespace.exec_within(&["sh", "-euc", &script], b"", limits);
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Runs a script that ends with the command.
    pub(crate) fn ends(&self, script: &str) -> Answer {
        let output = self.shell(script, b"");
        let Status::Exited(status) = output.status else {
            panic!("{script}: {}", output.status);
        };
        Answer {
            status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the command with these words.
    pub(crate) fn netghost(&self, words: &str) -> Answer {
        self.ends(&format!("exec $netghost {words}"))
    }

    /// This host, whole.
    pub(crate) fn capture(&self) -> Value {
        let answer = self.netghost("host capture -o json");
        assert_eq!(answer.status, 0, "{answer:?}");
        answer.json()
    }

    /// Seals this host under a name.
    pub(crate) fn save(&self, name: &str) {
        let answer = self.netghost(&format!("host capture --save {name}"));
        assert_eq!(answer.status, 0, "{answer:?}");
    }

    /// Asserts that nothing differs from the baseline.
    pub(crate) fn is_as(&self, name: &str, after: &str) {
        let answer = self.netghost(&format!("host diff {name} -o json"));
        assert_eq!(
            answer.changes(),
            Vec::<String>::new(),
            "{after}: {}",
            answer.stdout
        );
        assert_eq!(answer.status, 0, "{after}: {answer:?}");
        assert_eq!(answer.json()["verdict"], "no_drift", "{after}");
    }

    /// Asserts that one change is found, and of this kind: `section kind`.
    pub(crate) fn differs_by(&self, name: &str, change: &str, after: &str) -> Value {
        let answer = self.netghost(&format!("host diff {name} -o json"));
        assert_eq!(answer.changes(), [change], "{after}: {}", answer.stdout);
        let found = answer.json();
        assert_eq!(
            (answer.status, &found["verdict"]),
            (1, &"drift".into()),
            "{after}"
        );
        found["changes"][0].clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).unwrap();
    }
}

impl Answer {
    /// The document on standard output.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Each change as `section kind`.
    pub(crate) fn changes(&self) -> Vec<String> {
        changes(&self.json())
    }

    /// The code of the error; nothing stands on standard output.
    pub(crate) fn error(&self) -> String {
        assert_eq!(self.stdout, "");
        let error: Value = serde_json::from_str(&self.stderr).unwrap();
        assert_eq!(error["schema"], "netghost.error/v1");
        error["code"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn changes(found: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let list = found["changes"].as_array().unwrap();
    list.iter()
        .map(|change| format!("{} {}", word(&change["section"]), word(&change["kind"])))
        .collect()
}

/// The section of that name.
pub(crate) fn section<'a>(snapshot: &'a Value, name: &str) -> &'a Value {
    let sections = snapshot["sections"].as_array().unwrap();
    let found = sections.iter().find(|section| section["name"] == name);
    found.unwrap_or_else(|| panic!("no section {name}"))
}
