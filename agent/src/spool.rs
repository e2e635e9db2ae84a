//! The spool: commands in hand and the snapshots taken for them, so that the end of the process loses neither.
//!
//! `commands/ID.json` says how far a command is: accepted, captured, finished; it only ever goes on. `objects/DIGEST` holds
//! the manifest and the objects of what is captured and not yet uploaded. Every file appears whole, under its name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Stored;
use netghost_core::fleet::Id;
use rustix::fs::{FlockOperation, flock};

use crate::disk::{Disk, TEMPORARY, is_full, private_directory};
use crate::link::machine::Kept;
use crate::order::{Failed, Order, Outcome};

mod record;
#[cfg(test)]
mod tests;

use record::{Record, State};

/// Why the spool could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process uses the directory.
    #[error("another netghost-agent uses {}", .path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A snapshot is larger than what the limit leaves.
    #[error(
        "the spool is full: the snapshot needs {needed} bytes, {used} of {limit} are in use: raise spool_limit_mib in the \
         configuration, or let the controller take what waits"
    )]
    Full {
        /// What it needs, in bytes.
        needed: u64,
        /// What is in use.
        used: u64,
        /// The limit.
        limit: u64,
    },
    /// There is no such command, or it has gone on meanwhile.
    #[error("command {id} is not in the spool")]
    Gone {
        /// Its id.
        id: Id,
    },
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Full { .. } => "spool_full",
            Error::File { source, .. } if is_full(source) => "disk_full",
            _ => "internal",
        };
        Self::new(code, crate::capture::chain(&error))
    }
}

/// What is to be uploaded for a command: digests and sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The manifest: last of all.
    pub manifest: (Digest, u64),
    /// The objects.
    pub objects: Vec<(Digest, u64)>,
}

/// A spool that is open. One process at a time.
#[derive(Debug)]
pub struct Spool {
    root: PathBuf,
    limit: u64,
    disk: Disk,
    /// Held while files are changed.
    changing: Mutex<()>,
    /// Its lock is what keeps other processes out.
    _lock: File,
}

impl Spool {
    /// Opens the spool in a state directory, making it at first, and says what it holds.
    ///
    /// `boot_id` is this boot's: deadlines of another boot mean nothing, and a snapshot of it is not of the host as it is
    /// now. What was accepted or captured then is forgotten, since nobody was told of an outcome and the controller asks
    /// again by the same id; an outcome that stands is still told.
    pub fn open(
        state: &Path,
        limit: u64,
        disk: Disk,
        boot_id: &str,
    ) -> Result<(Self, Vec<(Id, Kept)>), Error> {
        let root = state.join("spool");
        for directory in [&root, &root.join("objects"), &root.join("commands")] {
            private_directory(directory).map_err(file("make", directory))?;
        }
        let spool = Self {
            _lock: lock(state)?,
            root,
            limit,
            disk,
            changing: Mutex::new(()),
        };
        let kept = spool.take_up(boot_id)?;
        Ok((spool, kept))
    }

    /// Writes a command down. One that is there already stays as it is.
    pub fn accept(&self, id: Id, boot_id: &str, deadline: Duration, order: Order) -> Result<(), Error> {
        let _changing = self.change();
        if self.read(id)?.is_some() {
            return Ok(());
        }
        self.write(&Record::new(id, boot_id, deadline, order))
    }

    /// Takes in a snapshot for an accepted command. For one that has one already, that one stands.
    pub fn keep(&self, id: Id, stored: &Stored) -> Result<Digest, Error> {
        let _changing = self.change();
        let mut record = self.read(id)?.ok_or(Error::Gone { id })?;
        match record.state {
            State::Accepted => {}
            State::Captured { manifest, .. } => return Ok(manifest),
            State::Finished { .. } => return Err(Error::Gone { id }),
        }
        let manifest = stored.artifact_digest();
        let kept = self.keep_objects(stored, manifest).and_then(|()| {
            record.state = State::Captured {
                manifest,
                objects: stored.objects.iter().map(|(digest, _)| *digest).collect(),
            };
            self.write(&record)
        });
        if let Err(error) = kept {
            // The room is needed more than ever; what can't be removed now is removed at the next start.
            drop(self.sweep());
            return Err(error);
        }
        Ok(manifest)
    }

    /// Writes down how a command ended, unless that stands there already, and drops its snapshot. Says what stands there.
    pub fn finish(&self, id: Id, outcome: Outcome) -> Result<Outcome, Error> {
        let _changing = self.change();
        let mut record = self.read(id)?.ok_or(Error::Gone { id })?;
        if let State::Finished { ended } = record.state {
            return Ok(ended);
        }
        record.state = State::Finished {
            ended: outcome.clone(),
        };
        self.write(&record)?;
        // The outcome stands; room that can't be had back now is had back at the next start.
        drop(self.sweep());
        Ok(outcome)
    }

    /// Takes commands out, with their snapshots.
    pub fn forget(&self, ids: &[Id]) -> Result<(), Error> {
        let _changing = self.change();
        for id in ids {
            let path = self.command(*id);
            self.disk.remove(&path).map_err(file("remove", &path))?;
        }
        let commands = self.root.join("commands");
        self.disk
            .sync_directory(&commands)
            .map_err(file("write", &commands))?;
        self.sweep()
    }

