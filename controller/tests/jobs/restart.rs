//! A process that ends at any point leaves a job that the next one ends right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use netghost_controller::jobs;
use netghost_core::fleet::Id;
use netghost_proto::v1;
use tokio::runtime::Runtime;

use crate::place::{Place, Process, all, baseline, drift};
use crate::reach::{Call, Script, Scripted};

/// A runtime that can end at any point, as a process does.
fn process() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Begins a job and ends the process after so many told states of it, or after a time that shrinks with them.
fn killed(path: &Path, reach: &Arc<Scripted>, request: &v1::StartJobRequest, after: usize, pause: Duration) {
    let runtime = process();
    runtime.block_on(async {
        let process = Process::start(path, Arc::clone(reach)).await;
        let id = process.begin(request.clone()).await.unwrap().id;
        let watch = v1::WatchJobRequest { id };
        let mut states = process
            .client
            .clone()
            .watch_job(watch)
            .await
            .unwrap()
            .into_inner();
        for _ in 0..after {
            if states.message().await.unwrap().is_none() {
                break;
            }
        }
        tokio::time::sleep(pause).await;
    });
    runtime.shutdown_background();
}

fn commands(calls: &[Call]) -> BTreeMap<Id, BTreeSet<Id>> {
    let mut commands: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    for call in calls {
        commands.entry(call.target).or_default().insert(call.command);
    }
    commands
}

#[test]
fn a_job_is_taken_up_wherever_it_was_left() {
    let mut left_running = 0;
    for round in 0..14_u64 {
        let place = Place::new();
        let reach = Arc::new(Scripted::default());
        let first = process();
        let (golden, check) = (baseline("golden", all()), drift("golden", all()));
        first.block_on(async {
            let process = Process::start(&place.path, Arc::clone(&reach)).await;
            process.enrol(3).await;
            if round % 2 == 1 {
                process.run(golden.clone()).await;
            }
        });
        drop(first);
        reach.calls.lock().unwrap().clear();
        for number in 1..=3_u8 {
            let pause = Duration::from_millis(30 * u64::from(number));
            reach.set(crate::place::agent(number), Script::Slow(22, pause));
        }
        let (request, action, wanted) = match round % 2 {
            0 => (golden, "baseline.create", "complete"),
            _ => (check, "drift.check", "no_drift"),
        };
        let after = usize::try_from(round / 2).unwrap();
        killed(
            &place.path,
            &reach,
            &request,
            after,
            Duration::from_millis(round % 3 * 7),
        );
        process().block_on(async {
            let process = Process::start(&place.path, Arc::clone(&reach)).await;
            left_running += i32::from(process.begin(request.clone()).await.unwrap().state == "running");
            jobs::resume(&process.controller).await.unwrap();
            let job = process.watch(&request.id).await.pop().unwrap();
            assert_eq!(job.verdict, wanted, "round {round}: {job:?}");
            assert!(job.targets.iter().all(|target| target.state == "captured"));
            assert_eq!(process.audited(action, "begun").await, 1);
            assert_eq!(
                process.audited(action, "done").await,
                1,
                "round {round}: ended once"
            );
            let mut client = process.client.clone();
            let listed = client.list_baselines(v1::ListBaselinesRequest {});
            let listed = listed.await.unwrap().into_inner().baselines;
            assert_eq!((listed.len(), listed[0].members.len()), (1, 3));
            let commands = commands(&reach.calls.lock().unwrap());
            assert!(
                commands.values().all(|ids| ids.len() == 1),
                "the same command, however often it is asked for"
            );
        });
    }
    assert!(
        left_running >= 3,
        "only {left_running} were cut short: the test would show nothing"
    );
}

#[test]
fn the_deadline_goes_on_while_no_process_runs() {
    let place = Place::new();
    let reach = Arc::new(Scripted::default());
    reach.set(crate::place::agent(1), Script::Vanishes);
    let mut request = baseline("golden", all());
    request.deadline_ms = 60_000;
    let first = process();
    first.block_on(async {
        let process = Process::start(&place.path, Arc::clone(&reach)).await;
        process.enrol(1).await;
        process.begin(request.clone()).await.unwrap();
        sqlx::query("UPDATE jobs SET deadline_at_us = 5, started_at_us = 1")
            .execute(process.controller.store.pool())
            .await
            .unwrap();
    });
    first.shutdown_background();
    process().block_on(async {
        let process = Process::start(&place.path, Arc::clone(&reach)).await;
        let begun = std::time::Instant::now();
        jobs::resume(&process.controller).await.unwrap();
        let job = process.watch(&request.id).await.pop().unwrap();
        assert_eq!(job.verdict, "failed");
        assert!(
            job.targets[0].why.starts_with("expired"),
            "{}",
            job.targets[0].why
        );
        assert!(begun.elapsed() < Duration::from_secs(10));
    });
}
