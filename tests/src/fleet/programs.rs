//! The programs of the product, as they were built.

use std::path::{Path, PathBuf};

use crate::error::{LabError, Result};
use crate::lab::find_program;

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `netghost-controller`.
    pub controller: PathBuf,
    /// `netghost-agent`.
    pub agent: PathBuf,
    /// `netghost`.
    pub netghost: PathBuf,
}

impl Programs {
    /// Those beside `netghost-lab`; the agent that `NETGHOST_AGENT` names, where it names one: `scripts/soak` measures the one
    /// that is packed.
    ///
    /// # Errors
    /// [`LabError::NotBuilt`] with the one that is missing.
    pub fn find() -> Result<Self> {
        let lab = find_program(None)?;
        Ok(Self {
            controller: beside(&lab, "netghost-controller")?,
            agent: match std::env::var_os("NETGHOST_AGENT") {
                Some(path) => built(path.into())?,
                None => beside(&lab, "netghost-agent")?,
            },
            netghost: beside(&lab, "netghost")?,
        })
    }

    /// `netghost-act`, which only some need.
    ///
    /// # Errors
    /// [`LabError::NotBuilt`].
    pub fn act(&self) -> Result<PathBuf> {
        beside(&self.netghost, "netghost-act")
    }
}

fn beside(lab: &Path, name: &str) -> Result<PathBuf> {
    built(lab.with_file_name(name))
}

fn built(path: PathBuf) -> Result<PathBuf> {
    if path.is_file() {
        Ok(path)
    } else {
        Err(LabError::NotBuilt(path))
    }
}
