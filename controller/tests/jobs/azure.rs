//! Network interfaces as targets: what Azure says of them is sealed and compared, and what it did not say is never silent.

use std::sync::Arc;
use std::time::Duration;

use netghost_core::job::baseline::Baseline;
use netghost_core::section::SectionName;
use netghost_proto::v1;
use serde_json::json;
use tonic::Code;

use crate::place::{Place, Process, all, baseline, drift, named};
use crate::play::Says;
use crate::reach::{Script, Scripted};
use crate::sky::{GROUP, Sky, gate, in_azure, nic, nic_id, route, routes, rule, rules};
use crate::stage::{forbidden, list, not_found, of_group};

const ACTION: &str = "Microsoft.Network/networkInterfaces/effectiveRouteTable/action";

async fn process(place: &Place, sky: &Sky) -> Process {
    Process::start_in(&place.path, Arc::new(Scripted::default()), sky.login()).await
}

/// A baseline of the layer `azure`.
fn golden(selector: Option<v1::Selector>) -> v1::StartJobRequest {
    v1::StartJobRequest {
        layers: vec!["azure".to_owned()],
        deadline_ms: 30_000,
        ..baseline("golden", selector)
    }
}

fn check(selector: Option<v1::Selector>) -> v1::StartJobRequest {
    v1::StartJobRequest {
        deadline_ms: 30_000,
        ..drift("golden", selector)
    }
}

fn target<'a>(job: &'a v1::Job, name: &str) -> &'a v1::JobTarget {
    let wanted = nic_id(name);
    let mut targets = job.targets.iter();
    targets.find(|target| target.resource == wanted.as_str()).unwrap()
}

#[tokio::test]
async fn a_group_is_sealed_and_a_changed_rule_is_drift() {
    let (place, sky) = (Place::new(), Sky::of(&["web", "db"]));
    let process = process(&place, &sky).await;
    let job = process.run(golden(in_azure(&[GROUP]))).await;
    assert_eq!((job.verdict.as_str(), job.why.as_str()), ("complete", ""));
    assert_eq!(job.targets.len(), 2);
    assert!(
        job.targets
            .iter()
            .all(|target| target.way == "arm" && target.state == "captured")
    );
    assert_eq!(sky.asked("subnets/front"), 1, "what they share is asked for once");
    let document = process.object(&job.document).await;
    let sealed = Baseline::read(&document).unwrap();
    assert_eq!(sealed.members[1].resource, Some(nic_id("web")));

    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("no_drift", 2),
        "{job:?}"
    );
    let text = String::from_utf8(process.object(&job.document).await).unwrap();
    assert!(text.contains("\"way\":\"arm\"") && text.contains(nic_id("db").as_str()));

    // In another order it is the same.
    sky.with(
        "POST",
        &routes("web"),
        list(&[route("10.0.0.8"), route("10.0.0.9")]),
    );
    sky.with(
        "POST",
        &rules("web"),
        list(&[gate(&[rule("ssh", 22), rule("web", 80)])]),
    );
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "no_drift", "{job:?}");

    sky.with(
        "POST",
        &rules("web"),
        list(&[gate(&[rule("web", 80), rule("ssh", 23)])]),
    );
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "drift");
    assert_eq!(target(&job, "web").verdict, "drift");
    assert_eq!(target(&job, "db").verdict, "no_drift");
    let found = process.document(&job).await;
    assert_eq!(found["changes"][0]["target"], json!(nic_id("web").as_str()));
    assert!(
        found["changes"][0]["section"] == json!("effective-nsg"),
        "{}",
        found["changes"]
    );
    let certificate = String::from_utf8(process.object(&job.certificate).await).unwrap();
    assert!(!certificate.is_empty());

    // Each by itself: what is not selected is not compared.
    let job = process.run(check(in_azure(&[nic_id("db").as_str()]))).await;
    assert_eq!((job.verdict.as_str(), job.targets.len()), ("no_drift", 1));
    let job = process.run(check(in_azure(&["shop/web"]))).await;
    assert_eq!((job.verdict.as_str(), job.targets.len()), ("drift", 1));
    assert_eq!(process.audited("azure.discover", "done").await, 6);
}

