//! What the command keeps of actions where no controller does: `$XDG_STATE_HOME/netghost/actions/ID.json`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use netghost_core::artifact::json;
use netghost_core::bytes::{Big, Text};
use netghost_core::fleet::Id;
use netghost_core::gate::Action;
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::store::atomic;

/// The schema of a record.
pub const SCHEMA: &str = "netghost.action_record/v1";

/// One action that this host proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// The request's id.
    pub id: Id,
    /// The exact bytes that netghost-act wrote.
    pub document: String,
    /// Microseconds since 1970 UTC.
    pub requested_at_us: Big,
    /// Who denied it, and why.
    pub denied: Option<Denied>,
}

/// A no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denied {
    /// Whose.
    pub by: Text,
    /// Why.
    pub reason: Text,
    /// Microseconds since 1970 UTC.
    pub at_us: Big,
}

/// The directory of all records.
#[derive(Debug, Clone)]
pub(super) struct Records {
    directory: PathBuf,
}

impl Records {
    /// Below this store.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            directory: root.join("actions"),
        }
    }

    fn path(&self, id: Id) -> PathBuf {
        self.directory.join(format!("{id}.json"))
    }

    /// Keeps one, in the place of what was known of it.
    pub(super) fn keep(&self, record: &Record) -> Result<(), Failure> {
        let path = self.path(record.id);
        let bytes = json::to_vec(record).map_err(|error| failed(error.into()))?;
        atomic::directories(&self.directory)
            .and_then(|()| atomic::replace(&path, 0o600, &bytes))
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(failed)
    }

    /// All, newest first.
    pub(super) fn all(&self) -> Result<Vec<Record>, Failure> {
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries
                .with_context(|| format!("cannot list {}", self.directory.display()))
                .map_err(failed)?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(error.into()))?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            // What was cut short has a name that begins with a dot.
            let Some(id) = stem.and_then(|stem| Id::parse(stem).ok()) else {
                continue;
            };
            all.push(self.read(id)?);
        }
        all.sort_by_key(|record: &Record| std::cmp::Reverse((record.requested_at_us, record.id)));
        Ok(all)
    }

    /// The one whose id begins so.
    pub(super) fn find(&self, id: &str) -> Result<Record, Failure> {
        let mut found = self.all()?;
        found.retain(|record| record.id.to_string().starts_with(id));
        match (found.pop(), found.is_empty()) {
            (Some(record), true) => Ok(record),
            (Some(_), false) => {
                let error = anyhow!("several actions begin with {id:?}");
                Err(Failure::usage("ambiguous", error).hint("say more of the id"))
            }
            (None, _) => {
                let error = anyhow!("there is no action {id:?} of this host");
                Err(Failure::usage("not_found", error).hint("`netghost action list` shows them"))
            }
        }
    }

    fn read(&self, id: Id) -> Result<Record, Failure> {
        let path = self.path(id);
        let edited = || {
            let error = anyhow!("{} was edited or damaged", path.display());
            Failure::act("edited", error).hint("remove it; netghost-act has its own record of the action")
        };
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(failed)?;
        let record: Record = json::from_slice(&bytes).map_err(|_| edited())?;
        match record.schema == SCHEMA && record.id == id {
            true => Ok(record),
            false => Err(edited()),
        }
    }
}

impl Record {
    /// The action in it.
    pub(super) fn action(&self) -> Result<Action, Failure> {
        Action::from_bytes(self.document.as_bytes()).map_err(|error| Failure::act("altered", error))
    }
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::failed("store", error)
}
