//! The key with which a person approves. It is made where they are, and only its public half leaves.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use netghost_core::artifact::key::Signer;

use crate::error::Failure;
use crate::fleet::contexts::Contexts;
use crate::store::{atomic, keys};
use crate::world::World;

/// Where a person's key is.
#[derive(Debug, Clone)]
pub struct OwnKey {
    path: PathBuf,
}

impl OwnKey {
    /// In this file, else in the command's configuration.
    pub fn place(world: &World, file: Option<&Path>) -> Result<Self, Failure> {
        let path = match file {
            Some(file) if file.is_absolute() => file.to_path_buf(),
            // A bare name has the empty parent, which can't be opened.
            Some(file) => Path::new(".").join(file),
            None => Contexts::open(world)?.root().join("approver.key"),
        };
        Ok(Self { path })
    }

    /// The file with the private half.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with the public half.
    pub fn public_file(&self) -> PathBuf {
        self.path.with_extension("pub.pem")
    }

    /// The key, made if there is none.
    pub fn make(&self) -> Result<Signer, Failure> {
        let parent = self.path.parent().unwrap_or(&self.path);
        atomic::directories(parent)
            .with_context(|| format!("cannot make {}", parent.display()))
            .map_err(failed)?;
        let signer = match keys::read_private(&self.path)? {
            Some(signer) => signer,
            None => keys::make(&self.path)?,
        };
        let pem = signer.public().to_pem().map_err(|error| failed(error.into()))?;
        let path = self.public_file();
        atomic::replace(&path, 0o644, pem.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(failed)?;
        Ok(signer)
    }

    /// The key; none is made.
    pub fn load(&self) -> Result<Signer, Failure> {
        keys::read_private(&self.path)?.ok_or_else(|| {
            let error = anyhow!("there is no approver's key {}", self.path.display());
            Failure::usage("no_key", error).hint(
                "`netghost approvers key` makes one; an admin then adds its public half: `netghost approvers add`",
            )
        })
    }
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::failed("store", error)
}