#[tokio::test]
async fn what_is_refused_is_named_with_its_action() {
    let (place, sky) = (Place::new(), Sky::of(&["web", "db"]));
    let process = process(&place, &sky).await;
    assert_eq!(process.run(golden(in_azure(&[GROUP]))).await.verdict, "complete");
    sky.says("POST", &routes("web"), forbidden(ACTION));
    let mut other = golden(in_azure(&[GROUP]));
    if let Some(v1::start_job_request::Kind::Baseline(job)) = &mut other.kind {
        job.name = "partly".to_owned();
    }
    let job = process.run(other).await;
    assert_eq!(job.verdict, "partial");
    for why in [&job.why, &target(&job, "web").why] {
        assert!(
            why.contains(ACTION) && why.contains("AuthorizationFailed"),
            "{why}"
        );
    }
    assert!(job.why.contains(nic_id("web").as_str()), "{}", job.why);
    let sealed = Baseline::read(&process.object(&job.document).await).unwrap();
    let gaps: Vec<_> = sealed
        .members
        .iter()
        .map(|member| member.not_captured.clone())
        .collect();
    assert_eq!(gaps, [vec![], vec![SectionName::EffectiveRoutes]]);

    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(
        (job.verdict.as_str(), target(&job, "db").verdict.as_str()),
        ("unknown", "no_drift")
    );
    let why = &target(&job, "web").why;
    assert!(
        why.contains(ACTION) && why.contains("AuthorizationFailed"),
        "{why}"
    );
    // What was not captured once is unknown for ever.
    sky.with(
        "POST",
        &routes("web"),
        list(&[route("10.0.0.9"), route("10.0.0.8")]),
    );
    let job = process.run(drift("partly", in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "unknown");
    assert!(target(&job, "web").why.contains("effective-routes"), "{job:?}");
}

#[tokio::test]
async fn one_that_was_deleted_or_came_since_is_never_left_out() {
    let (place, sky) = (Place::new(), Sky::of(&["web", "db"]));
    let process = process(&place, &sky).await;
    process.run(golden(in_azure(&[GROUP]))).await;
    sky.with(
        "GET",
        &of_group("Microsoft.Network/networkInterfaces"),
        list(&[nic("db")]),
    );
    sky.with("GET", &of_group("Microsoft.Compute/virtualMachines"), list(&[]));
    for (method, end) in [
        ("GET", "/networkInterfaces/web-nic".to_owned()),
        ("GET", "/virtualMachines/web".to_owned()),
        ("POST", routes("web")),
        ("POST", rules("web")),
    ] {
        sky.says(method, &end, not_found());
    }
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("unknown", 2),
        "{job:?}"
    );
    let why = &target(&job, "web").why;
    assert!(
        why.starts_with("it no longer exists") && why.contains("ResourceNotFound"),
        "{why}"
    );
    // By the VM's name, too, as the baseline knows it.
    let job = process.run(check(in_azure(&["shop/web"]))).await;
    assert_eq!(job.verdict, "unknown");
    assert!(
        target(&job, "web").why.starts_with("it no longer exists"),
        "{job:?}"
    );

    let (place, sky) = (Place::new(), Sky::of(&["web", "db"]));
    let process = self::process(&place, &sky).await;
    process.run(golden(in_azure(&[nic_id("db").as_str()]))).await;
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(
        (job.verdict.as_str(), target(&job, "db").verdict.as_str()),
        ("unknown", "no_drift")
    );
    assert!(target(&job, "web").why.contains("no baseline of it"), "{job:?}");
}

#[tokio::test]
async fn a_list_that_is_refused_is_a_gap_of_its_own() {
    let (place, sky) = (Place::new(), Sky::of(&["web", "db"]));
    let process = process(&place, &sky).await;
    let sets = of_group("Microsoft.Compute/virtualMachineScaleSets");
    let action = "Microsoft.Compute/virtualMachineScaleSets/read";
    sky.says("GET", &sets, forbidden(action));
    let job = process.run(golden(in_azure(&[GROUP]))).await;
    assert_eq!((job.verdict.as_str(), job.targets.len()), ("partial", 3));
    let gap = job
        .targets
        .iter()
        .find(|target| target.state == "failed")
        .unwrap();
    assert!(
        gap.why.contains("the scale sets of") && gap.why.contains(action),
        "{gap:?}"
    );
    assert_eq!(gap.resource, GROUP);
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "unknown");
    assert_eq!(target(&job, "web").verdict, "no_drift");
    // What was not listed then could have been anything.
    sky.with("GET", &sets, list(&[]));
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "unknown", "{job:?}");
    let one = process.run(check(in_azure(&[nic_id("web").as_str()]))).await;
    assert_eq!(
        one.verdict, "no_drift",
        "a network interface that was named is not of the list"
    );
}

