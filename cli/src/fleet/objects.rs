//! Documents of the controller, by digest.

use netghost_core::artifact::json::Digest;
use netghost_proto::v1;
use tonic::Status;

use super::{Client, Fleet};
use crate::error::Failure;

/// The largest document that is taken, in bytes: changes on a thousand VMs are far below.
const LARGEST: usize = 1024 * 1024 * 1024;

impl Fleet {
    /// The content at an address, its digest checked.
    pub fn object(&mut self, digest: &Digest) -> Result<Vec<u8>, Failure> {
        let wanted = *digest;
        let bytes = self.read(async move |client| fetch(client, &wanted).await)?;
        if Digest::of(&bytes) == wanted {
            return Ok(bytes);
        }
        let error = anyhow::anyhow!("the controller sent other content for object {wanted}");
        Err(Failure::failed("edited", error).hint("restore the controller's store from a backup"))
    }
}

async fn fetch(client: &mut Client, digest: &Digest) -> Result<Vec<u8>, Status> {
    let request = v1::FetchObjectRequest {
        digest: digest.as_bytes().to_vec().into(),
    };
    let mut chunks = client.fetch_object(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.message().await? {
        if bytes.len() + chunk.bytes.len() > LARGEST {
            return Err(Status::internal(format!(
                "object {digest} is larger than {LARGEST} bytes"
            )));
        }
        bytes.extend_from_slice(&chunk.bytes);
    }
    Ok(bytes)
}
