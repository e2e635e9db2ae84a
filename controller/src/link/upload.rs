//! Takes one object, in chunks.

use netghost_core::artifact::json::Digest;
use netghost_core::audit::Outcome as Ended;
use netghost_core::fleet::Id;
use netghost_proto::convert::{self, BadField};
use netghost_proto::{UPLOAD_CHUNK, v1};
use prost::bytes::Bytes;
use tonic::{Code, Status, Streaming};

use super::manifest;
use super::partial::Partial;
use super::presence::event;
use super::registry::Ending;
use super::share::{self, Share};
use super::uploads::{Turn, superseded_by_another};
use crate::caller::Agent;
use crate::{Controller, metrics};

/// The largest object, bytes.
const OBJECT: u64 = 64 * 1024 * 1024;
/// The largest manifest, bytes.
const MANIFEST: u64 = 4 * 1024 * 1024;

/// What is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    digest: Digest,
    size: u64,
    offset: u64,
    /// The command whose manifest it is.
    manifest: Option<Id>,
}

impl TryFrom<v1::UploadStart> for Start {
    type Error = Status;

    fn try_from(start: v1::UploadStart) -> Result<Self, Status> {
        let digest = convert::digest("start.digest", &start.digest)?;
        let (limit, what) = if start.manifest {
            (MANIFEST, "a manifest")
        } else {
            (OBJECT, "an object")
        };
        if start.size > limit {
            let size = start.size;
            let why = format!("{what} of {size} bytes: at most {limit} are taken");
            return Err(Status::resource_exhausted(why));
        }
        if start.size == 0 {
            return Err(BadField::new("start.size", "an object has at least one byte").into());
        }
        if start.offset > start.size {
            return Err(BadField::new("start.offset", "behind the end").into());
        }
        let manifest = match (start.manifest, start.command.as_str()) {
            (true, command) => Some(convert::id("start.command", command)?),
            (false, _) => None,
        };
        Ok(Self {
            digest,
            size: start.size,
            offset: start.offset,
            manifest,
        })
    }
}

/// Takes an upload. What has arrived stays if the caller goes away, so that the next call goes on from there; it is removed
/// if it can't become the object any more.
pub(super) async fn receive(
    controller: Controller,
    agent: Agent,
    chunks: Streaming<v1::UploadChunk>,
) -> Result<v1::UploadReply, Status> {
    controller.links.shared().uploads.sweep(&controller).await?;
    let mut chunks = Chunks {
        seat: controller.links.watch(agent.id),
        controller: controller.clone(),
        chunks,
        superseded: None,
    };
    let missing = || BadField::new("start", "the first chunk of an upload says what it is");
    let first = chunks.next().await?.ok_or_else(missing)?;
    let start = Start::try_from(first.start.ok_or_else(missing)?)?;
    let stored = match start.manifest {
        Some(command) => manifest::is_taken(&controller, &agent, command, &start.digest).await?,
        None => controller.store.has_object(&start.digest).await?,
    };
    if stored {
        return Ok(v1::UploadReply { stored: start.size });
    }
    let open = share::open(&controller, &agent, start.manifest).await?;
    let turn = Turn::take(&controller, agent.id, start.digest, start.size).await?;
    chunks.superseded = Some(turn.superseded.clone());
    let mut share = Share::take(&controller, agent.id, &open, start.size)?;
    let mut partial = Partial::open(&controller.store, agent.id, start.digest).await?;
    if partial.length > 0 && controller.store.has_object(&start.digest).await? {
        // A manifest whose bytes are stored, but which was not taken yet: this process was killed between the two. `Missing`
        // does not name it any more, so its sender begins anew.
        partial.remove().await?;
        partial = Partial::open(&controller.store, agent.id, start.digest).await?;
    }
    let upload = Upload {
        controller,
        agent,
        start,
        partial,
    };
    // The turn is held until nothing is written any more.
    let reply = upload.run(first.bytes, chunks).await;
    if reply.as_ref().is_ok_and(|reply| reply.stored == start.size) {
        share.keep();
    }
    drop(share);
    drop(turn);
    reply
}

/// The chunks of an upload, until the caller is revoked, is silent, or sends the same by another call.
struct Chunks {
    controller: Controller,
    chunks: Streaming<v1::UploadChunk>,
    seat: tokio::sync::watch::Receiver<super::registry::Seat>,
    superseded: Option<tokio_util::sync::CancellationToken>,
}

