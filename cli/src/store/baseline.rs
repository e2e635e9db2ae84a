//! Baselines: sealed snapshots under a name.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netghost_core::artifact::certificate::{self, Predicate, Seal, SealKind, Statement, Subject, Verified};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::manifest::{self, Manifest, Meta};
use netghost_core::artifact::name::Name;
use netghost_core::bytes::{Big, Text};
use netghost_core::snapshot::Snapshot;

use super::atomic::{self, Made};
use super::{Error, Store, file_error, objects};

const MANIFEST: &str = "manifest.json";
const SEAL: &str = "seal.dsse.json";
const SUMS: &str = "SHA256SUMS";

/// What is known when a snapshot is saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaveMeta {
    /// Now, microseconds since 1970 UTC.
    pub now_us: u64,
    /// Who asks for it.
    pub asked_by: Option<Text>,
    /// The change it belongs to.
    pub ticket: Option<Text>,
    /// What they write about it.
    pub note: Option<Text>,
    /// This program and its version.
    pub tool: String,
}

/// A baseline that was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The digest of its manifest.
    pub digest: Digest,
    /// Its directory.
    pub path: PathBuf,
}

/// A baseline that was read and whose seal is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The manifest's bytes, whose digest the seal holds.
    pub manifest_bytes: Vec<u8>,
    /// The manifest.
    pub manifest: Manifest,
    /// Who sealed it.
    pub seal: Verified,
}

/// A baseline as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// What it is, or why it can't be used.
    pub sealed: Result<Sealed, Error>,
}

impl Store {
    /// Seals a snapshot under a name that must be free.
    pub fn save(&self, name: &Name, snapshot: &Snapshot, meta: &SaveMeta) -> Result<Saved, Error> {
        let path = self.baseline(name);
        let exists = || Error::Exists {
            name: name.clone(),
            path: path.clone(),
        };
        if path.symlink_metadata().is_ok() {
            return Err(exists());
        }
        let described = Meta {
            name: Some(name.clone()),
            asked_by: meta.asked_by.clone(),
            ticket: meta.ticket.clone(),
            note: meta.note.clone(),
        };
        let stored = manifest::store(snapshot, &described)?;
        let digest = stored.artifact_digest();
        let signer = self.signer(meta.now_us)?;
        let seal = certificate::sign(&statement(name, meta, digest), &signer)?;
        for (digest, bytes) in &stored.objects {
            objects::put(&self.root, digest, bytes)?;
        }
        let addresses: Vec<Digest> = stored.objects.iter().map(|(digest, _)| *digest).collect();
        let sums = sums(digest, &seal, &addresses);
        let files = [
            (MANIFEST, stored.manifest_bytes.as_slice()),
            (SEAL, seal.as_slice()),
            (SUMS, sums.as_bytes()),
        ];
        match place(&path, &files).map_err(file_error("write", &path))? {
            Made::New => Ok(Saved { digest, path }),
            Made::Existed => Err(exists()),
        }
    }

    /// The snapshot of a baseline: its seal, manifest and every object checked.
    pub fn load(&self, name: &Name) -> Result<Snapshot, Error> {
        let sealed = self.sealed(name)?;
        manifest::load(&sealed.manifest_bytes, &|digest| objects::get(&self.root, digest)).map_err(|source| {
            Error::Load {
                name: name.clone(),
                source,
            }
        })
    }

    /// A baseline's manifest and seal, checked, without its objects.
    pub fn sealed(&self, name: &Name) -> Result<Sealed, Error> {
        let directory = self.baseline(name);
        if directory
            .symlink_metadata()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        {
            return Err(Error::NotFound { name: name.clone() });
        }
        let (manifest_path, seal_path) = (directory.join(MANIFEST), directory.join(SEAL));
        let manifest_bytes = read(&manifest_path)?;
        let seal_bytes = read(&seal_path)?;
        let keys: Vec<PublicKey> = self.published()?.into_iter().map(|(key, _)| key).collect();
        let seal = certificate::verify(&seal_bytes, &keys).map_err(|source| Error::Seal {
            path: seal_path.clone(),
            source,
        })?;
        let edited = |path: &Path, what| Error::Edited {
            path: path.to_path_buf(),
            what,
        };
        if !is_seal_of(&seal, name) {
            return Err(edited(&seal_path, "it is another baseline's seal"));
        }
        if seal.subject(&manifest_bytes).is_none() {
            return Err(edited(
                &manifest_path,
                "its digest is not the one that was sealed",
            ));
        }
        let manifest = Manifest::read(&manifest_bytes).map_err(|source| Error::Load {
            name: name.clone(),
            source,
        })?;
        let sums_path = directory.join(SUMS);
        let wanted = sums(Digest::of(&manifest_bytes), &seal_bytes, &addresses(&manifest));
        if read(&sums_path)? != wanted.as_bytes() {
            return Err(edited(&sums_path, "it does not list what the manifest holds"));
        }
        Ok(Sealed {
            manifest_bytes,
            manifest,
            seal,
        })
    }

    /// Every baseline, sorted by name; one that can't be used is listed with the reason.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let directory = self.root.join("baselines");
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(file_error("list", &directory))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file_name = entry.map_err(file_error("list", &directory))?.file_name();
            // Nothing that this store makes has another form, but for what a crash left under a temporary name.
            names.extend(file_name.to_str().and_then(|name| Name::parse(name).ok()));
        }
        names.sort();
        Ok(names
            .into_iter()
            .map(|name| Listed {
                sealed: self.sealed(&name),
                name,
            })
            .collect())
    }

    fn baseline(&self, name: &Name) -> PathBuf {
        self.root.join("baselines").join(name.as_str())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(file_error("read", path))
}

fn place(path: &Path, files: &[(&str, &[u8])]) -> io::Result<Made> {
    atomic::directories(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    atomic::create_directory(path, |directory| {
        for (name, bytes) in files {
            atomic::create(&directory.join(name), 0o600, |out| out.write_all(bytes))?;
        }
        Ok(())
    })
}

fn statement(name: &Name, meta: &SaveMeta, manifest: Digest) -> Statement {
    Statement {
        subject: vec![Subject::new(MANIFEST, manifest)],
        predicate: Predicate::Seal(Seal {
            name: name.clone(),
            kind: SealKind::Baseline,
            sealed_at_us: Big(meta.now_us),
            asked_by: meta.asked_by.clone(),
            ticket: meta.ticket.clone(),
            note: meta.note.clone(),
            tool: meta.tool.clone(),
        }),
    }
}

fn is_seal_of(seal: &Verified, name: &Name) -> bool {
    match &seal.statement.predicate {
        Predicate::Seal(seal) => seal.kind == SealKind::Baseline && seal.name == *name,
        Predicate::Drift(_) => false,
    }
}

fn addresses(manifest: &Manifest) -> Vec<Digest> {
    let mut all: Vec<Digest> = manifest
        .sections
        .iter()
        .flat_map(|entry| [entry.config_digest, entry.runtime_digest, entry.raw_digest])
        .flatten()
        .collect();
    all.sort();
    all.dedup();
    all
}

/// In the form of `sha256sum`, with paths as seen from the baseline's directory.
fn sums(manifest: Digest, seal: &[u8], objects: &[Digest]) -> String {
    let mut sums = format!("{manifest}  {MANIFEST}\n{}  {SEAL}\n", Digest::of(seal));
    for digest in objects {
        // Writing to a String has no failure.
        let _ok = writeln!(sums, "{digest}  ../../{}", objects::relative(digest));
    }
    sums
}
