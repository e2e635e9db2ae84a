//! Approvers: their CA on an admin's machine, a person's own key, and the CA that a context trusts.
//!
//! ```text
//! approvers/ca.key              the CA's private key, 0600: it never goes to a controller
//! approvers/approvers.pem       its public half, for /etc/netghost on each VM
//! approvers/roster.dsse.json    the list of approvers, signed
//! approver.key                  the own key of who approves, 0600
//! approver.pub.pem              its public half, for whoever has the CA
//! contexts/NAME/approvers.pem   the CA that is trusted in a context
//! ```

mod authority;
mod own;
mod pin;

pub use authority::Authority;
pub use own::OwnKey;
pub use pin::{pin, pinned};

use std::path::Path;

use anyhow::{Context as _, anyhow};
use netghost_core::artifact::key::PublicKey;
use netghost_core::gate::{Roster, RosterError};

use crate::error::Failure;
use crate::world::World;

/// The file with the CA's public half, wherever it is trusted.
pub const AUTHORITY: &str = "approvers.pem";
/// The file with the signed list.
pub const ROSTER: &str = "roster.dsse.json";
/// More than any file of these has, in bytes.
const LARGEST: u64 = 64 << 10;

/// Reads a public key from a file.
pub fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let bytes = read(path)?.ok_or_else(|| {
        let error = anyhow!("there is no file {}", path.display());
        Failure::usage("no_such_file", error)
    })?;
    let text = String::from_utf8_lossy(&bytes);
    PublicKey::from_pem(&text).map_err(|error| {
        let error = anyhow::Error::from(error).context(format!("{}", path.display()));
        Failure::usage("not_a_key", error)
            .hint("`netghost approvers key` makes a key and prints its public half")
    })
}

/// A file's bytes, if there is one.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    let failed = |error: anyhow::Error| Failure::failed("unreadable_file", error);
    let length = match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(failed)?
            .len(),
    };
    if length > LARGEST {
        return Err(failed(anyhow!(
            "{} has more than {LARGEST} bytes",
            path.display()
        )));
    }
    std::fs::read(path)
        .map(Some)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(failed)
}

/// A list that this CA signed.
pub fn open(envelope: &[u8], ca: &PublicKey, whence: &str) -> Result<Roster, Failure> {
    Roster::open(envelope, ca).map_err(|error| {
        let failure = match error {
            RosterError::Signature(_) => Failure::act("bad_signature", error),
            other => Failure::act("bad_approvers", other),
        };
        failure
            .context(format!("the list of approvers of {whence}"))
            .hint("have an admin publish it again: `netghost approvers publish`")
    })
}

/// The CA and the signed list that hold on this host, without a controller: of `/etc/netghost`, and of the admin's own directory
/// where that is newer.
pub fn of_this_host(world: &World) -> Result<Option<(PublicKey, Vec<u8>, Roster)>, Failure> {
    let pem = world.etc.join(AUTHORITY);
    if !pem.exists() {
        return Ok(None);
    }
    let ca = public_key(&pem)?;
    let own = Authority::place(world, None).map(|place| place.directory().join(ROSTER));
    let places = [Some(world.etc.join(ROSTER)), own.ok()];
    let mut best: Option<(Vec<u8>, Roster)> = None;
    for path in places.into_iter().flatten() {
        let Some(envelope) = read(&path)? else { continue };
        // A list of another CA is somebody else's, not a worse one of this.
        let Ok(roster) = Roster::open(&envelope, &ca) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|(_, known)| roster.version > known.version)
        {
            best = Some((envelope, roster));
        }
    }
    Ok(best.map(|(envelope, roster)| (ca, envelope, roster)))
}
