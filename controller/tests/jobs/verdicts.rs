//! What a job answers, for each thing that can become of its targets.

use std::sync::Arc;

use netghost_core::artifact::certificate::{self, Predicate};
use netghost_core::artifact::json::Digest;
use netghost_core::diff::fleet::answer;
use netghost_core::fleet::Id;
use netghost_core::section::SectionName;
use netghost_proto::v1;
use tonic::Code;

use crate::place::{Place, Process, agent, all, baseline, drift, named};
use crate::reach::{Script, Scripted};

async fn two(place: &Place) -> Process {
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(2).await;
    process
}

#[tokio::test]
async fn a_baseline_is_complete_partial_or_not_made() {
    let place = Place::new();
    let process = two(&place).await;
    let whole = process.run(baseline("whole", all())).await;
    assert_eq!((whole.verdict.as_str(), whole.why.as_str()), ("complete", ""));
    assert!(whole.targets.iter().all(|target| target.state == "captured"));

    process.script(2, Script::Without(22, SectionName::Tc));
    let gap = process.run(baseline("gap", all())).await;
    assert_eq!(gap.verdict, "partial");
    assert_eq!(gap.why, "vm2: not captured: tc");

    process.script(2, Script::Refuses);
    let partial = process.run(baseline("partial", all())).await;
    assert_eq!(partial.verdict, "partial");
    assert_eq!(partial.targets[1].why, "refused: not today");
    let show = v1::ShowBaselineRequest {
        name: "partial".to_owned(),
    };
    let shown = process
        .client
        .clone()
        .show_baseline(show)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(shown.members.len(), 2);
    assert!(shown.members[1].manifest.is_empty() && shown.members[1].why.contains("not today"));

    process.script(1, Script::Lies);
    let none = process.run(baseline("none", all())).await;
    assert_eq!(none.verdict, "failed");
    assert!(none.targets[0].why.contains("missing"), "{}", none.targets[0].why);
    let mut client = process.client.clone();
    let listed = client.list_baselines(v1::ListBaselinesRequest {});
    let names = listed
        .await
        .unwrap()
        .into_inner()
        .baselines
        .into_iter()
        .map(|row| row.name);
    assert_eq!(names.collect::<Vec<_>>(), ["gap", "partial", "whole"]);
    assert_eq!(process.audited("baseline.create", "done").await, 3);
    assert_eq!(process.audited("baseline.create", "failed").await, 1);
}

#[tokio::test]
async fn drift_goes_before_unknown_and_unknown_before_no_drift() {
    let place = Place::new();
    let process = two(&place).await;
    process.run(baseline("golden", all())).await;
    let cases = [
        (Script::Port(22), Script::Port(22), "no_drift"),
        (Script::Port(22), Script::Port(23), "drift"),
        (Script::Port(22), Script::Refuses, "unknown"),
        (Script::Port(23), Script::Refuses, "drift"),
        (Script::Port(22), Script::Panics, "unknown"),
        (Script::Port(22), Script::Lies, "unknown"),
        (
            Script::Port(22),
            Script::Without(22, SectionName::Routes),
            "unknown",
        ),
        (
            Script::Without(23, SectionName::Routes),
            Script::Port(22),
            "drift",
        ),
    ];
    for (one, other, wanted) in cases {
        process.script(1, one.clone());
        process.script(2, other.clone());
        let job = process.run(drift("golden", all())).await;
        assert_eq!(job.verdict, wanted, "{one:?} {other:?}");
        let document = process.document(&job).await;
        assert_eq!(document["verdict"], wanted);
        assert_eq!(document["schema"], "netghost.drift_check/v1");
        assert_eq!(document["asked_by"], "local");
        assert_eq!(document["ticket"], "CHG-1");
        let missing = document["not_covered"].as_array().unwrap();
        let missing = missing.iter().any(|row| row["requested"] == true);
        let readable = |script: &Script| matches!(script, Script::Port(_));
        assert_eq!(
            missing,
            !(readable(&one) && readable(&other)),
            "{one:?} {other:?}"
        );
    }
}

