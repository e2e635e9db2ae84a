//! The approvers' CA, on the machine of an admin.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use netghost_core::artifact::key::{PublicKey, Signer};
use netghost_core::artifact::name::Name;
use netghost_core::gate::Roster;

use super::{AUTHORITY, ROSTER, open, read};
use crate::error::Failure;
use crate::fleet::contexts::Contexts;
use crate::store::{atomic, keys};
use crate::world::World;

const KEY: &str = "ca.key";

/// A directory with the CA and its list.
#[derive(Debug, Clone)]
pub struct Authority {
    directory: PathBuf,
}

/// The CA's directory while one command edits it: the lock goes with the file.
struct Locked {
    signer: Signer,
    _lock: File,
}

impl Authority {
    /// In this directory, else in the command's configuration.
    pub fn place(world: &World, directory: Option<&Path>) -> Result<Self, Failure> {
        let directory = match directory {
            Some(directory) => directory.to_path_buf(),
            None => Contexts::open(world)?.root().join("approvers"),
        };
        Ok(Self { directory })
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file to be put on each VM.
    pub fn public_file(&self) -> PathBuf {
        self.directory.join(AUTHORITY)
    }

    /// True if there is a CA.
    pub fn exists(&self) -> bool {
        self.directory.join(KEY).exists()
    }

    /// Makes the CA and the list of nobody. What an earlier try left is finished; what is whole is not touched.
    pub fn init(&self) -> Result<(PublicKey, Roster), Failure> {
        if self.directory.join(ROSTER).exists() {
            let error = anyhow!("there is an approvers' CA in {}", self.directory.display());
            return Err(Failure::usage("name_exists", error).hint(
                "a new one has to be put on every VM; choose another directory with --dir if that is meant",
            ));
        }
        atomic::directories(&self.directory)
            .with_context(|| format!("cannot make {}", self.directory.display()))
            .map_err(failed)?;
        let path = self.directory.join(KEY);
        let signer = match keys::read_private(&path)? {
            Some(signer) => signer,
            None => keys::make(&path)?,
        };
        let pem = signer.public().to_pem().map_err(|error| failed(error.into()))?;
        self.write(AUTHORITY, 0o644, pem.as_bytes())?;
        let roster = Roster::new();
        self.put(&roster, &signer)?;
        Ok((signer.public().clone(), roster))
    }

    /// The CA's public half and its list.
    pub fn load(&self) -> Result<(PublicKey, Vec<u8>, Roster), Failure> {
        let signer = self.signer()?;
        let (envelope, roster) = self.listed(&signer)?;
        Ok((signer.public().clone(), envelope, roster))
    }

    /// Takes over a list that was published from another copy of this directory, if it is newer. True if it was.
    pub fn adopt(&self, envelope: &[u8]) -> Result<bool, Failure> {
        let locked = self.lock()?;
        let Ok(published) = Roster::open(envelope, locked.signer.public()) else {
            return Ok(false);
        };
        let (_, own) = self.listed(&locked.signer)?;
        let newer = published.version > own.version;
        if newer {
            self.write(ROSTER, 0o644, envelope)?;
        }
        Ok(newer)
    }

    /// Adds an approver.
    pub fn add(&self, name: Name, key: &PublicKey) -> Result<Roster, Failure> {
        let locked = self.lock()?;
        let (_, roster) = self.listed(&locked.signer)?;
        let next = roster.with(name.clone(), key).map_err(|error| {
            Failure::usage(
                "exists",
                anyhow::Error::from(error).context(format!("cannot add {name}")),
            )
            .hint("`netghost approvers list` shows names and keys; who was revoked needs a new name")
        })?;
        self.put(&next, &locked.signer)?;
        Ok(next)
    }

    /// Has an approver's word count no more.
    pub fn revoke(&self, name: &Name) -> Result<Roster, Failure> {
        let locked = self.lock()?;
        let (_, roster) = self.listed(&locked.signer)?;
        let next = roster.without(name).ok_or_else(|| {
            let error = anyhow!("there is no approver {name} who was not revoked");
            Failure::usage("not_found", error).hint("`netghost approvers list` shows them")
        })?;
        self.put(&next, &locked.signer)?;
        Ok(next)
    }

    fn lock(&self) -> Result<Locked, Failure> {
        // Before the lock, so that a directory that is none is told as such.
        self.signer()?;
        let lock = File::open(&self.directory)
            .and_then(|file| file.lock().map(|()| file))
            .with_context(|| format!("cannot lock {}", self.directory.display()))
            .map_err(failed)?;
        let signer = self.signer()?;
        Ok(Locked { signer, _lock: lock })
    }

    fn signer(&self) -> Result<Signer, Failure> {
        keys::read_private(&self.directory.join(KEY))?.ok_or_else(|| {
            let error = anyhow!("there is no approvers' CA in {}", self.directory.display());
            Failure::usage("no_authority", error)
                .hint("run this where `netghost approvers init` was run, or say where with --dir")
        })
    }

    fn listed(&self, signer: &Signer) -> Result<(Vec<u8>, Roster), Failure> {
        let path = self.directory.join(ROSTER);
        let envelope = read(&path)?.ok_or_else(|| {
            let error = anyhow!("there is no list of approvers in {}", self.directory.display());
            Failure::failed("edited", error).hint("`netghost approvers init` finishes what it began")
        })?;
        let roster = open(&envelope, signer.public(), &path.display().to_string())?;
        Ok((envelope, roster))
    }

    fn put(&self, roster: &Roster, signer: &Signer) -> Result<(), Failure> {
        let envelope = roster
            .sign(signer)
            .map_err(|error| Failure::usage("too_many_approvers", error))?;
        self.write(ROSTER, 0o644, &envelope)
    }

    fn write(&self, name: &str, mode: u32, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.directory.join(name);
        atomic::replace(&path, mode, bytes)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(failed)
    }
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::failed("store", error)
}
