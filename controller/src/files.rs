//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// How names of unfinished files begin.
pub const UNFINISHED: &str = ".unfinished-";

/// Makes a file of this name, if the name is free; else the error is [`io::ErrorKind::AlreadyExists`].
pub fn create(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let unfinished = write(path, mode, content)?;
    // A hard link fails where a rename would replace.
    let linked = fs::hard_link(&unfinished, path);
    let removed = fs::remove_file(&unfinished);
    linked?;
    removed?;
    sync_parent(path)
}

/// Gives a file of this name other content, whole, whatever was there.
pub fn replace(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let unfinished = write(path, mode, content)?;
    fs::rename(&unfinished, path).inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    sync_parent(path)
}

/// Who but its owner may use a file: the mode's bits for group and others.
pub fn open_to_others(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077)
}

/// A name beside `path` that is not finished.
pub fn unfinished(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(UNFINISHED);
    beside.push(format!("{}-", std::process::id()));
    beside.push(name);
    Ok(path.with_file_name(beside))
}

/// A new name is on the disk only when its directory is.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

fn write(path: &Path, mode: u32, content: &[u8]) -> io::Result<PathBuf> {
    let unfinished = unfinished(path)?;
    let mut options = OpenOptions::new();
    // What a process of this number left behind is not finished and belongs to nobody.
    let stale = fs::remove_file(&unfinished);
    if let Err(error) = stale
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&unfinished)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    match written {
        Ok(()) => Ok(unfinished),
        Err(error) => {
            drop(fs::remove_file(&unfinished));
            Err(error)
        }
    }
}
