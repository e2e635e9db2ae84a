//! Backups of a store with objects.

use std::fs;

use netghost_controller::audit;
use netghost_controller::backup::{self, Error};
use netghost_controller::outside::Outside;
use netghost_controller::store::{Store, objects};
use netghost_core::artifact::json::Digest;

use crate::place::{Place, is_clean};

async fn with_object(place: &Place, content: &[u8]) -> Digest {
    let digest = place.store().put_object(content.to_vec()).await.unwrap();
    sqlx::query(
        "INSERT INTO jobs (id, kind, state, request, started_at_us, deadline_at_us, asked_by, document) \
         VALUES ($1, 'drift', 'ended', '', 1, 1, '', $1)",
    )
    .bind(digest.to_string())
    .execute(place.store().pool())
    .await
    .unwrap();
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_taken_while_the_store_is_written() {
    let place = Place::sqlite().await;
    let digest = with_object(&place, b"content").await;
    let controller = place.controller.clone();
    let writer = tokio::spawn(async move {
        for number in 0..200 {
            crate::place::append(&controller, number).await;
        }
    });
    let to = place.below("backup");
    backup::write(place.store(), &to, &Outside::real()).await.unwrap();
    writer.await.unwrap();
    assert!(is_clean(&place.path));
    let checked = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(&to)
        .status()
        .unwrap();
    assert!(checked.success());
    let restored = place.below("restored");
    let (about, whole) = backup::restore(&to, &restored, None, &Outside::real())
        .await
        .unwrap();
    assert_eq!(whole.objects, 1);
    assert_eq!(
        about.controller,
        place
            .store()
            .controller_id(&Outside::real())
            .await
            .unwrap()
            .to_string()
    );
    let store = Store::open(&restored, None).await.unwrap();
    assert_eq!(store.get_object(&digest).await.unwrap(), b"content");
    // One more: that it was restored.
    assert_eq!(
        audit::whole(&store, &[]).await.unwrap().records,
        whole.audit.records + 1
    );
    store.pool().close().await;
    let again = backup::restore(&to, &restored, None, &Outside::real()).await;
    assert!(matches!(again, Err(Error::Exists(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_gives_no_backup() {
    let place = Place::sqlite().await;
    let digest = with_object(&place, b"content").await;
    let file = place
        .state()
        .join("objects")
        .join(objects::path(&digest).as_ref());
    fs::write(&file, b"Content").unwrap();
    let to = place.below("backup");
    let refused = backup::write(place.store(), &to, &Outside::real()).await;
    assert!(matches!(refused, Err(Error::Object(_))), "{refused:?}");
    assert!(!to.exists() && is_clean(&place.path));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_is_named_and_not_there_is_missed() {
    let place = Place::sqlite().await;
    let digest = with_object(&place, b"content").await;
    let file = place
        .state()
        .join("objects")
        .join(objects::path(&digest).as_ref());
    fs::remove_file(&file).unwrap();
    let to = place.below("backup");
    backup::write(place.store(), &to, &Outside::real()).await.unwrap();
    let restored = place.below("restored");
    let refused = backup::restore(&to, &restored, None, &Outside::real()).await;
    assert!(matches!(refused, Err(Error::Missing { .. })), "{refused:?}");
    assert!(is_clean(&restored) && !restored.join("pki").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_sums_do_not_hide_an_edited_log() {
    let place = Place::sqlite().await;
    place.append(3).await;
    audit::sign(&place.controller).await.unwrap();
    place.edit("DELETE FROM audit_records WHERE sequence = 2").await;
    // The backup of an edited store has the right sums.
    let to = place.below("backup");
    backup::write(place.store(), &to, &Outside::real()).await.unwrap();
    let refused = backup::restore(&to, &place.below("restored"), None, &Outside::real()).await;
    assert!(matches!(refused, Err(Error::Audit(_))), "{refused:?}");
}
