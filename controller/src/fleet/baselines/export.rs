//! A baseline as files.

use std::collections::BTreeSet;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Manifest;
use netghost_core::job::export::{File, SUMS, write_sums};
use netghost_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::jobs::{Broken, sealed};
use crate::store::Error;
use crate::store::baselines::BaselineRow;

/// Bytes of a chunk.
const CHUNK: usize = 256 * 1024;

/// A file and where its content is.
#[derive(Debug)]
pub(super) enum Content {
    /// Here.
    Bytes(Vec<u8>),
    /// In the store.
    Stored(Digest),
}

/// The files of a baseline in their order, the list of them first. Its seal and every manifest are good; the objects are
/// checked when they are read.
pub(super) async fn files(
    controller: &Controller,
    row: &BaselineRow,
) -> Result<Vec<(String, Content)>, Broken> {
    let sealed = sealed(controller, row).await?;
    let pem = sealed
        .key
        .to_pem()
        .map_err(|error| Broken::Content(format!("the key that sealed it: {error}")))?;
    let mut files = vec![
        (File::Baseline, Content::Bytes(sealed.document)),
        (File::Seal, Content::Bytes(sealed.seal)),
        (File::Key, Content::Bytes(pem.into_bytes())),
    ];
    let mut objects = BTreeSet::new();
    for member in sealed.baseline.members {
        let Some(digest) = member.manifest else { continue };
        let bytes = controller.store.get_object(&digest).await?;
        objects.extend(
            named(&bytes)
                .map_err(|why| Broken::Content(format!("the manifest of {}: {why}", member.name)))?,
        );
        files.push((File::Manifest(member.name), Content::Bytes(bytes)));
    }
    files.extend(
        objects
            .into_iter()
            .map(|digest| (File::Object(digest), Content::Stored(digest))),
    );
    let sums: Vec<(File, Digest)> = files
        .iter()
        .map(|(file, content)| {
            let digest = match content {
                Content::Bytes(bytes) => Digest::of(bytes),
                Content::Stored(digest) => *digest,
            };
            (file.clone(), digest)
        })
        .collect();
    let first = (SUMS.to_owned(), Content::Bytes(write_sums(&sums).into_bytes()));
    let rest = files.into_iter().map(|(file, content)| (file.path(), content));
    Ok([first].into_iter().chain(rest).collect())
}

/// The objects that a manifest names.
pub(super) fn named(
    manifest: &[u8],
) -> Result<BTreeSet<Digest>, netghost_core::artifact::manifest::LoadError> {
    let manifest = Manifest::read(manifest)?;
    let parts = |entry: &netghost_core::artifact::manifest::Entry| {
        [entry.config_digest, entry.runtime_digest, entry.raw_digest]
    };
    Ok(manifest.sections.iter().flat_map(parts).flatten().collect())
}

/// Sends the files one after the other, as fast as they are taken.
pub(super) fn stream(controller: Controller, files: Vec<(String, Content)>) -> Replies<v1::ExportedFile> {
    let (sender, receiver) = mpsc::channel(4);
    drop(tokio::spawn(async move {
        for (path, content) in files {
            let bytes = match content {
                Content::Bytes(bytes) => Ok(bytes),
                Content::Stored(digest) => controller.store.get_object(&digest).await,
            };
            if !send(&sender, path, bytes).await {
                return;
            }
        }
    }));
    Box::pin(ReceiverStream::new(receiver))
}

/// Sends one file. False when there is nothing more to be sent: it could not be read, or nobody listens.
async fn send(
    sender: &mpsc::Sender<Result<v1::ExportedFile, Status>>,
    path: String,
    bytes: Result<Vec<u8>, Error>,
) -> bool {
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) => {
            // Whether anybody hears it or not, it is over.
            drop(sender.send(Err(error.into())).await);
            return false;
        }
    };
    let mut path = Some(path);
    let mut rest = bytes.as_slice();
    loop {
        let (chunk, after) = rest.split_at_checked(CHUNK).unwrap_or((rest, &[]));
        rest = after;
        let file = v1::ExportedFile {
            path: path.take().unwrap_or_default(),
            bytes: chunk.to_vec().into(),
            last: rest.is_empty(),
        };
        if sender.send(Ok(file)).await.is_err() {
            return false;
        }
        if rest.is_empty() {
            return true;
        }
    }
}
