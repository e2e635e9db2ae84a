//! The configuration, parsed once into valid types.

use std::path::{Path, PathBuf};

use netghost_client::{Address, NotAnAddress, Proxy};
use serde::Deserialize;

/// Where the configuration lies unless another is named.
pub const PATH: &str = "/etc/netghost/agent.toml";
/// Azure's instance metadata service, the same on every VM.
const METADATA_SERVICE: &str = "169.254.169.254:80";
/// The smallest limit of the spool, in MiB.
const LEAST_SPOOL_MIB: u64 = 16;

/// What the agent is told by its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the controller listens; nothing: where the agent was enrolled.
    pub controller: Option<Address>,
    /// The HTTP proxy that is asked for a tunnel to it.
    pub proxy: Option<Proxy>,
    /// Where identity and spool lie.
    pub state_directory: PathBuf,
    /// Where the status socket lies.
    pub runtime_directory: PathBuf,
    /// The most bytes of snapshots that wait to be uploaded.
    pub spool_limit: u64,
    /// How much is logged.
    pub log_level: tracing::Level,
    /// Where the process listens that acts.
    pub act_socket: PathBuf,
    /// Where the approvers' CA is pinned, for the process that acts.
    pub approvers_file: PathBuf,
    /// Where Azure's instance metadata service listens.
    pub metadata_service: Address,
}

/// Why a configuration is not taken.
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
    /// Not TOML, an unknown key, or a value of another type; line and key stand in the message.
    #[error("{}: {message}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// A value that can't be.
    #[error("{}: {key}: {what}", .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong with the value, and what is allowed.
        what: String,
    },
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    controller: Option<String>,
    proxy: Option<String>,
    state_directory: PathBuf,
    runtime_directory: PathBuf,
    spool_limit_mib: u64,
    log_level: String,
    act_socket: PathBuf,
    approvers_file: PathBuf,
    metadata_service: String,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            controller: None,
            proxy: None,
            state_directory: "/var/lib/netghost-agent".into(),
            runtime_directory: "/run/netghost-agent".into(),
            spool_limit_mib: 256,
            log_level: "info".to_owned(),
            act_socket: "/run/netghost/act.sock".into(),
            approvers_file: "/etc/netghost/approvers.pem".into(),
            metadata_service: METADATA_SERVICE.to_owned(),
        }
    }
}

impl Config {
    /// Reads the named file, which must be there; none named: the usual one, or what holds without one.
    pub fn load(named: Option<&Path>) -> Result<Self, Error> {
        let path = named.unwrap_or(Path::new(PATH));
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => {
                Self::parse(path, "")
            }
            Err(source) => Err(Error::Read {
                path: path.to_path_buf(),
                source,
            }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| {
                let before = text.get(..span.start).unwrap_or_default();
                format!("line {}: ", before.matches('\n').count() + 1)
            });
            let message = error.message().replace('\n', " ");
            Error::Form {
                path: path.to_path_buf(),
                message: format!("{}{message}", line.unwrap_or_default()),
            }
        })?;
        let value = |key, what: String| Error::Value {
            path: path.to_path_buf(),
            key,
            what,
        };
        let address = |key: &'static str| move |error: NotAnAddress| value(key, error.to_string());
        Ok(Self {
            controller: written
                .controller
                .map(|text| Address::parse(&text))
                .transpose()
                .map_err(address("controller"))?,
            proxy: written
                .proxy
                .map(|text| Proxy::parse(&text))
                .transpose()
                .map_err(|_| {
                    value(
                        "proxy",
                        "not of the form http://[USER:PASSWORD@]HOST:PORT".to_owned(),
                    )
                })?,
            state_directory: absolute(written.state_directory)
                .map_err(|what| value("state_directory", what))?,
            runtime_directory: absolute(written.runtime_directory)
                .map_err(|what| value("runtime_directory", what))?,
            spool_limit: mib(written.spool_limit_mib).map_err(|what| value("spool_limit_mib", what))?,
            log_level: level(&written.log_level).map_err(|what| value("log_level", what))?,
            act_socket: absolute(written.act_socket).map_err(|what| value("act_socket", what))?,
            approvers_file: absolute(written.approvers_file).map_err(|what| value("approvers_file", what))?,
            metadata_service: Address::parse(&written.metadata_service)
                .map_err(address("metadata_service"))?,
        })
    }

    /// The status socket.
    pub fn status_socket(&self) -> PathBuf {
        self.runtime_directory.join("status.sock")
    }
}

