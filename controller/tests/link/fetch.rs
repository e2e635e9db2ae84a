//! Objects on their way out.

use netghost_core::artifact::json::Digest;
use netghost_proto::v1;
use tonic::Code;

use crate::harness::{Site, says, within};

#[tokio::test]
async fn an_object_comes_in_short_chunks_or_not_at_all() {
    let site = Site::new().await;
    let mut admin = site.admin().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
    let digest = site.controller.store.put_object(bytes.clone()).await.unwrap();
    let request = |digest: &Digest| v1::FetchObjectRequest {
        digest: digest.as_bytes().to_vec().into(),
    };
    let mut chunks = within(admin.fetch_object(request(&digest)))
        .await
        .unwrap()
        .into_inner();
    let mut fetched = Vec::new();
    while let Some(chunk) = within(chunks.message()).await.unwrap() {
        assert!(chunk.bytes.len() <= 64 * 1024);
        fetched.extend_from_slice(&chunk.bytes);
    }
    assert_eq!(fetched, bytes);
    let absent = admin
        .fetch_object(request(&Digest::of(b"absent")))
        .await
        .unwrap_err();
    says(&absent, Code::NotFound, "no object");
    let file = site
        .store()
        .join("objects")
        .join(netghost_controller::store::objects::path(&digest).as_ref());
    std::fs::write(file, "edited").unwrap();
    let damaged = admin.fetch_object(request(&digest)).await.unwrap_err();
    assert_eq!(damaged.code(), Code::DataLoss, "{damaged:?}");
    let short = v1::FetchObjectRequest {
        digest: vec![1].into(),
    };
    says(
        &admin.fetch_object(short).await.unwrap_err(),
        Code::InvalidArgument,
        "digest",
    );
}
