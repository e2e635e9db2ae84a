//! A baseline from files: nothing of it has a name before all of it was checked.
//!
//! The seal must be by a key that this controller knows: its own, one that it had, or one that an admin named as trusted.
//! The key in the export is for people; it proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{Stream, StreamExt};
use netghost_core::artifact::certificate::{self, VerifyError};
use netghost_core::artifact::dsse::EnvelopeError;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::audit::{Event, Outcome};
use netghost_core::job::baseline::Baseline;
use netghost_core::job::export::{File, SUMS, SUMS_LIMIT, read_sums};
use netghost_proto::v1;
use tonic::Status;

use super::export::named;
use super::row;
use crate::Controller;
use crate::audit;
use crate::caller::User;
use crate::jobs::{Broken, known_keys, load, name_taken};
use crate::store::baselines::BaselineRow;
use crate::store::{Error, baselines};

fn refused(why: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("the exported baseline is not taken: {why}"))
}

/// Checks everything, then gives it its name.
pub(super) async fn import<S>(controller: &Controller, user: &User, stream: S) -> Result<BaselineRow, Status>
where
    S: Stream<Item = Result<v1::ExportedFile, Status>> + Unpin + Send,
{
    let mut files = Files { stream };
    let sums = files.next(SUMS, SUMS_LIMIT).await?;
    let sums = String::from_utf8(sums).map_err(|_| refused(format_args!("{SUMS} is no text")))?;
    let listed = read_sums(&sums).map_err(refused)?;
    let mut rest = listed.as_slice();
    let mut head = async |wanted: File| {
        let Some(((file, digest), after)) = rest.split_first().filter(|((file, _), _)| *file == wanted)
        else {
            return Err(refused(format_args!("{} is missing", wanted.path())));
        };
        rest = after;
        files.checked(file, digest).await
    };
    let document = head(File::Baseline).await?;
    let seal = head(File::Seal).await?;
    let key = head(File::Key).await?;
    let baseline = Baseline::read(&document).map_err(|error| refused(chain(&error)))?;
    sealed(controller, &baseline, (&document, &seal, &key)).await?;
    free(controller, &baseline.name).await?;
    content(controller, &mut files, &baseline, rest).await?;
    files.end().await?;
    for member in &baseline.members {
        let Some(digest) = member.manifest else { continue };
        load(controller, &digest).await.map_err(|broken| match broken {
            Broken::Content(why) => refused(format_args!("{}: {why}", member.name)),
            Broken::Store(error) => error.into(),
        })?;
    }
    controller.store.put_object(document).await?;
    let seal = controller.store.put_object(seal).await?;
    name(controller, user, &baseline, seal).await
}

fn chain(error: &dyn std::error::Error) -> String {
    crate::jobs::chain(error)
}

/// Holds the seal to the baseline and to a known key.
async fn sealed(
    controller: &Controller,
    baseline: &Baseline,
    (document, seal, key): (&[u8], &[u8], &[u8]),
) -> Result<(), Status> {
    let keys = known_keys(controller).await?;
    let verified = certificate::verify(seal, &keys).map_err(|error| match error {
        VerifyError::Envelope(EnvelopeError::UnknownKey { keyids }) => Status::failed_precondition(format!(
            "the baseline was sealed by key {}, which this controller does not know: if the controller that it belongs \
             to is trusted, have `netghost-controller key trust` run with that key on this controller's host",
            keyids.iter().take(4).map(|id| id.escape_debug().take(64).collect()).collect::<Vec<String>>().join(", ")
        )),
        error => refused(format_args!("its seal: {}", chain(&error))),
    })?;
    let told = std::str::from_utf8(key)
        .ok()
        .and_then(|pem| PublicKey::from_pem(pem).ok());
    if told.is_none_or(|key| key.id() != verified.keyid) {
        return Err(refused(format_args!(
            "{} is not the key that sealed it",
            File::Key.path()
        )));
    }
    baseline
        .is_sealed_by(document, &verified.statement)
        .map_err(|error| refused(chain(&error)))
}