#[tokio::test]
async fn one_certificate_is_over_all_targets() {
    let place = Place::new();
    let process = two(&place).await;
    process.run(baseline("golden", all())).await;
    process.script(2, Script::Port(23));
    let job = process.run(drift("golden", all())).await;
    let signed = process.object(&job.certificate).await;
    let key = process.controller.signer.public().clone();
    let verified = certificate::verify(&signed, &[key]).unwrap();
    let Predicate::Drift(stated) = &verified.statement.predicate else {
        panic!("{:?}", verified.statement);
    };
    assert_eq!(stated.verdict.to_string(), "drift");
    let targets = stated.covered.iter().map(|row| row.target.to_string());
    let targets: std::collections::BTreeSet<_> = targets.collect();
    assert_eq!(
        targets.into_iter().collect::<Vec<_>>(),
        ["vm1", "vm2"],
        "told apart by the agents' names"
    );
    assert_eq!(stated.changes.list[0].target.to_string(), "vm2");
    assert_eq!(
        verified.statement.subject.len(),
        5,
        "the seal, and two manifests each"
    );
    for target in &job.targets {
        let manifest = process.object(&target.manifest).await;
        assert!(verified.subject(&manifest).is_some());
        let own = process.object(&target.document).await;
        let own: serde_json::Value = serde_json::from_slice(&own).unwrap();
        assert_eq!(
            (&own["schema"], &own["verdict"]),
            (&"netghost.diff/v1".into(), &target.verdict.as_str().into())
        );
    }
    let document = process.document(&job).await;
    assert_eq!(document["certificate"], Digest::of(&signed).to_string());
    let id = Id::parse(&job.id).unwrap();
    assert_eq!(stated.answer, Some(answer(id, &document).unwrap()));
    assert_eq!(document["changes"][0]["target"], "vm2");
    assert_eq!((job.targets[0].changes, job.targets[1].changes > 0), (0, true));
}

#[tokio::test]
async fn who_is_no_member_or_gone_is_unknown_never_clean() {
    let place = Place::new();
    let process = two(&place).await;
    process.run(baseline("one", named(&["vm1"]))).await;
    let both = process.run(drift("one", named(&["vm1", "vm2"]))).await;
    assert_eq!(both.verdict, "unknown");
    assert!(
        both.targets[1].why.starts_with("no baseline of it"),
        "{}",
        both.targets[1].why
    );
    let calls = process.reach.calls.lock().unwrap().len();
    assert_eq!(calls, 2, "vm2 is not asked");

    let members = process.run(drift("one", all())).await;
    assert_eq!(members.verdict, "no_drift", "all: the members");
    let document = process.document(&members).await;
    let aside = document["not_covered"].as_array().unwrap().iter();
    let aside: Vec<_> = aside.filter(|row| row["target"] == "vm2").collect();
    assert!(
        aside.len() == 1 && aside[0]["requested"] == false,
        "and who else is there is told"
    );

    for sql in [
        "UPDATE identities SET revoked_at_us = 5 WHERE name = 'vm1'",
        "UPDATE identities SET revoked_at_us = 5 WHERE name = 'vm2'",
    ] {
        sqlx::query(sql)
            .execute(process.controller.store.pool())
            .await
            .unwrap();
        let gone = process.run(drift("one", all())).await;
        assert_eq!(gone.verdict, "unknown");
        assert!(gone.why.contains("no member"), "zero targets: {}", gone.why);
        let document = process.document(&gone).await;
        let told = document["not_covered"].as_array().unwrap().iter();
        assert!(
            told.clone()
                .any(|row| row["target"] == "vm1" && row["requested"] == true),
            "{document}"
        );
    }
}

fn web() -> Option<v1::Selector> {
    let tag = v1::Tag {
        key: "role".to_owned(),
        value: "web".to_owned(),
    };
    Some(v1::Selector {
        tags: vec![tag],
        ..v1::Selector::default()
    })
}

