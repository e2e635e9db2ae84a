//! Objects on their way in: what has arrived of them, one file each, named by the identity that sends it and its digest.
//!
//! They are no part of the store yet: any of them may be lost or wrong, and is sent again. These functions block.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;

use super::{Error, Store, private_directory};

/// A partial file that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partial {
    /// What it is to become.
    pub digest: Digest,
    /// How much has arrived, bytes.
    pub length: u64,
    /// When it was last written to.
    pub written: SystemTime,
}

impl Store {
    /// Where the partial file of an object of this identity lies.
    pub fn partial_path(&self, identity: Id, digest: &Digest) -> PathBuf {
        self.partials_directory().join(format!("{identity}-{digest}"))
    }

    /// How much of an object has arrived from this identity, bytes.
    pub fn partial_length(&self, identity: Id, digest: &Digest) -> Result<u64, Error> {
        let path = self.partial_path(identity, digest);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(file("look at", &path, error)),
        }
    }

    /// Opens a partial file to write at its end, making it at first.
    pub fn open_partial(&self, identity: Id, digest: &Digest) -> Result<File, Error> {
        let directory = self.partials_directory();
        private_directory(&directory).map_err(|error| file("make", &directory, error))?;
        let path = self.partial_path(identity, digest);
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| file("open", &path, error))
    }

    /// Removes a partial file, if it is there.
    pub fn remove_partial(&self, identity: Id, digest: &Digest) -> Result<(), Error> {
        remove(&self.partial_path(identity, digest))
    }

    /// The partial files of an identity, ordered by age, the oldest first.
    pub fn partials(&self, identity: Id) -> Result<Vec<Partial>, Error> {
        let mut found: Vec<Partial> = self
            .all_partials()?
            .into_iter()
            .filter(|(of, _, _)| *of == identity)
            .map(|(_, partial, _)| partial)
            .collect();
        found.sort_by_key(|partial| (partial.written, partial.digest));
        Ok(found)
    }

    /// Removes partial files that nobody wrote to for so long. The answer is how many.
    pub fn sweep_partials(&self, now_us: u64, older: Duration) -> Result<usize, Error> {
        let now = SystemTime::UNIX_EPOCH.checked_add(Duration::from_micros(now_us));
        let limit = now.and_then(|now| now.checked_sub(older));
        let mut removed = 0;
        for (_, partial, path) in self.all_partials()? {
            if limit.is_some_and(|limit| partial.written < limit) {
                remove(&path)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn partials_directory(&self) -> PathBuf {
        self.directory().join("uploads")
    }

    /// Every partial file; what has another name is left alone.
    fn all_partials(&self) -> Result<Vec<(Id, Partial, PathBuf)>, Error> {
        let directory = self.partials_directory();
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| file("list", &directory, error))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|error| file("list", &directory, error))?;
            let name = entry.file_name();
            let Some((identity, digest)) = name.to_str().and_then(parse) else {
                continue;
            };
            let metadata = match entry.metadata() {
                // It became an object in between.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                metadata => metadata.map_err(|error| file("look at", &entry.path(), error))?,
            };
            let partial = Partial {
                digest,
                length: metadata.len(),
                written: metadata
                    .modified()
                    .map_err(|error| file("look at", &entry.path(), error))?,
            };
            found.push((identity, partial, entry.path()));
        }
        Ok(found)
    }
}

/// The identity and the digest in the name of a partial file.
fn parse(name: &str) -> Option<(Id, Digest)> {
    let (identity, digest) = name.rsplit_once('-')?;
    Some((Id::parse(identity).ok()?, Digest::parse(digest)?))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(file("remove", path, error)),
        _ => Ok(()),
    }
}

/// What went wrong with a partial file.
pub(crate) fn file(what: &'static str, path: &Path, source: io::Error) -> Error {
    Error::File {
        what,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_file_has_one_name() {
        let (identity, digest) = (Id::from_random([3; 16]), Digest::of(b"x"));
        assert_eq!(parse(&format!("{identity}-{digest}")), Some((identity, digest)));
        for other in [
            "",
            "-",
            &format!("{identity}"),
            &format!("{identity}-{digest}.tmp"),
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn only_old_partials_are_swept() {
        use std::io::Write;
        let directory = std::env::temp_dir().join(format!("netghost-partials-{}", std::process::id()));
        let store = Store::open(&directory, None).await.unwrap();
        let (identity, digest) = (Id::from_random([3; 16]), Digest::of(b"x"));
        assert_eq!(store.partial_length(identity, &digest).unwrap(), 0);
        let mut file = store.open_partial(identity, &digest).unwrap();
        file.write_all(b"abc").unwrap();
        assert_eq!(store.partial_length(identity, &digest).unwrap(), 3);
        let written = store.partials(identity).unwrap()[0].written;
        let at = u64::try_from(
            written
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_micros(),
        )
        .unwrap();
        let day = Duration::from_secs(86400);
        assert_eq!(store.sweep_partials(at + 86_399_000_000, day).unwrap(), 0);
        assert_eq!(store.sweep_partials(at + 86_401_000_000, day).unwrap(), 1);
        assert_eq!(store.partials(identity).unwrap(), []);
        fs::remove_dir_all(&directory).unwrap();
    }
}
