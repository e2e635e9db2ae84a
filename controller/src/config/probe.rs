//! By which ways hosts without an agent may be read.

use std::path::PathBuf;
use std::str::FromStr;

use netghost_reach::ssh::{BadTarget, Ssh, Target};
use serde::Deserialize;

use crate::probe::{BySsh, Probe};

/// What an operator allows on hosts without an agent: nothing unless it stands here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probing {
    /// The static probe by Azure's run-command, as root.
    run_command: bool,
    /// The static probe by ssh, as root, with the keys and known hosts of the user that the controller runs as.
    ssh: bool,
    /// By way of this host.
    ssh_jump: Option<Jump>,
    /// With this file in place of that user's configuration.
    ssh_config: Option<Config>,
}

/// A host on the way.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Jump(Target);

impl TryFrom<String> for Jump {
    type Error = BadTarget;

    fn try_from(word: String) -> Result<Self, BadTarget> {
        Target::from_str(&word).map(Self)
    }
}

/// A path that ssh can be given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathBuf")]
struct Config(PathBuf);

impl TryFrom<PathBuf> for Config {
    type Error = BadTarget;

    fn try_from(path: PathBuf) -> Result<Self, BadTarget> {
        // The target is of no matter: it is the path that is checked.
        Ssh::new("localhost".parse()?).with_config(path.clone())?;
        Ok(Self(path))
    }
}

impl Probing {
    /// What is allowed.
    pub fn probe(&self) -> Probe {
        let ssh = self.ssh.then(|| BySsh {
            jump: self.ssh_jump.as_ref().map(|jump| jump.0.clone()),
            config: self.ssh_config.as_ref().map(|config| config.0.clone()),
        });
        Probe {
            run_command: self.run_command,
            ssh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn allowed(text: &str) -> (bool, bool) {
        let allowed = Config::parse(text).unwrap().probe.probe().allowed();
        (allowed.run_command, allowed.ssh)
    }

    #[test]
    fn nothing_is_allowed_that_is_not_said() {
        assert_eq!(allowed(""), (false, false));
        assert_eq!(allowed("[probe]\nrun_command = true"), (true, false));
        assert_eq!(allowed("[probe]\nssh_jump = \"ops@bastion\""), (false, false));
        let ssh = "[probe]\nssh = true\nssh_jump = \"ops@bastion\"\nssh_config = \"/etc/netghost/ssh\"";
        assert_eq!(allowed(ssh), (false, true));
    }

    #[test]
    fn what_ssh_can_not_be_given_is_refused() {
        for (line, wanted) in [
            ("ssh_jump = \"-oProxyCommand=x\"", "no name"),
            ("ssh_config = \"relative\"", "no path"),
            ("ssh_config = \"/etc/a b\"", "no path"),
            ("sudo = true", "unknown field"),
        ] {
            let error = Config::parse(&format!("[probe]\n{line}")).unwrap_err();
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }
}
