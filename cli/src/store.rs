//! The command's own store of baselines, objects and keys: a directory of plain files.
//!
//! ```text
//! keys/signing.pem                the private key, 0600
//! keys/KEYID.pub.pem              every key ever used stays published …
//! keys/KEYID.json                 … with the period in which it signed
//! baselines/NAME/manifest.json    netghost.manifest/v1
//! baselines/NAME/seal.dsse.json   who sealed it, signed
//! baselines/NAME/SHA256SUMS       for `sha256sum -c` in that directory, objects included
//! objects/sha256/ab/cdef…         by digest, equal content once
//! ```
//!
//! Everything is written under a temporary name, synchronised and then given its name, which must be free. What was cut
//! short by a full disk or a crash has no name that is ever read.

use std::path::{Path, PathBuf};

use netghost_core::artifact::certificate::VerifyError;
use netghost_core::artifact::json::CanonicalError;
use netghost_core::artifact::key::{KeyError, Signer};
use netghost_core::artifact::manifest::{LoadError, StoreError};
use netghost_core::artifact::name::Name;

pub(crate) mod atomic;
mod baseline;
pub(crate) mod keys;
mod objects;

pub use baseline::{Listed, SaveMeta, Saved, Sealed};
pub use keys::Period;

/// A store in a directory.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// Why the store could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where the store is.
    #[error("there is no place for the store: set XDG_STATE_HOME or HOME to an absolute path")]
    NoPlace,
    /// A file or directory could not be used.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The name is taken; nothing was overwritten.
    #[error("there is a baseline {name} already: choose another name, or remove {} first", .path.display())]
    Exists {
        /// The name.
        name: Name,
        /// Its directory.
        path: PathBuf,
    },
    /// There is no baseline of this name.
    #[error("there is no baseline {name}")]
    NotFound {
        /// The name.
        name: Name,
    },
    /// A file is not what was written.
    #[error("{} was edited or damaged: {what}", .path.display())]
    Edited {
        /// The file.
        path: PathBuf,
        /// How that is known.
        what: &'static str,
    },
    /// The seal does not prove the manifest.
    #[error("the seal {}", .path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: VerifyError,
    },
    /// A key file can't be used.
    #[error("the key {}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// Others can read the private key.
    #[error("{} is open to others (mode {mode:04o}): make it 0600, or move it away to get a new key", .path.display())]
    KeyIsOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system gave no random bytes for a key.
    #[error("the system gave no random numbers for a new key")]
    Random(#[source] getrandom::Error),
    /// The snapshot can't be stored.
    #[error("the snapshot can't be stored")]
    Snapshot(#[from] StoreError),
    /// What is stored can't be taken.
    #[error("baseline {name} can't be used")]
    Load {
        /// The name.
        name: Name,
        /// Why not.
        #[source]
        source: LoadError,
    },
    /// A value without canonical form; a fault of this program.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

impl Store {
    /// The place of the store by the XDG Base Directory Specification: `$XDG_STATE_HOME/netghost`, else
    /// `$HOME/.local/state/netghost`. Paths that are not absolute are ignored, as the specification asks.
    pub fn place(xdg_state_home: Option<&Path>, home: Option<&Path>) -> Result<PathBuf, Error> {
        let absolute = |path: Option<&Path>| path.filter(|path| path.is_absolute()).map(Path::to_path_buf);
        absolute(xdg_state_home)
            .or_else(|| absolute(home).map(|home| home.join(".local/state")))
            .map(|state| state.join("netghost"))
            .ok_or(Error::NoPlace)
    }

    /// The store in `root`. Nothing is made before something is written.
    pub fn open(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The signing key, made at first use. Its public half is published with `now_us` as the begin of its period.
    pub fn signer(&self, now_us: u64) -> Result<Signer, Error> {
        keys::signer(&self.root.join("keys"), now_us)
    }

    /// Takes a new signing key into use; the old one stays published, and its period ends at `now_us`.
    pub fn rotate(&self, now_us: u64) -> Result<Signer, Error> {
        keys::rotate(&self.root.join("keys"), now_us)
    }

    /// Every key that ever signed here, with its period, sorted by key id.
    pub fn published(&self) -> Result<Vec<(netghost_core::artifact::key::PublicKey, Period)>, Error> {
        keys::published(&self.root.join("keys"))
    }
}

fn file_error(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { what, path, source }
}

#[cfg(test)]
mod tests;
