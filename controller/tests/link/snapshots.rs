//! Snapshots that a scripted agent uploads.

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::{self, Meta, Stored};
use netghost_core::fleet::Id;
use netghost_core::section::coverage::coverage;
use netghost_core::section::{Content, DECODER, Reader, Section, SectionName, State};
use netghost_core::snapshot::{Snapshot, Target};
use netghost_core::tc::{TcConfig, TcRuntime};
use netghost_proto::v1;
use netghost_proto::v1::link_client::LinkClient;
use tonic::Status;
use tonic::transport::Channel;

/// A snapshot of a host with one section.
pub(crate) fn snapshot(taken_at_us: u64) -> Snapshot {
    let sections = vec![Section {
        name: SectionName::Tc,
        state: State::Captured,
        reader: Reader::Kernel,
        decoder: DECODER,
        taken_at_us,
        generation: None,
        content: Some(Content::Tc {
            config: TcConfig::default(),
            runtime: TcRuntime::default(),
        }),
        raw: None,
        gaps: Vec::new(),
        warnings: Vec::new(),
    }];
    Snapshot {
        namespaces: None,
        target: Target::Host {
            name: "vm1".into(),
            boot_id: None,
            kernel: "6.18.0".to_owned(),
        },
        tool: "netghost-agent 0.1.0".to_owned(),
        taken_at_us,
        coverage: coverage(&sections),
        sections,
    }
}

pub(crate) fn stored(taken_at_us: u64) -> Stored {
    manifest::store(&snapshot(taken_at_us), &Meta::default()).unwrap()
}

/// What an upload says first, from the beginning.
pub(crate) fn start(bytes: &[u8], command: Option<Id>) -> v1::UploadStart {
    v1::UploadStart {
        digest: Digest::of(bytes).as_bytes().to_vec().into(),
        size: bytes.len() as u64,
        offset: 0,
        manifest: command.is_some(),
        command: command.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// The chunks of some bytes, of this length each.
pub(crate) fn chunks(start: v1::UploadStart, bytes: &[u8], length: usize) -> Vec<v1::UploadChunk> {
    let mut chunks: Vec<v1::UploadChunk> = bytes
        .chunks(length)
        .map(|bytes| v1::UploadChunk {
            start: None,
            bytes: bytes.to_vec().into(),
        })
        .collect();
    if chunks.is_empty() {
        chunks.push(v1::UploadChunk::default());
    }
    chunks[0].start = Some(start);
    chunks
}

/// Uploads some bytes as they are said to be.
pub(crate) async fn send(
    client: &mut LinkClient<Channel>,
    start: v1::UploadStart,
    bytes: &[u8],
) -> Result<u64, Status> {
    let chunks = chunks(start, bytes, 64 * 1024);
    let reply = crate::harness::within(client.upload(tokio_stream::iter(chunks))).await?;
    Ok(reply.into_inner().stored)
}

/// Uploads a snapshot for a command, objects first.
pub(crate) async fn deliver(
    client: &mut LinkClient<Channel>,
    stored: &Stored,
    command: Id,
) -> Result<u64, Status> {
    for (_, bytes) in &stored.objects {
        send(client, start(bytes, None), bytes).await?;
    }
    let bytes = &stored.manifest_bytes;
    send(client, start(bytes, Some(command)), bytes).await
}

/// How much of this digest has arrived; nothing if it is stored.
pub(crate) async fn missing(client: &mut LinkClient<Channel>, digest: &Digest) -> Option<u64> {
    let request = v1::MissingRequest {
        digests: vec![digest.as_bytes().to_vec().into()],
    };
    let reply = crate::harness::within(client.missing(request))
        .await
        .unwrap()
        .into_inner();
    reply.missing.first().map(|object| object.offset)
}
