//! Names of packages.

use serde::{Deserialize, Serialize};

use super::NotAnOperation;

/// The name of a package: what apt, dnf, tdnf and zypper all take, and nothing that one of them would take for an option, a
/// version, a path or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Package(String);

impl Package {
    /// Parses a name: `[a-z0-9][a-z0-9.+-]{0,63}`, without `..` (Debian policy §5.6.1, of which the others' names are kept to).
    pub fn parse(name: &str) -> Result<Self, NotAnOperation> {
        let bytes = name.as_bytes();
        let first = bytes
            .first()
            .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let others = bytes.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-')
        });
        // A trailing sign tells apt to remove (`name-`) or to install (`name+`).
        let last = !matches!(bytes.last(), Some(b'-' | b'+' | b'.'));
        match first && others && last && bytes.len() <= 64 && !name.contains("..") {
            true => Ok(Self(name.to_owned())),
            false => Err(NotAnOperation::new("package", "not the name of a package")),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Package {
    type Error = NotAnOperation;

    fn try_from(name: String) -> Result<Self, NotAnOperation> {
        Self::parse(&name)
    }
}

impl From<Package> for String {
    fn from(package: Package) -> Self {
        package.0
    }
}

impl std::fmt::Display for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
