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
    /// Those beside `netghost-lab`.
    ///
    /// # Errors
    /// [`LabError::NotBuilt`] with the one that is missing.
    pub fn find() -> Result<Self> {
        let lab = find_program(None)?;
        Ok(Self {
            controller: beside(&lab, "netghost-controller")?,
            agent: beside(&lab, "netghost-agent")?,
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
    let path = lab.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(LabError::NotBuilt(path))
    }
}
