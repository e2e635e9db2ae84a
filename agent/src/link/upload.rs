//! Brings a snapshot from the spool to the controller.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use futures_util::StreamExt;
use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Id;
use netghost_proto::v1::link_client::LinkClient;
use netghost_proto::{convert, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::machine::Uploaded;
use super::wire::of_status;
use crate::capture::chain;
use crate::order::Failed;
use crate::spool::{self, Parcel, Spool};

/// How much goes in one message. Smaller than what the wire allows: a control message waits for one chunk at most.
const CHUNK: usize = 64 * 1024;
/// How many objects go at once.
const AT_ONCE: usize = 2;
/// How many digests are asked for in one message, so that the answer stays small.
const ASKED: usize = 300;
/// How long the reader of a file may take to see that its upload is over.
const READER: std::time::Duration = std::time::Duration::from_secs(5);
/// How often the controller is asked anew what it lacks, where what it said does not hold any more.
const ROUNDS: usize = 4;

/// Why an upload stopped.
#[derive(Debug)]
enum Stop {
    /// What the controller has is not what it said: ask it again.
    Again(String),
    /// The connection failed.
    Cut(String),
    /// It will not succeed.
    Failed(Failed),
}

impl From<spool::Error> for Stop {
    fn from(error: spool::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        let why = of_status(&status);
        match status.code() {
            Code::Aborted | Code::FailedPrecondition => Self::Again(why),
            Code::InvalidArgument
            | Code::DataLoss
            | Code::ResourceExhausted
            | Code::OutOfRange
            | Code::Unimplemented => Self::Failed(Failed::new(
                "refused",
                format_args!("the controller did not take the snapshot: {why}"),
            )),
            _ => Self::Cut(why),
        }
    }
}

/// Uploads the snapshot of a command: what the controller lacks, from where it stopped, the manifest last.
pub(super) async fn upload(channel: Channel, spool: Arc<Spool>, id: Id) -> Uploaded {
    let mut last = String::new();
    for _ in 0..ROUNDS {
        match round(&channel, &spool, id).await {
            Ok(manifest) => return Uploaded::Whole(manifest),
            Err(Stop::Again(why)) => last = why,
            Err(Stop::Cut(why)) => {
                tracing::warn!(command = %id, why, "an upload was cut");
                return Uploaded::Cut;
            }
            Err(Stop::Failed(failed)) => return Uploaded::Failed(failed),
        }
    }
    let message = format!("the controller did not take the snapshot in {ROUNDS} tries: {last}");
    Uploaded::Failed(Failed::new("refused", message))
}

async fn round(channel: &Channel, spool: &Arc<Spool>, id: Id) -> Result<Digest, Stop> {
    let parcel = spool.parcel(id)?;
    let missing = missing(channel, &parcel).await?;
    let mut sends = Vec::new();
    for (digest, size) in &parcel.objects {
        if let Some(offset) = missing.get(digest) {
            let part = Part {
                digest: *digest,
                size: *size,
                offset: *offset,
                manifest_of: None,
            };
            sends.push(send(channel.clone(), spool.clone(), part));
        }
    }
    let mut sending = futures_util::stream::iter(sends).buffer_unordered(AT_ONCE);
    while let Some(sent) = sending.next().await {
        sent?;
    }
    let (digest, size) = parcel.manifest;
    let part = Part {
        digest,
        size,
        offset: missing.get(&digest).copied().unwrap_or(0),
        manifest_of: Some(id),
    };
    // Also where the controller has these bytes: they are to belong to this command.
    send(channel.clone(), spool.clone(), part).await?;
    Ok(digest)
}

/// What the controller lacks of a parcel, and from where on.
async fn missing(channel: &Channel, parcel: &Parcel) -> Result<BTreeMap<Digest, u64>, Stop> {
    let mut client = LinkClient::new(channel.clone());
    let mut missing = BTreeMap::new();
    let all: Vec<Digest> = parcel
        .objects
        .iter()
        .chain([&parcel.manifest])
        .map(|(digest, _)| *digest)
        .collect();
    for digests in all.chunks(ASKED) {
        let digests = digests.iter().map(|digest| digest.as_bytes().to_vec().into());
        let request = v1::MissingRequest {
            digests: digests.collect(),
        };
        for object in client.missing(request).await?.into_inner().missing {
            let digest = convert::digest("digest", &object.digest).map_err(|error| {
                Stop::Failed(Failed::new(
                    "internal",
                    format_args!("the controller's answer: {error}"),
                ))
            })?;
            missing.insert(digest, object.offset);
        }
    }
    Ok(missing)
}

/// Something to be sent.
#[derive(Debug, Clone, Copy)]
struct Part {
    digest: Digest,
    size: u64,
    offset: u64,
    manifest_of: Option<Id>,
}

async fn send(channel: Channel, spool: Arc<Spool>, mut part: Part) -> Result<(), Stop> {
    if part.offset > part.size {
        part.offset = 0;
    }
    let (chunks, sent) = mpsc::channel(2);
    let path = spool.object(part.digest);
    let reading = tokio::task::spawn_blocking(move || read(&path, part, &chunks));
    let reply = LinkClient::new(channel).upload(ReceiverStream::new(sent)).await;
    // The reader ends when nobody takes its chunks any more. Its error is why the upload has none.
    match tokio::time::timeout(READER, reading).await {
        Ok(Ok(Err(error))) => {
            return Err(Stop::Failed(Failed::new(
                "internal",
                format_args!("read the spool: {}", chain(&error)),
            )));
        }
        Ok(Err(error)) => return Err(Stop::Failed(Failed::new("internal", chain(&error)))),
        // What the controller answered counts, also where it did not take all.
        Ok(Ok(Ok(()))) | Err(_) => {}
    }
    let stored = reply?.into_inner().stored;
    if stored == part.size {
        Ok(())
    } else {
        Err(Stop::Again(format!(
            "it has {stored} of {} bytes of {}",
            part.size, part.digest
        )))
    }
}

/// Reads a part from its file into `chunks`, as long as somebody takes them.
fn read(path: &std::path::Path, part: Part, chunks: &mpsc::Sender<v1::UploadChunk>) -> io::Result<()> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(part.offset))?;
    let mut left = part.size.saturating_sub(part.offset);
    let mut start = Some(v1::UploadStart {
        digest: part.digest.as_bytes().to_vec().into(),
        size: part.size,
        offset: part.offset,
        manifest: part.manifest_of.is_some(),
        command: part.manifest_of.map(|id| id.to_string()).unwrap_or_default(),
    });
    while left > 0 || start.is_some() {
        let length = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        left = left.saturating_sub(length as u64);
        let chunk = v1::UploadChunk {
            start: start.take(),
            bytes: bytes.into(),
        };
        if chunks.blocking_send(chunk).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
