//! Acts as the owner of the state directory.
//!
//! The service runs as a user of its own, and people run the other commands as root. What root wrote into the store the service
//! could not read; so root becomes the owner before anything is opened.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Gid, Uid, geteuid};
use rustix::thread;

use super::failure::Failure;

/// Becomes the owner of the directory, if this is root and the directory is another's. To be called before threads are made:
/// those that follow inherit it.
pub(super) fn become_owner(directory: &Path) -> Result<(), Failure> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let failed = |error: io::Error| {
        let what = format!("act as the owner of {}", directory.display());
        Failure::failed("owner", anyhow::Error::new(error).context(what))
    };
    let found = match fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(failed)?,
    };
    if found.uid() == 0 {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
    // The user last: without root's id the others can't be set.
    thread::set_thread_groups(&[gid])
        .and_then(|()| thread::set_thread_res_gid(gid, gid, gid))
        .and_then(|()| thread::set_thread_res_uid(uid, uid, uid))
        .map_err(|error| failed(error.into()))
}
