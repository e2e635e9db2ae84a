//! Takes a baseline from a directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::sums::{self, Sums};
use netghost_core::job::export::SUMS;
use netghost_proto::{UPLOAD_CHUNK, v1};

use super::export::listed;
use crate::commands::Call;
use crate::documents::baselines::Baseline;
use crate::error::Failure;
use crate::output::Outcome;

/// Runs it: what is wrong with the files is said before the controller is asked.
pub(super) fn run(directory: &Path, call: &Call<'_>) -> Result<Outcome, Failure> {
    let refuse = |error: anyhow::Error| {
        let what = format!("cannot import {}", directory.display());
        Failure::format(error.context(what))
            .hint("give a directory that `netghost baseline export` wrote, unedited")
    };
    let text = fs::read(directory.join(SUMS))
        .with_context(|| format!("it has no {SUMS}"))
        .map_err(refuse)?;
    let named = listed(&text).map_err(refuse)?;
    let mut there = digests(directory)?;
    there.remove(SUMS);
    let wanted: Sums = named
        .iter()
        .map(|(file, digest)| (file.path(), *digest))
        .collect();
    sums::compare(&wanted, &there).map_err(|error| refuse(error.into()))?;
    let paths = std::iter::once(SUMS.to_owned()).chain(named.into_iter().map(|(file, _)| file.path()));
    let chunks = Chunks {
        directory: directory.to_path_buf(),
        paths: paths.collect::<Vec<_>>().into_iter(),
        open: None,
        failed: std::sync::Arc::default(),
    };
    let failed = chunks.failed.clone();
    let stream = tokio_stream::iter(chunks);
    let made = call
        .anywhere()?
        .call(async move |client| Ok(client.import_baseline(stream).await?.into_inner()));
    // A file that could not be read ends the stream early; that, not what the controller makes of it, is the reason.
    if let Some(error) = failed.lock().ok().and_then(|mut error| error.take()) {
        return Err(refuse(error));
    }
    super::one(Baseline::try_from(made?)?)
}

/// The files of an export as messages.
struct Chunks {
    directory: PathBuf,
    paths: std::vec::IntoIter<String>,
    open: Option<Open>,
    failed: std::sync::Arc<std::sync::Mutex<Option<anyhow::Error>>>,
}

struct Open {
    file: File,
    left: u64,
}

impl Iterator for Chunks {
    type Item = v1::ExportedFile;

    fn next(&mut self) -> Option<v1::ExportedFile> {
        match self.chunk() {
            Ok(chunk) => chunk,
            Err(error) => {
                if let Ok(mut failed) = self.failed.lock() {
                    *failed = Some(error);
                }
                None
            }
        }
    }
}

impl Chunks {
    fn chunk(&mut self) -> anyhow::Result<Option<v1::ExportedFile>> {
        let (path, mut open) = match self.open.take() {
            Some(open) => (String::new(), open),
            None => {
                let Some(path) = self.paths.next() else {
                    return Ok(None);
                };
                let full = self.directory.join(&path);
                let file = File::open(&full).with_context(|| format!("cannot read {}", full.display()))?;
                let left = file.metadata()?.len();
                (path, Open { file, left })
            }
        };
        let wanted = open.left.min(u64::try_from(UPLOAD_CHUNK)?);
        let mut bytes = vec![0; usize::try_from(wanted)?];
        open.file.read_exact(&mut bytes)?;
        open.left -= wanted;
        let last = open.left == 0;
        if !last {
            self.open = Some(open);
        }
        Ok(Some(v1::ExportedFile {
            path,
            bytes: bytes.into(),
            last,
        }))
    }
}

/// The digest of every file below a directory, by path.
pub(crate) fn digests(directory: &Path) -> Result<Sums, Failure> {
    let mut sums = Sums::new();
    walk(directory, "", &mut sums)
        .with_context(|| format!("cannot read {}", directory.display()))
        .map_err(|error| Failure::usage("unreadable", error))?;
    Ok(sums)
}

fn walk(directory: &Path, prefix: &str, sums: &mut Sums) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), sums)?;
        } else {
            sums.insert(path, Digest::of(&fs::read(entry.path())?));
        }
    }
    Ok(())
}
