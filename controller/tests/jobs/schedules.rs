//! Sweeps that start by themselves, by a clock that the test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use netghost_controller::jobs::tick;
use netghost_controller::outside::Outside;
use netghost_proto::v1;
use tonic::Code;

use crate::place::{Place, Process, all, baseline, named, sweep_job};
use crate::reach::{Script, Scripted};

const MINUTE_US: u64 = 60_000_000;

/// An outside whose clock is a static of its own.
macro_rules! clock {
    ($name:ident) => {
        static $name: AtomicU64 = AtomicU64::new(1_800_000_000_000_000);
    };
}

fn outside(now_us: fn() -> u64) -> Outside {
    Outside {
        now_us,
        ..Outside::real()
    }
}

fn nightly() -> v1::Schedule {
    v1::Schedule {
        name: "nightly".to_owned(),
        sweep: Some(sweep_job("golden", 0, 0)),
        selector: all(),
        every_ms: 60_000,
        deadline_ms: 30_000,
        ..v1::Schedule::default()
    }
}

async fn runs(process: &Process) -> Vec<v1::Job> {
    let request = v1::ListRunsRequest {
        schedule: "nightly".to_owned(),
        limit: 0,
        kind: String::new(),
    };
    process
        .client
        .clone()
        .list_runs(request)
        .await
        .unwrap()
        .into_inner()
        .runs
}

async fn settle(process: &Process) {
    for job in runs(process).await {
        process.watch(&job.id).await;
    }
}

#[tokio::test]
async fn what_is_due_runs_once_and_missed_periods_are_not_made_up_for() {
    clock!(CLOCK);
    let place = Place::new();
    let clock = outside(|| CLOCK.load(Ordering::SeqCst));
    let process = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    process.enrol(2).await;
    process.run(baseline("golden", all())).await;
    let made = process
        .client
        .clone()
        .schedule_sweep(nightly())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(made.created_by, "local");
    let again = process
        .client
        .clone()
        .schedule_sweep(nightly())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, made, "asking again is the same schedule");
    let other = v1::Schedule {
        every_ms: 120_000,
        ..nightly()
    };
    let status = process.client.clone().schedule_sweep(other).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);

    assert_eq!(tick(&process.controller).await.unwrap(), 1, "at once");
    assert_eq!(tick(&process.controller).await.unwrap(), 0);
    settle(&process).await;
    CLOCK.fetch_add(MINUTE_US - 1, Ordering::SeqCst);
    assert_eq!(tick(&process.controller).await.unwrap(), 0, "not early");
    CLOCK.fetch_add(10 * MINUTE_US, Ordering::SeqCst);
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    settle(&process).await;
    assert_eq!(
        tick(&process.controller).await.unwrap(),
        0,
        "ten were missed, one runs"
    );
    let listed = process
        .client
        .clone()
        .list_schedules(v1::ListSchedulesRequest {})
        .await
        .unwrap();
    let next = listed.into_inner().schedules[0].next_at_us;
    assert_eq!((next - made.next_at_us) % MINUTE_US, 0, "in the same rhythm");
    assert!(next > CLOCK.load(Ordering::SeqCst));
    let jobs = runs(&process).await;
    assert_eq!(jobs.len(), 2);
    assert!(
        jobs.iter()
            .all(|job| job.verdict == "no_drift" && job.schedule == "nightly" && job.kind == "sweep")
    );
    assert!(jobs[0].started_at_us > jobs[1].started_at_us, "newest first");
}