fn absolute(path: PathBuf) -> Result<PathBuf, String> {
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!("{} is not an absolute path", path.display()))
    }
}

fn mib(number: u64) -> Result<u64, String> {
    number
        .checked_mul(1 << 20)
        .filter(|_| number >= LEAST_SPOOL_MIB)
        .ok_or_else(|| format!("{number} is not a size in MiB from {LEAST_SPOOL_MIB} on"))
}

fn level(word: &str) -> Result<tracing::Level, String> {
    match word {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        "trace" => Ok(tracing::Level::TRACE),
        _ => Err(format!("{word:?} is none of error, warn, info, debug, trace")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Error> {
        Config::parse(Path::new("agent.toml"), text)
    }

    #[test]
    fn nothing_written_is_all_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.controller, None);
        assert_eq!(config.metadata_service.to_string(), METADATA_SERVICE);
        assert_eq!(config.state_directory, Path::new("/var/lib/netghost-agent"));
        assert_eq!(
            config.status_socket(),
            Path::new("/run/netghost-agent/status.sock")
        );
        assert_eq!(config.spool_limit, 256 << 20);
    }

    #[test]
    fn everything_written_is_taken() {
        let config = parse(
            "controller = \"c.example:7443\"\nproxy = \"http://p:3128\"\nstate_directory = \"/s\"\n\
             runtime_directory = \"/r\"\nspool_limit_mib = 16\nlog_level = \"debug\"\n\
             act_socket = \"/a\"\napprovers_file = \"/p\"\nmetadata_service = \"127.0.0.1:8\"\n",
        )
        .unwrap();
        assert_eq!(config.controller.unwrap().to_string(), "c.example:7443");
        assert_eq!(config.proxy.unwrap().address.to_string(), "p:3128");
        assert_eq!(config.spool_limit, 16 << 20);
        assert_eq!(config.log_level, tracing::Level::DEBUG);
        assert_eq!(config.act_socket, Path::new("/a"));
        assert_eq!(config.approvers_file, Path::new("/p"));
        assert_eq!(config.metadata_service.to_string(), "127.0.0.1:8");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("controler = \"c:1\"", &["line 1", "controler", "controller"][..]),
            ("\ncontroller = 7", &["line 2"]),
            ("controller = \"c\"", &["controller", "HOST:PORT"]),
            ("metadata_service = \"x\"", &["metadata_service", "HOST:PORT"]),
            ("proxy = \"p:1\"", &["proxy", "http://"]),
            ("state_directory = \"var\"", &["state_directory", "absolute"]),
            ("runtime_directory = \"\"", &["runtime_directory", "absolute"]),
            ("act_socket = \"act.sock\"", &["act_socket", "absolute"]),
            ("approvers_file = \"a.pem\"", &["approvers_file", "absolute"]),
            ("spool_limit_mib = 1", &["spool_limit_mib", "16"]),
            ("spool_limit_mib = -1", &["line 1"]),
            ("log_level = \"loud\"", &["log_level", "debug"]),
            ("= 1", &["line 1"]),
        ] {
            let error = parse(text).unwrap_err().to_string();
            for word in words.iter().chain([&"agent.toml"]) {
                assert!(error.contains(word), "{text}: {error}: {word}");
            }
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        assert!(matches!(
            Config::load(Some(Path::new("/nonexistent/agent.toml"))),
            Err(Error::Read { .. })
        ));
    }
}
