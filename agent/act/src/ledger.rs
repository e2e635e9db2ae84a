//! The ledger's file.

use std::io;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::gate::{LEDGER_SCHEMA, Ledger};
use serde::{Deserialize, Serialize};

use crate::disk::{self, Disk};
use crate::paths::Paths;

/// The schema of the note of which CA is believed.
const AUTHORITY: &str = "netghost.authority/v1";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authority {
    schema: String,
    ca: Digest,
}

/// Reads the ledger; an empty one where there is none yet.
///
/// # Errors
/// The file system's; `InvalidData` for what is no ledger. It is not taken for an empty one: who was revoked would be forgotten.
pub fn read(paths: &Paths) -> io::Result<Ledger> {
    let Some(bytes) = disk::read(&paths.ledger())? else {
        return Ok(Ledger::default());
    };
    let ledger: Ledger = serde_json::from_slice(&bytes)?;
    match ledger.schema == LEDGER_SCHEMA {
        true => Ok(ledger),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Puts the ledger on the disk.
///
/// # Errors
/// The file system's.
pub fn write(paths: &Paths, disk: &Disk, ledger: &Ledger) -> io::Result<()> {
    disk.replace(&paths.ledger(), &serde_json::to_vec(ledger)?)
}

/// Reads the ledger for a CA. Under another one than before the old list of approvers is forgotten.
///
/// # Errors
/// As [`read`] and [`write`].
pub fn read_under(paths: &Paths, disk: &Disk, ca: &PublicKey) -> io::Result<Ledger> {
    let mut ledger = read(paths)?;
    let known: Option<Authority> = match disk::read(&paths.authority())? {
        Some(bytes) => Some(serde_json::from_slice(&bytes)?),
        None => None,
    };
    if known.as_ref().is_some_and(|known| known.ca == ca.id()) {
        return Ok(ledger);
    }
    // The list first: cut off between the two, it is forgotten once more.
    ledger.forget_roster();
    write(paths, disk, &ledger)?;
    let authority = Authority {
        schema: AUTHORITY.to_owned(),
        ca: ca.id(),
    };
    disk.replace(&paths.authority(), &serde_json::to_vec(&authority)?)?;
    Ok(ledger)
}
