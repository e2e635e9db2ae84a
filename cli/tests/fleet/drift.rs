//! Drift checks: how they end, over connections that are lost, and what is believed of their certificates.

use netghost_cli::exit::Status;
use netghost_cli::fleet::{Patience, Request, Where};
use netghost_cli::output::Format;
use netghost_cli::progress::Progress;
use netghost_core::artifact::certificate::{
    self, Changes, Comparison, CoveredSection, Drift, NotCovered, Predicate, Statement, Subject,
};
use netghost_core::artifact::document::from_document;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::Signer;
use netghost_core::artifact::manifest::{Meta, store};
use netghost_core::diff::fleet::answer;
use netghost_core::fleet::Id;
use netghost_core::section::{Reader, SectionName};
use netghost_proto::v1;
use serde_json::{Value, json};
use tonic::Code;

use super::place::Place;

const CHECK: &str = "drift check --baseline b --all";
const JOB: &str = "07070707-0707-4707-8707-070707070707";

/// A job's end with this verdict, its document and certificate in the controller's store. The document's job is filled in
/// when it is known.
fn ended(place: &Place, verdict: &str, stated: &str, signer: &Signer) -> v1::Job {
    let certificate = certificate(stated, signer, &unsigned(verdict));
    let certificate = place.script.with(|state| state.object(certificate));
    v1::Job {
        kind: "drift".to_owned(),
        state: "ended".to_owned(),
        verdict: verdict.to_owned(),
        baseline: "b".to_owned(),
        certificate: certificate.as_bytes().to_vec().into(),
        ..v1::Job::default()
    }
}

/// The document of a job before it has a certificate.
fn unsigned(verdict: &str) -> Value {
    json!({"schema": "netghost.drift_check/v1", "job": JOB, "verdict": verdict, "baseline": "b", "targets": [],
        "changes": [], "not_covered": [], "baseline_at_us": "1", "current_at_us": "2", "asked_by": "ada", "ticket": null})
}

fn certificate(verdict: &str, signer: &Signer, document: &Value) -> Vec<u8> {
    let row = CoveredSection {
        namespace: None,
        way: None,
        target: "vm1".into(),
        section: SectionName::Tc,
        reader: Reader::Kernel,
        baseline_config_digest: Some(Digest::of(b"a")),
        current_config_digest: Some(Digest::of(if verdict == "drift" { b"b" } else { b"a" })),
    };
    let gap = NotCovered {
        namespace: None,
        target: "vm1".into(),
        section: "links".to_owned(),
        why: "unreadable".to_owned(),
        requested: verdict == "unknown",
    };
    let mut drift = Drift::new(Comparison {
        covered: vec![row],
        not_covered: vec![gap],
        changes: Changes {
            count: u32::from(verdict == "drift"),
            digest: Digest::of(b"changes"),
            list: Vec::new(),
        },
        muted: Vec::new(),
        baseline_at_us: 1,
        current_at_us: 2,
        asked_by: None,
        ticket: None,
        tool: "test".to_owned(),
    });
    assert_eq!(drift.verdict.to_string(), verdict);
    let job = Id::parse(document["job"].as_str().unwrap()).unwrap();
    drift.answer = Some(answer(job, document).unwrap());
    let statement = Statement {
        subject: vec![Subject::new("vm1/manifest.json", Digest::of(b"m"))],
        predicate: Predicate::Drift(Box::new(drift)),
    };
    certificate::sign(&statement, signer).unwrap()
}

/// Has the script end the next job so. The document names the job, whose id the command draws: the script starts it, tells
/// its id by `asked`, and a second run shows it.
fn show(place: &Place, job: v1::Job, verdict: &str) -> String {
    let document = signed(&job, unsigned(verdict));
    show_document(place, job, &document)
}

/// The document with the job's certificate named in it.
fn signed(job: &v1::Job, mut document: Value) -> Value {
    let hex: String = job.certificate.iter().map(|byte| format!("{byte:02x}")).collect();
    document["certificate"] = hex.into();
    document
}

fn show_document(place: &Place, job: v1::Job, document: &Value) -> String {
    let document = serde_json::to_vec(document).unwrap();
    let document = place.script.with(|state| state.object(document));
    let job = v1::Job {
        document: document.as_bytes().to_vec().into(),
        ..job
    };
    place.script.with(|state| state.watches.push_back(vec![job]));
    format!("drift show {JOB}")
}

