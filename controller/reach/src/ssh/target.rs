//! Names of hosts and users, checked before they stand in an argument.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A user, a host, a port: `USER@HOST:PORT`, of which the host alone must be there. An address of IPv6 with a port stands in
/// brackets. A host may be a name that the user's own configuration knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Why a word names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// The user.
    #[error("{0:?} is no name of a user: letters, digits and ._+@- but no - at its beginning, at most 64")]
    User(String),
    /// The host.
    #[error(
        "{0:?} is no name or address of a host: letters, digits and ._- but no - at its beginning, at most 253"
    )]
    Host(String),
    /// The port.
    #[error("{0:?} is no port: a number from 1 to 65535")]
    Port(String),
    /// The configuration file.
    #[error("{0:?} is no path for a configuration of ssh: absolute, of letters, digits and /._-")]
    Config(String),
}

impl Target {
    /// The user to log in as, where one is named.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one is named.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl FromStr for Target {
    type Err = BadTarget;

    fn from_str(word: &str) -> Result<Self, BadTarget> {
        // Names of users in a directory have an @ of their own.
        let (user, rest) = match word.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, word),
        };
        let (host, port) = split(rest)?;
        if let Some(user) = user
            && !is_name(user, b"._+@-", 64)
        {
            return Err(BadTarget::User(user.to_owned()));
        }
        let port = port.map(|port| match port.parse() {
            Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
            _ => Err(BadTarget::Port(port.to_owned())),
        });
        Ok(Self {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port: port.transpose()?,
        })
    }
}

/// The host, checked, and the word behind its colon.
fn split(rest: &str) -> Result<(&str, Option<&str>), BadTarget> {
    let bad = || BadTarget::Host(rest.to_owned());
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']').ok_or_else(bad)?;
        let is_ipv6 = matches!(address.parse(), Ok(IpAddr::V6(_)));
        return match (is_ipv6, behind, behind.strip_prefix(':')) {
            (true, "", _) => Ok((address, None)),
            (true, _, Some(port)) => Ok((address, Some(port))),
            _ => Err(bad()),
        };
    }
    if rest.parse::<IpAddr>().is_ok() {
        return Ok((rest, None));
    }
    let (host, port) = match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    };
    match is_name(host, b"._-", 253) {
        true => Ok((host, port)),
        false => Err(bad()),
    }
}

/// Plain characters, none of which a shell knows, and no option.
fn is_name(word: &str, more: &[u8], most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
    !word.is_empty() && word.len() <= most && !word.starts_with('-') && word.bytes().all(plain)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}
