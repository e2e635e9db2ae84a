//! Directories of files.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::sums::{self, Sums};

use super::{Error, failed};
use crate::files::UNFINISHED;

/// Makes a directory that only its owner enters.
pub(super) fn make(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .mode(0o700)
        .create(path)
        .map_err(failed("make", path))
}

/// Removes a directory and what is in it, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Leaves a file to its owner.
pub(super) fn private(path: &Path) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed("protect", path))
}

/// True if nothing is in it, or it is not there.
pub(super) fn is_empty(path: &Path) -> Result<bool, Error> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed("look into", path)(error)),
    }
}

/// Copies a directory's finished files. Links and other things that are no files are refused.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    make(to)?;
    for (name, path) in entries(from)? {
        let target = to.join(&name);
        let kind = path
            .symlink_metadata()
            .map_err(failed("look at", &path))?
            .file_type();
        if kind.is_dir() {
            copy(&path, &target)?;
        } else if kind.is_file() {
            copy_file(&path, &target)?;
        } else {
            let odd = io::Error::other("neither a file nor a directory");
            return Err(failed("copy", &path)(odd));
        }
    }
    Ok(())
}

/// Copies a file, for its owner only.
pub(super) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(failed("read", from))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut target = options.open(to).map_err(failed("write", to))?;
    io::copy(&mut source, &mut target).map_err(failed("write", to))?;
    target.sync_all().map_err(failed("write", to))
}

/// The digests of every file but `SHA256SUMS`.
pub(super) fn sums(root: &Path) -> Result<Sums, Error> {
    let mut found = Sums::new();
    walk(root, "", &mut found)?;
    found.remove(sums::NAME);
    Ok(found)
}

/// The names are on the disk only when their directories are.
pub(super) fn sync(root: &Path) -> Result<(), Error> {
    for (_, path) in entries(root)? {
        if path.is_dir() {
            sync(&path)?;
        }
    }
    File::open(root)
        .and_then(|open| open.sync_all())
        .map_err(failed("write", root))
}

fn walk(directory: &Path, prefix: &str, found: &mut Sums) -> Result<(), Error> {
    for (name, path) in entries(directory)? {
        let relative = format!("{prefix}{name}");
        let kind = path
            .symlink_metadata()
            .map_err(failed("look at", &path))?
            .file_type();
        if kind.is_dir() {
            walk(&path, &format!("{relative}/"), found)?;
        } else {
            // An object is at most some tens of MiB.
            let content = fs::read(&path).map_err(failed("read", &path))?;
            found.insert(relative, Digest::of(&content));
        }
    }
    Ok(())
}

/// What is in a directory, in order, without what is not finished: by this program, or by the object store, which marks it
/// by `#` and a number.
fn entries(directory: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed("look into", directory))? {
        let path = entry.map_err(failed("look into", directory))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if !name.starts_with(UNFINISHED) && !name.contains('#') {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}