#[test]
fn the_status_follows_from_the_verdict_and_the_certificate_is_written_once() {
    let place = Place::new();
    for (verdict, status) in [
        ("no_drift", Status::Good),
        ("drift", Status::Act),
        ("unknown", Status::Unknown),
    ] {
        let job = ended(&place, verdict, verdict, &place.signer);
        let line = show(&place, job.clone(), verdict);
        let file = place.path(&format!("{verdict}.dsse.json"));
        let line = format!("{line} --certificate {}", file.display());
        let outcome = place.run(&line).unwrap();
        assert_eq!(outcome.status, status, "{verdict}");
        assert_eq!(outcome.document["schema"], "netghost.drift_check/v1");
        assert!(outcome.text.contains(&place.signer.public().id().to_string()));
        let written = std::fs::read(&file).unwrap();
        certificate::verify(&written, &[place.signer.public().clone()]).unwrap();
        assert_eq!(place.run(&line).unwrap_err().code, "name_exists");
        assert_eq!(std::fs::read(&file).unwrap(), written);
        place.script.with(|state| state.watches.clear());
    }
}

#[test]
fn a_certificate_that_does_not_hold_is_something_to_act_on() {
    let place = Place::new();
    let other = Signer::from_seed(&[8; 32]).unwrap();
    let cases = [
        // By a key that the controller does not publish; one that states something else than the job.
        (ended(&place, "no_drift", "no_drift", &other), "bad_signature"),
        (
            ended(&place, "no_drift", "drift", &place.signer),
            "bad_certificate",
        ),
    ];
    for (job, code) in cases {
        let line = show(&place, job, "no_drift");
        let failure = place.run(&line).unwrap_err();
        assert_eq!((failure.status, failure.code), (Status::Act, code));
    }
    // The job says no_drift, its document drift; or the object is not what its digest says.
    let job = ended(&place, "no_drift", "no_drift", &place.signer);
    let line = show(&place, job.clone(), "drift");
    assert_eq!(place.run(&line).unwrap_err().code, "bad_answer");
    let line = show(&place, job, "no_drift");
    place.script.with(|state| {
        state.objects.values_mut().for_each(|bytes| bytes.push(b' '));
    });
    assert_eq!(place.run(&line).unwrap_err().code, "edited");
}

/// Puts a snapshot of one chain into the controller's store.
fn stored(place: &Place, rules: &str) -> Digest {
    let file = place.path("rules.nft");
    let chain = format!("type filter hook input priority 0; policy accept; {rules}");
    std::fs::write(&file, format!("table ip t {{ chain c {{ {chain} }} }}\n")).unwrap();
    let parsed = place.run(&format!("firewall parse {}", file.display())).unwrap();
    let snapshot = from_document(&serde_json::to_vec(&parsed.document).unwrap()).unwrap();
    let stored = store(&snapshot, &Meta::default()).unwrap();
    place.script.with(|state| {
        stored.objects.into_iter().for_each(|(_, bytes)| {
            state.object(bytes);
        });
        state.object(stored.manifest_bytes)
    })
}

#[test]
fn changes_are_explained_from_the_two_snapshots_and_the_certificate_still_holds() {
    let place = Place::new();
    let manifests = |baseline: Digest| {
        let current = stored(&place, "tcp dport 22 drop;");
        json!({"baseline": baseline.to_string(), "current": current.to_string()})
    };
    let told = [
        (stored(&place, ""), "New: if "),
        (
            Digest::of(b"gone"),
            "Not explained: the baseline snapshot can't be read: ",
        ),
    ];
    for (baseline, beginning) in told {
        let change = json!({"target": "vm1", "section": "nftables", "kind": "rule_added", "path": "ip/t/c/rule[1]",
            "before": null, "after": {"position": 1, "text": "tcp dport 22 drop"}});
        let mut document = unsigned("drift");
        document["changes"] = json!([change]);
        document["targets"] = json!([{"name": "vm1", "verdict": "drift", "changes": [change], "not_covered": [],
            "manifests": manifests(baseline)}]);
        let certificate = certificate("drift", &place.signer, &document);
        let certificate = place.script.with(|state| state.object(certificate));
        let job = v1::Job {
            certificate: certificate.as_bytes().to_vec().into(),
            ..ended(&place, "drift", "drift", &place.signer)
        };
        let line = show_document(&place, job.clone(), &signed(&job, document));
        let outcome = place.run(&format!("{line} --explain")).unwrap();
        assert_eq!(outcome.status, Status::Act);
        for changes in [
            &outcome.document["changes"],
            &outcome.document["targets"][0]["changes"],
        ] {
            let text = changes[0]["explanation"]["text"].as_str().unwrap();
            assert!(text.starts_with(beginning), "{text}");
            assert!(outcome.text.contains(text), "{}", outcome.text);
        }
        place.script.with(|state| state.watches.clear());
    }
}