#[tokio::test]
async fn two_controllers_start_it_once() {
    clock!(CLOCK);
    let place = Place::new();
    let clock = outside(|| CLOCK.load(Ordering::SeqCst));
    let one = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    let other = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    one.enrol(2).await;
    one.run(baseline("golden", all())).await;
    one.client.clone().schedule_sweep(nightly()).await.unwrap();
    for round in 1..=5 {
        let (a, b) = tokio::join!(tick(&one.controller), tick(&other.controller));
        assert_eq!(a.unwrap() + b.unwrap(), 1, "round {round}");
        settle(&one).await;
        assert_eq!(runs(&one).await.len(), round);
        CLOCK.fetch_add(MINUTE_US, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_sweep_that_still_runs_is_not_started_again() {
    clock!(CLOCK);
    let place = Place::new();
    let clock = outside(|| CLOCK.load(Ordering::SeqCst));
    let process = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    process.script(1, Script::Slow(22, Duration::from_millis(400)));
    process.client.clone().schedule_sweep(nightly()).await.unwrap();
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    CLOCK.fetch_add(MINUTE_US, Ordering::SeqCst);
    assert_eq!(
        tick(&process.controller).await.unwrap(),
        0,
        "the first still runs"
    );
    settle(&process).await;
    assert_eq!(
        tick(&process.controller).await.unwrap(),
        0,
        "that period is left out"
    );
    CLOCK.fetch_add(MINUTE_US, Ordering::SeqCst);
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    settle(&process).await;
    assert_eq!(runs(&process).await.len(), 2);
}

#[tokio::test]
async fn a_clock_that_was_ahead_does_not_put_the_next_run_off() {
    clock!(CLOCK);
    const YEAR_US: u64 = 365 * 24 * 60 * MINUTE_US;
    let place = Place::new();
    let clock = outside(|| CLOCK.load(Ordering::SeqCst));
    let process = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    let start_us = CLOCK.load(Ordering::SeqCst);
    let first = v1::Schedule {
        next_at_us: start_us + 10 * MINUTE_US,
        ..nightly()
    };
    process.client.clone().schedule_sweep(first).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            tick(&process.controller).await.unwrap(),
            0,
            "not before it was to begin"
        );
    }
    CLOCK.fetch_add(YEAR_US, Ordering::SeqCst);
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    settle(&process).await;
    CLOCK.fetch_sub(YEAR_US, Ordering::SeqCst);
    assert_eq!(tick(&process.controller).await.unwrap(), 0, "it ran just now");
    CLOCK.fetch_add(MINUTE_US, Ordering::SeqCst);
    assert_eq!(
        tick(&process.controller).await.unwrap(),
        1,
        "a period later, not a year"
    );
    settle(&process).await;
    assert_eq!(runs(&process).await.len(), 2);
}

#[tokio::test]
async fn a_sweep_of_nobody_is_seen_as_unknown() {
    clock!(CLOCK);
    let place = Place::new();
    let clock = outside(|| CLOCK.load(Ordering::SeqCst));
    let process = Process::start_at(&place.path, Arc::new(Scripted::default()), clock).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    let schedule = v1::Schedule {
        selector: named(&["vm1"]),
        ..nightly()
    };
    process.client.clone().schedule_sweep(schedule).await.unwrap();
    sqlx::query("UPDATE identities SET removed_at_us = 5")
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    settle(&process).await;
    let job = runs(&process).await.remove(0);
    assert_eq!(job.verdict, "unknown");
    assert!(job.why.contains("vm1"), "{}", job.why);
}

#[tokio::test]
async fn a_schedule_is_held_to_its_bounds_and_can_be_removed() {
    let place = Place::new();
    let process = Process::start(&place.path, Arc::new(Scripted::default())).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    let refused = async |change: &dyn Fn(&mut v1::Schedule)| {
        let mut schedule = nightly();
        change(&mut schedule);
        process
            .client
            .clone()
            .schedule_sweep(schedule)
            .await
            .unwrap_err()
            .code()
    };
    assert_eq!(
        refused(&|schedule| schedule.every_ms = 59_999).await,
        Code::InvalidArgument
    );
    assert_eq!(
        refused(&|schedule| schedule.name = "../x".to_owned()).await,
        Code::InvalidArgument
    );
    assert_eq!(
        refused(&|schedule| schedule.selector = None).await,
        Code::InvalidArgument
    );
    assert_eq!(
        refused(&|schedule| schedule.sweep = Some(sweep_job("x", 0, 0))).await,
        Code::NotFound
    );
    process.client.clone().schedule_sweep(nightly()).await.unwrap();
    let remove = || {
        let request = v1::RemoveScheduleRequest {
            name: "nightly".to_owned(),
        };
        let mut client = process.client.clone();
        async move { client.remove_schedule(request).await }
    };
    assert!(remove().await.is_ok());
    assert_eq!(remove().await.unwrap_err().code(), Code::NotFound);
    assert_eq!(tick(&process.controller).await.unwrap(), 0);
    assert_eq!(process.audited("schedule.create", "done").await, 1);
    assert_eq!(process.audited("schedule.remove", "done").await, 1);
}
