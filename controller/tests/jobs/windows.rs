//! Change windows: who is compared at the end, and with what.

use std::sync::Arc;

use netghost_proto::v1;
use serde_json::Value;
use tonic::Status;

use crate::place::{Place, Process, all, baseline, named};
use crate::reach::{Script, Scripted};
use crate::sky::{Sky, gate, in_azure, nic_id, routes, rule, rules};
use crate::stage::{forbidden, list, not_found};

pub(crate) async fn process(place: &Place, sky: &Sky) -> Process {
    Process::start_in(&place.path, Arc::new(Scripted::default()), sky.login()).await
}

/// The request for a window over a baseline, of its members.
pub(crate) fn over(ticket: &str, baseline: &str) -> v1::OpenWindowRequest {
    v1::OpenWindowRequest {
        ticket: ticket.to_owned(),
        baseline: baseline.to_owned(),
        ..v1::OpenWindowRequest::default()
    }
}

impl Process {
    pub(crate) async fn open(&self, request: v1::OpenWindowRequest) -> Result<v1::Window, Status> {
        Ok(self.client.clone().open_window(request).await?.into_inner())
    }

    /// Closes a window; the job, and its document.
    pub(crate) async fn close(&self, ticket: &str) -> (v1::Job, Value) {
        let request = v1::CloseWindowRequest {
            ticket: ticket.to_owned(),
            deadline_ms: 30_000,
        };
        let closing = self.client.clone().close_window(request).await.unwrap();
        let job = self.watch(&closing.into_inner().job).await.pop().unwrap();
        let document = self.document(&job).await;
        (job, document)
    }

    /// Makes a baseline of these layers.
    pub(crate) async fn seal(&self, name: &str, selector: Option<v1::Selector>, layers: &[&str]) -> v1::Job {
        let request = v1::StartJobRequest {
            layers: layers.iter().map(ToString::to_string).collect(),
            deadline_ms: 30_000,
            ..baseline(name, selector)
        };
        self.run(request).await
    }
}

/// Both layers of `vm1`; another agent and another network interface are there and no members.
async fn both(place: &Place, sky: &Sky) -> Process {
    let process = process(place, sky).await;
    process.enrol(2).await;
    let sealed = process.seal("golden", named(&["vm1"]), &["host", "azure"]).await;
    assert_eq!((sealed.verdict.as_str(), sealed.targets.len()), ("complete", 2));
    process
}

/// The rows of these verdicts: what each is called.
fn rows(job: &v1::Job, verdict: &str) -> Vec<String> {
    let of = job.targets.iter().filter(|target| target.verdict == verdict);
    of.map(|target| match target.resource.as_str() {
        "" => target.name.clone(),
        resource => resource.to_owned(),
    })
    .collect()
}

#[tokio::test]
async fn a_window_over_a_baseline_compares_its_members_and_nobody_else() {
    let (place, sky) = (Place::new(), Sky::of(&["vm1", "vm2"]));
    let process = both(&place, &sky).await;
    let members = ["vm1".to_owned(), nic_id("vm1").to_string()];
    let opened = process.open(over("CHG-1", "golden")).await.unwrap();
    assert!(opened.selector.unwrap().members);
    let (job, document) = process.close("CHG-1").await;
    assert_eq!(
        (job.verdict.as_str(), rows(&job, "no_drift")),
        ("no_drift", members.to_vec()),
        "{job:?}"
    );
    assert_eq!(job.targets.len(), 2);
    assert!(
        !document["not_covered"].to_string().contains("vm2"),
        "{document:#}"
    );
    assert_eq!(document["window"]["ticket"], "CHG-1");
    // Only one layer of it.
    let azure = v1::OpenWindowRequest {
        layers: vec!["azure".to_owned()],
        ..over("CHG-2", "golden")
    };
    process.open(azure).await.unwrap();
    process.script(1, Script::Port(23));
    let (job, _) = process.close("CHG-2").await;
    assert_eq!(rows(&job, "no_drift"), members[1..], "{job:?}");
    // What changed on a member is drift, on nobody else's account.
    sky.with("POST", &rules("vm1"), list(&[gate(&[rule("web", 81)])]));
    process.open(over("CHG-3", "golden")).await.unwrap();
    let (job, _) = process.close("CHG-3").await;
    assert_eq!(
        (job.verdict.as_str(), rows(&job, "drift")),
        ("drift", members.to_vec())
    );
}

