//! A store that was edited gives unknown, never a clean answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use netghost_controller::store::objects;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Manifest;
use netghost_proto::v1;
use sqlx::Row;

use crate::place::{Place, Process, all, baseline, drift};
use crate::reach::{Script, Scripted};

async fn sealed(place: &Place) -> (Process, v1::Baseline) {
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(2).await;
    let job = process.run(baseline("golden", all())).await;
    assert_eq!(job.verdict, "complete");
    let show = v1::ShowBaselineRequest {
        name: "golden".to_owned(),
    };
    let shown = process.client.clone().show_baseline(show).await.unwrap();
    (process, shown.into_inner())
}

fn file(place: &Place, digest: &[u8]) -> PathBuf {
    let digest = Digest::from(<[u8; 32]>::try_from(digest).unwrap());
    place.path.join("objects").join(objects::path(&digest).as_ref())
}

async fn check(process: &Process, what: &str) -> v1::Job {
    let job = process.run(drift("golden", all())).await;
    assert_eq!(job.verdict, "unknown", "{what}");
    assert_eq!(
        process.document(&job).await["drift_detected"],
        serde_json::Value::Null
    );
    job
}

#[tokio::test]
async fn a_lost_or_edited_object_makes_its_target_unknown() {
    for edited in [false, true] {
        for object in [false, true] {
            let place = Place::new();
            let (process, shown) = sealed(&place).await;
            let manifest = process.object(&shown.members[1].manifest).await;
            let path = if object {
                let entry = &Manifest::read(&manifest).unwrap().sections[0];
                file(&place, entry.config_digest.unwrap().as_bytes())
            } else {
                file(&place, &shown.members[1].manifest)
            };
            if edited {
                let mut bytes = std::fs::read(&path).unwrap();
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                std::fs::write(&path, bytes).unwrap();
            } else {
                std::fs::remove_file(&path).unwrap();
            }
            let job = process.run(drift("golden", all())).await;
            let word = if edited { "edited or damaged" } else { "missing" };
            // Both have one configuration: an object that both stand on is stored once, and written again by whoever reads.
            if object && !edited {
                assert_eq!(job.verdict, "no_drift", "the agents brought it again");
                continue;
            }
            assert_eq!(job.verdict, "unknown");
            assert!(job.targets[1].why.contains(word), "{}", job.targets[1].why);
            if !object {
                assert_eq!(
                    job.targets[0].verdict, "no_drift",
                    "the other target is not harmed"
                );
            }
        }
    }
}

#[tokio::test]
async fn edited_rows_are_not_believed() {
    let edits = [
        "UPDATE baseline_members SET manifest = (SELECT manifest FROM job_targets WHERE name = 'vm1') WHERE name = 'vm2'",
        "UPDATE baseline_members SET not_captured = 'tc' WHERE name = 'vm2'",
        "DELETE FROM baseline_members WHERE name = 'vm2'",
        "UPDATE baselines SET created_at_us = 1",
        "UPDATE baselines SET created_by = 'eve'",
    ];
    for edit in edits {
        let place = Place::new();
        let (process, _) = sealed(&place).await;
        sqlx::query(edit)
            .execute(process.controller.store.pool())
            .await
            .unwrap();
        let job = check(&process, edit).await;
        let told = format!("{} {}", job.why, job.targets[0].why);
        assert!(
            told.contains("edited") || told.contains("missing"),
            "{edit}: {told}"
        );
    }
}

#[tokio::test]
async fn a_lost_or_foreign_seal_makes_all_unknown() {
    let place = Place::new();
    let (process, shown) = sealed(&place).await;
    let seal = file(&place, &shown.seal);
    let bytes = std::fs::read(&seal).unwrap();
    std::fs::remove_file(&seal).unwrap();
    let job = check(&process, "lost").await;
    assert!(job.why.contains("missing") && job.targets.iter().all(|target| target.verdict == "unknown"));
    std::fs::write(&seal, bytes).unwrap();
    let again = process.run(drift("golden", all())).await;
    assert_eq!(again.verdict, "no_drift");

    let other = netghost_core::artifact::key::Signer::from_seed(&[3; 32]).unwrap();
    let statement = netghost_core::artifact::certificate::peek(&std::fs::read(&seal).unwrap())
        .unwrap()
        .0;
    let forged = netghost_core::artifact::certificate::sign(&statement, &other).unwrap();
    let digest = process.controller.store.put_object(forged).await.unwrap();
    sqlx::query("UPDATE baselines SET seal = $1")
        .bind(digest.to_string())
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    let job = check(&process, "forged").await;
    assert!(job.why.contains("none of the keys"), "{}", job.why);
}

