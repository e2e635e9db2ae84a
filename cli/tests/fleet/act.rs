//! Without a controller: the demands that reach this host's socket, and what is made of the answers.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

use netghost_cli::error::Failure;
use netghost_cli::exit::Status;
use netghost_cli::output::Outcome;
use netghost_cli::world::World;
use netghost_core::artifact::json::{self, Digest};
use netghost_core::artifact::key::PublicKey;
use netghost_core::artifact::name::Name;
use netghost_core::gate::{Action, ActionState, Answer, Approval, Demand, Roster, Stands};

use super::place::Place;
use super::proposal;

/// What answers at the socket: it proposes anything, and keeps one action.
#[derive(Debug, Default)]
struct Act {
    action: Option<Action>,
    state: Option<ActionState>,
    refusal: Option<(&'static str, &'static str)>,
    approvals: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Act {
    fn answer(&mut self, demand: Demand) -> Answer {
        if let Some((code, why)) = self.refusal {
            return Answer::refused(code, why);
        }
        match demand {
            Demand::Propose(asked) => {
                let action = proposal::action(&asked);
                self.action = Some(action.clone());
                self.state = Some(ActionState::Waiting);
                return Answer::proposed(&action).unwrap();
            }
            Demand::Perform { approval, roster, .. } => {
                self.approvals
                    .push((approval.as_bytes().to_vec(), roster.as_bytes().to_vec()));
                self.state = Some(ActionState::Applied);
            }
            Demand::Confirm { .. } => self.state = Some(ActionState::Confirmed),
            Demand::Undo { .. } => self.state = Some(ActionState::Undone),
            Demand::Withdraw { .. } => self.state = Some(ActionState::Closed),
            Demand::Standing { .. } => {}
        }
        let action = self.action.as_ref().unwrap();
        Answer::Stands(Stands {
            action: action.digest().unwrap(),
            state: self.state.unwrap(),
            why: None,
            approver: None,
            self_approved: false,
            ends_in_ms: (self.state == Some(ActionState::Applied)).then_some(59_000),
            output: None,
        })
    }
}

struct Host {
    place: Place,
    act: Arc<Mutex<Act>>,
}

impl Host {
    /// A host on which grace may approve what alan asks for.
    fn new() -> Self {
        let host = Self {
            place: Place::new(),
            act: Arc::default(),
        };
        let listener = UnixListener::bind(host.place.path("act.sock")).unwrap();
        let act = host.act.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut bytes).unwrap();
                let answer = act.lock().unwrap().answer(json::from_slice(&bytes).unwrap());
                // As the process does: not canonical.
                let answer = serde_json::to_vec(&answer).unwrap();
                stream
                    .write_all(&u32::try_from(answer.len()).unwrap().to_be_bytes())
                    .unwrap();
                stream.write_all(&answer).unwrap();
            }
        });
        std::fs::create_dir_all(host.place.path("etc")).unwrap();
        for line in ["approvers init --dir @etc", "approvers key"] {
            host.run("alan", line).unwrap();
        }
        host.run(
            "alan",
            "approvers add grace --dir @etc --key @config/netghost/approver.pub.pem",
        )
        .unwrap();
        host
    }

    fn run(&self, person: &str, line: &str) -> Result<Outcome, Failure> {
        let world = World {
            person: Some(person.to_owned()),
            ..self.place.alone()
        };
        self.place.run_in(&world, &format!("{line} --standalone"))
    }

    fn request(&self) -> (String, String) {
        let line = "action request localhost --reason 'it is dropped' nft-delete --family ip --table t --chain c --rule drop";
        let outcome = self.run("alan", line).unwrap();
        assert_eq!(outcome.status, Status::Person);
        let row = &outcome.document["actions"][0];
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        assert_eq!(
            (text("requester"), text("vm")),
            ("alan".to_owned(), "vm1".to_owned())
        );
        (text("id"), text("digest"))
    }

    fn act<T>(&self, work: impl FnOnce(&mut Act) -> T) -> T {
        work(&mut self.act.lock().unwrap())
    }
}

#[test]
fn a_change_is_asked_for_approved_done_and_confirmed_by_hand() {
    let host = Host::new();
    let (id, digest) = host.request();
    assert!(
        host.run("alan", &format!("approval show {id}"))
            .unwrap()
            .text
            .contains("netghost action confirm")
    );
    let outcome = host
        .run("alan", &format!("approval approve {id} --digest {digest}"))
        .unwrap();
    // A person has to say that the way in is open.
    assert_eq!(outcome.status, Status::Person, "{}", outcome.text);
    assert!(outcome.text.contains("59s"), "{}", outcome.text);
    let pem = std::fs::read_to_string(host.place.path("etc/approvers.pem")).unwrap();
    let ca = PublicKey::from_pem(&pem).unwrap();
    host.act(|act| {
        let (approval, roster) = &act.approvals[0];
        let roster = Roster::open(roster, &ca).unwrap();
        let approval = Approval::open(approval, &roster, act.action.as_ref().unwrap()).unwrap();
        assert_eq!(approval.approver, Name::parse("grace").unwrap());
        assert_eq!(approval.action, Digest::parse(&digest).unwrap());
    });
    let outcome = host.run("alan", &format!("action confirm {id}")).unwrap();
    assert_eq!(outcome.status, Status::Good);
    assert_eq!(
        host.run("alan", &format!("action wait {id}")).unwrap().status,
        Status::Good
    );
    assert_eq!(
        host.run("alan", "action list").unwrap().document["actions"][0]["state"],
        "confirmed"
    );
}

