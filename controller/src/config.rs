//! The configuration file: read once into values that need no further check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

mod azure;
mod enrolment;
mod probe;
mod values;

pub use azure::{Account, NotAsked};
pub use enrolment::{Azure, Enrolment, Subscription, TagWord, Unusable};
pub use probe::Probing;
pub use values::{Database, Directory, Domain, Level, ServerName};

/// Where the file is, if nothing else is said.
pub const FILE: &str = "/etc/netghost/controller.toml";
/// The port of agents and people.
pub const PORT: u16 = 7443;
/// The port of health and metrics.
pub const HTTP_PORT: u16 = 9464;

/// What a controller is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where agents and people connect.
    pub listen: SocketAddr,
    /// DNS names and IP addresses under which they reach it; they stand in its certificate. None: see [`Config::names`].
    names: Vec<ServerName>,
    /// Where it keeps its state.
    pub directory: Directory,
    /// The trust domain of the identities that `init` founds; afterwards it stands in the authority's certificate.
    pub domain: Domain,
    /// PostgreSQL, if the rows are not in SQLite.
    pub database: Option<Database>,
    /// How much is logged.
    pub log: Level,
    /// How Azure is asked, if it is.
    pub azure: Option<Account>,
    /// By which ways hosts without an agent may be read.
    pub probe: Probing,
    /// Who may come in without a token.
    pub enrolment: Enrolment,
    /// Health and metrics.
    pub http: Http,
    /// Bounds.
    pub limits: Limits,
}

/// Health and metrics over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Where. Nothing is asked of who connects: keep it on loopback or behind something that does.
    pub listen: SocketAddr,
}

/// Bounds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// With less free disk space than this, in MiB, the controller says that it is not ready.
    pub disk_free_mib: u64,
    /// How long running calls may go on after a stop was asked for, in seconds.
    pub stop_seconds: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), PORT),
            names: Vec::new(),
            directory: Directory::default(),
            domain: Domain::default(),
            database: None,
            log: Level::default(),
            azure: None,
            probe: Probing::default(),
            enrolment: Enrolment::default(),
            http: Http::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), HTTP_PORT),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            disk_free_mib: 256,
            stop_seconds: 10,
        }
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read.
    #[error("read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// What stands in it is no configuration; says the line, the key and what is allowed.
    #[error("{}: {text}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        text: String,
    },
}

impl Config {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
            path: path.to_path_buf(),
            source,
        })?;
        Self::parse(&text).map_err(|text| Error::Form {
            path: path.to_path_buf(),
            text,
        })
    }

    /// Reads a file's text. The error shows the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| match error.span() {
            Some(span) => place(text, span.start, error.message()),
            None => error.message().to_owned(),
        })
    }

    /// The names for the server's certificate: those set here, else those `given` when it was founded, else the host's own
    /// and those of loopback.
    pub fn names(&self, given: &[ServerName], host_name: &str) -> Vec<ServerName> {
        if let Some(names) = [self.names.as_slice(), given]
            .into_iter()
            .find(|names| !names.is_empty())
        {
            return names.to_vec();
        }
        ["localhost", "127.0.0.1", "::1", host_name]
            .into_iter()
            .filter_map(|name| ServerName::try_from(name.to_owned()).ok())
            .collect()
    }

    /// Where the certificate authority is.
    pub fn authority(&self) -> PathBuf {
        self.directory.as_path().join("pki")
    }
}

/// `line 3, "listen = 5": what is wrong`.
fn place(text: &str, offset: usize, message: &str) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default().trim();
    // A password may stand in the line of the database.
    let line = netghost_core::audit::text(line);
    let message = message.trim().replace('\n', "; ");
    format!("line {number}, {line:?}: {message}")
}

#[cfg(test)]
mod tests;
