//! The audit log, held to its heads, their keys and what was seen before.

use netghost_cli::exit::Status;
use netghost_core::artifact::json::Digest;
use netghost_core::audit::{Event, HEAD_SCHEMA, Head, Outcome, origin};
use netghost_core::bytes::Big;

use super::place::Place;

/// A log of so many records with a head over the last; `word` makes it another log.
fn write(place: &Place, records: u64, word: &str) {
    let mut last = origin();
    let rows = (1..=records).map(|number| {
        let event = Event::new("user/ada", format!("{word}.done"), Outcome::Done).target("vm1");
        let (bytes, hash) = event.record(number, number, last).unwrap();
        last = hash;
        bytes
    });
    let rows: Vec<Vec<u8>> = rows.collect();
    let head = Head {
        schema: HEAD_SCHEMA.to_owned(),
        controller: "c".to_owned(),
        sequence: Big(records),
        hash: Digest::of(rows.last().unwrap()),
        previous: origin(),
        at_us: Big(9),
    };
    let head = head.sign(&place.signer).unwrap();
    place.script.with(|state| {
        state.records = rows;
        state.heads = vec![head];
    });
}

#[test]
fn a_good_log_is_good_and_an_edited_one_is_named() {
    let place = Place::new();
    write(&place, 5, "thing");
    let good = place.run("audit verify").unwrap();
    assert_eq!(good.status, Status::Good);
    assert_eq!(good.document["records"], "5");
    assert_eq!(
        place.run("audit show").unwrap().document["records"][4]["sequence"],
        "5"
    );
    place.script.with(|state| state.records.remove(2));
    let bad = place.run("audit verify").unwrap();
    assert_eq!(bad.status, Status::Act);
    assert_eq!(
        (
            &bad.document["verified"],
            &bad.document["at"],
            &bad.document["fault"]
        ),
        (&false.into(), &"3".into(), &"removed".into())
    );
}

#[test]
fn a_log_that_was_rewritten_and_signed_again_is_found_by_the_head_that_was_seen() {
    let place = Place::new();
    write(&place, 5, "thing");
    assert_eq!(place.status("audit verify"), Status::Good);
    write(&place, 5, "other");
    let bad = place.run("audit verify").unwrap();
    assert_eq!(
        (bad.status, &bad.document["fault"]),
        (Status::Act, &"rewritten".into())
    );
    // What was found bad is not kept as seen.
    assert_eq!(place.status("audit verify"), Status::Act);
    write(&place, 4, "thing");
    let cut = place.run("audit verify").unwrap();
    assert_eq!((cut.status, &cut.document["fault"]), (Status::Act, &"cut".into()));
    write(&place, 7, "thing");
    assert_eq!(place.status("audit verify"), Status::Good);
}

#[test]
fn an_export_is_checked_without_the_controller() {
    let place = Place::new();
    write(&place, 5, "thing");
    let exported = place.run("audit export @log").unwrap();
    assert_eq!(exported.status, Status::Good);
    assert_eq!(place.status("audit export @log"), Status::Usage);
    let key = place.path("key.pem");
    std::fs::write(&key, place.signer.public().to_pem().unwrap()).unwrap();
    place
        .script
        .with(|state| state.refuse = Some(tonic::Code::Unavailable));
    let verify = "audit verify --export @log";
    for line in [verify.to_owned(), format!("{verify} --key @key.pem")] {
        let outcome = place.run(&line).unwrap();
        assert_eq!(outcome.status, Status::Good, "{line}: {}", outcome.text);
    }
    let file = place.path("log/audit.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("vm1", "vm2", 1)).unwrap();
    assert_eq!(place.status(verify), Status::Act);
    // Whoever mends the sums too is found by the chain.
    let sums = place.path("log/SHA256SUMS");
    let old = Digest::of(text.as_bytes()).to_string();
    let new = Digest::of(&std::fs::read(&file).unwrap()).to_string();
    let mended = std::fs::read_to_string(&sums).unwrap().replace(&old, &new);
    std::fs::write(&sums, mended).unwrap();
    let bad = place.run(verify).unwrap();
    assert_eq!(
        (bad.status, &bad.document["fault"]),
        (Status::Act, &"edited".into())
    );
    std::fs::remove_file(&sums).unwrap();
    assert_eq!(place.run(verify).unwrap_err().code, "not_the_format");
}
