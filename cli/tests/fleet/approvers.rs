//! The approvers' CA, its list, and the tokens that name it.

use std::os::unix::fs::PermissionsExt;

use netghost_cli::exit::Status;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::key::{PublicKey, Signer};
use netghost_core::fleet::{Id, Secret, Token};
use netghost_core::gate::Roster;

use super::place::Place;

fn published(place: &Place) -> (PublicKey, Roster) {
    let approvers = place.script.with(|state| state.approvers.clone()).unwrap();
    let ca = PublicKey::from_pem(&approvers.ca).unwrap();
    let roster = Roster::open(&approvers.roster, &ca).unwrap();
    (ca, roster)
}

#[test]
fn a_list_is_made_edited_published_and_believed_by_its_ca() {
    let place = Place::new();
    let made = place.run("approvers init --dir @ca").unwrap();
    let key = place.path("ca/ca.key");
    assert_eq!(
        std::fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(made.document["version"], 1);
    assert!(!format!("{}{}", made.text, made.document).contains("PRIVATE"));
    let failure = place.run("approvers init --dir @ca").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "name_exists"));
    for who in ["ada", "carol"] {
        let own = place.run(&format!("approvers key --key @{who}.key")).unwrap();
        assert!(
            own.text.starts_with("-----BEGIN PUBLIC KEY-----\n"),
            "{}",
            own.text
        );
        let added = place
            .run(&format!("approvers add {who} --key @{who}.pub.pem --dir @ca"))
            .unwrap();
        assert_eq!(
            (added.status, &added.document["published"]),
            (Status::Good, &true.into())
        );
    }
    let (ca, roster) = published(&place);
    assert_eq!(made.document["ca"], ca.id().to_string().as_str());
    assert_eq!((roster.version, roster.approvers.len()), (3, 2));
    // One key under two names would be four eyes of one person.
    let failure = place
        .run("approvers add dave --key @ada.pub.pem --dir @ca")
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "exists"));
    assert_eq!(
        place
            .run("approvers add dave --key @ada.key --dir @ca")
            .unwrap_err()
            .code,
        "not_a_key"
    );
    place.run("approvers revoke ada --dir @ca").unwrap();
    let (_, roster) = published(&place);
    assert!(roster.approvers[0].revoked && !roster.approvers[1].revoked);
    let failure = place.run("approvers revoke ada --dir @ca").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "not_found"));
    let listed = place.run("approvers list --dir @ca").unwrap();
    assert!(
        listed.text.contains("REVOKED") && listed.text.contains("approves"),
        "{}",
        listed.text
    );
    // Who has no CA here sees the controller's.
    let listed = place.run("approvers list").unwrap();
    assert_eq!(
        (&listed.document["version"], &listed.document["published"]),
        (&4.into(), &true.into())
    );
}

#[test]
fn an_edit_that_can_not_be_published_stands_and_is_said() {
    let place = Place::new();
    place.run("approvers init").unwrap();
    place.run("approvers key").unwrap();
    place.script.with(|state| state.refuse_approvers = true);
    let key = "@config/netghost/approver.pub.pem";
    let added = place.run(&format!("approvers add ada --key {key}")).unwrap();
    assert_eq!(
        (added.status, &added.document["published"]),
        (Status::Act, &false.into())
    );
    assert!(added.text.contains("HAS NOT GOT THIS LIST"), "{}", added.text);
    assert_eq!(place.run("approvers publish").unwrap_err().status, Status::Usage);
    place.script.with(|state| state.refuse_approvers = false);
    assert_eq!(place.run("approvers publish").unwrap().status, Status::Good);
    assert_eq!(published(&place).1.version, 2);
    // Without a controller there is nobody to publish to, and that is no failure.
    let edited = place.run("approvers revoke ada --standalone").unwrap();
    assert_eq!(
        (edited.status, &edited.document["published"]),
        (Status::Good, &serde_json::Value::Null)
    );
}