    /// What is to be uploaded for a captured command.
    pub fn parcel(&self, id: Id) -> Result<Parcel, Error> {
        let _changing = self.change();
        let record = self.read(id)?.ok_or(Error::Gone { id })?;
        let State::Captured { manifest, objects } = record.state else {
            return Err(Error::Gone { id });
        };
        let sized = |digest: Digest| {
            let path = self.object(digest);
            let found = fs::metadata(&path).map_err(file("read", &path))?;
            Ok((digest, found.len()))
        };
        Ok(Parcel {
            manifest: sized(manifest)?,
            objects: objects.into_iter().map(sized).collect::<Result<_, Error>>()?,
        })
    }

    /// Where an object lies.
    pub fn object(&self, digest: Digest) -> PathBuf {
        self.root.join("objects").join(digest.to_string())
    }

    /// How many bytes the snapshots take.
    pub fn used(&self) -> Result<u64, Error> {
        let mut used = 0_u64;
        for (path, _) in list(&self.root.join("objects"))? {
            match fs::metadata(&path) {
                Ok(found) => used = used.saturating_add(found.len()),
                // Dropped while the list was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(file("read", &path)(error)),
            }
        }
        Ok(used)
    }

    /// The most bytes that the snapshots may take.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        // The files are whole whatever a thread was doing when it ended.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_objects(&self, stored: &Stored, manifest: Digest) -> Result<(), Error> {
        let all = || {
            let manifest = std::iter::once((manifest, &stored.manifest_bytes));
            stored
                .objects
                .iter()
                .map(|(digest, bytes)| (*digest, bytes))
                .chain(manifest)
        };
        let new = all().filter(|(digest, _)| !self.object(*digest).exists());
        let needed = new.fold(0_u64, |sum, (_, bytes)| sum.saturating_add(bytes.len() as u64));
        let (used, limit) = (self.used()?, self.limit);
        if needed.saturating_add(used) > limit {
            return Err(Error::Full { needed, used, limit });
        }
        for (digest, bytes) in all() {
            let path = self.object(digest);
            if !path.exists() {
                self.disk
                    .replace(&path, 0o600, bytes)
                    .map_err(file("write", &path))?;
            }
        }
        Ok(())
    }

    /// Removes what a process left half written, reads the commands, and drops objects that belong to none.
    fn take_up(&self, boot_id: &str) -> Result<Vec<(Id, Kept)>, Error> {
        for part in ["objects", "commands"] {
            for (path, name) in list(&self.root.join(part))? {
                if name.starts_with(TEMPORARY) {
                    self.disk.remove(&path).map_err(file("remove", &path))?;
                }
            }
        }
        let mut kept = Vec::new();
        for id in self.ids()? {
            let Some(record) = self.read(id)? else {
                continue;
            };
            match record.kept(boot_id) {
                Some(one) => kept.push((id, one)),
                None => {
                    let path = self.command(id);
                    self.disk.remove(&path).map_err(file("remove", &path))?;
                }
            }
        }
        self.sweep()?;
        Ok(kept)
    }

    /// Drops every object that no captured command needs.
    fn sweep(&self) -> Result<(), Error> {
        let mut needed = BTreeSet::new();
        for id in self.ids()? {
            if let Some(record) = self.read(id)?
                && let State::Captured { manifest, objects } = record.state
            {
                needed.insert(manifest.to_string());
                needed.extend(objects.iter().map(ToString::to_string));
            }
        }
        for (path, name) in list(&self.root.join("objects"))? {
            if !needed.contains(&name) {
                self.disk.remove(&path).map_err(file("remove", &path))?;
            }
        }
        Ok(())
    }

    fn ids(&self) -> Result<Vec<Id>, Error> {
        let found = list(&self.root.join("commands"))?;
        let ids = found
            .iter()
            .filter_map(|(_, name)| Id::parse(name.strip_suffix(".json")?).ok());
        Ok(ids.collect())
    }

    fn read(&self, id: Id) -> Result<Option<Record>, Error> {
        let path = self.command(id);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(Record::from_bytes(id, &bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file("read", &path)(error)),
        }
    }

    fn write(&self, record: &Record) -> Result<(), Error> {
        let path = self.command(record.id);
        let bytes = record.to_bytes().map_err(file("write", &path))?;
        self.disk
            .replace(&path, 0o600, &bytes)
            .map_err(file("write", &path))
    }

    fn command(&self, id: Id) -> PathBuf {
        self.root.join("commands").join(format!("{id}.json"))
    }
}

fn lock(state: &Path) -> Result<File, Error> {
    let path = state.join("spool").join("lock");
    let opened = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(file("open", &path))?;
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(opened),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::Locked {
            path: state.to_path_buf(),
        }),
        Err(error) => Err(file("lock", &path)(error.into())),
    }
}

/// The files in a directory, in order of their names.
fn list(directory: &Path) -> Result<Vec<(PathBuf, String)>, Error> {
    let read = || -> io::Result<Vec<(PathBuf, String)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                found.push((entry.path(), name));
            }
        }
        found.sort();
        Ok(found)
    };
    read().map_err(file("read", directory))
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { what, path, source }
}
