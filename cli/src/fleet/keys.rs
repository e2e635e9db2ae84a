//! The controller's published keys, as this command has seen them.
//!
//! They are pinned when they are first seen, at login. A further key is taken only beside all pinned ones, when exactly one
//! key still signs and every pinned other one has ended: that is what a rotation looks like. Whoever swaps the signing key
//! without it is found.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use netghost_core::artifact::certificate::{self, Verified};
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_proto::convert::{self, BadField};
use netghost_proto::v1;

use super::Fleet;
use crate::error::Failure;
use crate::store::atomic;

const SUFFIX: &str = ".pub.pem";

/// A key as the controller publishes it.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) key: PublicKey,
    pub(crate) signs: bool,
}

impl Fleet {
    /// The keys that may have signed, all pinned.
    pub fn keys(&mut self) -> Result<Vec<PublicKey>, Failure> {
        let list = self.read(async |client| Ok(client.keys(v1::KeysRequest {}).await?.into_inner()))?;
        let offered = offered(list)?;
        let directory = self.place().seen.join("keys");
        let pinned = pinned(&directory)?;
        for key in further(&pinned, &offered)? {
            pin(&directory, &key)?;
        }
        Ok(offered.into_values().map(|offered| offered.key).collect())
    }

    /// A certificate of the controller, fetched and verified here.
    pub fn certificate(&mut self, digest: &Digest) -> Result<(Vec<u8>, Verified), Failure> {
        let bytes = self.object(digest)?;
        let keys = self.keys()?;
        let verified = certificate::verify(&bytes, &keys).map_err(|error| {
            let what = format!("the certificate {digest} proves nothing");
            Failure::act("bad_signature", anyhow::Error::from(error).context(what))
                .hint("the controller's store was edited: restore it from a backup")
        })?;
        Ok((bytes, verified))
    }
}

fn offered(list: v1::KeyList) -> Result<BTreeMap<Digest, Offered>, Failure> {
    let mut all = BTreeMap::new();
    for row in list.keys {
        let wrong = |what: &dyn std::fmt::Display| Failure::from(BadField::new("keys", what));
        let key = PublicKey::from_pem(&row.pem).map_err(|error| wrong(&error))?;
        let id = convert::digest("keys.keyid", &row.keyid)?;
        if key.id() != id {
            return Err(wrong(&"a key has another id than is said of it"));
        }
        let signs = row.until_us == 0;
        all.insert(id, Offered { key, signs });
    }
    Ok(all)
}

/// The keys to pin; an error if the offered ones are not what the pinned ones can have become.
pub(crate) fn further(
    pinned: &BTreeMap<Digest, PublicKey>,
    offered: &BTreeMap<Digest, Offered>,
) -> Result<Vec<PublicKey>, Failure> {
    let refuse = |what: String| {
        Failure::act("other_key", anyhow!(what)).hint(
            "ask the controller's admin; if it was set up anew, `netghost context remove` and log in again",
        )
    };
    if let Some(gone) = pinned.keys().find(|id| !offered.contains_key(*id)) {
        return Err(refuse(format!(
            "the controller no longer publishes its key {gone}"
        )));
    }
    let new: Vec<PublicKey> = offered
        .iter()
        .filter(|(id, _)| !pinned.contains_key(*id))
        .map(|(_, offered)| offered.key.clone())
        .collect();
    let signing: Vec<&Digest> = offered
        .iter()
        .filter(|(_, offered)| offered.signs)
        .map(|(id, _)| id)
        .collect();
    if let (Some(key), false) = (new.first(), pinned.is_empty())
        && signing.len() != 1
    {
        return Err(refuse(format!(
            "the controller publishes a further key {} while {} keys sign: that is no rotation",
            key.id(),
            signing.len()
        )));
    }
    Ok(new)
}

pub(crate) fn pinned(directory: &Path) -> Result<BTreeMap<Digest, PublicKey>, Failure> {
    let failed = |error: anyhow::Error| Failure::failed("context", error);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries
            .with_context(|| format!("cannot list {}", directory.display()))
            .map_err(failed)?,
    };
    let mut all = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| failed(error.into()))?.path();
        let Some(id) = id_of(&path) else { continue };
        let pem = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(failed)?;
        let key = PublicKey::from_pem(&pem).ok().filter(|key| key.id() == id);
        let key = key.ok_or_else(|| failed(anyhow!("{} was edited or damaged", path.display())))?;
        all.insert(id, key);
    }
    Ok(all)
}

fn id_of(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    Digest::parse(name.strip_suffix(SUFFIX)?)
}

fn pin(directory: &Path, key: &PublicKey) -> Result<(), Failure> {
    let path: PathBuf = directory.join(format!("{}{SUFFIX}", key.id()));
    let write = || -> anyhow::Result<()> {
        let pem = key.to_pem()?;
        atomic::directories(directory)?;
        atomic::create(&path, 0o644, |out| out.write_all(pem.as_bytes()))?;
        Ok(())
    };
    write()
        .with_context(|| format!("cannot keep the key {}", path.display()))
        .map_err(|error| Failure::failed("context", error))
}
