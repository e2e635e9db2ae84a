//! What an operator allows on hosts without an agent: the static probe, which runs there as root.

use std::path::PathBuf;

use netghost_core::job::Allowed;
use netghost_reach::ssh::{BadTarget, Ssh, Target};

/// By which ways hosts without an agent may be read. By none unless an operator says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// By Azure's run-command.
    pub run_command: bool,
    /// By ssh, and how.
    pub ssh: Option<BySsh>,
}

/// How ssh is used: the configuration, the keys and the known hosts are those of the user that this process runs as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BySsh {
    /// By way of this host.
    pub jump: Option<Target>,
    /// With this file in place of the user's configuration.
    pub config: Option<PathBuf>,
}

impl Probe {
    /// What is allowed.
    pub fn allowed(&self) -> Allowed {
        Allowed {
            run_command: self.run_command,
            ssh: self.ssh.is_some(),
        }
    }
}

impl BySsh {
    /// The way to a host.
    ///
    /// # Errors
    /// Where the configuration's path can't be handed on.
    pub fn to(&self, target: Target) -> Result<Ssh, BadTarget> {
        let ssh = Ssh::new(target).by(self.jump.clone());
        match &self.config {
            Some(config) => ssh.with_config(config.clone()),
            None => Ok(ssh),
        }
    }
}