/// What is in an edited store, without the key that signs.
#[test]
fn an_answer_that_no_certificate_is_over_is_not_believed() {
    let place = Place::new();
    let refused = |line: &str, what: &str| {
        let failure = place.run(line).unwrap_err();
        assert_eq!(
            (failure.status, failure.code),
            (Status::Act, "bad_certificate"),
            "{what}"
        );
        place.script.with(|state| state.watches.clear());
    };
    let job = ended(&place, "no_drift", "no_drift", &place.signer);
    let whole = signed(&job, unsigned("no_drift"));
    let edits = [
        ("changes", json!([{"target": "vm1"}])),
        ("not_covered", json!([{"target": "vm1", "requested": true}])),
        ("targets", json!([{"name": "vm1", "verdict": "no_drift"}])),
        ("baseline_at_us", json!("3")),
        ("current_at_us", json!("3")),
        ("asked_by", json!("eve")),
        ("ticket", json!("CHG-1")),
        ("certificate", json!(Digest::of(b"another").to_string())),
    ];
    for (field, value) in edits {
        let mut edited = whole.clone();
        edited[field] = value;
        refused(&show_document(&place, job.clone(), &edited), field);
    }
    // Another job's answer under this job's id.
    let mut other = unsigned("no_drift");
    other["job"] = "08080808-0808-4808-8808-080808080808".into();
    let theirs = certificate("no_drift", &place.signer, &other);
    let theirs = place.script.with(|state| state.object(theirs));
    let replayed = v1::Job {
        certificate: theirs.as_bytes().to_vec().into(),
        ..job.clone()
    };
    refused(&show(&place, replayed, "no_drift"), "another job");
    for verdict in ["no_drift", "drift", "unknown"] {
        let bare = v1::Job {
            verdict: verdict.to_owned(),
            certificate: Vec::new().into(),
            ..job.clone()
        };
        refused(&show(&place, bare.clone(), verdict), "no certificate");
        if verdict != "unknown" {
            place.script.with(|state| state.watches.push_back(vec![bare]));
            refused(&format!("drift show {JOB}"), "no document either");
        }
    }
    // A check that is stored as a baseline which was made.
    let made = v1::Job {
        kind: "baseline".to_owned(),
        state: "ended".to_owned(),
        verdict: "complete".to_owned(),
        baseline: "b".to_owned(),
        ..v1::Job::default()
    };
    place.script.with(|state| state.starts = [Ok(made)].into());
    refused(CHECK, "a baseline");
}

#[test]
fn a_swapped_key_is_found_and_a_rotation_is_taken() {
    let place = Place::new();
    let other = Signer::from_seed(&[8; 32]).unwrap();
    let run = |signer| {
        let job = ended(&place, "no_drift", "no_drift", signer);
        let line = show(&place, job, "no_drift");
        let run = place.run(&line).map(|_| ()).map_err(|failure| failure.code);
        place.script.with(|state| state.watches.clear());
        run
    };
    assert_eq!(run(&place.signer), Ok(()));
    // Beside a key that still signs, a second one is no rotation.
    place.script.with(|state| state.publish(&other, 0));
    assert_eq!(run(&other), Err("other_key"));
    place.script.with(|state| state.keys.remove(0));
    assert_eq!(run(&other), Err("other_key"));
    place.script.with(|state| {
        state.publish(&place.signer, 5);
    });
    assert_eq!(run(&other), Ok(()));
    assert_eq!(run(&place.signer), Ok(()));
}