async fn free(controller: &Controller, name: &Name) -> Result<(), Status> {
    let mut connection = controller.store.pool().acquire().await.map_err(Error::from)?;
    match baselines::baseline(&mut connection, name.as_str()).await? {
        Some(_) => Err(name_taken(name.as_str())),
        None => Ok(()),
    }
}

/// Takes manifests and objects: exactly those that the sealed document and the manifests name.
async fn content<S>(
    controller: &Controller,
    files: &mut Files<S>,
    baseline: &Baseline,
    listed: &[(File, Digest)],
) -> Result<(), Status>
where
    S: Stream<Item = Result<v1::ExportedFile, Status>> + Unpin + Send,
{
    let mut wanted: BTreeMap<File, Digest> = baseline
        .members
        .iter()
        .filter_map(|member| Some((File::Manifest(member.name.clone()), member.manifest?)))
        .collect();
    let mut objects = BTreeSet::new();
    for (file, digest) in listed {
        let needed = match file {
            File::Manifest(_) => wanted.remove(file) == Some(*digest),
            File::Object(address) => wanted.is_empty() && objects.remove(address),
            _ => false,
        };
        if !needed {
            return Err(refused(format_args!("{} does not belong to it", file.path())));
        }
        let bytes = files.checked(file, digest).await?;
        if matches!(file, File::Manifest(_)) {
            objects.extend(named(&bytes).map_err(|error| refused(chain(&error)))?);
        }
        controller.store.put_object(bytes).await?;
    }
    let missing = wanted.keys().map(File::path).next();
    match missing.or_else(|| objects.first().map(|digest| File::Object(*digest).path())) {
        Some(path) => Err(refused(format_args!("{path} is missing"))),
        None => Ok(()),
    }
}

async fn name(
    controller: &Controller,
    user: &User,
    baseline: &Baseline,
    seal: Digest,
) -> Result<BaselineRow, Status> {
    let mut transaction = controller.store.begin().await?;
    if !baselines::insert(&mut transaction, "", baseline, seal).await? {
        return Err(name_taken(baseline.name.as_str()));
    }
    let event = Event::new(user.actor(), "baseline.import", Outcome::Done)
        .target(&baseline.name)
        .with("seal", seal)
        .with("members", baseline.members.len());
    audit::append(&mut transaction, controller.outside.now_us(), event).await?;
    transaction.commit().await.map_err(Error::from)?;
    row(controller, baseline.name.as_str()).await
}

/// Files as they arrive.
struct Files<S> {
    stream: S,
}

impl<S: Stream<Item = Result<v1::ExportedFile, Status>> + Unpin + Send> Files<S> {
    /// The next file, which must have this path and at most so many bytes.
    async fn next(&mut self, path: &str, limit: usize) -> Result<Vec<u8>, Status> {
        let mut bytes = Vec::new();
        let mut first = true;
        loop {
            let chunk = self.stream.next().await;
            let chunk = chunk.ok_or_else(|| refused(format_args!("it ends before {path}")))??;
            let expected = if first { path } else { "" };
            if chunk.path != expected {
                let other: String = chunk.path.escape_debug().take(80).collect();
                return Err(refused(format_args!("{other:?} comes where {path} was to come")));
            }
            if bytes.len() + chunk.bytes.len() > limit {
                return Err(refused(format_args!("{path} is longer than {limit} bytes")));
            }
            bytes.extend_from_slice(&chunk.bytes);
            if chunk.last {
                return Ok(bytes);
            }
            if chunk.bytes.is_empty() {
                return Err(refused(format_args!("{path} comes in empty pieces")));
            }
            first = false;
        }
    }

    /// The next file, with this digest.
    async fn checked(&mut self, file: &File, digest: &Digest) -> Result<Vec<u8>, Status> {
        let path = file.path();
        let bytes = self.next(&path, file.limit()).await?;
        match Digest::of(&bytes) {
            found if found == *digest => Ok(bytes),
            found => Err(refused(format_args!(
                "{path} was edited: its digest is {found}, {SUMS} says {digest}"
            ))),
        }
    }

    /// Nothing may follow.
    async fn end(&mut self) -> Result<(), Status> {
        match self.stream.next().await {
            None => Ok(()),
            Some(_) => Err(refused("something follows that it does not list")),
        }
    }
}
