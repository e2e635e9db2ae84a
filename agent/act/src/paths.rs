//! Where things are.

use std::io;
use std::path::{Path, PathBuf};

use netghost_core::artifact::json::Digest;

use crate::{disk, trusted};

/// The files of one VM's gate. The defaults are the packages'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// What is remembered; root's alone.
    pub state: PathBuf,
    /// The owner's policy.
    pub policy: PathBuf,
    /// The approvers' CA.
    pub approvers: PathBuf,
    /// Where the guard listens.
    pub guard: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            state: "/var/lib/netghost-act".into(),
            policy: "/etc/netghost/policy.toml".into(),
            approvers: "/etc/netghost/approvers.pem".into(),
            guard: "/run/netghost/act-guard.sock".into(),
        }
    }
}

impl Paths {
    /// Makes the state directory. What lies in it is believed, so nobody but root may be able to put anything there.
    ///
    /// # Errors
    /// The file system's; `PermissionDenied` where others can write to it.
    pub fn prepare(&self) -> io::Result<()> {
        let records = self.records();
        disk::private_directory(&records)?;
        for directory in [&self.state, &records] {
            trusted::directory(directory)
                .map_err(|why| io::Error::new(io::ErrorKind::PermissionDenied, why))?;
        }
        Ok(())
    }

    /// What consent was given for and spent.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.json")
    }

    /// Under which CA the ledger's list of approvers was believed.
    pub fn authority(&self) -> PathBuf {
        self.state.join("authority.json")
    }

    /// The undo records.
    pub fn records(&self) -> PathBuf {
        self.state.join("records")
    }

    /// The undo record of an action.
    pub fn record(&self, action: Digest) -> PathBuf {
        self.records().join(format!("{action}.json"))
    }

    /// Which process was started for an action: written by that process before it becomes another program.
    pub fn trace(&self, action: Digest) -> PathBuf {
        self.records().join(format!("{action}.process"))
    }

    /// Held by whoever changes anything: one at a time.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }

    /// Held while packages are installed, which takes longer than anybody else may wait.
    pub fn package_lock(&self) -> PathBuf {
        self.state.join("packages.lock")
    }

    /// Held by the guard.
    pub fn guard_lock(&self) -> PathBuf {
        self.state.join("guard.lock")
    }
}

/// The ending of a record's file.
pub(crate) const RECORD: &str = ".json";
/// The ending of the note of a process.
pub(crate) const TRACE: &str = ".process";

/// The digest that a file with this ending is named after.
pub(crate) fn action_of(file: &Path, ending: &str) -> Option<Digest> {
    Digest::parse(file.file_name()?.to_str()?.strip_suffix(ending)?)
}
