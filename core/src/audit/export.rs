//! A log outside its controller: a directory of files.
//!
//! `audit.jsonl` holds the records and `heads.jsonl` the signed heads, each as its stored bytes and a newline, which canonical
//! JSON never contains. `keys/KEYID.pub.pem` are the keys that ever signed, `SHA256SUMS` the digests of all.

use std::collections::BTreeMap;

use crate::artifact::json::Digest;
use crate::artifact::key::{KeyError, PublicKey};
use crate::artifact::sums::{self, Sums, SumsError};

/// The records' file.
pub const RECORDS: &str = "audit.jsonl";
/// The heads' file.
pub const HEADS: &str = "heads.jsonl";
/// The directory of keys.
pub const KEYS: &str = "keys";
/// How a key's file name ends, after its id.
pub const KEY_SUFFIX: &str = ".pub.pem";

/// Files by their path below the export's directory.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why a directory is no export of a log.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file that every export has is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The files are not those that were exported.
    #[error(transparent)]
    Sums(#[from] SumsError),
    /// A file's last line has no end.
    #[error("{0} was cut: its last line has no end")]
    Cut(&'static str),
    /// A file that no export has.
    #[error("{0} does not belong to an export of an audit log")]
    Foreign(String),
    /// A key can't be read.
    #[error("{path}")]
    Key {
        /// Its path.
        path: String,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// A key's file holds another key.
    #[error("{0} holds another key than its name says")]
    OtherKey(String),
}

/// An export whose files are those that were written. Whether its log is good, [`super::verify`] tells, with keys that the
/// reader trusts: those in an export prove only that it agrees with itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export<'a> {
    /// The records' stored bytes.
    pub records: Vec<&'a [u8]>,
    /// The heads' stored bytes.
    pub heads: Vec<&'a [u8]>,
    /// The keys that it carries.
    pub keys: Vec<PublicKey>,
}

/// Where a key stands.
pub fn key_path(key: &PublicKey) -> String {
    format!("{KEYS}/{}{KEY_SUFFIX}", key.id())
}

/// Adds `SHA256SUMS` over all files.
pub fn seal(files: &mut Files) {
    files.remove(sums::NAME);
    let text = sums::write(&digests(files));
    files.insert(sums::NAME.to_owned(), text.into_bytes());
}

/// Reads an export.
pub fn read(files: &Files) -> Result<Export<'_>, ExportError> {
    let named = files.get(sums::NAME).ok_or(ExportError::Missing(sums::NAME))?;
    sums::compare(&sums::read(named)?, &digests(files))?;
    let mut keys = Vec::new();
    for (path, content) in files {
        if path.starts_with(KEYS) {
            keys.push(key(path, content)?);
        } else if ![RECORDS, HEADS, sums::NAME].contains(&path.as_str()) {
            return Err(ExportError::Foreign(path.clone()));
        }
    }
    Ok(Export {
        records: lines(files, RECORDS)?,
        heads: lines(files, HEADS)?,
        keys,
    })
}

fn digests(files: &Files) -> Sums {
    files
        .iter()
        .filter(|(path, _)| *path != sums::NAME)
        .map(|(path, content)| (path.clone(), Digest::of(content)))
        .collect()
}

fn lines<'a>(files: &'a Files, name: &'static str) -> Result<Vec<&'a [u8]>, ExportError> {
    let content = files.get(name).ok_or(ExportError::Missing(name))?;
    if content.is_empty() {
        return Ok(Vec::new());
    }
    let body = content.strip_suffix(b"\n").ok_or(ExportError::Cut(name))?;
    Ok(body.split(|byte| *byte == b'\n').collect())
}

fn key(path: &str, content: &[u8]) -> Result<PublicKey, ExportError> {
    let key = PublicKey::from_pem(&String::from_utf8_lossy(content)).map_err(|source| ExportError::Key {
        path: path.to_owned(),
        source,
    })?;
    if key_path(&key) == path {
        Ok(key)
    } else {
        Err(ExportError::OtherKey(path.to_owned()))
    }
}
