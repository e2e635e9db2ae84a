//! Sealing and verifying files.

use std::fs;

use serde_json::json;

use super::program::{Place, data};

fn sealed() -> Place {
    let place = Place::new();
    let file = data("before.txt");
    let run = place.run(&[
        "seal",
        &file,
        "--name",
        "window",
        "--ticket",
        "CHG-1",
        "--asked-by",
        "ops",
        "-o",
        "json",
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(run.json()["certificate"], "window.dsse.json");
    place
}

#[test]
fn what_was_sealed_verifies() {
    let place = sealed();
    let file = data("before.txt");
    let run = place.run(&[
        "verify",
        "window.dsse.json",
        "--key",
        &place.key(),
        "--subject",
        &file,
        "-o",
        "json",
    ]);
    let found = run.json();
    assert_eq!((run.status, &found["verified"]), (0, &json!(true)));
    assert_eq!(found["predicate"]["ticket"], "CHG-1");
    assert_eq!(found["subject"][0]["name"], "before.txt");
    let run = place.run(&["certificate", "show", "window.dsse.json", "-o", "json"]);
    assert_eq!((run.status, &run.json()["signature"]), (0, &json!("not_checked")));
}

#[test]
fn another_file_is_not_what_was_sealed() {
    let place = sealed();
    let run = place.run(&[
        "verify",
        "window.dsse.json",
        "--key",
        &place.key(),
        "--subject",
        &data("six.txt"),
        "-o",
        "json",
    ]);
    assert_eq!(run.status, 1);
    assert_eq!(run.json()["not_a_subject"].as_array().unwrap().len(), 1);
}

#[test]
fn a_seal_is_not_a_statement_about_drift() {
    let place = sealed();
    let run = place.run(&[
        "verify",
        "window.dsse.json",
        "--key",
        &place.key(),
        "--require",
        "no_drift",
    ]);
    assert_eq!(run.status, 3);
}

#[test]
fn an_existing_certificate_is_not_overwritten() {
    let place = sealed();
    let before = fs::read(place.path("window.dsse.json")).unwrap();
    let run = place.run(&["seal", &data("six.txt"), "--name", "window", "-o", "json"]);
    assert_eq!((run.status, &run.error()["code"]), (2, &json!("name_exists")));
    assert_eq!(fs::read(place.path("window.dsse.json")).unwrap(), before);
}

#[test]
fn another_key_or_an_edit_is_a_bad_signature() {
    let (place, other) = (sealed(), sealed());
    let run = place.run(&["verify", "window.dsse.json", "--key", &other.key(), "-o", "json"]);
    assert_eq!((run.status, &run.json()["verified"]), (1, &json!(false)));
    let text = fs::read_to_string(place.path("window.dsse.json")).unwrap();
    let start = text.find("\"payload\":\"").unwrap() + 60;
    let mut bytes = text.into_bytes();
    bytes[start] = if bytes[start] == b'A' { b'B' } else { b'A' };
    place.write("edited.json", &bytes);
    let run = place.run(&["verify", "edited.json", "--key", &place.key(), "-o", "json"]);
    assert_eq!((run.status, &run.json()["verified"]), (1, &json!(false)));
}

#[test]
fn what_is_no_certificate_or_key_is_wrong_input() {
    let place = sealed();
    let key = place.key();
    let run = place.run(&["verify", &data("six.txt"), "--key", &key, "-o", "json"]);
    assert_eq!((run.status, &run.error()["code"]), (2, &json!("not_the_format")));
    let run = place.run(&[
        "verify",
        "window.dsse.json",
        "--key",
        &data("six.txt"),
        "-o",
        "json",
    ]);
    assert_eq!((run.status, &run.error()["code"]), (2, &json!("not_a_key")));
    let run = place.run(&["verify", "window.dsse.json", "--key", "missing.pem", "-o", "json"]);
    assert_eq!((run.status, &run.error()["code"]), (2, &json!("no_such_file")));
    assert_eq!(place.run(&["certificate", "show", &data("six.txt")]).status, 2);
    let bytes = fs::read(place.path("window.dsse.json")).unwrap();
    place.write("half.json", &bytes[..bytes.len() / 2]);
    assert_eq!(place.run(&["verify", "half.json", "--key", &key]).status, 2);
}
