//! Files and directories that are there whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// How temporary names begin; [`netghost_core::artifact::name::Name`] can't begin with a dot.
pub(super) const TEMPORARY: &str = ".tmp-";

/// Whether a name was free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It was, and now has the content.
    New,
    /// It was not, and is as it was.
    Existed,
}

/// Makes a file of this name with what `write` writes, if the name is free.
///
/// The name appears only when the content is on the disk; a failure in between leaves nothing behind.
pub(crate) fn create(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Made> {
    let temporary = write_temporary(path, mode, write)?;
    // A hard link fails where a rename would replace.
    let linked = fs::hard_link(&temporary.0, path);
    drop(temporary);
    match linked {
        Ok(()) => sync_parent(path).map(|()| Made::New),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Made::Existed),
        Err(error) => Err(error),
    }
}

/// Gives a file of this name other content, whole, whatever was there.
pub(crate) fn replace(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let temporary = write_temporary(path, mode, |out| out.write_all(content))?;
    fs::rename(&temporary.0, path)?;
    sync_parent(path)
}

/// Makes a directory of this name with what `fill` puts into it, if the name is free.
pub(crate) fn create_directory<E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<Made, E> {
    if path.symlink_metadata().is_ok() {
        return Ok(Made::Existed);
    }
    let temporary = Temporary(unused(path, |path| DirBuilder::new().mode(0o700).create(path))?.0);
    fill(&temporary.0)?;
    File::open(&temporary.0)?.sync_all()?;
    // rename(2) replaces a directory only if it is empty, and then nothing is lost.
    match fs::rename(&temporary.0, path) {
        Ok(()) => Ok(sync_parent(path).map(|()| Made::New)?),
        Err(error) if path.symlink_metadata().is_ok() => {
            drop(error);
            Ok(Made::Existed)
        }
        Err(error) => Err(error.into()),
    }
}

/// Makes a directory that only its owner can enter, and those above it.
pub(crate) fn directories(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A temporary file or directory, which is removed when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed keeps a name that nothing reads; there is nobody to tell here.
        if self.0.is_dir() {
            drop(fs::remove_dir_all(&self.0));
        } else {
            drop(fs::remove_file(&self.0));
        }
    }
}

fn write_temporary(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<Temporary> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let (temporary, mut file) = unused(path, |path| options.open(path))?;
    let temporary = Temporary(temporary);
    write(&mut file)?;
    file.sync_all()?;
    Ok(temporary)
}

/// Makes something under a temporary name beside `path` that is not in use.
fn unused<T>(path: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    for _ in 0..1_000 {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = parent.join(format!("{TEMPORARY}{}-{number}", std::process::id()));
        match make(&temporary) {
            Ok(made) => return Ok((temporary, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A new name is on the disk only when its directory is.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    File::open(parent)?.sync_all()
}
