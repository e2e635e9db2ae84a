//! Everything outside the process that a command may use, so that a test can put something else in its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use netghost_core::namespace::{Asked, Namespaces};
use netghost_core::section::{Section, SectionName};
use netghost_core::snapshot::Target;
use netghost_kernel::namespaces::{self, FindError};
use netghost_kernel::watch::{Heard, Watch};

use crate::error::Failure;
use crate::fleet::{Fleet, Where};
use crate::store::Store;
use crate::{clock, fleet, host};

/// Reads some sections of the host.
pub type Capture = Arc<dyn Fn(&[SectionName]) -> Vec<Section> + Send + Sync>;
/// Listens to the kernel's notices of changes.
pub type Notices = fn() -> std::io::Result<Box<dyn Hears>>;
/// Finds the controller that a command is for.
pub type Connect = Arc<dyn Fn(&World, &Where) -> Result<Fleet, Failure>>;

/// What tells of changes.
pub trait Hears {
    /// Waits until something changes, or until the deadline, when what was heard is nothing.
    ///
    /// # Errors
    /// Where nothing can be heard any more.
    fn wait(&mut self, deadline: Instant) -> std::io::Result<Heard>;
}

impl Hears for Watch {
    fn wait(&mut self, deadline: Instant) -> std::io::Result<Heard> {
        Watch::wait(self, deadline)
    }
}

/// What is outside.
pub struct World {
    /// Microseconds since 1970 UTC.
    pub now_us: fn() -> u64,
    /// Reads the host.
    pub capture: Capture,
    /// Which other network namespaces some words mean.
    pub find_namespaces: fn(&[String]) -> Result<Asked, FindError>,
    /// Reads some sections in other network namespaces.
    pub namespaces: fn(&Asked, &[SectionName]) -> Namespaces,
    /// Begins to listen to what changes on the host.
    pub notices: Notices,
    /// Which host this is.
    pub target: fn() -> Target,
    /// `$XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `$XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// `$NETGHOST_CONTEXT`.
    pub context: Option<String>,
    /// Finds the controller that a command is for.
    pub connect: Connect,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("state_home", &self.state_home)
            .field("config_home", &self.config_home)
            .finish_non_exhaustive()
    }
}

impl World {
    /// The world as it is.
    pub fn real() -> Self {
        let path = |variable| std::env::var_os(variable).map(PathBuf::from);
        Self {
            now_us: clock::now_us,
            capture: Arc::new(host::capture),
            find_namespaces: namespaces::find,
            namespaces: host::namespaces,
            notices: || Ok(Box::new(Watch::open()?)),
            target: host::target,
            state_home: path("XDG_STATE_HOME"),
            config_home: path("XDG_CONFIG_HOME"),
            home: path("HOME"),
            context: std::env::var("NETGHOST_CONTEXT")
                .ok()
                .filter(|name| !name.is_empty()),
            connect: Arc::new(fleet::connect),
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
