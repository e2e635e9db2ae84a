//! Files that are there whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How temporary names begin; no digest and no id begins so.
pub const TEMPORARY: &str = ".tmp-";

/// Something that is asked of the file system, each of which can fail or be the last thing that a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A temporary file is made.
    Create,
    /// Its bytes are written.
    Write,
    /// They are brought to the disk.
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

    /// Gives a file this content, whole, whatever was there. Only its owner can read it, where `mode` says no more.
    ///
    /// When it returns, content and name are on the disk. After an error the name has the old content or the new.
    pub fn replace(&self, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
        let (parent, temporary) = beside(path)?;
        let written = self
            .write(&temporary, mode, content)
            .and_then(|()| self.step(Step::Rename, path))
            .and_then(|()| fs::rename(&temporary, path));
        if let Err(error) = written {
            // What can't be removed either keeps a name that is removed at the next start.
            drop(self.remove(&temporary));
            return Err(error);
        }
        self.sync_directory(&parent)
    }

    /// Removes a file; one that is not there is no error.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(Step::Remove, path)?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Brings the names in a directory to the disk.
    pub fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.step(Step::SyncDirectory, path)?;
        File::open(path)?.sync_all()
    }

    fn write(&self, temporary: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
        self.step(Step::Create, temporary)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(mode);
        let mut file = options.open(temporary)?;
        self.step(Step::Write, temporary)?;
        file.write_all(content)?;
        self.step(Step::SyncFile, temporary)?;
        file.sync_all()
    }

    fn step(&self, step: Step, path: &Path) -> io::Result<()> {
        self.fault.as_ref().map_or(Ok(()), |fault| fault(step, path))
    }
}

/// Makes a directory that only its owner can enter, and those above it.
pub fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// True where an error says that there is no room.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

fn beside(path: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = std::ffi::OsString::from(TEMPORARY);
    temporary.push(name);
    Ok((parent.to_path_buf(), parent.join(temporary)))
}