#[tokio::test]
async fn a_member_that_vanished_is_unknown_and_listed() {
    let gone = |sky: &Sky| {
        sky.says("GET", "/networkInterfaces/vm1-nic", not_found());
        sky.says("POST", &routes("vm1"), not_found());
        sky.says("POST", &rules("vm1"), not_found());
    };
    let remove = "UPDATE identities SET removed_at_us = 5 WHERE name = 'vm1'";
    let revoke = "UPDATE identities SET revoked_at_us = 5 WHERE name = 'vm1'";
    for (edit, nic) in [(None, true), (Some(remove), false), (Some(revoke), false)] {
        let (place, sky) = (Place::new(), Sky::of(&["vm1", "vm2"]));
        let process = both(&place, &sky).await;
        process.open(over("CHG-1", "golden")).await.unwrap();
        match edit {
            Some(edit) => drop(
                sqlx::query(edit)
                    .execute(process.controller.store.pool())
                    .await
                    .unwrap(),
            ),
            None => gone(&sky),
        }
        let (job, document) = process.close("CHG-1").await;
        assert_eq!(job.verdict, "unknown", "{edit:?}: {job:?}");
        let lost = if nic {
            nic_id("vm1").to_string()
        } else {
            "vm1".to_owned()
        };
        let gaps = document["not_covered"].as_array().unwrap();
        let of_it = |gap: &&Value| gap["target"] == lost.as_str() && gap["requested"] == true;
        assert!(gaps.iter().any(|gap| of_it(&gap)), "{edit:?}: {document:#}");
        let said = document["targets"].as_array().unwrap();
        assert_eq!(said.len(), 2, "{edit:?}: {document:#}");
        assert_eq!(rows(&job, "no_drift").len(), 1, "the other one is told as it is");
    }
}

#[tokio::test]
async fn the_members_are_no_word_for_anything_else() {
    let place = Place::new();
    let process = Process::start(&place.path, Arc::default()).await;
    process.enrol(2).await;
    let members = v1::Selector {
        members: true,
        ..v1::Selector::default()
    };
    let beside = v1::Selector {
        names: vec!["vm1".to_owned()],
        ..members.clone()
    };
    process.run(baseline("golden", all())).await;
    let refused = |made: Result<v1::Job, Status>| made.unwrap_err().message().to_owned();
    let made = refused(process.begin(baseline("other", Some(members.clone()))).await);
    assert!(made.contains("no members yet"), "{made}");
    let made = refused(process.begin(crate::place::drift("golden", Some(beside))).await);
    assert!(made.contains("others beside them"), "{made}");
    let listed = process.client.clone().list_agents(members).await.unwrap_err();
    assert!(listed.message().contains("members of a baseline"), "{listed}");
}

/// A window `CHG-1` over `golden`, which holds `vm1` alone; the change is made since.
async fn changed(place: &Place) -> Process {
    let process = Process::start(&place.path, Arc::default()).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    process.open(over("CHG-1", "golden")).await.unwrap();
    process.script(1, Script::Port(23));
    process
}

