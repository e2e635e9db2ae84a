//! Consent: what is shown, what is typed, what is signed, and what is not.

use netghost_cli::exit::Status;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::{PublicKey, Signer};
use netghost_core::artifact::name::Name;
use netghost_core::gate::{Action, Approval, Roster};
use netghost_proto::v1;

use super::place::{Place, words};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn ca() -> Signer {
    Signer::from_seed(&[1; 32]).unwrap()
}

/// A place where ada may approve, and bob has asked for an action; its id and digest.
pub(super) fn asked() -> (Place, String, String) {
    let place = Place::new();
    place.run("approvers key").unwrap();
    publish(&place, "ada", false);
    place.script.with(|state| state.becomes = "confirmed".to_owned());
    let outcome = place
        .run("action request web-1 --reason 'it is dropped' nft-delete --family inet --table filter --chain input --rule drop")
        .unwrap();
    let row = &outcome.document["actions"][0];
    let text = |field: &str| row[field].as_str().unwrap().to_owned();
    let (id, digest) = (text("id"), text("digest"));
    (place, id, digest)
}

fn own_key(place: &Place) -> PublicKey {
    let pem = std::fs::read_to_string(place.path("config/netghost/approver.pub.pem")).unwrap();
    PublicKey::from_pem(&pem).unwrap()
}

/// Has the controller know the own key as that of `who`.
fn publish(place: &Place, who: &str, revoked: bool) {
    let mut roster = Roster::new().with(name(who), &own_key(place)).unwrap();
    if revoked {
        roster = roster.without(&name(who)).unwrap();
    }
    let approvers = v1::Approvers {
        ca: ca().public().to_pem().unwrap(),
        roster: roster.sign(&ca()).unwrap().into(),
    };
    place.script.with(|state| state.approvers = Some(approvers));
}

fn approvals(place: &Place) -> usize {
    place.script.with(|state| state.approvals.len())
}

