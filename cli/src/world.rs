//! Everything outside the process that a command may use, so that a test can put something else in its place.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
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
use crate::output::printable;
use crate::store::Store;
use crate::{clock, fleet, host};

/// Where a host's owner puts the approvers' CA and their list, unless `NETGHOST_ETC` says otherwise. Only the command looks there
/// by it: netghost-act has its own paths.
const ETC: &str = "/etc/netghost";
/// Where the process that acts on a host listens, unless `NETGHOST_ACT_SOCKET` says otherwise.
const ACT_SOCKET: &str = "/run/netghost/act.sock";
/// More than anybody types, in bytes.
const LONGEST_LINE: u64 = 4_096;

/// Reads some sections of the host.
pub type Capture = Arc<dyn Fn(&[SectionName]) -> Vec<Section> + Send + Sync>;
/// Listens to the kernel's notices of changes.
pub type Notices = fn() -> std::io::Result<Box<dyn Hears>>;
/// Finds the controller that a command is for.
pub type Connect = Arc<dyn Fn(&World, &Where) -> Result<Fleet, Failure>>;

/// Asks a person at the terminal; `None` where there is no terminal to ask at.
pub type Prompt = Arc<dyn Fn(&str) -> Option<std::io::Result<String>>>;

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
    /// Asks a person.
    pub prompt: Prompt,
    /// The login name of who runs the command: before `sudo`, if that was used.
    pub person: Option<String>,
    /// `/etc/netghost`.
    pub etc: PathBuf,
    /// Where the process that acts on this host listens.
    pub act_socket: PathBuf,
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
            prompt: Arc::new(prompt),
            person: ["SUDO_USER", "LOGNAME", "USER"]
                .iter()
                .find_map(|variable| std::env::var(variable).ok().filter(|name| !name.is_empty())),
            etc: path("NETGHOST_ETC").unwrap_or_else(|| PathBuf::from(ETC)),
            act_socket: path("NETGHOST_ACT_SOCKET").unwrap_or_else(|| PathBuf::from(ACT_SOCKET)),
        }
    }

    /// The command's own store.
    pub fn store(&self) -> Result<Store, Failure> {
        let place = Store::place(self.state_home.as_deref(), self.home.as_deref().map(Path::new))?;
        Ok(Store::open(place))
    }
}

/// One line from the terminal. What is asked goes to standard error, so that standard output holds the answer alone.
fn prompt(question: &str) -> Option<std::io::Result<String>> {
    let (asks, answers) = (std::io::stderr().is_terminal(), std::io::stdin().is_terminal());
    if !(asks && answers) {
        return None;
    }
    let ask = || {
        std::io::stderr().write_all(printable(question).as_bytes())?;
        let mut line = String::new();
        BufReader::new(std::io::stdin().take(LONGEST_LINE)).read_line(&mut line)?;
        Ok(line.trim().to_owned())
    };
    Some(ask())
}

/// This program and its version, as it stands in what it writes.
pub fn tool() -> String {
    format!("netghost {}", env!("CARGO_PKG_VERSION"))
}
