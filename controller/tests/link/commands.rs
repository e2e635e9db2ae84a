//! Commands, and how they end.

use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_proto::v1::agent_message::Kind as Say;
use netghost_proto::v1::command::Kind;
use sqlx::Row;

use crate::harness::{Site, command, until, within};
use crate::snapshots::{deliver, stored};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_target_reads_itself() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let mut ordered = site.order(vm1.id, command(1), LONG);
    let told = agent.command().await;
    assert_eq!(told.id, command(1).to_string());
    assert!((50_000..=60_000).contains(&told.lifetime_ms), "{told:?}");
    assert!(matches!(told.kind, Some(Kind::Capture(_))));
    agent.say(Say::CommandStarted(told.id)).await;
    within(ordered.begun.recv()).await.unwrap();
    let stored = stored(1);
    let size = deliver(&mut agent.client, &stored, command(1)).await.unwrap();
    assert_eq!(size, stored.manifest_bytes.len() as u64);
    agent.captured(command(1), &stored.artifact_digest()).await;
    assert_eq!(ordered.outcome().await, Ok(stored.artifact_digest()));
    agent.acknowledged(command(1)).await;
    let kept = site
        .controller
        .store
        .get_object(&stored.artifact_digest())
        .await
        .unwrap();
    assert_eq!(kept, stored.manifest_bytes);
    assert_eq!(site.files("uploads"), Vec::<String>::new());
    for (action, count) in [("command.send", 1), ("snapshot.store", 1), ("command.finish", 1)] {
        assert_eq!(site.audited(action).await, count, "{action}");
    }

    // Asked again, the stored answer serves: nobody is asked.
    let again = site.order(vm1.id, command(1), LONG).outcome().await;
    assert_eq!(again, Ok(stored.artifact_digest()));
    assert_eq!(site.audited("command.send").await, 1);
}

#[tokio::test]
async fn the_first_word_on_a_command_stands() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let first = site.order(vm1.id, command(1), LONG);
    let second = site.order(vm1.id, command(1), LONG);
    agent.command().await;
    agent.command().await;
    agent.failed(command(1), "disk_full").await;
    agent.acknowledged(command(1)).await;
    assert_eq!(first.refusal().await.code, "disk_full");
    assert_eq!(second.refusal().await.code, "disk_full");
    // The same again, and something else: both are acknowledged, neither changes anything.
    let third = site.order(vm1.id, command(1), LONG);
    assert_eq!(third.refusal().await.message, "as the script says");
    agent.failed(command(1), "disk_full").await;
    agent.acknowledged(command(1)).await;
    agent.failed(command(1), "internal").await;
    agent.acknowledged(command(1)).await;
    assert_eq!(
        site.order(vm1.id, command(1), LONG).refusal().await.code,
        "disk_full"
    );
    assert_eq!(site.audited("command.finish").await, 1);
}

#[tokio::test]
async fn a_command_is_told_again_after_a_reconnect() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    let ordered = site.order(vm1.id, command(1), LONG);
    let first = agent.command().await;
    drop(agent);
    until(async || !site.controller.links.is_connected(vm1.id)).await;
    let mut agent = site.welcomed(&vm1, "p2").await;
    let again = agent.command().await;
    assert_eq!(again.id, first.id);
    assert!(again.lifetime_ms <= first.lifetime_ms);
    // The link goes away once more, and the word comes right after the next Hello.
    drop(agent);
    until(async || !site.controller.links.is_connected(vm1.id)).await;
    let mut agent = site.welcomed(&vm1, "p2").await;
    agent.failed(command(1), "refused").await;
    assert_eq!(ordered.refusal().await.code, "refused");
    assert_eq!(agent.command().await.id, first.id);
    agent.acknowledged(command(1)).await;
    assert_eq!(site.audited("command.send").await, 1);
}

#[tokio::test]
async fn an_agent_that_is_away_is_waited_for() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let ordered = site.order(vm1.id, command(1), LONG);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut agent = site.welcomed(&vm1, "p1").await;
    assert_eq!(agent.command().await.id, command(1).to_string());
    agent.failed(command(1), "internal").await;
    assert_eq!(ordered.refusal().await.code, "internal");
}

