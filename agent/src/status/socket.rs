//! The status socket: whoever connects is given the report, and that is all.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};

use super::{Board, Report};

/// How long someone who asks may take to read.
const READ: Duration = Duration::from_secs(5);
/// The longest report that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// A socket that is there, and is removed when it is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens at this path, for user and group only, in the place of what an earlier process left.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Ok(Self {
            listener,
            path: path.to_path_buf(),
        })
    }

    /// Answers until it is dropped.
    pub async fn serve(&self, board: &Board) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(tell(stream, board.get()))),
                // Too many files are open, say: it passes.
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The next process removes it if this one can't.
        drop(fs::remove_file(&self.path));
    }
}

async fn tell(mut stream: UnixStream, report: Report) {
    let Ok(bytes) = serde_json::to_vec(&report) else {
        return;
    };
    // One who does not read is not waited for.
    drop(tokio::time::timeout(READ, stream.write_all(&bytes)).await);
}

/// Asks the agent that listens at this path.
pub fn ask(path: &Path) -> io::Result<Report> {
    let stream = StdUnixStream::connect(path)?;
    stream.set_read_timeout(Some(READ))?;
    let mut bytes = Vec::new();
    stream.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}