#[test]
fn who_types_the_digest_has_signed_exactly_that_action() {
    let (place, id, digest) = asked();
    let (world, questions) = place.typing(&digest[..8]);
    let outcome = place.run_in(&world, &format!("approval approve {id}")).unwrap();
    assert_eq!(outcome.status, Status::Good, "{}", outcome.text);
    assert!(
        outcome.text.contains("confirmed: it is done and stays"),
        "{}",
        outcome.text
    );
    let question = questions.lock().unwrap().concat();
    let shown = place.run(&format!("approval show {id}")).unwrap().text;
    assert!(
        shown.contains("what is done") && question.contains("what is done\n  do it\n"),
        "{question}"
    );
    assert!(
        question.contains(&digest) && question.contains("as ada"),
        "{question}"
    );
    let (envelope, document) = place
        .script
        .with(|state| (state.approvals[0].clone(), state.actions[0].document.clone()));
    let action = Action::from_bytes(&document).unwrap();
    let roster = Roster::new().with(name("ada"), &own_key(&place)).unwrap();
    let approval = Approval::open(&envelope, &roster, &action).unwrap();
    assert_eq!(approval.action, Digest::parse(&digest).unwrap());
    // Once is enough.
    let failure = place
        .run_in(&world, &format!("approval approve {id}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "not_pending"));
    assert_eq!(approvals(&place), 1);
}

#[test]
fn anything_else_approves_nothing() {
    let (place, id, digest) = asked();
    for typed in ["", "y", "yes", "YES", &digest[..7], &digest[1..9], "00000000"] {
        let (world, _) = place.typing(typed);
        let failure = place
            .run_in(&world, &format!("approval approve {id}"))
            .unwrap_err();
        assert_eq!(
            (failure.status, failure.code),
            (Status::Person, "not_approved"),
            "{typed}"
        );
    }
    // Without a terminal nothing is asked.
    let failure = place.run(&format!("approval approve {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Person, "no_terminal"));
    assert!(failure.hint.unwrap().contains("--digest"));
    // There is no word that answers an approval.
    for word in ["--yes", "-y", "--force", "--digest", "--digest=9f86d081"] {
        let line = words(&place.path(""), &format!("approval approve {id} {word}"));
        assert_eq!(
            netghost_cli::args::parse(&line).unwrap_err(),
            Status::Usage,
            "{word}"
        );
    }
    let other = Digest::of(b"another action");
    let failure = place
        .run(&format!("approval approve {id} --digest {other}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "other_action"));
    assert_eq!(approvals(&place), 0);
    let outcome = place
        .run(&format!("approval approve {id} --digest {digest}"))
        .unwrap();
    assert_eq!((outcome.status, approvals(&place)), (Status::Good, 1));
}

#[test]
fn what_comes_of_an_approved_action_is_the_status() {
    for (becomes, status) in [
        ("confirmed", Status::Good),
        ("done", Status::Good),
        ("undone", Status::Act),
        ("conflict", Status::Act),
        ("failed", Status::Failed),
        ("unknown", Status::Unknown),
    ] {
        let (place, id, digest) = asked();
        place.script.with(|state| state.becomes = becomes.to_owned());
        let line = format!("approval approve {id} --digest {digest}");
        assert_eq!(place.status(&line), status, "{becomes}");
    }
    let (place, id, digest) = asked();
    place.script.with(|state| state.becomes = String::new());
    let line = format!("approval approve {id} --digest {digest} --no-wait");
    assert_eq!(place.status(&line), Status::Unknown, "it goes on");
}

#[test]
fn a_document_that_is_not_what_is_said_of_it_is_refused() {
    let alterations: [fn(&mut v1::Action); 8] = [
        |action| action.reason = "routine".to_owned(),
        |action| action.requester = "carol".to_owned(),
        |action| action.namespace = "blue".to_owned(),
        |action| action.ticket = "CHG-9".to_owned(),
        |action| action.agent_id = "07070707-0707-4707-8707-070707070707".to_owned(),
        |action| {
            let text = String::from_utf8(action.operation.to_vec()).unwrap();
            action.operation = text.replace("\"input\"", "\"output\"").into_bytes().into();
        },
        |action| {
            let text = String::from_utf8(action.document.to_vec()).unwrap();
            action.document = text.replacen("\"drop\"", "\"accept\"", 1).into_bytes().into();
        },
        |action| {
            let mut bytes = action.document.to_vec();
            bytes.push(b'\n');
            action.document = bytes.into();
        },
    ];
    for (number, alter) in alterations.into_iter().enumerate() {
        let (place, id, digest) = asked();
        place.script.with(|state| state.alter = Some(alter));
        for line in [
            format!("approval show {id}"),
            format!("action show {id}"),
            format!("approval approve {id} --digest {digest}"),
            format!("action undo {id}"),
        ] {
            let failure = place.run(&line).unwrap_err();
            assert_eq!(
                (failure.status, failure.code),
                (Status::Act, "altered"),
                "{number}: {line}"
            );
        }
        for line in ["action list", "approval list --pending"] {
            let list = place.run(line).unwrap();
            assert_eq!(list.status, Status::Act, "{number}: {line}");
            assert!(list.text.contains("DO NOT APPROVE"), "{number}: {}", list.text);
        }
        assert_eq!(approvals(&place), 0, "{number}");
    }
}

#[test]
fn whoever_may_not_approve_is_told_so_and_signs_nothing() {
    let refused = |place: &Place, id: &str, digest: &str| {
        let failure = place
            .run(&format!("approval approve {id} --digest {digest}"))
            .unwrap_err();
        assert_eq!(approvals(place), 0);
        (failure.status, failure.code)
    };
    let (place, id, digest) = asked();
    publish(&place, "ada", true);
    assert_eq!(refused(&place, &id, &digest), (Status::Person, "revoked"));
    publish(&place, "carol", false);
    assert_eq!(refused(&place, &id, &digest), (Status::Usage, "other_person"));
    place.script.with(|state| state.approvers = None);
    assert_eq!(refused(&place, &id, &digest), (Status::Person, "no_authority"));
    std::fs::remove_file(place.path("config/netghost/approver.key")).unwrap();
    assert_eq!(refused(&place, &id, &digest), (Status::Usage, "no_key"));
    publish(&place, "ada", false);
    place.run("approvers key").unwrap();
    assert_eq!(refused(&place, &id, &digest), (Status::Person, "no_approver"));
    publish(&place, "ada", false);
    // Who asked is logged in, and on the list.
    let context = place.path("config/netghost/contexts/lab/context.toml");
    let settings = std::fs::read_to_string(&context).unwrap();
    std::fs::write(&context, settings.replace("\"ada\"", "\"bob\"")).unwrap();
    publish(&place, "bob", false);
    let failure = place
        .run(&format!("approval approve {id} --digest {digest}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Person, "self_approval"));
    assert!(
        format!("{:#}", failure.error).contains("bob asked for it"),
        "{failure:?}"
    );
    assert_eq!(approvals(&place), 0);
}

#[test]
fn a_key_that_others_can_read_signs_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let (place, id, digest) = asked();
    let key = place.path("config/netghost/approver.key");
    let mode = |mode| std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    mode(0o640);
    let failure = place
        .run(&format!("approval approve {id} --digest {digest}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "store"));
    assert_eq!(approvals(&place), 0);
}

#[test]
fn a_denial_has_a_reason_and_is_a_good_end_for_who_denies() {
    let (place, id, digest) = asked();
    let line = words(&place.path(""), &format!("approval deny {id}"));
    assert_eq!(netghost_cli::args::parse(&line).unwrap_err(), Status::Usage);
    assert_eq!(
        place
            .run(&format!("approval deny {id} --reason ' '"))
            .unwrap_err()
            .code,
        "wrong_use"
    );
    let outcome = place
        .run(&format!("approval deny {id} --reason 'not now'"))
        .unwrap();
    assert_eq!(outcome.status, Status::Good);
    assert!(
        outcome.text.contains("denied by") && outcome.text.contains("not now"),
        "{}",
        outcome.text
    );
    // For who asked, a person is needed again.
    assert_eq!(place.status(&format!("action show {id}")), Status::Person);
    let failure = place
        .run(&format!("approval approve {id} --digest {digest}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Person, "not_pending"));
    assert!(
        place
            .run("approval list --pending")
            .unwrap()
            .text
            .contains("no approval is asked for")
    );
    assert_eq!(
        place.run("approval list").unwrap().document["actions"][0]["approval"],
        "denied"
    );
    assert_eq!(approvals(&place), 0);
}
