//! Files that are on the disk whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How temporary names begin; no digest begins so.
pub const TEMPORARY: &str = ".tmp-";

/// Something that is asked of the file system, each of which can fail or be the last thing that a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A temporary file is made and filled.
    Write,
    /// Its bytes are brought to the disk.
    SyncFile,
    /// The file gets its name.
    Rename,
    /// The name is brought to the disk.
    SyncDirectory,
    /// A file is removed.
    Remove,
}

/// Asked before each step; an error stands for the file system's.
type Fault = Arc<dyn Fn(Step, &Path) -> io::Result<()> + Send + Sync>;

/// The file system.
#[derive(Clone, Default)]
pub struct Disk {
    fault: Option<Fault>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// A file system on which `fault` decides about each step: a test puts a full disk or a sudden end there.
    pub fn with_fault(fault: impl Fn(Step, &Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self {
            fault: Some(Arc::new(fault)),
        }
    }

    /// Gives a file this content, whole, whatever was there. Only its owner can read it.
    ///
    /// When it returns, content and name are on the disk. After an error the name has the old content or the new.
    ///
    /// # Errors
    /// The file system's.
    pub fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let (parent, temporary) = beside(path)?;
        let written = self
            .write(&temporary, content)
            .and_then(|()| self.step(Step::Rename, path))
            .and_then(|()| fs::rename(&temporary, path));
        if let Err(error) = written {
            // What can't be removed either has a name that the next start removes.
            drop(self.remove(&temporary));
            return Err(error);
        }
        self.step(Step::SyncDirectory, &parent)?;
        File::open(parent)?.sync_all()
    }

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// The file system's.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Remove, path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&self, temporary: &Path, content: &[u8]) -> io::Result<()> {
        self.step(Step::Write, temporary)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(temporary)?;
        file.write_all(content)?;
        self.step(Step::SyncFile, temporary)?;
        file.sync_all()
    }

    fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        self.fault.as_ref().map_or(Ok(()), |fault| fault(step, path))
    }
}

/// Makes a directory that only its owner can enter, and those above it.
///
/// # Errors
/// The file system's.
pub fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The file's content; nothing where there is no file.
///
/// # Errors
/// The file system's.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes temporary files of documents that a sudden end left in a directory. Nobody else may be writing one there.
///
/// # Errors
/// The file system's.
pub fn sweep(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY) && name.ends_with(".json") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The directory of a file, and the temporary file in it.
pub(crate) fn beside(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(TEMPORARY);
    temporary.push(name);
    Ok((parent.to_path_buf(), parent.join(temporary)))
}
