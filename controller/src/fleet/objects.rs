//! Objects.

use futures_util::StreamExt;
use netghost_proto::{convert, v1};
use prost::bytes::Bytes;
use tonic::Status;

use super::Replies;
use crate::Controller;
use crate::caller::User;
use crate::store::Error;

/// The longest chunk, bytes.
const CHUNK: usize = 64 * 1024;

/// An object's bytes. Its digest is checked before the first is sent.
pub(super) async fn fetch_object(
    controller: &Controller,
    _user: &User,
    request: v1::FetchObjectRequest,
) -> Result<Replies<v1::ObjectChunk>, Status> {
    let digest = convert::digest("digest", &request.digest)?;
    let bytes: Bytes = match controller.store.get_object(&digest).await {
        Err(Error::Missing { .. }) => return Err(Status::not_found(format!("there is no object {digest}"))),
        bytes => bytes?.into(),
    };
    let chunks = (0..bytes.len().div_ceil(CHUNK)).map(move |number| {
        let from = number * CHUNK;
        let bytes = bytes.slice(from..bytes.len().min(from + CHUNK));
        Ok(v1::ObjectChunk { bytes })
    });
    Ok(futures_util::stream::iter(chunks).boxed())
}
