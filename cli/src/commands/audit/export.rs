//! Writes the whole log into a directory.

use std::fs;
use std::io;
use std::path::Path;

use netghost_core::artifact::key::PublicKey;
use netghost_core::audit::export::{self, Files, HEADS, RECORDS, key_path};

use super::{Log, read};
use crate::commands::Call;
use crate::commands::baseline::{EXPORT, Export};
use crate::documents::document;
use crate::error::Failure;
use crate::exit::Status;
use crate::output::{Outcome, must_be_free};
use crate::store::atomic::{self, Made};

/// Runs it.
pub(super) fn run(directory: &Path, call: &Call<'_>) -> Result<Outcome, Failure> {
    must_be_free(directory)?;
    let mut fleet = call.anywhere()?;
    let log = read(&mut fleet, 1, 0)?;
    let files = files(&log, &fleet.keys()?)?;
    // A bare name has the empty parent, which can't be opened.
    let place = Path::new(".").join(directory);
    let made = atomic::create_directory(&place, |temporary| write(temporary, &files)).map_err(|error| {
        let what = format!("cannot write {}", directory.display());
        Failure::failed("write", anyhow::Error::from(error).context(what))
    })?;
    if made == Made::Existed {
        must_be_free(directory)?;
    }
    let text = format!(
        "{} records and {} heads in {}; `netghost audit verify --export {}` checks them\n",
        log.records.len(),
        log.heads.len(),
        directory.display(),
        directory.display()
    );
    let export = Export {
        directory: directory.display().to_string(),
        files: files.into_keys().collect(),
    };
    Ok(Outcome {
        status: Status::Good,
        text,
        document: document(EXPORT, export)?,
    })
}

fn files(log: &Log, keys: &[PublicKey]) -> Result<Files, Failure> {
    let lines = |rows: &[Vec<u8>]| {
        let mut all = Vec::new();
        for row in rows {
            all.extend_from_slice(row);
            all.push(b'\n');
        }
        all
    };
    let mut files = Files::new();
    files.insert(RECORDS.to_owned(), lines(&log.records));
    files.insert(HEADS.to_owned(), lines(&log.heads));
    for key in keys {
        let pem = key.to_pem().map_err(|error| Failure::failed("internal", error))?;
        files.insert(key_path(key), pem.into_bytes());
    }
    export::seal(&mut files);
    Ok(files)
}

fn write(directory: &Path, files: &Files) -> io::Result<()> {
    for (path, bytes) in files {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        atomic::create(&path, 0o644, |out| out.write_all(bytes))?;
    }
    Ok(())
}
