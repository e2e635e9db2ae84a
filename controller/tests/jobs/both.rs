//! Network interfaces sealed, compared, swept and held in a window, with the rows in SQLite and in PostgreSQL.

use netghost_controller::jobs::tick;
use netghost_core::job::baseline::Baseline;
use netghost_proto::v1;
use netghost_proto::v1::start_job_request::Kind;
use serde_json::json;
use tonic::Code;

use crate::place::{Place, Process, baseline, drift, sweep_job};
use crate::postgres::Server;
use crate::sky::{GROUP, Sky, gate, in_azure, nic_id, route, routes, rule, rules};
use crate::stage::{forbidden, list};

const ACTION: &str = "Microsoft.Network/networkInterfaces/effectiveRouteTable/action";

/// A controller whose rows are there, and the Azure that it asks.
struct Ground {
    place: Place,
    sky: Sky,
    database: Option<String>,
}

impl Ground {
    fn new(database: Option<String>) -> Self {
        Self {
            place: Place::new(),
            sky: Sky::of(&["web", "db"]),
            database,
        }
    }

    async fn process(&self) -> Process {
        Process::start_on(&self.place.path, self.database.as_deref(), self.sky.login()).await
    }

    /// What is let in to the first VM's network interface from now on.
    fn lets_in(&self, ports: &[u16]) {
        let all: Vec<_> = ports
            .iter()
            .map(|port| rule(&format!("p{port}"), *port))
            .collect();
        self.sky.with("POST", &rules("web"), list(&[gate(&all)]));
    }
}

fn of_azure(request: v1::StartJobRequest) -> v1::StartJobRequest {
    v1::StartJobRequest {
        layers: vec!["azure".to_owned()],
        deadline_ms: 30_000,
        ..request
    }
}

/// An ended job, as the rows have it.
async fn shown(process: &Process, id: &str) -> v1::Job {
    process.watch(id).await.pop().unwrap()
}

/// Sealed, changed, compared, and told the same by the process that comes after.
async fn interfaces_are_sealed_and_compared(ground: &Ground) {
    ground.lets_in(&[80, 22]);
    let process = ground.process().await;
    let made = process
        .run(of_azure(baseline("golden", in_azure(&[GROUP]))))
        .await;
    assert_eq!(
        (made.verdict.as_str(), made.targets.len()),
        ("complete", 2),
        "{made:?}"
    );
    let same = process.run(of_azure(drift("golden", in_azure(&[GROUP])))).await;
    assert_eq!(same.verdict, "no_drift", "{same:?}");
    ground.lets_in(&[80]);
    let found = process.run(of_azure(drift("golden", in_azure(&[GROUP])))).await;
    assert_eq!(found.verdict, "drift", "{found:?}");
    let document = process.document(&found).await;
    assert_eq!(document["changes"][0]["target"], json!(nic_id("web").as_str()));
    ground.sky.says("POST", &routes("db"), forbidden(ACTION));
    let unread = process
        .run(of_azure(drift("golden", in_azure(&[nic_id("db").as_str()]))))
        .await;
    assert_eq!(unread.verdict, "unknown", "{unread:?}");
    assert!(unread.targets[0].why.contains(ACTION), "{unread:?}");
    let partial = process
        .run(of_azure(baseline("partly", in_azure(&[GROUP]))))
        .await;
    assert_eq!(partial.verdict, "partial", "{partial:?}");
    // What stands in the rows is what was told.
    drop(process);
    let process = ground.process().await;
    for job in [&made, &same, &found, &unread, &partial] {
        let again = shown(&process, &job.id).await;
        assert_eq!((&again.verdict, &again.targets), (&job.verdict, &job.targets));
        assert_eq!(
            (&again.certificate, &again.document),
            (&job.certificate, &job.document)
        );
    }
    let sealed = Baseline::read(&process.object(&made.document).await).unwrap();
    let resources: Vec<_> = sealed
        .members
        .iter()
        .map(|member| member.resource.clone())
        .collect();
    assert_eq!(resources, [Some(nic_id("db")), Some(nic_id("web"))]);
    assert_eq!(process.audited("azure.discover", "done").await, 5);
}

/// A window over the first VM's network interface.
fn window() -> v1::OpenWindowRequest {
    v1::OpenWindowRequest {
        ticket: "CHG-1".to_owned(),
        baseline: "CHG-1-open".to_owned(),
        selector: in_azure(&[nic_id("web").as_str()]),
        layers: vec!["azure".to_owned()],
        ..v1::OpenWindowRequest::default()
    }
}

