//! Being built.
use std::path::Path;
use std::time::Duration;

use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Package};
use netghost_kernel::write::{Standing, WriteError};
use serde::{Deserialize, Serialize};

use crate::work::Failure;

/// How long a package manager may run.
pub const LONGEST: Duration = Duration::from_secs(10 * 60);

/// An installation that was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// What is shown of it.
    pub effect: Effect,
}

impl Installation {
    pub(crate) fn plan(package: &Package) -> Result<Self, WriteError> {
        Err(WriteError::Unsupported { what: format!("{package}") })
    }
    pub(crate) fn install(&self, _trace: &Path) -> Result<Option<Text>, Failure> {
        Err(WriteError::Unsupported { what: String::new() }.into())
    }
    pub(crate) fn standing(&self) -> Result<Standing, WriteError> {
        Err(WriteError::Unsupported { what: String::new() })
    }
}
