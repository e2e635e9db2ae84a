//! Everything outside the process that a command may use, so that a test can put something else in its place.

use std::path::{Path, PathBuf};

use netghost_core::section::{Section, SectionName};
use netghost_core::snapshot::Target;

use crate::error::Failure;
use crate::store::Store;
use crate::{clock, host};

/// Reads some sections of the host.
pub type Capture = Box<dyn Fn(&[SectionName]) -> Vec<Section>>;

/// What is outside.
pub struct World {
    /// Microseconds since 1970 UTC.
    pub now_us: fn() -> u64,
    /// Reads the host.
    pub capture: Capture,
    /// Which host this is.
    pub target: fn() -> Target,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("state_home", &self.state_home)
            .finish_non_exhaustive()
    }
}

impl World {
    /// The world as it is.
    pub fn real() -> Self {
        let path = |variable| std::env::var_os(variable).map(PathBuf::from);
        Self {
            now_us: clock::now_us,
            capture: Box::new(host::capture),
            target: host::target,
            state_home: path("XDG_STATE_HOME"),
            home: path("HOME"),
        }
    }

    /// The command's own store.
    pub fn store(&self) -> Result<Store, Failure> {
        let place = Store::place(self.state_home.as_deref(), self.home.as_deref().map(Path::new))?;
        Ok(Store::open(place))
    }
}

/// This program and its version, as it stands in what it writes.
pub fn tool() -> String {
    format!("netghost {}", env!("CARGO_PKG_VERSION"))
}