#[tokio::test]
async fn nothing_found_is_no_answer() {
    let (place, sky) = (Place::new(), Sky::of(&[]));
    let process = process(&place, &sky).await;
    let job = process.run(golden(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "failed");
    assert!(
        job.targets[0].why.contains("no network interface was found"),
        "{job:?}"
    );
    let job = process.run(golden(named(&["nobody"]))).await;
    assert_eq!(job.verdict, "failed");
    assert!(
        job.targets[0].why.contains("there is no VM \"nobody\""),
        "{job:?}"
    );

    let (place, sky) = (Place::new(), Sky::of(&["web"]));
    let process = self::process(&place, &sky).await;
    process.run(golden(in_azure(&["web"]))).await;
    let empty = format!("{GROUP}2");
    for kind in [
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/virtualMachineScaleSets",
    ] {
        sky.with("GET", &format!("{empty}/providers/{kind}"), list(&[]));
    }
    let job = process.run(check(in_azure(&[&empty]))).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("unknown", 1),
        "{job:?}"
    );
}

#[tokio::test]
async fn both_layers_of_an_agent_are_one_job() {
    let (place, sky) = (Place::new(), Sky::of(&["vm1", "vm2"]));
    let process = process(&place, &sky).await;
    process.enrol(3).await;
    let both = |mut request: v1::StartJobRequest| {
        request.layers = vec!["azure".to_owned(), "host".to_owned()];
        request.deadline_ms = 30_000;
        request
    };
    let job = process
        .run(both(baseline("golden", named(&["vm1", "vm2"]))))
        .await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("complete", 4),
        "{job:?}"
    );
    let ways: Vec<_> = job.targets.iter().map(|target| target.way.as_str()).collect();
    assert_eq!(ways, ["agent", "arm", "agent", "arm"]);
    // Nothing said: all that the baseline has.
    let job = process.run(check(all())).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("unknown", 5),
        "{job:?}"
    );
    let lost = job
        .targets
        .iter()
        .find(|target| target.name.starts_with("vm3."))
        .unwrap();
    assert!(lost.why.contains("there is no VM \"vm3\""), "{lost:?}");
    let job = process.run(check(named(&["vm1"]))).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("no_drift", 2),
        "{job:?}"
    );
    process.script(1, Script::Port(23));
    let job = process.run(check(named(&["vm1"]))).await;
    assert_eq!(job.verdict, "drift");
    let mut one = check(named(&["vm1"]));
    one.layers = vec!["azure".to_owned()];
    let job = process.run(one).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("no_drift", 1),
        "{job:?}"
    );
}

#[tokio::test]
async fn without_a_login_or_the_layer_it_is_refused() {
    let (place, sky) = (Place::new(), Sky::of(&["web"]));
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    let refused = process.begin(golden(in_azure(&[GROUP]))).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("[azure]"), "{refused}");
    let host = process
        .begin(baseline("golden", in_azure(&[GROUP])))
        .await
        .unwrap_err();
    assert_eq!(host.code(), Code::InvalidArgument);
    for wrong in [
        "a b",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r",
    ] {
        let refused = process.begin(golden(in_azure(&[wrong]))).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong}");
    }
    let mut odd = golden(in_azure(&[GROUP]));
    odd.layers = vec!["cloud".to_owned()];
    assert_eq!(
        process.begin(odd).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(sky.play.count(), 0);
}

#[tokio::test]
async fn the_deadline_leaves_nobody_unsaid() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let (place, sky) = (Place::new(), Sky::of(&names));
    let process = process(&place, &sky).await;
    process.run(golden(in_azure(&[GROUP]))).await;
    for name in names {
        let slow = Says::json(200, list(&[gate(&[rule("web", 80), rule("ssh", 22)])]));
        sky.says("POST", &rules(name), slow.thinks(Duration::from_millis(900)));
    }
    let mut request = crate::place::sweep("golden", 2, 0);
    request.selector = in_azure(&[GROUP]);
    request.deadline_ms = 2_000;
    let job = process.run(request).await;
    assert_eq!((job.verdict.as_str(), job.targets.len()), ("unknown", 6));
    let late: Vec<_> = job
        .targets
        .iter()
        .filter(|target| target.verdict == "unknown")
        .collect();
    assert!(
        !late.is_empty() && late.iter().all(|target| !target.why.is_empty()),
        "{job:?}"
    );
    assert!(
        job.targets.iter().any(|target| target.verdict == "no_drift"),
        "{job:?}"
    );
    assert!(
        late.iter().any(|target| target.why.contains("deadline")),
        "{job:?}"
    );
}

#[tokio::test]
async fn a_token_that_expires_midway_is_drawn_anew() {
    let (place, sky) = (Place::new(), Sky::of(&["web"]));
    let process = process(&place, &sky).await;
    process.run(golden(in_azure(&[GROUP]))).await;
    let expired = Says::error(
        401,
        "ExpiredAuthenticationToken",
        "The access token expiry is in the past.",
    );
    sky.says("POST", &routes("web"), expired);
    let job = process.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(job.verdict, "unknown");
    assert!(
        target(&job, "web").why.contains("ExpiredAuthenticationToken"),
        "{job:?}"
    );
    let tokens: std::collections::BTreeSet<String> = sky
        .play
        .came()
        .iter()
        .filter_map(|came| came.header("authorization").map(str::to_owned))
        .collect();
    assert!(tokens.len() >= 2, "{tokens:?}");
    sky.with(
        "POST",
        &routes("web"),
        list(&[route("10.0.0.9"), route("10.0.0.8")]),
    );
    assert_eq!(process.run(check(in_azure(&[GROUP]))).await.verdict, "no_drift");
}

