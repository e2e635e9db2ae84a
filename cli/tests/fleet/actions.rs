//! Asking for actions at a controller, showing, waiting, undoing.

use netghost_cli::exit::Status;
use netghost_cli::output::printable;
use netghost_core::artifact::json::Digest;

use super::place::{Place, words};

const NFT: &str = "nft-delete --family inet --table filter --chain input --rule 'tcp dport 5001 drop'";

fn request(place: &Place, options: &str, operation: &str) -> (Status, serde_json::Value, String) {
    let outcome = place
        .run(&format!(
            "action request web-1 --reason 'it is dropped' {options} {operation}"
        ))
        .unwrap_or_else(|failure| panic!("{operation}: {failure:?}"));
    (
        outcome.status,
        outcome.document["actions"][0].clone(),
        outcome.text,
    )
}

#[test]
fn a_request_shows_what_exactly_the_vm_would_do_and_waits_for_a_person() {
    let place = Place::new();
    let (status, row, text) = request(
        &place,
        "--ticket CHG-1 --check tcp:10.0.0.4:443 --window 30s",
        NFT,
    );
    assert_eq!(status, Status::Person);
    for (field, value) in [
        ("state", "waiting"),
        ("approval", "pending"),
        ("vm", "web-1"),
        ("requester", "bob"),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    let document = row["document"].as_str().unwrap();
    let digest = Digest::of(document.as_bytes()).to_string();
    assert_eq!(row["digest"], digest.as_str());
    assert_eq!(
        row["action"],
        serde_json::from_str::<serde_json::Value>(document).unwrap()
    );
    for part in [
        "waits for an approval",
        "\nwhat is done\n  do it\n",
        "\nwhat undoes it\n  put it back",
        "counters begin anew",
        "CHG-1",
        "it is dropped",
        "nft: delete from inet filter input: tcp dport 5001 drop",
        "it undoes itself after 30s",
        "reach 10.0.0.4:443 over TCP",
        "four eyes: bob can't approve it",
        "is not as it was read",
        "vm-1 is started anew",
        &digest,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // What comes from outside moves no cursor.
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn what_can_not_be_undone_is_said_first_and_in_capitals() {
    let place = Place::new();
    let (status, row, text) = request(&place, "", "package-install iperf");
    assert_eq!(status, Status::Person);
    assert!(
        text.starts_with("IRREVERSIBLE: THIS CAN'T BE UNDONE: maintainer scripts run as root\n"),
        "{text}"
    );
    assert!(
        text.contains("IT IS NOT CONFIRMED AND DOES NOT UNDO ITSELF"),
        "{text}"
    );
    assert_eq!(row["action"]["window_s"], 0);
}

#[test]
fn long_and_odd_texts_are_shown_whole() {
    let place = Place::new();
    let long = format!("ip saddr {{ {} }} drop", "10.0.0.1, ".repeat(300));
    let operation = format!("nft-insert --family inet --table filter --chain input --first --rule '{long}'");
    let (_, row, text) = request(&place, "", &operation);
    assert_eq!(row["operation"]["rule"], long.as_str());
    assert!(text.contains(&long), "{text}");
    let list = place.run("action list").unwrap().text;
    assert!(list.contains(&long), "{list}");
    let operation = "nft-delete --family inet --table filter --chain input --rule 'accept \u{202e}pord'";
    let (_, _, text) = request(&place, "", operation);
    assert!(printable(&text).contains("accept \\u{202e}pord"), "{text}");
}

#[test]
fn every_operation_can_be_said() {
    let place = Place::new();
    let kinds = [
        (NFT.to_owned(), "nft_delete"),
        (format!("{NFT} --occurrence 2"), "nft_delete"),
        (
            "nft-insert --family ip --table t --chain c --before 'drop' --rule accept".to_owned(),
            "nft_insert",
        ),
        (
            "nft-insert --family ip --table t --chain c --last --rule accept".to_owned(),
            "nft_insert",
        ),
        (
            "legacy-delete --chain INPUT --rule '-p tcp -j DROP'".to_owned(),
            "legacy_delete",
        ),
        ("qdisc-remove eth0 --ingress".to_owned(), "qdisc_remove"),
        (
            "qdisc-replace eth0 tbf --rate 10mbit --burst 32kb --limit 64kb".to_owned(),
            "qdisc_replace",
        ),
        ("qdisc-replace eth0 pfifo --limit 100".to_owned(), "qdisc_replace"),
        (
            "server-start qperf --port 5001 --lease 10m".to_owned(),
            "server_start",
        ),
        (format!("server-stop {}", Digest::of(b"x")), "server_stop"),
    ];
    for (operation, kind) in kinds {
        let (status, row, _) = request(&place, "", &operation);
        assert_eq!(
            (status, &row["operation"]["kind"]),
            (Status::Person, &kind.into()),
            "{operation}"
        );
    }
}

#[test]
fn what_nobody_can_mean_is_not_asked_for() {
    let place = Place::new();
    let wrong = [
        "nft-insert --family ip --table t --chain c --rule accept",
        "nft-insert --family ip --table t --chain c --first --last --rule accept",
        "package-install 'iperf; reboot'",
        "package-install -y",
        "server-start bash --port 5001 --lease 10m",
        "server-start iperf --port 0 --lease 10m",
        "qdisc-replace eth0 netem",
    ];
    for operation in wrong {
        let line = format!("action request web-1 --reason x {operation}");
        let parsed = netghost_cli::args::parse(&words(&place.path(""), &line));
        assert_eq!(parsed.unwrap_err(), Status::Usage, "{operation}");
    }
    let refused = [
        "qdisc-replace eth0 tbf --rate 10mbit",
        "qdisc-replace eth0 fq --limit 5",
        "qdisc-remove averyveryverylongname",
        "server-start iperf --port 5001 --lease 2h",
        "nft-delete --family ip --table '' --chain c --rule accept",
    ];
    for operation in refused {
        let failure = place
            .run(&format!("action request web-1 --reason x {operation}"))
            .unwrap_err();
        assert_eq!(failure.status, Status::Usage, "{operation}");
    }
    assert!(place.script.with(|state| state.actions.is_empty()));
}

#[test]
fn another_action_than_was_asked_for_is_not_shown_as_ours() {
    let place = Place::new();
    // A controller that had the VM propose something else, and says so of the request too.
    place.script.with(|state| {
        state.alter = Some(|action| {
            let other = |bytes: &[u8]| {
                String::from_utf8_lossy(bytes)
                    .replace("\"input\"", "\"output\"")
                    .into_bytes()
            };
            action.operation = other(&action.operation).into();
            action.document = other(&action.document).into();
        });
    });
    let failure = place
        .run(&format!("action request web-1 --reason x {NFT}"))
        .unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Act, "altered"));
}

#[test]
fn what_the_vm_refuses_is_told_with_its_word() {
    let place = Place::new();
    place.script.with(|state| {
        state.refusal = Some(("denied_by_policy".to_owned(), "change = \"deny\"".to_owned()));
    });
    let (status, row, text) = request(&place, "", NFT);
    assert_eq!(
        (status, &row["code"]),
        (Status::Failed, &"denied_by_policy".into())
    );
    assert!(
        text.contains("refused to propose it: change = \"deny\""),
        "{text}"
    );
}

#[test]
fn each_state_has_its_status() {
    let place = Place::new();
    let (_, row, _) = request(&place, "", NFT);
    let id = row["id"].as_str().unwrap()[..8].to_owned();
    let table = [
        ("preparing", "", Status::Unknown),
        ("refused", "", Status::Failed),
        ("waiting", "pending", Status::Person),
        ("waiting", "approved", Status::Unknown),
        ("closed", "denied", Status::Person),
        ("closed", "expired", Status::Person),
        ("closed", "void", Status::Person),
        ("running", "approved", Status::Unknown),
        ("applied", "used", Status::Unknown),
        ("confirmed", "used", Status::Good),
        ("done", "used", Status::Good),
        ("undone", "used", Status::Act),
        ("conflict", "used", Status::Act),
        ("failed", "used", Status::Failed),
        ("unknown", "used", Status::Unknown),
    ];
    for (state, approval, status) in table {
        place.script.with(|script| {
            script.actions[0].state = state.to_owned();
            script.actions[0].approval = approval.to_owned();
        });
        for line in ["action show", "approval show", "action wait --for 1s"] {
            // What does not end by itself is waited for in vain.
            if line.contains("wait") && matches!(state, "preparing" | "waiting" | "running" | "applied") {
                continue;
            }
            assert_eq!(
                place.status(&format!("{line} {id}")),
                status,
                "{line}: {state} {approval}"
            );
        }
    }
    place
        .script
        .with(|script| script.actions[0].state = "applied".to_owned());
    assert_eq!(
        place.status(&format!("action wait --for 1s {id}")),
        Status::Unknown
    );
    place
        .script
        .with(|script| script.actions[0].state = "gone".to_owned());
    let failure = place.run(&format!("action show {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Failed, "bad_answer"));
}

#[test]
fn an_undo_is_direct_before_the_confirmation_and_a_new_action_after_it() {
    let place = Place::new();
    let (_, row, _) = request(&place, "--ticket CHG-1", NFT);
    let id = row["id"].as_str().unwrap().to_owned();
    for (state, after, status) in [
        ("waiting", "closed", Status::Good),
        ("applied", "undone", Status::Good),
    ] {
        place.script.with(|script| {
            script.actions[0].state = state.to_owned();
            script.actions[0].approval = "pending".to_owned();
        });
        let outcome = place.run(&format!("action undo {id}")).unwrap();
        assert_eq!(outcome.status, status, "{state}");
        assert_eq!(outcome.document["actions"][0]["state"], after);
    }
    let failure = place.run(&format!("action undo {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "nothing_to_undo"));
    place
        .script
        .with(|script| script.actions[0].state = "confirmed".to_owned());
    let outcome = place.run(&format!("action undo {id}")).unwrap();
    let undo = &outcome.document["actions"][0];
    assert_eq!(outcome.status, Status::Person);
    assert_ne!(undo["id"], id.as_str());
    assert_eq!(undo["operation"]["kind"], "undo");
    assert_eq!(undo["operation"]["action"], row["digest"]);
    assert_eq!(
        (&undo["ticket"], &undo["action"]["window_s"]),
        (&row["ticket"], &60.into())
    );
    assert!(undo["reason"].as_str().unwrap().contains(&id));
    // With a controller nobody confirms by hand.
    let failure = place.run(&format!("action confirm {id}")).unwrap_err();
    assert_eq!((failure.status, failure.code), (Status::Usage, "wrong_use"));
}

#[test]
fn an_id_is_an_id() {
    let place = Place::new();
    request(&place, "", NFT);
    for word in [
        "..",
        "x",
        "'07 07'",
        "ZZ",
        "0700000000000000000000000000000000000",
    ] {
        let failure = place.run(&format!("action show {word}")).unwrap_err();
        assert_eq!(
            (failure.status, failure.code),
            (Status::Usage, "not_an_id"),
            "{word}"
        );
    }
    let other = "ffffffff-ffff-4fff-8fff-ffffffffffff";
    assert_eq!(
        place.run(&format!("action show {other}")).unwrap_err().code,
        "not_found"
    );
}
