//! A person with the command, a login and no controller.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::cloud::Cloud;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// The document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same, if it ended with this status.
    pub(crate) fn with(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// The person's own store, and the cloud.
pub(crate) struct Site {
    pub(crate) cloud: Cloud,
    pub(crate) place: PathBuf,
    /// Who asks, and where.
    account: Vec<String>,
}

impl Site {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!(
            "cloud-drift-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_dir_all(&place));
        let cloud = Cloud::new(&place.join("cloud"));
        let account = cloud.account(true);
        Self {
            cloud,
            place,
            account,
        }
    }

    /// The same, with a complete baseline `b` of the group.
    pub(crate) fn sealed() -> Self {
        let site = Self::new();
        let made = site
            .run(&["baseline", "create", "b", "--group", "lab"])
            .with(0)
            .json();
        assert_eq!(
            (&made["verdict"], &made["missing"]),
            (&json!("complete"), &json!([])),
            "{made:#}"
        );
        site
    }

    /// Runs a command with JSON as its output, asking as the reader.
    pub(crate) fn run(&self, words: &[&str]) -> Answer {
        let account: Vec<&str> = self.account.iter().map(String::as_str).collect();
        self.bare(&[words, &account, &["-o", "json"]].concat())
    }

    /// Runs a command with these words alone.
    pub(crate) fn bare(&self, words: &[&str]) -> Answer {
        let test = std::env::current_exe().unwrap();
        let program = test.parent().unwrap().parent().unwrap().join("netghost");
        assert!(
            program.exists(),
            "{}: run `cargo build --bins` first",
            program.display()
        );
        let mut command = Command::new(program);
        for variable in [
            "NETGHOST_CONTEXT",
            "AZURE_SUBSCRIPTION_ID",
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env_remove(variable);
        }
        command
            .args(words)
            .env("XDG_STATE_HOME", self.place.join("state"))
            .env("XDG_CONFIG_HOME", self.place.join("config"))
            .env("HOME", &self.place);
        let output = command.output().unwrap();
        Answer {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// A drift check of the group against `b`.
    pub(crate) fn check(&self, more: &[&str]) -> Answer {
        let words = ["drift", "check", "--baseline", "b", "--group", "lab"];
        self.run(&[&words[..], more].concat())
    }

    /// A file of this test.
    pub(crate) fn file(&self, name: &str) -> String {
        self.place.join(name).display().to_string()
    }

    /// The public key of the person's own store.
    pub(crate) fn key(&self) -> String {
        let keys = std::fs::read_dir(self.place.join("state/netghost/keys")).unwrap();
        let mut keys = keys.map(|entry| entry.unwrap().path().display().to_string());
        keys.find(|path| path.ends_with(".pub.pem")).unwrap()
    }

    /// The id of a network interface.
    pub(crate) fn nic(&self, name: &str) -> String {
        self.cloud.network(&format!("networkInterfaces/{name}"))
    }

    /// A rule of its own in the group's security group, or none.
    pub(crate) fn rule(&self, access: Option<&str>) {
        let nsg = self.cloud.network("networkSecurityGroups/default");
        let rules = access.map(|access| {
            json!({"name": "app", "id": format!("{nsg}/securityRules/app"), "properties": {
                "provisioningState": "Succeeded", "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "5001",
                "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": access, "priority": 200,
                "direction": "Inbound", "sourcePortRanges": [], "destinationPortRanges": [], "sourceAddressPrefixes": [],
                "destinationAddressPrefixes": []}})
        });
        let rules: Vec<Value> = rules.into_iter().collect();
        self.cloud.set(
            "resources",
            &nsg,
            &json!({"properties": {"securityRules": rules}}),
        );
    }
}

/// The gaps of a document that are of this target.
pub(crate) fn gaps<'a>(document: &'a Value, target: &str) -> Vec<&'a Value> {
    let all = document["not_covered"].as_array().unwrap();
    all.iter().filter(|gap| gap["target"] == target).collect()
}
