//! A host without an agent, read over a way that is named on the command line.

use anyhow::anyhow;
use netghost_core::probe::{self, ReadError};
use netghost_core::section::SectionName;
use netghost_core::snapshot::Snapshot;
use netghost_reach::ssh::{Rights, Ssh, SshError, Target};

use crate::error::Failure;
use crate::world::tool;

/// Another host than this one, which has no agent.
#[derive(Debug, clap::Args)]
pub(super) struct Remote {
    /// Read another host, which needs no agent: by your own ssh, with your keys and known hosts, asking nothing
    #[arg(long, value_name = "WAY", requires = "target")]
    via: Option<Via>,
    /// The host: `USER@HOST`, `USER@HOST:PORT`, or a name of your ssh configuration
    #[arg(long, value_name = "USER@HOST", requires = "via")]
    target: Option<Target>,
    /// Go by way of this host, whose key must be known too
    #[arg(long, value_name = "USER@HOST", requires = "via")]
    jump: Option<Target>,
    /// Do not use sudo on the host: what only root can read is unreadable then
    #[arg(long, requires = "via")]
    no_sudo: bool,
    /// Use this file in place of your ssh configuration
    #[arg(long, value_name = "FILE", requires = "via")]
    ssh_config: Option<std::path::PathBuf>,
}

/// A way to a host without an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Via {
    /// The user's own ssh.
    Ssh,
}

impl Remote {
    /// Reads sections of the other host; `None` where none is named.
    pub(super) fn snapshot(&self, names: &[SectionName]) -> Result<Option<Snapshot>, Failure> {
        let (Some(Via::Ssh), Some(target)) = (self.via, &self.target) else {
            return Ok(None);
        };
        let mut ssh = self.way(target)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Failure::failed("internal", error))?;
        let parts = runtime
            .block_on(probe::read(&mut ssh))
            .map_err(|error| failed(target, error))?;
        Ok(Some(probe::snapshot(&parts, names, tool())))
    }

    fn way(&self, target: &Target) -> Result<Ssh, Failure> {
        let ssh = Ssh::new(target.clone())
            .by(self.jump.clone())
            .with_rights(match self.no_sudo {
                true => Rights::Login,
                false => Rights::Root,
            });
        let Some(config) = &self.ssh_config else {
            return Ok(ssh);
        };
        let config = std::path::absolute(config).map_err(|error| Failure::usage("wrong_use", error))?;
        ssh.with_config(config)
            .map_err(|error| Failure::usage("wrong_use", error))
    }
}

fn failed(target: &Target, error: ReadError<SshError>) -> Failure {
    let code = match &error {
        ReadError::Carrier(error) => error.code(),
        ReadError::Answer(_) => "probe_answer",
    };
    Failure::failed(code, anyhow!(error).context(format!("cannot read {target}")))
}
