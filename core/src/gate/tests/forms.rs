//! One form for each document: what says the same in another spelling counts for nothing.

use super::*;
use crate::artifact::{dsse, json};

fn presented(approval: &[u8], roster: &[u8]) -> Result<Authorised, Refusal> {
    let mut ledger = Ledger::default();
    let action = ledger.propose(action(7), &permissive(), &moment(100)).unwrap();
    let presented = Presented {
        action: action.digest().unwrap(),
        approval,
        roster,
    };
    ledger.authorise(presented, ca().public(), &permissive(), &moment(101))
}

fn list() -> Vec<u8> {
    roster().sign(&ca()).unwrap()
}

/// Other texts that many a reader of JSON takes for the same.
fn spellings(text: &str) -> Vec<String> {
    let (first, rest) = text[1..].split_once(',').unwrap();
    let mut all = vec![
        format!("{text}\n"),
        format!(" {text}"),
        format!("{text}{text}"),
        format!("{text}\0"),
        format!("\u{feff}{text}"),
        format!("[{text}]"),
        text.replacen(':', ": ", 1),
        // A key twice, the first or the last of which counts; one more; another order.
        format!("{{{first},{first},{rest}"),
        format!("{{\"also\":1,{first},{rest}"),
        format!("{{{},{first}}}", rest.trim_end_matches('}')),
        // A letter as its number.
        text.replacen("\"a", "\"\\u0061", 1),
        text.replacen("\"p", "\"\\u0070", 1),
    ];
    all.retain(|other| other != text);
    all
}

#[test]
fn an_envelope_in_another_spelling_is_none() {
    let good = approval(&action(7), "bob", &signer(2));
    presented(&good, &list()).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    for other in spellings(&text) {
        let refusal = presented(other.as_bytes(), &list()).unwrap_err();
        assert_eq!(refusal.code(), "malformed", "{other}");
    }
    for other in spellings(&String::from_utf8(list()).unwrap()) {
        let refusal = presented(&good, other.as_bytes()).unwrap_err();
        assert_eq!(refusal.code(), "bad_approvers", "{other}");
    }
}

/// Also where the key that counts signed that very spelling.
#[test]
fn what_was_signed_in_another_spelling_is_none() {
    let said = Approval::new(&action(7), name("bob")).unwrap();
    let text = String::from_utf8(json::to_vec(&said).unwrap()).unwrap();
    let mut others = spellings(&text);
    for number in [
        "600.0",
        "6e2",
        "0600",
        "+600",
        "\"600\"",
        "600e0",
        "1e400",
        "-600",
        "18446744073709552216",
        "4294967896",
    ] {
        others.push(text.replace("\"lifetime_s\":600", &format!("\"lifetime_s\":{number}")));
    }
    for other in others {
        assert_ne!(other, text);
        let signed = dsse::sign_as(APPROVAL_TYPE, other.as_bytes(), &signer(2)).unwrap();
        let refusal = presented(&signed, &list()).unwrap_err();
        assert_eq!(refusal.code(), "malformed", "{other}");
    }
    let text = String::from_utf8(json::to_vec(&roster()).unwrap()).unwrap();
    let mut others = spellings(&text);
    others.push(text.replace("\"version\":3", "\"version\":3.0"));
    others.push(text.replace("\"version\":3", "\"version\":36893488147419103235"));
    let good = approval(&action(7), "bob", &signer(2));
    for other in others {
        assert_ne!(other, text);
        let signed = dsse::sign_as(ROSTER_TYPE, other.as_bytes(), &ca()).unwrap();
        let refusal = presented(&good, &signed).unwrap_err();
        assert_eq!(refusal.code(), "bad_approvers", "{other}");
    }
}

/// A signature for one use is none for another, whoever's it is.
#[test]
fn a_signature_for_another_use_is_none() {
    let said = json::to_vec(&Approval::new(&action(7), name("bob")).unwrap()).unwrap();
    for kind in [dsse::IN_TOTO, ROSTER_TYPE, ""] {
        let signed = dsse::sign_as(kind, &said, &signer(2)).unwrap();
        presented(&signed, &list()).unwrap_err();
    }
    let own = json::to_vec(&roster()).unwrap();
    let good = approval(&action(7), "bob", &signer(2));
    for kind in [dsse::IN_TOTO, APPROVAL_TYPE, ""] {
        let signed = dsse::sign_as(kind, &own, &ca()).unwrap();
        presented(&good, &signed).unwrap_err();
    }
    // The CA is no approver, and an approver no CA.
    presented(&approval(&action(7), "bob", &ca()), &list()).unwrap_err();
    presented(&good, &roster().sign(&signer(2)).unwrap()).unwrap_err();
}