/// As somebody does who can write to the store.
async fn edit(process: &Process, statements: &[&'static str]) {
    let mut connection = process.controller.store.pool().acquire().await.unwrap();
    for statement in [
        &["PRAGMA foreign_keys = OFF"][..],
        statements,
        &["PRAGMA foreign_keys = ON"],
    ]
    .concat()
    {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
}

/// The window closes without an answer, which says so.
async fn unknown(process: &Process, words: &str) -> Value {
    let (job, document) = process.close("CHG-1").await;
    assert_eq!(
        (job.verdict.as_str(), &document["drift_detected"]),
        ("unknown", &Value::Null),
        "{words}"
    );
    assert!(job.why.contains(words), "{words}: {}", job.why);
    assert_eq!(document["window"]["ticket"], "CHG-1", "{words}");
    assert_eq!(document["changes"], serde_json::json!([]), "{words}");
    document
}

#[tokio::test]
async fn a_baseline_that_was_made_anew_is_not_the_one_the_window_was_opened_over() {
    let place = Place::new();
    let process = changed(&place).await;
    edit(
        &process,
        &["DELETE FROM baseline_members", "DELETE FROM baselines"],
    )
    .await;
    let again = process.run(baseline("golden", all())).await;
    assert_eq!(again.verdict, "complete");
    let document = unknown(&process, "not the one over which window CHG-1 was opened").await;
    assert!(
        document["not_covered"].to_string().contains("all targets"),
        "{document:#}"
    );
    let shown = v1::ShowWindowRequest {
        ticket: "CHG-1".to_owned(),
    };
    let shown = process.client.clone().show_window(shown).await.unwrap();
    assert_eq!(shown.into_inner().verdict, "unknown");
}

#[tokio::test]
async fn a_window_that_was_edited_in_the_store_has_no_answer() {
    for (statement, words) in [
        ("UPDATE windows SET baseline_at_us = 1", "sealed at another time"),
        ("UPDATE windows SET seal = ''", "did not keep over which baseline"),
        (
            "UPDATE windows SET seal = (SELECT digest FROM manifests)",
            "not the one over which",
        ),
        ("UPDATE baselines SET created_at_us = 1", "edited in the store"),
    ] {
        let place = Place::new();
        let process = changed(&place).await;
        edit(&process, &[statement]).await;
        let document = unknown(&process, words).await;
        let sealed = &document["window"]["baseline_at_us"];
        assert_eq!(
            sealed.is_null(),
            statement.contains("UPDATE baselines"),
            "{document:#}"
        );
        assert_ne!(*sealed, "1", "{document:#}");
    }
}

#[tokio::test]
async fn a_job_that_a_window_did_not_ask_for_does_not_close_it() {
    let place = Place::new();
    let process = changed(&place).await;
    process.script(1, Script::Late(22, std::time::Duration::from_millis(400)));
    let other = process
        .begin(crate::place::drift("golden", named(&["vm1"])))
        .await
        .unwrap();
    sqlx::query("UPDATE windows SET close_job = $1, closed_by = 'local'")
        .bind(other.id.clone())
        .execute(process.controller.store.pool())
        .await
        .unwrap();
    let job = process.watch(&other.id).await.pop().unwrap();
    assert_eq!(job.verdict, "unknown", "{job:?}");
    assert!(
        job.why.contains("not the comparison that window CHG-1 asked for"),
        "{}",
        job.why
    );
}

#[tokio::test]
async fn what_one_person_began_to_close_another_can_end() {
    let place = Place::new();
    let process = changed(&place).await;
    let begun = "UPDATE windows SET closed_by = 'alice', close_job = '5b1e7d3a-0000-4000-8000-000000000009'";
    edit(&process, &[begun]).await;
    // It is open still, which matters to whoever opens another over the same.
    let other = process.open(over("CHG-2", "golden")).await.unwrap();
    assert!(
        other.warnings.iter().any(|text| text.contains("CHG-1")),
        "{other:?}"
    );
    let (job, document) = process.close("CHG-1").await;
    assert_eq!(job.verdict, "drift", "{}", job.why);
    assert_eq!(document["window"]["ticket"], "CHG-1");
}

/// The window `CHG-1` over these layers of a baseline.
fn of(baseline: &str, layers: &[&str]) -> v1::OpenWindowRequest {
    v1::OpenWindowRequest {
        layers: layers.iter().map(ToString::to_string).collect(),
        ..over("CHG-1", baseline)
    }
}

#[tokio::test]
async fn no_window_is_opened_over_what_can_not_be_used_or_holds_nothing() {
    let (place, sky) = (Place::new(), Sky::of(&["vm1"]));
    let process = process(&place, &sky).await;
    process.enrol(1).await;
    let refused = |opened: Result<v1::Window, Status>| opened.unwrap_err().message().to_owned();
    process
        .seal("nics", in_azure(&[nic_id("vm1").as_str()]), &["azure"])
        .await;
    for layers in [&["host"][..], &["host", "azure"]] {
        let hosts = v1::OpenWindowRequest {
            layers: layers.iter().map(ToString::to_string).collect(),
            ..over("CHG-1", "nics")
        };
        let why = refused(process.open(hosts).await);
        assert!(
            why.contains("holds nothing of the layer host"),
            "{layers:?}: {why}"
        );
    }
    process.run(baseline("golden", named(&["vm1"]))).await;
    edit(
        &process,
        &["UPDATE baselines SET created_at_us = 1 WHERE name = 'golden'"],
    )
    .await;
    let why = refused(process.open(over("CHG-1", "golden")).await);
    assert!(
        why.contains("golden can't be used") && why.contains("edited"),
        "{why}"
    );
    // Nothing of the network interface can be read: there is no baseline of it.
    let action = "Microsoft.Network/networkInterfaces/read";
    sky.says("GET", "/networkInterfaces/vm1-nic", forbidden(action));
    sky.says("POST", &routes("vm1"), forbidden(action));
    sky.says("POST", &rules("vm1"), forbidden(action));
    let job = process
        .seal("nothing", in_azure(&[nic_id("vm1").as_str()]), &["azure"])
        .await;
    assert_eq!(
        (job.verdict.as_str(), job.targets[0].state.as_str()),
        ("failed", "failed"),
        "{job:?}"
    );
    assert!(
        job.targets[0].why.contains("nothing of it could be read") && job.targets[0].why.contains(action)
    );
    let why = refused(process.open(over("CHG-1", "nothing")).await);
    assert!(why.contains("there is no baseline nothing"), "{why}");
    // Beside somebody who was read it is a member that was not, and no window closes without saying so.
    let job = process.seal("partly", named(&["vm1"]), &["host", "azure"]).await;
    assert_eq!(job.verdict, "partial", "{job:?}");
    let why = refused(process.open(of("partly", &["azure"])).await);
    assert!(why.contains("holds nothing that could be read"), "{why}");
    process.open(over("CHG-1", "partly")).await.unwrap();
    let (job, _) = process.close("CHG-1").await;
    assert_eq!(
        (job.verdict.as_str(), rows(&job, "no_drift")),
        ("unknown", vec!["vm1".to_owned()]),
        "{job:?}"
    );
}

#[tokio::test]
async fn asking_again_with_anything_else_is_refused_and_says_what_differs() {
    let place = Place::new();
    let process = Process::start(&place.path, Arc::default()).await;
    process.enrol(1).await;
    process.run(baseline("golden", all())).await;
    process.run(baseline("silver", all())).await;
    let asked = v1::OpenWindowRequest {
        starts_at_us: 1_000,
        ends_at_us: u64::MAX >> 1,
        note: "switch".to_owned(),
        ..over("CHG-1", "golden")
    };
    let first = process.open(asked.clone()).await.unwrap();
    assert_eq!(
        process.open(asked.clone()).await.unwrap(),
        first,
        "the same is one window"
    );
    let other = |change: fn(&mut v1::OpenWindowRequest)| {
        let mut request = asked.clone();
        change(&mut request);
        request
    };
    for (request, words) in [
        (other(|asked| asked.starts_at_us = 2_000), "its start"),
        (other(|asked| asked.starts_at_us = 0), "its start"),
        (other(|asked| asked.ends_at_us = 0), "its end"),
        (other(|asked| asked.ends_at_us -= 1), "its end"),
        (other(|asked| asked.note.clear()), "its note"),
        (
            other(|asked| asked.baseline = "silver".to_owned()),
            "its baseline, targets",
        ),
        (
            other(|asked| asked.via = "ssh".to_owned()),
            "its baseline, targets, layers or way",
        ),
    ] {
        let refused = process.open(request).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::AlreadyExists, "{refused:?}");
        assert!(refused.message().contains(words), "{words}: {refused}");
    }
    // One that began when it was asked for is asked for again without a start.
    let now = over("CHG-2", "golden");
    let first = process.open(now.clone()).await.unwrap();
    assert_eq!(process.open(now.clone()).await.unwrap(), first);
    process.close("CHG-2").await;
    let refused = process.open(now).await.unwrap_err();
    assert!(refused.message().contains("no longer open"), "{refused}");
}
