//! Change windows: who is compared at the end, and with what.

use std::sync::Arc;

use netghost_proto::v1;
use serde_json::Value;
use tonic::Status;

use crate::place::{Place, Process, all, baseline, named};
use crate::reach::{Script, Scripted};
use crate::sky::{Sky, gate, nic_id, routes, rule, rules};
use crate::stage::{list, not_found};

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
