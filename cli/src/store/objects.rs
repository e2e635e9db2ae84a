//! Objects by the digest of their bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::ObjectError;

use super::atomic::{self, Made};
use super::{Error, file_error};

/// Where an object is, below the store's root.
pub(super) fn relative(digest: &Digest) -> String {
    let hex = digest.to_string();
    let (first, rest) = hex.split_at_checked(2).unwrap_or(("", &hex));
    format!("objects/sha256/{first}/{rest}")
}

pub(super) fn path(root: &Path, digest: &Digest) -> PathBuf {
    root.join(relative(digest))
}

/// Keeps `bytes` under `digest`. An object that is there already must have the right content: a baseline that stood on a
/// damaged one would be lost before it was made.
pub(super) fn put(root: &Path, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
    let path = path(root, digest);
    let parent = path.parent().unwrap_or(root);
    atomic::directories(parent).map_err(file_error("make", parent))?;
    let made =
        atomic::create(&path, 0o600, |out| out.write_all(bytes)).map_err(file_error("write", &path))?;
    if made == Made::Existed {
        let there = fs::read(&path).map_err(file_error("read", &path))?;
        if Digest::of(&there) != *digest {
            return Err(Error::Edited {
                path,
                what: "its content does not have the digest in its name",
            });
        }
    }
    Ok(())
}

/// The bytes of an object, as they are; whoever loads them hashes them.
pub(super) fn get(root: &Path, digest: &Digest) -> Result<Vec<u8>, ObjectError> {
    fs::read(path(root, digest)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ObjectError::Missing,
        _ => ObjectError::Unread(error),
    })
}
