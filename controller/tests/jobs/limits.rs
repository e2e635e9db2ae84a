//! Ids, deadlines, concurrency, jitter.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use netghost_proto::v1;
use tonic::Code;

use crate::place::{Place, Process, agent, all, baseline, drift, sweep};
use crate::reach::{Script, Scripted};

async fn fleet(place: &Place, count: u8) -> Process {
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(count).await;
    process
}

#[tokio::test]
async fn the_same_id_is_the_same_job() {
    let place = Place::new();
    let process = fleet(&place, 2).await;
    let request = baseline("golden", all());
    let begun = futures_util::future::join_all((0..8).map(|_| process.begin(request.clone()))).await;
    assert!(begun.iter().all(Result::is_ok), "{begun:?}");
    let ended = process.watch(&request.id).await.pop().unwrap();
    assert_eq!(ended.verdict, "complete");
    assert_eq!(
        process.begin(request.clone()).await.unwrap(),
        ended,
        "also when it has ended, and the name is taken"
    );
    assert_eq!(process.reach.calls.lock().unwrap().len(), 2);
    assert_eq!(process.audited("baseline.create", "begun").await, 1);
    assert_eq!(process.audited("baseline.create", "done").await, 1);
    let mut other = drift("golden", all());
    other.id = request.id;
    assert_eq!(
        process.begin(other).await.unwrap_err().code(),
        Code::AlreadyExists
    );
}

#[tokio::test]
async fn a_name_that_two_want_goes_to_one() {
    let place = Place::new();
    let process = fleet(&place, 1).await;
    process.script(1, Script::Slow(22, Duration::from_millis(200)));
    let both = [baseline("golden", all()), baseline("golden", all())];
    let jobs = futures_util::future::join_all(both.into_iter().map(|request| process.run(request))).await;
    let mut verdicts: Vec<_> = jobs.iter().map(|job| job.verdict.as_str()).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["complete", "failed"]);
    let failed = jobs.iter().find(|job| job.verdict == "failed").unwrap();
    assert!(
        failed.why.contains("golden already") && failed.certificate.is_empty(),
        "{}",
        failed.why
    );
}

#[tokio::test]
async fn the_deadline_ends_a_job_and_what_is_not_known_is_unknown() {
    let place = Place::new();
    let process = fleet(&place, 4).await;
    process.run(baseline("golden", all())).await;
    process.script(2, Script::Silent);
    process.script(3, Script::Vanishes);
    process.script(4, Script::Slow(22, Duration::from_secs(30)));
    let mut request = drift("golden", all());
    request.deadline_ms = 700;
    let begun = Instant::now();
    let id = process.begin(request).await.unwrap().id;
    let states = process.watch(&id).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let ended = states.last().unwrap();
    assert_eq!(ended.verdict, "unknown");
    let verdicts: Vec<_> = ended
        .targets
        .iter()
        .map(|target| target.verdict.as_str())
        .collect();
    assert_eq!(verdicts, ["no_drift", "unknown", "unknown", "unknown"]);
    assert!(
        ended.targets[2].why.starts_with("expired"),
        "{}",
        ended.targets[2].why
    );
    assert!(
        states.iter().any(|state| state.targets[2].state == "sent"),
        "each change is told"
    );
    assert!(
        states.iter().all(|state| state.targets[1].state != "sent"),
        "who has not begun has not begun"
    );
    let order = process.reach.calls.lock().unwrap().last().unwrap().order.clone();
    assert!(
        order.lifetime <= Duration::from_millis(700),
        "the command lives no longer than the job"
    );
}

#[tokio::test]
async fn no_more_targets_are_at_work_at_once_than_were_asked_for() {
    let place = Place::new();
    let process = fleet(&place, 12).await;
    for number in 1..=12 {
        process.script(number, Script::Slow(22, Duration::from_millis(30)));
    }
    process.run(baseline("golden", all())).await;
    assert!(
        process.reach.peak.swap(0, Ordering::SeqCst) > 3,
        "the default is more than three"
    );
    let job = process.run(sweep("golden", 3, 0)).await;
    assert_eq!(job.verdict, "no_drift");
    assert_eq!(process.reach.peak.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn targets_that_are_away_do_not_hold_up_the_others() {
    let place = Place::new();
    let process = fleet(&place, 5).await;
    process.run(baseline("golden", all())).await;
    for number in 1..=4 {
        process.script(number, Script::Silent);
    }
    let mut request = sweep("golden", 2, 0);
    request.deadline_ms = 16_000;
    let id = process.begin(request).await.unwrap().id;
    let begun = Instant::now();
    let captured = || async {
        let request = v1::WatchJobRequest { id: id.clone() };
        let mut stream = process
            .client
            .clone()
            .watch_job(request)
            .await
            .unwrap()
            .into_inner();
        while let Some(job) = stream.message().await.unwrap() {
            if job.targets[4].state == "captured" {
                return true;
            }
        }
        false
    };
    assert!(
        captured().await,
        "two places, four that are away, and the fifth is read all the same"
    );
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn targets_begin_within_the_jitter_and_not_all_at_once() {
    let place = Place::new();
    let process = fleet(&place, 10).await;
    process.run(baseline("golden", all())).await;
    process.reach.calls.lock().unwrap().clear();
    let begun = Instant::now();
    process.run(sweep("golden", 100, 400)).await;
    let calls = process.reach.calls.lock().unwrap().clone();
    let after: Vec<Duration> = calls.iter().map(|call| call.at.duration_since(begun)).collect();
    assert_eq!(calls.len(), 10);
    assert!(
        after.iter().all(|after| *after < Duration::from_millis(900)),
        "{after:?}"
    );
    let spread = *after.iter().max().unwrap() - *after.iter().min().unwrap();
    assert!(spread > Duration::from_millis(40), "{after:?}");
    let odd = process.begin(sweep("golden", 1, 10_000)).await.unwrap_err();
    assert_eq!(
        odd.code(),
        Code::InvalidArgument,
        "a jitter as long as the deadline"
    );
}

#[tokio::test]
async fn a_fault_in_one_target_is_its_own() {
    let place = Place::new();
    let process = fleet(&place, 3).await;
    process.script(2, Script::Panics);
    let job = process.run(baseline("golden", all())).await;
    assert_eq!(job.verdict, "partial");
    let states: Vec<_> = job.targets.iter().map(|target| target.state.as_str()).collect();
    assert_eq!(states, ["captured", "failed", "captured"]);
    assert!(
        job.targets[1].why.starts_with("internal"),
        "{}",
        job.targets[1].why
    );
    assert_eq!(process.controller.jobs.count(), 0);
    assert_eq!(
        process.reach.calls.lock().unwrap()[0]
            .order
            .meta
            .name
            .as_ref()
            .unwrap()
            .as_str(),
        "golden"
    );
    let commands = process
        .reach
        .calls
        .lock()
        .unwrap()
        .iter()
        .map(|call| call.command)
        .collect::<Vec<_>>();
    assert!(commands[0] != commands[1] && commands[0] != agent(1));
}