#[tokio::test]
async fn a_lifetime_that_ends_says_why() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let short = Duration::from_millis(150);
    let never = site.order(vm1.id, command(1), short).refusal().await;
    assert_eq!(never.code, "offline");
    assert!(never.message.contains("never was connected"), "{never:?}");
    let agent = site.welcomed(&vm1, "p1").await;
    let slow = site.order(vm1.id, command(2), short).refusal().await;
    assert_eq!(slow.code, "expired");
    drop(agent);
    until(async || site.audited("agent.disconnect").await == 1).await;
    let gone = site.order(vm1.id, command(3), short).refusal().await;
    assert_eq!(gone.code, "offline");
    assert!(gone.message.contains("last seen"), "{gone:?}");
    let nobody = site.order(command(9), command(4), short).refusal().await;
    assert_eq!(nobody.code, "internal");
}

#[tokio::test]
async fn a_manifest_that_was_not_uploaded_is_not_believed() {
    let site = Site::new().await;
    let (vm1, vm2) = (site.agent("vm1").await, site.agent("vm2").await);
    let mut agent = site.welcomed(&vm1, "p1").await;
    let ordered = site.order(vm1.id, command(1), LONG);
    agent.command().await;
    agent.captured(command(1), &Digest::of(b"never sent")).await;
    let refused = ordered.refusal().await;
    assert_eq!(refused.code, "refused");
    assert!(refused.message.contains("did not upload"), "{refused:?}");
    agent.acknowledged(command(1)).await;

    // Nor is that of another command or another agent.
    let stored = stored(1);
    let first = site.order(vm1.id, command(2), LONG);
    agent.command().await;
    deliver(&mut agent.client, &stored, command(2)).await.unwrap();
    let second = site.order(vm1.id, command(3), LONG);
    agent.command().await;
    agent.captured(command(3), &stored.artifact_digest()).await;
    assert_eq!(second.refusal().await.code, "refused");
    let mut other = site.welcomed(&vm2, "p2").await;
    let third = site.order(vm2.id, command(4), LONG);
    other.command().await;
    let status = deliver(&mut other.client, &stored, command(4)).await.unwrap_err();
    crate::harness::says(&status, tonic::Code::InvalidArgument, "another command");
    other.captured(command(4), &stored.artifact_digest()).await;
    assert_eq!(third.refusal().await.code, "refused");
    agent.acknowledged(command(3)).await;
    agent.captured(command(2), &stored.artifact_digest()).await;
    assert_eq!(first.outcome().await, Ok(stored.artifact_digest()));
}

#[tokio::test]
async fn the_end_of_a_command_that_nobody_gave_is_dropped() {
    let site = Site::new().await;
    let (vm1, vm2) = (site.agent("vm1").await, site.agent("vm2").await);
    let mut agent = site.welcomed(&vm1, "p1").await;
    agent.failed(command(1), "internal").await;
    agent.acknowledged(command(1)).await;
    // One that was given to another agent is not this one's to end.
    let ordered = site.order(vm2.id, command(2), Duration::from_millis(500));
    tokio::time::sleep(Duration::from_millis(50)).await;
    agent.failed(command(2), "internal").await;
    agent.acknowledged(command(2)).await;
    assert_eq!(ordered.refusal().await.code, "offline");
    let rows = sqlx::query("SELECT COUNT(*) AS rows FROM commands")
        .fetch_one(site.controller.store.pool())
        .await
        .unwrap();
    assert_eq!(rows.get::<i64, _>("rows"), 0);
}

#[tokio::test]
async fn a_revoked_agent_is_not_asked() {
    let site = Site::new().await;
    let vm1 = site.agent("vm1").await;
    let _agent = site.welcomed(&vm1, "p1").await;
    let running = site.order(vm1.id, command(1), LONG);
    tokio::time::sleep(Duration::from_millis(50)).await;
    site.controller.links.revoke(vm1.id, "gone");
    assert_eq!(running.refusal().await.code, "revoked");
    assert_eq!(
        site.order(vm1.id, command(2), LONG).refusal().await.code,
        "revoked"
    );
}
