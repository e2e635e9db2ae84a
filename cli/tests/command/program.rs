//! Running the program in a directory of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A directory with a store of its own, removed when it is dropped.
pub(super) struct Place(PathBuf);

/// How a run ended.
pub(super) struct Run {
    pub(super) status: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Place {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netghost-command-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The published key of the store.
    pub(super) fn key(&self) -> String {
        let keys = fs::read_dir(self.path("state/netghost/keys")).unwrap();
        let mut names = keys.map(|entry| entry.unwrap().path().display().to_string());
        names.find(|name| name.ends_with(".pub.pem")).unwrap()
    }

    /// The program, in this directory.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netghost"));
        self.settle(&mut command);
        command.args(args);
        command
    }

    /// A shell script in this directory and in a network namespace of its own; `$netghost` is the program.
    pub(super) fn root_script(&self, script: &str) -> Run {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "sh", "-euc", script])
            .env("netghost", env!("CARGO_BIN_EXE_netghost"));
        self.settle(&mut command);
        Run::of(&command.output().unwrap())
    }

    fn settle(&self, command: &mut Command) {
        command
            .current_dir(&self.0)
            .env("XDG_STATE_HOME", self.path("state"))
            .env_remove("HOME");
    }

    pub(super) fn run(&self, args: &[&str]) -> Run {
        Run::of(&self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    pub(super) fn run_with_input(&self, args: &[&str], input: &[u8]) -> Run {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Run::of(&child.wait_with_output().unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

impl Run {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            status: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// What was printed under `-o json`: one document on one line.
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{} {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The error under `-o json`; standard output is empty.
    pub(super) fn error(&self) -> Value {
        assert_eq!(self.stdout, "");
        let error: Value = serde_json::from_str(&self.stderr).unwrap();
        assert_eq!(error["schema"], "netghost.error/v1");
        assert!(!error["message"].as_str().unwrap().is_empty());
        error
    }
}

/// A captured ruleset.
pub(super) fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/command/data")
        .join(name);
    path.display().to_string()
}