#[tokio::test]
async fn a_member_that_is_gone_is_unknown_also_where_a_tag_selects() {
    let place = Place::new();
    let process = two(&place).await;
    for number in [1, 2] {
        sqlx::query("INSERT INTO agent_tags (identity, key, value) VALUES ($1, 'role', 'web')")
            .bind(agent(number).to_string())
            .execute(process.controller.store.pool())
            .await
            .unwrap();
    }
    process.run(baseline("base", all())).await;
    process.run(baseline("of1", named(&["vm1"]))).await;
    let whole = process.run(drift("base", web())).await;
    assert_eq!((whole.verdict.as_str(), whole.targets.len()), ("no_drift", 2));

    let unknown = async |why: &str| {
        let job = process.run(drift("base", web())).await;
        assert_eq!(job.verdict, "unknown", "{why}");
        let lost = job.targets.iter().find(|target| target.name == "vm2").unwrap();
        assert!(lost.why.contains(why), "{}", lost.why);
        let document = process.document(&job).await;
        let mut rows = document["not_covered"].as_array().unwrap().iter();
        assert!(rows.any(|row| row["target"] == "vm2" && row["requested"] == true));
        let other = process.run(drift("of1", web())).await;
        assert_eq!(
            other.verdict, "no_drift",
            "who is gone and no member is not asked for"
        );
    };
    let mut client = process.client.clone();
    let revoke = v1::RevokeRequest {
        selector: named(&["vm2"]),
        reason: "it was taken over".to_owned(),
    };
    client.revoke_agents(revoke).await.unwrap();
    unknown("revoked: it was taken over").await;
    for name in ["vm2", "vm1"] {
        let selector = named(&[name]);
        client
            .remove_agents(v1::RemoveRequest { selector })
            .await
            .unwrap();
        if name == "vm2" {
            unknown("revoked: it was taken over").await;
        }
    }
    let nobody = process.run(drift("base", web())).await;
    assert_eq!((nobody.verdict.as_str(), nobody.targets.len()), ("unknown", 2));
    let why = &nobody.targets[0].why;
    assert!(why.contains("removed"), "{why}");
    process.enrol_as(3, "vm2").await;
    let again = process.run(drift("base", named(&["vm2"]))).await;
    assert!(
        again.targets[0].why.starts_with("no baseline of it"),
        "a new one is no member"
    );
}

#[tokio::test]
async fn a_member_that_was_not_read_stays_unknown() {
    let place = Place::new();
    let process = two(&place).await;
    process.script(2, Script::Refuses);
    process.run(baseline("part", all())).await;
    process.script(2, Script::Port(22));
    for selector in [all(), named(&["vm1", "vm2"])] {
        let job = process.run(drift("part", selector)).await;
        assert_eq!(job.verdict, "unknown");
        assert_eq!(job.targets[0].verdict, "no_drift");
        assert!(job.targets[1].why.contains("not today"), "{}", job.targets[1].why);
    }
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong() {
    let place = Place::new();
    let process = two(&place).await;
    process.run(baseline("golden", all())).await;
    let refused = async |request: v1::StartJobRequest| process.begin(request).await.unwrap_err().code();
    assert_eq!(refused(baseline("golden", all())).await, Code::AlreadyExists);
    assert_eq!(refused(baseline("../x", all())).await, Code::InvalidArgument);
    assert_eq!(refused(baseline("x", None)).await, Code::InvalidArgument);
    assert_eq!(refused(baseline("x", named(&[]))).await, Code::InvalidArgument);
    assert_eq!(refused(baseline("x", named(&["nobody"]))).await, Code::NotFound);
    assert_eq!(refused(drift("nothing", all())).await, Code::NotFound);
    let mut odd = drift("golden", all());
    odd.id = "7".to_owned();
    assert_eq!(refused(odd).await, Code::InvalidArgument);
    let mut empty = drift("golden", all());
    empty.kind = None;
    assert_eq!(refused(empty).await, Code::InvalidArgument);
    let nothing = v1::WatchJobRequest {
        id: "07070707-0707-4707-8707-070707070707".to_owned(),
    };
    let status = process.client.clone().watch_job(nothing).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}
