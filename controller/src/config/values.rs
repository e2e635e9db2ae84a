//! Values that hold their own rules.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use netghost_core::fleet::SpiffeId;
use serde::Deserialize;

/// A DNS name or an IP address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum ServerName {
    /// An address.
    Ip(IpAddr),
    /// A host name (RFC 1123 §2.1), in lower case.
    Dns(String),
}

impl TryFrom<String> for ServerName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(address) = IpAddr::from_str(&text) {
            return Ok(Self::Ip(address));
        }
        let label = |label: &str| {
            let plain = label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            plain
                && !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let numeric = text
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if text.len() <= 253 && text.split('.').all(label) && !numeric {
            Ok(Self::Dns(text.to_ascii_lowercase()))
        } else {
            Err(format!(
                "{text:?} is neither a DNS name nor an IP address; a port does not belong here"
            ))
        }
    }
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Dns(name) => f.write_str(name),
        }
    }
}

/// An absolute path of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PathBuf")]
pub struct Directory(PathBuf);

impl Directory {
    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

impl Default for Directory {
    fn default() -> Self {
        Self(PathBuf::from("/var/lib/netghost-controller"))
    }
}

impl TryFrom<PathBuf> for Directory {
    type Error = String;

    fn try_from(path: PathBuf) -> Result<Self, String> {
        // These three end the path where it stands in the database's URL.
        let odd = |c: char| matches!(c, '?' | '#' | '%') || c.is_control();
        match path.to_str() {
            Some(text) if path.is_absolute() && !text.contains(odd) => Ok(Self(path)),
            _ => Err(format!(
                "{path:?} is not an absolute path, or holds one of ? # % or a control character"
            )),
        }
    }
}

/// A trust domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(String);

impl Domain {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Domain {
    fn default() -> Self {
        Self(crate::DOMAIN.to_owned())
    }
}

impl TryFrom<String> for Domain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match SpiffeId::is_domain(&text) {
            true => Ok(Self(text)),
            false => Err(format!(
                "{text:?} is no trust domain: lower-case letters, digits, dots, dashes and underscores, at most 255"
            )),
        }
    }
}

/// The URL of a PostgreSQL database. It may hold a password and is not shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Database(String);

impl Database {
    /// The URL, with what it holds.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Database(…)")
    }
}

impl TryFrom<String> for Database {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let postgres = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        match postgres && sqlx::postgres::PgConnectOptions::from_str(&text).is_ok() {
            true => Ok(Self(text)),
            false => Err("not a URL of the form postgres://USER@HOST/DATABASE; leave the key out for SQLite"),
        }
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What failed.
    Error,
    /// And what may fail soon.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}