#[test]
fn four_eyes_hold_without_a_controller() {
    let host = Host::new();
    let line = "action request vm1 --reason x qdisc-remove eth0";
    let outcome = host.run("grace", line).unwrap();
    let row = &outcome.document["actions"][0];
    let line = format!(
        "approval approve {} --digest {}",
        row["id"].as_str().unwrap(),
        row["digest"].as_str().unwrap()
    );
    let failure = host.run("grace", &line).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Person, "self_approval"));
    host.act(|act| assert!(act.approvals.is_empty()));
}

#[test]
fn what_is_denied_undone_or_forgotten_is_told() {
    let host = Host::new();
    let (id, digest) = host.request();
    let outcome = host
        .run("grace", &format!("approval deny {id} --reason 'not now'"))
        .unwrap();
    assert_eq!(outcome.status, Status::Good);
    let row = host.run("alan", &format!("action show {id}")).unwrap();
    assert_eq!(
        (row.status, &row.document["actions"][0]["decision"]),
        (Status::Person, &"not now".into())
    );
    let failure = host
        .run("alan", &format!("approval approve {id} --digest {digest}"))
        .unwrap_err();
    assert_eq!(failure.code, "not_pending");
    let (id, digest) = host.request();
    host.run("alan", &format!("approval approve {id} --digest {digest}"))
        .unwrap();
    let outcome = host.run("alan", &format!("action undo {id}")).unwrap();
    assert_eq!(
        (outcome.status, &outcome.document["actions"][0]["state"]),
        (Status::Good, &"undone".into())
    );
    let table = [
        ("expired", Status::Person, "expired"),
        ("other_boot", Status::Person, "void"),
        ("unknown_action", Status::Unknown, "void"),
    ];
    for (code, status, approval) in table {
        host.act(|act| act.refusal = Some((code, "why")));
        let row = host.run("alan", &format!("action show {id}")).unwrap();
        assert_eq!(
            (row.status, &row.document["actions"][0]["approval"]),
            (status, &approval.into()),
            "{code}"
        );
    }
}

#[test]
fn a_refusal_is_an_error_with_its_word() {
    let host = Host::new();
    host.act(|act| act.refusal = Some(("denied_by_policy", "change = \"deny\"")));
    let outcome = host
        .run("alan", "action request vm1 --reason x qdisc-remove eth0")
        .unwrap();
    assert_eq!(outcome.status, Status::Failed);
    assert!(outcome.text.contains("change = \"deny\""), "{}", outcome.text);
    assert!(
        host.run("alan", "action list")
            .unwrap()
            .text
            .contains("nobody asked")
    );
    let failure = host
        .run("alan", "action request vm9 --reason x qdisc-remove eth0")
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "not_found"));
    host.act(|act| act.refusal = None);
    let (id, digest) = host.request();
    // It reads as waiting when it is looked at, and is refused when it is to be done.
    let world = World {
        person: Some("alan".to_owned()),
        prompt: {
            let act = host.act.clone();
            let typed = digest[..8].to_owned();
            Arc::new(move |_| {
                act.lock().unwrap().refusal = Some(("bad_signature", "altered"));
                Some(Ok(typed.clone()))
            })
        },
        ..host.place.alone()
    };
    let failure = host
        .place
        .run_in(&world, &format!("approval approve {id} --standalone"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "bad_signature"));
}

#[test]
fn an_edited_record_and_a_host_without_the_process_are_told() {
    let host = Host::new();
    let (id, _) = host.request();
    let file = host.place.path(&format!("state/netghost/actions/{id}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    // Another document has another digest, of which netghost-act knows nothing.
    std::fs::write(&file, text.replacen("it is dropped", "it is blocked", 1)).unwrap();
    let failure = host.run("alan", &format!("action show {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "bad_answer"));
    std::fs::write(&file, &text[..text.len() / 2]).unwrap();
    let failure = host.run("alan", &format!("action show {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "edited"));
    let place = Place::new();
    let world = place.alone();
    let failure = place
        .run_in(
            &world,
            "action request vm1 --reason x qdisc-remove eth0 --standalone",
        )
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "unreachable"));
    assert!(failure.hint.unwrap().contains("netghost-act.socket"));
}
