//! What a VM's owner lets others ask of it: `/etc/netghost/policy.toml`.

use serde::{Deserialize, Serialize};

use super::operation::{Operation, Package, Permission};

/// What happens when something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// It is refused, whoever approves.
    Deny,
    /// It is done when an approver consents.
    Approve,
}

/// A policy. What a file leaves out has the value of [`Policy::default`]; a word that is not known makes the file no policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Measuring: servers and clients.
    pub measure: Consent,
    /// Captures of packets.
    pub capture: Consent,
    /// Changes of the network's configuration.
    pub change: Consent,
    /// Installing packages.
    pub install: Consent,
    /// Whether an approver other than the requester is needed.
    pub four_eyes: bool,
    /// Which packages may be installed.
    pub packages: Vec<Package>,
}

impl Default for Policy {
    fn default() -> Self {
        let packages = ["iperf", "qperf"]
            .iter()
            .filter_map(|name| Package::parse(name).ok());
        Self {
            measure: Consent::Approve,
            capture: Consent::Approve,
            change: Consent::Deny,
            install: Consent::Deny,
            four_eyes: true,
            packages: packages.collect(),
        }
    }
}

impl Policy {
    /// The one that denies everything: what holds where a VM's own can't be read or trusted.
    pub fn nothing() -> Self {
        Self {
            measure: Consent::Deny,
            capture: Consent::Deny,
            change: Consent::Deny,
            install: Consent::Deny,
            four_eyes: true,
            packages: Vec::new(),
        }
    }

    /// What it says of this permission.
    pub fn of(&self, permission: Permission) -> Consent {
        match permission {
            Permission::Measure => self.measure,
            Permission::Capture => self.capture,
            Permission::Change => self.change,
            Permission::Install => self.install,
        }
    }

    /// Whether it lets this be asked for, as an operation of this permission.
    ///
    /// # Errors
    /// The line that denies it.
    pub fn allows(&self, operation: &Operation, permission: Permission) -> Result<(), String> {
        if self.of(permission) == Consent::Deny {
            return Err(format!("{} = \"deny\"", permission.as_str()));
        }
        match operation {
            Operation::PackageInstall { package } if !self.packages.contains(package) => Err(format!(
                "packages does not list {package:?}",
                package = package.as_str()
            )),
            _ => Ok(()),
        }
    }
}
