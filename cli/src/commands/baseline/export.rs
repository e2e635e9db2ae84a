//! Writes a baseline into a directory: whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use netghost_core::artifact::certificate;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::artifact::sums::{self, Sums};
use netghost_core::job::baseline::Baseline;
use netghost_core::job::export::{File as Listed, SUMS, read_sums};
use netghost_proto::v1;
use serde::Serialize;
use tonic::Status;

use crate::commands::Call;
use crate::documents::document;
use crate::error::Failure;
use crate::exit;
use crate::fleet::{Client, Fleet};
use crate::output::{Outcome, must_be_free};
use crate::store::atomic::{self, Made};

/// The schema of an export.
pub(crate) const SCHEMA: &str = "netghost.export/v1";
/// The seal's file.
const SEAL: &str = "seal.dsse.json";

/// What was written.
#[derive(Debug, Serialize)]
pub(crate) struct Export {
    /// Where.
    pub(crate) directory: String,
    /// Paths below it, sorted.
    pub(crate) files: Vec<String>,
}

/// An error on the way to disk, so that the directory can be made by a function of io errors.
struct Stopped(Failure);

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self(Failure::failed("write", error))
    }
}

/// Runs it.
pub(super) fn run(name: &Name, directory: &Path, call: &Call<'_>) -> Result<Outcome, Failure> {
    must_be_free(directory)?;
    let mut fleet = call.anywhere()?;
    let mut files = Vec::new();
    // A bare name has the empty parent, which can't be opened.
    let place = Path::new(".").join(directory);
    let made = atomic::create_directory(&place, |temporary| {
        let received = fleet.call(async |client| receive(client, name, temporary).await);
        files = received
            .and_then(|()| check(temporary, &mut fleet))
            .map_err(Stopped)?;
        Ok::<(), Stopped>(())
    });
    match made {
        Err(Stopped(failure)) => {
            return Err(failure.context(format!("cannot export {name} to {}", directory.display())));
        }
        Ok(Made::Existed) => must_be_free(directory)?,
        Ok(Made::New) => {}
    }
    let text = format!(
        "{name}: {} files in {}; check them with `sha256sum -c {}` there\n",
        files.len(),
        directory.display(),
        SUMS
    );
    let export = Export {
        directory: directory.display().to_string(),
        files,
    };
    Ok(Outcome {
        status: exit::Status::Good,
        text,
        document: document(SCHEMA, export)?,
    })
}

/// Writes what comes.
async fn receive(client: &mut Client, name: &Name, directory: &Path) -> Result<(), Status> {
    let request = v1::ShowBaselineRequest {
        name: name.to_string(),
    };
    let mut chunks = client.export_baseline(request).await?.into_inner();
    let disk = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| Status::aborted(format!("write {path}: {error}"))
    };
    let mut open: Option<(PathBuf, File)> = None;
    while let Some(chunk) = chunks.message().await? {
        let (path, mut file) = match open.take() {
            Some(open) => open,
            None => {
                let path = below(directory, &chunk.path)?;
                let file = create(&path).map_err(disk(&path))?;
                (path, file)
            }
        };
        file.write_all(&chunk.bytes).map_err(disk(&path))?;
        if chunk.last {
            file.sync_all().map_err(disk(&path))?;
        } else {
            open = Some((path, file));
        }
    }
    match open {
        Some((path, _)) => Err(Status::data_loss(format!(
            "the export ends within {}",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// A path that leads nowhere else, below the directory.
fn below(directory: &Path, path: &str) -> Result<PathBuf, Status> {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if path.split('/').all(plain) && path.bytes().all(letter) && path.len() <= 256 {
        Ok(directory.join(path))
    } else {
        Err(Status::data_loss(format!("a file can't have the path {path:?}")))
    }
}

/// Fails if the controller names a file twice.
fn create(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create_new(path)
}

/// The files that are named, in their order.
pub(super) fn listed(sums: &[u8]) -> anyhow::Result<Vec<(Listed, Digest)>> {
    let text = std::str::from_utf8(sums).with_context(|| format!("{SUMS} is no text"))?;
    Ok(read_sums(text)?)
}

/// Everything that is named is there, nothing else is, and it is sealed by a known key.
fn check(directory: &Path, fleet: &mut Fleet) -> Result<Vec<String>, Failure> {
    let read = |name: &str| {
        let path = directory.join(name);
        fs::read(&path).with_context(|| format!("the export has no {name}"))
    };
    let bad = |error: anyhow::Error| Failure::failed("edited", error);
    let named = listed(&read(SUMS).map_err(bad)?).map_err(bad)?;
    let mut there = super::import::digests(directory)?;
    there.remove(SUMS);
    let sums: Sums = named
        .iter()
        .map(|(file, digest)| (file.path(), *digest))
        .collect();
    sums::compare(&sums, &there).map_err(|error| bad(error.into()))?;
    let keys = fleet.keys()?;
    let seal = certificate::verify(&read(SEAL).map_err(bad)?, &keys)
        .context("the seal")
        .map_err(|error| Failure::act("bad_signature", error))?;
    let document = read(netghost_core::job::baseline::DOCUMENT).map_err(bad)?;
    let baseline = Baseline::read(&document).map_err(|error| bad(error.into()))?;
    baseline
        .is_sealed_by(&document, &seal.statement)
        .map_err(|error| bad(error.into()))?;
    let manifests = baseline.members.iter().filter_map(|member| member.manifest);
    let stored: Vec<&Digest> = there.values().collect();
    for manifest in manifests {
        if !stored.contains(&&manifest) {
            return Err(bad(anyhow!("the manifest {manifest} is missing")));
        }
    }
    let mut files: Vec<String> = there.into_keys().chain([SUMS.to_owned()]).collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn no_path_leads_out() {
        let directory = std::path::Path::new("/d");
        for path in ["a", "manifests/vm1.json", "objects/sha256/ab/cd"] {
            assert_eq!(below(directory, path).unwrap(), directory.join(path));
        }
        for path in [
            "",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "a b",
            "a\nb",
            "é",
        ] {
            assert!(below(directory, path).is_err(), "{path:?}");
        }
    }
}