#[test]
fn a_lost_connection_is_made_up_for_by_the_same_job() {
    let place = Place::new();
    let running = v1::Job {
        kind: "drift".to_owned(),
        state: "running".to_owned(),
        baseline: "b".to_owned(),
        ..v1::Job::default()
    };
    let end = v1::Job {
        state: "ended".to_owned(),
        verdict: "unknown".to_owned(),
        why: "nobody was selected".to_owned(),
        ..running.clone()
    };
    place.script.with(|state| {
        state.starts = [Ok(running.clone()), Err(Code::Unavailable), Ok(running.clone())].into();
        state.watches = [vec![running.clone()], vec![running.clone(), end]].into();
    });
    let outcome = place.run(CHECK).unwrap();
    assert_eq!(outcome.status, Status::Unknown);
    assert_eq!(outcome.document["schema"], "netghost.job/v1");
    assert_eq!(outcome.document["missing"][0]["why"], "nobody was selected");
    let (asked, connections) = place
        .script
        .with(|state| (state.asked.clone(), state.connections));
    assert_eq!((asked.len(), connections), (3, 3));
    assert!(asked.iter().all(|id| *id == asked[0]), "{asked:?}");
    assert_eq!(outcome.document["job"], asked[0].as_str());
}

/// A controller that goes away between a job's end and its document: what only reads is asked again.
#[test]
fn what_a_job_left_is_fetched_again_over_a_new_connection() {
    let place = Place::new();
    let digest = place.script.with(|state| {
        state.cut_fetches = 2;
        state.object(b"a document".to_vec())
    });
    let world = place.world();
    let mut fleet = (world.connect)(&world, &Where::default()).unwrap();
    assert_eq!(fleet.object(&digest).unwrap(), b"a document");
    assert_eq!(place.script.with(|state| state.connections), 3);
    // What is not there is not asked for again.
    let absent = netghost_core::artifact::json::Digest::of(b"another");
    assert!(fleet.object(&absent).is_err());
    assert_eq!(place.script.with(|state| state.connections), 3);
}

#[test]
fn a_refusal_ends_it_and_the_controller_is_not_asked_for_ever() {
    let place = Place::new();
    place.script.with(|state| {
        state.starts = std::iter::repeat_n(Err(Code::Unavailable), 1_000).collect();
        state.starts.insert(1, Err(Code::PermissionDenied));
    });
    let failure = place.run(CHECK).unwrap_err();
    assert_eq!(
        (failure.status, failure.code),
        (Status::Failed, "permission_denied")
    );
    assert_eq!(place.script.with(|state| state.asked.len()), 2);
    let world = place.world();
    let mut fleet = (world.connect)(&world, &Where::default()).unwrap();
    let request = Request {
        id: "07070707-0707-4707-8707-070707070707".to_owned(),
        ..Request::default()
    };
    let patience = Patience::at_most(std::time::Duration::from_secs(1));
    let failure = fleet
        .run(&request, patience, &mut Progress::new(Format::Text))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "unavailable"));
    assert!(failure.hint.unwrap().contains(&request.id));
}

#[test]
fn a_baseline_tells_how_far_it_is_whole() {
    let place = Place::new();
    let target = |state: &str, why: &str| v1::JobTarget {
        agent_id: "a".to_owned(),
        name: "vm1".to_owned(),
        state: state.to_owned(),
        why: why.to_owned(),
        ..v1::JobTarget::default()
    };
    let job = |verdict: &str, target| v1::Job {
        kind: "baseline".to_owned(),
        state: "ended".to_owned(),
        verdict: verdict.to_owned(),
        baseline: "b".to_owned(),
        targets: vec![target],
        ..v1::Job::default()
    };
    let line = "baseline create b --vm vm1 --section tc";
    let starts = [
        job("complete", target("captured", "")),
        job("partial", target("captured", "links: unreadable")),
        job("failed", target("failed", "offline")),
    ];
    place.script.with(|state| state.starts = starts.map(Ok).into());
    assert_eq!(place.run(line).unwrap().status, Status::Good);
    let partial = place.run(line).unwrap();
    assert_eq!(partial.status, Status::Unknown);
    assert_eq!(
        partial.document["missing"],
        json!([{"target": "vm1", "why": "links: unreadable"}])
    );
    let failure = place.run(line).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "job_failed"));
    assert_eq!(
        format!("{:#}", failure.error),
        "no baseline was made: vm1: offline"
    );
}
