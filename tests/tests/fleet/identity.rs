//! Who is in the fleet, who is not any more, and who pretends to be.

use std::time::{Duration, Instant};

use netghost_core::artifact::json::Digest;
use netghost_core::fleet::Token;
use netghost_lab::{Fleet, Kind};

use crate::operator::{Answer, audit_is_good, check, document, fleet, netghost, plan, seal, verdict};

#[test]
fn root_a_copied_identity_is_contested() {
    let mut fleet = Fleet::found(&plan(&[Kind::Netns; 2])).unwrap();
    fleet.join("vm1").unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    seal(&fleet, "before");
    // Somebody copies the disk of vm1, and starts the copy elsewhere.
    let (from, to) = (
        fleet.agent_directory("vm1").unwrap(),
        fleet.agent_directory("vm2").unwrap(),
    );
    let copy = [
        "cp",
        "-a",
        &format!("{}/.", from.display()),
        &to.display().to_string(),
    ]
    .map(str::to_owned);
    let copy: Vec<&str> = copy.iter().map(String::as_str).collect();
    fleet.vm("vm2").unwrap().must(&copy).unwrap();
    fleet.start_agent("vm2", &[]).unwrap();
    fleet.wait_state(&["vm1"], "contested").unwrap();
    let agents = fleet.agents().unwrap();
    assert!(
        agents["vm1"]["why"].as_str().is_some_and(|why| !why.is_empty()),
        "{agents:?}"
    );
    // Nobody knows which of the two would answer: nothing is asked of either.
    let found = check(&fleet, "before", 3);
    assert_eq!(verdict(&found, "vm1"), "unknown");
    assert!(found.to_string().contains("contested"), "{found}");
    netghost(
        &fleet,
        &["agent", "revoke", "--vm", "vm1", "--reason", "copied"],
        0,
    );
    fleet.wait_state(&["vm1"], "revoked").unwrap();
    audit_is_good(&fleet);
}

#[test]
fn root_a_revoked_agent_is_cut_off_at_once() {
    let mut fleet = fleet(2);
    seal(&fleet, "before");
    let started = Instant::now();
    netghost(
        &fleet,
        &["agent", "revoke", "--vm", "vm1", "--reason", "stolen"],
        0,
    );
    loop {
        let status = Answer::from(
            fleet
                .agent_command("vm1", &["status", "-o", "json"], b"")
                .unwrap(),
        );
        if status.said().contains("revoked") {
            break;
        }
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "the stream still lives: {status:?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    let found = check(&fleet, "before", 3);
    assert_eq!(
        (verdict(&found, "vm1"), verdict(&found, "vm2")),
        ("unknown".into(), "no_drift".into())
    );
    // A restart does not help it.
    fleet.kill_agent("vm1").unwrap();
    fleet.start_agent("vm1", &[]).unwrap();
    std::thread::sleep(Duration::from_secs(2));
    fleet.wait_state(&["vm1"], "revoked").unwrap();
    let checked = Answer::from(fleet.agent_command("vm1", &["check"], b"").unwrap());
    assert_ne!(checked.status, 0);
    assert!(checked.said().contains("revoked"), "{checked:?}");
    // Its machine may join again, as somebody new, by a new token.
    netghost(&fleet, &["agent", "remove", "--vm", "vm1"], 0);
    let token = fleet.token(1, "10m").unwrap();
    let address = fleet.address().to_string();
    let words = [
        "enroll",
        "--controller",
        &address,
        "--token-file",
        "-",
        "--name",
        "vm1",
        "--replace",
    ];
    Answer::from(fleet.agent_command("vm1", &words, token.as_bytes()).unwrap()).with(0);
    fleet.kill_agent("vm1").unwrap();
    fleet.start_agent("vm1", &[]).unwrap();
    fleet.wait_connected(&["vm1", "vm2"]).unwrap();
    // It is another one: the old one's baseline is not its own.
    let found = check(&fleet, "before", 3);
    assert_ne!(found["verdict"], "no_drift", "{found}");
    audit_is_good(&fleet);
}

#[test]
fn root_a_token_of_another_controller_is_refused() {
    let fleet = Fleet::found(&plan(&[Kind::Netns])).unwrap();
    let token = fleet.token(1, "10m").unwrap();
    let mut other = Token::parse(&token).unwrap();
    other.ca = Digest::of(b"another controller's");
    let refused = Answer::from(fleet.enrol("vm1", &other.reveal()).unwrap());
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(
        refused.said().contains("not the controller that was trusted"),
        "{refused:?}"
    );
    // The secret never went there: the true one still serves, once.
    Answer::from(fleet.enrol("vm1", &token).unwrap()).with(0);
}

#[test]
fn root_a_token_is_good_for_its_uses_and_its_time() {
    let mut fleet = Fleet::found(&plan(&[Kind::Netns; 2])).unwrap();
    let token = fleet.token(1, "10m").unwrap();
    Answer::from(fleet.enrol("vm1", &token).unwrap()).with(0);
    let second = Answer::from(fleet.enrol("vm2", &token).unwrap());
    assert_ne!(second.status, 0, "{second:?}");
    assert!(second.said().contains("used"), "{second:?}");
    let late = fleet.token(1, "1s").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let late = Answer::from(fleet.enrol("vm2", &late).unwrap());
    assert_ne!(late.status, 0, "{late:?}");
    let altered = token.replacen(
        &token[60..62],
        if &token[60..62] == "aa" { "bb" } else { "aa" },
        1,
    );
    let altered = Answer::from(fleet.enrol("vm2", &altered).unwrap()).with(2);
    assert!(altered.said().contains("altered"), "{altered:?}");
    fleet.start_agent("vm1", &[]).unwrap();
    fleet.wait_connected(&["vm1"]).unwrap();
    let agents = document(&fleet, &["agent", "list"], 0);
    assert_eq!(agents["agents"].as_array().unwrap().len(), 1);
    audit_is_good(&fleet);
}