impl Chunks {
    async fn next(&mut self) -> Result<Option<v1::UploadChunk>, Status> {
        let superseded = async {
            match &self.superseded {
                Some(superseded) => superseded.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let limit = self.controller.links.shared().timings.chunk;
        let chunk = tokio::select! {
            biased;
            seat = self.seat.wait_for(|seat| seat.revoked.is_some()) => {
                let why = seat.ok().and_then(|seat| seat.revoked.clone()).unwrap_or_default();
                return Err(Ending::Revoked(why).status());
            }
            () = superseded => return Err(superseded_by_another()),
            chunk = tokio::time::timeout(limit, self.chunks.message()) => chunk,
        };
        let silent =
            |_| Status::deadline_exceeded(format!("no chunk within {limit:?}: what arrived is kept"));
        let chunk = chunk.map_err(silent)?.map_err(|status| match status.code() {
            Code::OutOfRange => too_long(status.message()),
            Code::Internal => Status::invalid_argument(format!("not a chunk: {}", status.message())),
            _ => status,
        })?;
        match chunk {
            Some(chunk) if chunk.bytes.len() > UPLOAD_CHUNK => Err(too_long(&chunk.bytes.len().to_string())),
            chunk => Ok(chunk),
        }
    }
}

fn too_long(what: &str) -> Status {
    Status::resource_exhausted(format!("a chunk has at most {UPLOAD_CHUNK} bytes: {what}"))
}

struct Upload {
    controller: Controller,
    agent: Agent,
    start: Start,
    partial: Partial,
}

impl Upload {
    async fn run(mut self, first: Bytes, chunks: Chunks) -> Result<v1::UploadReply, Status> {
        if self.partial.length > self.start.size {
            self.partial.remove().await?;
            return Err(Status::aborted(
                "more arrived before than the object has: go on from offset 0",
            ));
        }
        if self.partial.length != self.start.offset {
            let stored = self.partial.length;
            return Err(Status::aborted(format!(
                "{stored} bytes have arrived: go on from offset {stored}"
            )));
        }
        let taken = self.take(first, chunks).await;
        match taken {
            Ok(()) if self.partial.length == self.start.size => self.finish().await,
            Ok(()) => Ok(v1::UploadReply {
                stored: self.partial.length,
            }),
            Err(status) if hopeless(status.code()) => {
                self.refuse(&status).await?;
                Err(status)
            }
            Err(status) => Err(status),
        }
    }

    /// Takes chunks until the caller has sent its last.
    async fn take(&mut self, first: Bytes, mut chunks: Chunks) -> Result<(), Status> {
        let mut next = Some(first);
        let mut at_first = true;
        while let Some(bytes) = next {
            let left = self.start.size - self.partial.length;
            let length = bytes.len() as u64;
            if length > left {
                let size = self.start.size;
                let why = format!("more bytes than the {size} that were declared");
                return Err(Status::invalid_argument(why));
            }
            if length > 0 {
                self.partial.append(bytes).await?;
                metrics::UPLOADED_BYTES.add(length);
            } else if !at_first {
                return Err(Status::invalid_argument("a chunk without bytes"));
            }
            at_first = false;
            next = match chunks.next().await {
                Ok(Some(chunk)) if chunk.start.is_some() => {
                    return Err(Status::invalid_argument("a second start in one upload"));
                }
                Ok(chunk) => chunk.map(|chunk| chunk.bytes),
                Err(status) => {
                    self.partial.sync().await?;
                    return Err(status);
                }
            };
        }
        self.partial.sync().await
    }

    /// Checks the whole and puts it into the store.
    async fn finish(self) -> Result<v1::UploadReply, Status> {
        let controller = self.controller.clone();
        let finishing = &controller.links.shared().uploads.finishing;
        // One at a time would do; none would mean that the process ends.
        let _permit = finishing
            .acquire()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let bytes = self.partial.read().await?;
        let (digest, bytes) = tokio::task::spawn_blocking(move || (Digest::of(&bytes), bytes))
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        if digest != self.start.digest {
            let wanted = self.start.digest;
            let why = format!("the bytes that arrived have the digest {digest}, not {wanted}: begin anew");
            let status = Status::data_loss(why);
            self.refuse(&status).await?;
            return Err(status);
        }
        let taken = match self.start.manifest {
            Some(command) => manifest::take(&self.controller, &self.agent, command, bytes).await,
            None => self
                .controller
                .store
                .put_object(bytes)
                .await
                .map(drop)
                .map_err(Status::from),
        };
        let stored = self.start.size;
        match taken {
            Err(status) if self.start.manifest.is_some() || hopeless(status.code()) => {
                self.refuse(&status).await?;
                Err(status)
            }
            Err(status) => Err(status),
            Ok(()) => {
                self.partial.remove().await?;
                Ok(v1::UploadReply { stored })
            }
        }
    }

    /// Removes what arrived and writes down why.
    async fn refuse(self, status: &Status) -> Result<(), Status> {
        self.partial.remove().await?;
        tracing::warn!(agent = %self.agent.name, digest = %self.start.digest, status = status.message(), "refused an upload");
        let event = event(&self.agent, "upload.refuse", Ended::Denied)
            .target(self.start.digest)
            .with("code", format!("{:?}", status.code()))
            .with("why", status.message());
        // Such as they are, there may be many: what can't be written down does not change the answer.
        self.controller.refused(event).await;
        Ok(())
    }
}

/// True if what has arrived can't become the object: it is wrong, or there is no room for it.
fn hopeless(code: Code) -> bool {
    matches!(
        code,
        Code::InvalidArgument | Code::ResourceExhausted | Code::DataLoss
    )
}
