//! The signing key and those published.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::{PublicKey, Signer};
use netghost_core::bytes::Big;
use serde::{Deserialize, Serialize};

use super::atomic::{self, Made};
use super::{Error, file_error};

const SIGNING: &str = "signing.pem";
const SUFFIX: &str = ".pub.pem";
const SCHEMA: &str = "netghost.key/v1";

/// When a key signed. Microseconds since 1970 UTC by this machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// `netghost.key/v1`.
    pub schema: String,
    /// The key id: the SHA-256 of the SPKI DER.
    pub keyid: Digest,
    /// Its first use.
    pub from_us: Big,
    /// When it was replaced; `null` while it signs.
    pub until_us: Option<Big>,
}

/// The signing key; made and published if there is none.
pub(super) fn signer(keys: &Path, now_us: u64) -> Result<Signer, Error> {
    atomic::directories(keys).map_err(file_error("make", keys))?;
    let path = keys.join(SIGNING);
    let signer = match read_private(&path)? {
        Some(signer) => signer,
        None => make(&path)?,
    };
    publish(keys, signer.public(), now_us)?;
    Ok(signer)
}

/// A new signing key in the place of the old one.
pub(super) fn rotate(keys: &Path, now_us: u64) -> Result<Signer, Error> {
    let path = keys.join(SIGNING);
    signer(keys, now_us)?;
    let new = random()?;
    let pem = new.to_pem().map_err(|source| Error::Key {
        path: path.clone(),
        source,
    })?;
    // The new key is published before it can sign, so that nothing is ever signed by an unpublished key.
    publish(keys, new.public(), now_us)?;
    atomic::replace(&path, 0o600, pem.as_bytes()).map_err(file_error("write", &path))?;
    end_others(keys, &new.public().id(), now_us)?;
    Ok(new)
}

/// Every published key with its period.
pub(super) fn published(keys: &Path) -> Result<Vec<(PublicKey, Period)>, Error> {
    let mut all = Vec::new();
    for path in public_files(keys)? {
        let key = read_public(&path)?;
        let period = read_period(&record(keys, &key.id()), &key.id())?;
        all.push((key, period));
    }
    Ok(all)
}

fn public_files(keys: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    let entries = match fs::read_dir(keys) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(files),
        entries => entries.map_err(file_error("list", keys))?,
    };
    for entry in entries {
        let entry = entry.map_err(file_error("list", keys))?;
        if entry.file_name().to_string_lossy().ends_with(SUFFIX) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// A private key, if there is one; it must be closed to others.
pub(crate) fn read_private(path: &Path) -> Result<Option<Signer>, Error> {
    let pem = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        pem => pem.map_err(file_error("read", path))?,
    };
    let mode = fs::metadata(path)
        .map_err(file_error("read", path))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::KeyIsOpen {
            path: path.to_path_buf(),
            mode,
        });
    }
    let key = |source| Error::Key {
        path: path.to_path_buf(),
        source,
    };
    Signer::from_pem(&pem).map(Some).map_err(key)
}

fn random() -> Result<Signer, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Error::Random)?;
    Signer::from_seed(&seed).map_err(|source| Error::Key {
        path: PathBuf::from(SIGNING),
        source,
    })
}

/// A new private key in a file of its own, or the one that is there by now.
pub(crate) fn make(path: &Path) -> Result<Signer, Error> {
    let signer = random()?;
    let pem = signer.to_pem().map_err(|source| Error::Key {
        path: path.to_path_buf(),
        source,
    })?;
    let made = atomic::create(path, 0o600, |out| out.write_all(pem.as_bytes()));
    match made.map_err(file_error("write", path))? {
        Made::New => Ok(signer),
        // Another process made one in the meantime: that is the key.
        Made::Existed => read_private(path)?.ok_or_else(|| Error::Edited {
            path: path.to_path_buf(),
            what: "it vanished while it was made",
        }),
    }
}

/// Publishes the key and the begin of its period, unless it is published already.
fn publish(keys: &Path, key: &PublicKey, now_us: u64) -> Result<(), Error> {
    let record = record(keys, &key.id());
    let period = Period {
        schema: SCHEMA.to_owned(),
        keyid: key.id(),
        from_us: Big(now_us),
        until_us: None,
    };
    let bytes = json::to_vec(&period)?;
    let made = atomic::create(&record, 0o644, |out| out.write_all(&bytes));
    if made.map_err(file_error("write", &record))? == Made::Existed {
        read_period(&record, &key.id())?;
    }
    let path = keys.join(format!("{}{SUFFIX}", key.id()));
    let pem = key.to_pem().map_err(|source| Error::Key {
        path: path.clone(),
        source,
    })?;
    let made = atomic::create(&path, 0o644, |out| out.write_all(pem.as_bytes()));
    if made.map_err(file_error("write", &path))? == Made::Existed {
        read_public(&path)?;
    }
    Ok(())
}

/// A published key is the one that its file's name says: another key put there would make forged seals pass.
fn read_public(path: &Path) -> Result<PublicKey, Error> {
    let pem = fs::read_to_string(path).map_err(file_error("read", path))?;
    let key = PublicKey::from_pem(&pem).map_err(|source| Error::Key {
        path: path.to_path_buf(),
        source,
    })?;
    let named = path
        .file_name()
        .is_some_and(|name| *name == *format!("{}{SUFFIX}", key.id()));
    if named {
        Ok(key)
    } else {
        Err(Error::Edited {
            path: path.to_path_buf(),
            what: "it holds another key than its name says",
        })
    }
}

fn end_others(keys: &Path, current: &Digest, now_us: u64) -> Result<(), Error> {
    for (key, mut period) in published(keys)? {
        if key.id() != *current && period.until_us.is_none() {
            period.until_us = Some(Big(now_us));
            let path = record(keys, &key.id());
            atomic::replace(&path, 0o644, &json::to_vec(&period)?).map_err(file_error("write", &path))?;
        }
    }
    Ok(())
}

fn record(keys: &Path, id: &Digest) -> PathBuf {
    keys.join(format!("{id}.json"))
}

fn read_period(path: &Path, id: &Digest) -> Result<Period, Error> {
    let edited = |what| Error::Edited {
        path: path.to_path_buf(),
        what,
    };
    let bytes = fs::read(path).map_err(file_error("read", path))?;
    let period: Period =
        json::from_slice(&bytes).map_err(|_| edited("it is not a key's period as it was written"))?;
    if period.schema == SCHEMA && period.keyid == *id {
        Ok(period)
    } else {
        Err(edited("it is another key's period"))
    }
}