/// A change window over a network interface: what it closes with is compared with what it was opened over.
async fn a_window_over_an_interface_closes_with_what_changed(ground: &Ground) {
    ground.lets_in(&[80, 22]);
    let process = ground.process().await;
    let made = process
        .run(of_azure(baseline("CHG-1-open", window().selector)))
        .await;
    assert_eq!(made.verdict, "complete", "{made:?}");
    let mut client = process.client.clone();
    let opened = client.open_window(window()).await.unwrap().into_inner();
    assert_eq!((opened.state.as_str(), opened.baseline_at_us > 0), ("open", true));
    let other = v1::OpenWindowRequest {
        selector: None,
        ..window()
    };
    let twice = client.open_window(other).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists, "{twice}");
    ground
        .sky
        .with("POST", &routes("web"), list(&[route("10.0.0.9")]));
    drop((process, client));

    let process = ground.process().await;
    let mut client = process.client.clone();
    let close = v1::CloseWindowRequest {
        ticket: "CHG-1".to_owned(),
        deadline_ms: 30_000,
    };
    let closing = client.close_window(close.clone()).await.unwrap().into_inner();
    let job = process.watch(&closing.job).await.pop().unwrap();
    assert_eq!(job.verdict, "drift", "{job:?}");
    let show = v1::ShowWindowRequest {
        ticket: "CHG-1".to_owned(),
    };
    let closed = client.show_window(show).await.unwrap().into_inner();
    assert_eq!(
        (closed.state.as_str(), closed.verdict.as_str()),
        ("closed", "drift")
    );
    assert_eq!(closed.certificate, job.certificate);
    assert!(!process.object(&job.certificate).await.is_empty());
    // Closed again, it is the same comparison.
    let again = client.close_window(close).await.unwrap().into_inner();
    assert_eq!(again.job, closing.job);
    let all = client
        .list_windows(v1::ListWindowsRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.windows.len(), 1);
}

/// Sweeps of network interfaces, one by hand and those of a schedule.
async fn interfaces_are_swept_by_schedule(ground: &Ground) {
    ground.lets_in(&[80]);
    let process = ground.process().await;
    process
        .run(of_azure(baseline("golden", in_azure(&[GROUP]))))
        .await;
    let mut by_hand = of_azure(drift("golden", in_azure(&[GROUP])));
    by_hand.kind = Some(Kind::Sweep(sweep_job("golden", 2, 0)));
    assert_eq!(process.run(by_hand).await.verdict, "no_drift");
    ground.lets_in(&[81]);
    let schedule = v1::Schedule {
        name: "hourly".to_owned(),
        sweep: Some(sweep_job("golden", 2, 0)),
        selector: in_azure(&[GROUP]),
        layers: vec!["azure".to_owned()],
        every_ms: 3_600_000,
        ..v1::Schedule::default()
    };
    let mut client = process.client.clone();
    client.schedule_sweep(schedule).await.unwrap();
    // An hour passes.
    sqlx::query("UPDATE schedules SET next_at_us = 1")
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    assert_eq!(tick(&process.controller).await.unwrap(), 1);
    let request = v1::ListRunsRequest {
        schedule: "hourly".to_owned(),
        limit: 5,
        kind: "sweep".to_owned(),
    };
    let ran = client.list_runs(request).await.unwrap().into_inner().runs;
    assert_eq!(ran.len(), 1);
    let ran = shown(&process, &ran[0].id).await;
    assert_eq!((ran.verdict.as_str(), ran.targets.len()), ("drift", 2), "{ran:?}");
    let all = client
        .list_schedules(v1::ListSchedulesRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.schedules[0].layers, ["azure"]);
}

/// Every part over SQLite, and over PostgreSQL in a database each.
macro_rules! suite {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(&super::Ground::new(None)).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn root_postgres_holds_jobs_of_interfaces_as_sqlite_does() {
            let server = Server::start();
            $(
                eprintln!("{}", stringify!($name));
                let database = server.database(stringify!($name)).await;
                $name(&Ground::new(Some(database))).await;
            )+
        }
    };
}

suite! {
    interfaces_are_sealed_and_compared,
    a_window_over_an_interface_closes_with_what_changed,
    interfaces_are_swept_by_schedule,
}