#[tokio::test]
async fn a_schedule_keeps_what_it_means_in_azure() {
    let (place, sky) = (Place::new(), Sky::of(&["web"]));
    let process = process(&place, &sky).await;
    process.run(golden(in_azure(&[GROUP]))).await;
    let schedule = v1::Schedule {
        name: "nightly".to_owned(),
        sweep: Some(crate::place::sweep_job("golden", 0, 0)),
        selector: in_azure(&[GROUP]),
        every_ms: 60_000,
        deadline_ms: 30_000,
        layers: vec!["azure".to_owned()],
        ..v1::Schedule::default()
    };
    let stored = process
        .client
        .clone()
        .schedule_sweep(schedule)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stored.layers, ["azure"]);
    assert_eq!(stored.selector.unwrap().azure, [GROUP]);
    assert_eq!(
        netghost_controller::jobs::tick(&process.controller)
            .await
            .unwrap(),
        1
    );
    let runs = v1::ListRunsRequest {
        schedule: "nightly".to_owned(),
        ..v1::ListRunsRequest::default()
    };
    let runs = process
        .client
        .clone()
        .list_runs(runs)
        .await
        .unwrap()
        .into_inner()
        .runs;
    let job = process.watch(&runs[0].id).await.pop().unwrap();
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("no_drift", 1),
        "{job:?}"
    );
}

#[tokio::test]
async fn a_baseline_of_network_interfaces_is_imported_and_compared_elsewhere() {
    let (here, there, sky) = (Place::new(), Place::new(), Sky::of(&["web", "db"]));
    let one = process(&here, &sky).await;
    one.run(golden(in_azure(&[GROUP]))).await;
    let other = process(&there, &sky).await;
    let key = one.controller.signer.public().clone();
    netghost_controller::jobs::trust(&other.controller.store, 1, "test", &key)
        .await
        .unwrap();
    let files = crate::exports::exported(&one).await;
    let taken = crate::exports::import(&other, files).await.unwrap();
    assert!(
        taken
            .members
            .iter()
            .all(|member| member.way == "arm" && !member.resource.is_empty())
    );
    let job = other.run(check(in_azure(&[GROUP]))).await;
    assert_eq!(
        (job.verdict.as_str(), job.targets.len()),
        ("no_drift", 2),
        "{job:?}"
    );
}

#[test]
fn a_restart_goes_on_with_what_was_not_read() {
    let place = Place::new();
    let names = ["a", "b", "c", "d"];
    let sky = Sky::of(&names);
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let stuck = Says::json(200, list(&[])).thinks(Duration::from_secs(60));
    for name in ["c", "d"] {
        sky.says("POST", &rules(name), stuck.clone());
    }
    let request = golden(in_azure(&[GROUP]));
    let first = runtime();
    first.block_on(async {
        let process = process(&place, &sky).await;
        process.begin(request.clone()).await.unwrap();
        let captured = "SELECT COUNT(*) FROM job_targets WHERE state = 'captured'";
        for _ in 0..400 {
            let count: i64 = sqlx::query_scalar(captured)
                .fetch_one(process.controller.store.pool())
                .await
                .unwrap();
            if count == 2 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("two of four are read");
    });
    first.shutdown_background();
    for name in ["c", "d"] {
        sky.with("POST", &rules(name), list(&[]));
    }
    let before: Vec<usize> = names.map(|name| sky.asked(&routes(name))).into();
    let lists = sky.asked("/virtualMachineScaleSets");
    runtime().block_on(async {
        let process = process(&place, &sky).await;
        netghost_controller::jobs::resume(&process.controller)
            .await
            .unwrap();
        let job = process.watch(&request.id).await.pop().unwrap();
        assert_eq!(
            (job.verdict.as_str(), job.targets.len()),
            ("complete", 4),
            "{job:?}"
        );
        assert_eq!(process.audited("azure.discover", "done").await, 1);
    });
    let after: Vec<usize> = names.map(|name| sky.asked(&routes(name))).into();
    assert_eq!(after[..2], before[..2], "what was read is not read again");
    assert!(after[2] > before[2] && after[3] > before[3]);
    assert_eq!(
        sky.asked("/virtualMachineScaleSets"),
        lists,
        "what is meant stands already"
    );
}
