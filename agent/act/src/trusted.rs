//! Files whose content decides what may be done here: only root may have written them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The longest such file, in bytes.
const LONGEST: u64 = 64 << 10;
/// Write permission of the group and of all others (`S_IWGRP | S_IWOTH`).
const OTHERS_WRITE: u32 = 0o022;
/// In such a directory nobody replaces what belongs to somebody else (`S_ISVTX`).
const STICKY: u32 = 0o1000;

/// The text of a file that belongs to root, can be written by nobody else, and lies in a directory of which the same is true.
///
/// # Errors
/// In words: why it is not there or not to be trusted.
pub fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    directories(path)?;
    let mut options = OpenOptions::new();
    // A pipe or a device is not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = options.read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => format!("{shown} is a symbolic link"),
        _ => match error.kind() {
            io::ErrorKind::NotFound => format!("there is no {shown}"),
            _ => format!("{shown} can't be read: {error}"),
        },
    })?;
    text(&file, path)
}

/// Holds a directory to what [`read`] holds one to in which a trusted file lies: where others can write, what lies there may be theirs.
/// A symbolic link is followed; who may put one there is told by the directory above it.
///
/// # Errors
/// In words: why what lies in it can't be trusted.
pub fn directory(path: &Path) -> Result<(), String> {
    let shown = path.display().to_string();
    let found = std::fs::metadata(path).map_err(|error| format!("{shown} can't be read: {error}"))?;
    owned(&shown, &found, OTHERS_WRITE)
}

fn text(file: &File, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let found = file
        .metadata()
        .map_err(|error| format!("{shown} can't be read: {error}"))?;
    if !found.is_file() {
        return Err(format!("{shown} is no file"));
    }
    owned(&shown.to_string(), &found, OTHERS_WRITE)?;
    if found.len() > LONGEST {
        return Err(format!("{shown} is longer than {LONGEST} bytes"));
    }
    let mut bytes = Vec::new();
    let read = file.take(LONGEST.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| format!("{shown} can't be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8"))
}

/// Whoever can write to a directory can put another file in the place of any in it.
fn directories(path: &Path) -> Result<(), String> {
    if !path.is_absolute() {
        return Err(format!("{} is no absolute path", path.display()));
    }
    for (above, directory) in path.ancestors().skip(1).enumerate() {
        let shown = directory.display().to_string();
        let found = std::fs::symlink_metadata(directory).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no {}", path.display()),
            _ => format!("{shown} can't be read: {error}"),
        })?;
        if found.is_symlink() {
            return Err(format!("{shown} is a symbolic link"));
        }
        let sticky = above > 0 && found.mode() & STICKY != 0;
        owned(&shown, &found, if sticky { 0 } else { OTHERS_WRITE })?;
    }
    Ok(())
}

fn owned(shown: &str, found: &std::fs::Metadata, forbidden: u32) -> Result<(), String> {
    if found.uid() != 0 {
        return Err(format!("{shown} belongs to user {}, not to root", found.uid()));
    }
    match found.mode() & forbidden {
        0 => Ok(()),
        _ => Err(format!(
            "{shown} can be written by others than root: chmod go-w {shown}"
        )),
    }
}