#[tokio::test]
async fn a_damaged_row_of_a_job_ends_it_unknown() {
    let place = Place::new();
    let (process, _) = sealed(&place).await;
    process.script(
        1,
        crate::reach::Script::Late(22, std::time::Duration::from_millis(300)),
    );
    let job = process.begin(drift("golden", all())).await.unwrap();
    sqlx::query("DELETE FROM baseline_members")
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    sqlx::query("DELETE FROM baselines")
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    let ended = process.watch(&job.id).await.pop().unwrap();
    assert_eq!(ended.verdict, "unknown");
    assert!(ended.why.contains("baseline golden"), "{}", ended.why);
}

/// Waits until a job has ended, by its row: its targets can't be shown.
async fn ended(process: &Process, id: &str) -> (String, String) {
    for _ in 0..500 {
        let row = sqlx::query("SELECT verdict, why FROM jobs WHERE id = $1 AND state = 'ended'")
            .bind(id.to_owned())
            .fetch_optional(process.controller.store.pool())
            .await
            .unwrap();
        if let Some(row) = row {
            return (row.get("verdict"), row.get("why"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn a_job_whose_targets_cant_be_read_ends() {
    let edit_target = "UPDATE job_targets SET document = 'zz' WHERE job = $1";
    let cases = [
        (drift("golden", all()), "drift.check", "done", "unknown"),
        (baseline("other", all()), "baseline.create", "failed", "failed"),
    ];
    for (request, action, outcome, wanted) in cases {
        let place = Place::new();
        let (process, _) = sealed(&place).await;
        process.script(1, Script::Late(22, Duration::from_millis(300)));
        let job = process.begin(request).await.unwrap();
        sqlx::query(edit_target)
            .bind(job.id.clone())
            .execute(process.controller.store.pool())
            .await
            .unwrap();
        let (verdict, why) = ended(&process, &job.id).await;
        assert_eq!(verdict, wanted);
        assert!(why.contains("zz"), "{why}");
        assert_eq!(process.audited(action, outcome).await, 1);
    }
}

#[tokio::test]
async fn a_damaged_row_of_a_job_keeps_no_other_from_running() {
    let place = Place::new();
    let (process, _) = sealed(&place).await;
    let insert = "INSERT INTO jobs (id, kind, state, request, baseline, started_at_us, deadline_at_us, asked_by) \
                  VALUES ('zz', 'drift', 'running', '', 'golden', 1, 2, 'eve')";
    sqlx::query(insert)
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    netghost_controller::jobs::resume(&process.controller)
        .await
        .unwrap();
    process.script(1, Script::Late(22, Duration::from_millis(300)));
    let job = process.begin(drift("golden", all())).await.unwrap();
    sqlx::query("UPDATE jobs SET certificate = 'zz', document = 'zz' WHERE id = $1")
        .bind(job.id.clone())
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    let job = process.watch(&job.id).await.pop().unwrap();
    assert_eq!(
        job.verdict, "no_drift",
        "what a running job has made is not there yet"
    );
}

#[tokio::test]
async fn a_manifest_that_was_not_taken_for_the_command_is_not_believed() {
    let place = Place::new();
    let (process, shown) = sealed(&place).await;
    let golden = Digest::from(<[u8; 32]>::try_from(&shown.members[1].manifest[..]).unwrap());
    let cases = [
        (drift("golden", all()), "unknown"),
        (baseline("other", all()), "partial"),
    ];
    for (request, wanted) in cases {
        process.script(1, Script::Slow(22, Duration::from_millis(600)));
        process.script(2, Script::Port(23));
        let job = process.begin(request).await.unwrap();
        let mut edited = 0;
        while edited == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let edit =
                "UPDATE job_targets SET manifest = $1 WHERE job = $2 AND name = 'vm2' AND state = 'captured'";
            let done = sqlx::query(edit).bind(golden.to_string()).bind(job.id.clone());
            let done = done.execute(process.controller.store.pool()).await.unwrap();
            edited = done.rows_affected();
        }
        let ended = process.watch(&job.id).await.pop().unwrap();
        assert_eq!(ended.verdict, wanted);
        let why = &ended.targets[1].why;
        assert!(why.contains("not taken for its command"), "{why}");
    }
}