#[test]
fn a_copy_of_the_ca_takes_over_what_was_published_since() {
    let place = Place::new();
    place.run("approvers init --dir @ca").unwrap();
    std::fs::create_dir(place.path("copy")).unwrap();
    for file in ["ca.key", "approvers.pem", "roster.dsse.json"] {
        std::fs::copy(place.path("ca").join(file), place.path("copy").join(file)).unwrap();
    }
    for who in ["ada", "carol"] {
        place.run(&format!("approvers key --key @{who}.key")).unwrap();
    }
    place
        .run("approvers add ada --key @ada.pub.pem --dir @ca")
        .unwrap();
    place
        .run("approvers add carol --key @carol.pub.pem --dir @copy")
        .unwrap();
    let (_, roster) = published(&place);
    assert_eq!(
        (roster.version, roster.approvers.len()),
        (3, 2),
        "no version has two meanings"
    );
}

#[test]
fn another_ca_is_not_taken_for_this_one() {
    let place = Place::new();
    place.run("approvers init --dir @one").unwrap();
    place.run("approvers init --dir @two").unwrap();
    place.run("approvers trust @one/approvers.pem").unwrap();
    let failure = place.run("approvers trust @two/approvers.pem").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "other_authority"));
    place.run("approvers key").unwrap();
    // The controller has a list of another CA than is trusted here.
    place.run("approvers trust @two/approvers.pem --replace").unwrap();
    place.run("approvers publish --dir @two").unwrap();
    place.run("approvers trust @one/approvers.pem --replace").unwrap();
    let failure = place.run("approvers list").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "other_authority"));
    // A list that was edited.
    place.run("approvers trust @two/approvers.pem --replace").unwrap();
    place.script.with(|state| {
        let list = state.approvers.as_mut().unwrap();
        let text = String::from_utf8(list.roster.to_vec()).unwrap();
        list.roster = text
            .replacen("\"payload\":\"e", "\"payload\":\"f", 1)
            .into_bytes()
            .into();
    });
    let failure = place.run("approvers list").unwrap_err();
    assert_eq!(failure.status, Status::Act, "{failure:?}");
}

#[test]
fn a_token_names_the_ca_that_the_context_trusts() {
    let place = Place::new();
    let token = Token {
        id: Id::from_random([1; 16]),
        secret: Secret([2; 32]),
        ca: Digest::of(b"ca"),
        approvers: None,
    };
    place.script.with(|state| state.token = token.reveal());
    let plain = place.run("token create").unwrap();
    assert_eq!(Token::parse(&plain.text).unwrap(), token);
    let made = place.run("approvers init --dir @ca").unwrap();
    place.run("approvers trust @ca/approvers.pem").unwrap();
    let named = Token::parse(&place.run("token create").unwrap().text).unwrap();
    assert_eq!(
        named.approvers.unwrap().to_string(),
        made.document["ca"].as_str().unwrap()
    );
    assert_eq!(
        Token {
            approvers: None,
            ..named
        },
        token
    );
    // A controller that puts another one in is not believed.
    let other = Token {
        approvers: Some(Digest::of(b"its own")),
        ..token
    };
    place.script.with(|state| state.token = other.reveal());
    let failure = place.run("token create").unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "bad_answer"));
}

#[test]
fn a_file_that_is_no_key_is_told_before_anything_is_done() {
    let place = Place::new();
    let signer = Signer::from_seed(&[5; 32]).unwrap();
    std::fs::write(place.path("private.pem"), signer.to_pem().unwrap().as_bytes()).unwrap();
    std::fs::write(place.path("empty.pem"), "").unwrap();
    for (file, code) in [
        ("private.pem", "not_a_key"),
        ("empty.pem", "not_a_key"),
        ("none.pem", "no_such_file"),
    ] {
        let failure = place.run(&format!("approvers trust @{file}")).unwrap_err();
        assert_eq!((failure.status, failure.code), (Status::Usage, code), "{file}");
    }
    for line in [
        "approvers list --dir @none",
        "approvers revoke ada --dir @none",
        "approvers publish --dir @none",
    ] {
        assert_eq!(place.run(line).unwrap_err().code, "no_authority", "{line}");
    }
}
