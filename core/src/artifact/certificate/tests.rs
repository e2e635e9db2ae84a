use proptest::prelude::*;

use super::*;
use crate::artifact::name::Name;
use crate::bytes::Big;
use crate::section::{Reader, SectionName};

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

fn keys() -> [PublicKey; 1] {
    [signer(1).public().clone()]
}

fn drift(current: &[u8]) -> Statement {
    let comparison = Comparison {
        covered: vec![CoveredSection {
            target: b"vm\xff"[..].into(),
            section: SectionName::Nftables,
            reader: Reader::Kernel,
            baseline_config_digest: Some(Digest::of(b"a")),
            current_config_digest: Some(Digest::of(current)),
            namespace: None,
            way: None,
        }],
        not_covered: vec![NotCovered {
            target: "vm".into(),
            section: "xdp".into(),
            why: "no reader".into(),
            requested: false,
            namespace: None,
        }],
        changes: Changes {
            count: 0,
            digest: json::digest(&[(); 0]).unwrap(),
            list: vec![],
        },
        muted: vec![],
        baseline_at_us: u64::MAX,
        current_at_us: 9_007_199_254_740_993,
        asked_by: Some("ada".into()),
        ticket: Some("CHG-1".into()),
        tool: "netghost 0.1.0".into(),
    };
    Statement {
        subject: vec![
            Subject::new("before", Digest::of(b"one")),
            Subject::new("after", Digest::of(b"two")),
        ],
        predicate: Predicate::Drift(Box::new(Drift::new(comparison))),
    }
}

fn seal() -> Statement {
    let seal = Seal {
        name: Name::parse("before").unwrap(),
        kind: SealKind::Baseline,
        sealed_at_us: Big(1),
        asked_by: None,
        ticket: None,
        note: Some("a \"note\"\n".into()),
        tool: "netghost 0.1.0".into(),
    };
    Statement {
        subject: vec![Subject::new("manifest.json", Digest::of(b"m"))],
        predicate: Predicate::Seal(seal),
    }
}

#[test]
fn reads_what_it_signed() {
    for statement in [drift(b"a"), drift(b"b"), seal()] {
        let verified = verify(&sign(&statement, &signer(1)).unwrap(), &keys()).unwrap();
        assert_eq!(verified.statement, statement);
        assert_eq!(verified.keyid, signer(1).public().id());
    }
}

#[test]
fn knows_its_subjects_by_content() {
    let verified = verify(&sign(&drift(b"a"), &signer(1)).unwrap(), &keys()).unwrap();
    assert_eq!(verified.subject(b"two").unwrap().name, "after");
    assert!(verified.subject(b"three").is_none());
}

#[test]
fn the_statement_has_the_form_that_others_read() {
    let value: serde_json::Value = serde_json::from_slice(&payload(&drift(b"b")).unwrap()).unwrap();
    assert_eq!(value["_type"], STATEMENT);
    assert_eq!(value["predicateType"], DRIFT);
    assert_eq!(
        value["subject"][0]["digest"]["sha256"],
        Digest::of(b"one").to_string()
    );
    assert_eq!(value["predicate"]["verdict"], "drift");
    assert_eq!(value["predicate"]["current_at_us"], "9007199254740993");
    assert_eq!(value["predicate"]["covered"][0]["target"]["hex"], "766dff");
}

#[test]
fn a_verdict_that_does_not_follow_is_refused_even_when_signed() {
    let mut statement = drift(b"b");
    if let Predicate::Drift(drift) = &mut statement.predicate {
        drift.verdict = DriftVerdict::NoDrift;
    }
    let error = verify(&sign(&statement, &signer(1)).unwrap(), &keys()).unwrap_err();
    assert!(matches!(error, VerifyError::Verdict { .. }), "{error}");
}

#[test]
fn signed_bytes_that_are_no_statement_are_refused() {
    let signed = |payload: &str| dsse::sign(payload.as_bytes(), &signer(1)).unwrap();
    let good = String::from_utf8(payload(&seal()).unwrap()).unwrap();
    assert!(verify(&signed(&good), &keys()).is_ok());
    let spaced = good.replace("\":", "\": ");
    assert!(
        verify(&signed(&spaced), &keys()).is_ok(),
        "the payload is checked as it stands"
    );
    let later = good.replace("seal:v1", "seal:v2");
    let error = verify(&signed(&later), &keys()).unwrap_err();
    assert!(matches!(
        error,
        VerifyError::Unknown {
            field: "predicateType",
            ..
        }
    ));
    let other = good.replace("Statement/v1", "Statement/v0");
    assert!(matches!(
        verify(&signed(&other), &keys()),
        Err(VerifyError::Unknown { field: "_type", .. })
    ));
    for payload in ["", "{}", "[]", &good.replace("sealed_at_us", "sealed")] {
        assert!(
            matches!(
                verify(&signed(payload), &keys()),
                Err(VerifyError::NotStatement(_))
            ),
            "{payload}"
        );
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Flip(prop::sample::Index, u8),
    Swap(prop::sample::Index, prop::sample::Index),
    Cut(prop::sample::Index),
    Drop(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Replace(prop::sample::Index, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), 0u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (at(), at()).prop_map(|(a, b)| Edit::Swap(a, b)),
        at().prop_map(Edit::Cut),
        at().prop_map(Edit::Drop),
        (at(), prop_oneof![any::<u8>(), Just(b' '), Just(b'\n')])
            .prop_map(|(at, byte)| Edit::Insert(at, byte)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
    ]
}

fn apply(edit: &Edit, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    match edit {
        Edit::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Edit::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
        Edit::Cut(at) => bytes.truncate(at.index(length)),
        Edit::Drop(at) => drop(bytes.remove(at.index(length))),
        Edit::Insert(at, byte) => bytes.insert(at.index(length + 1), *byte),
        Edit::Replace(at, byte) => bytes[at.index(length)] = *byte,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    /// Two thousand random single edits of the file, each rejected.
    #[test]
    fn no_edited_certificate_passes(edit in edit(), sealed: bool) {
        let original = sign(&if sealed { seal() } else { drift(b"b") }, &signer(1)).unwrap();
        let mut edited = original.clone();
        apply(&edit, &mut edited);
        prop_assume!(edited != original);
        prop_assert!(verify(&edited, &keys()).is_err(), "{:?}", edit);
    }
}

/// Every bit of the file, one by one.
#[test]
fn no_single_bit_can_change() {
    let original = sign(&seal(), &signer(1)).unwrap();
    for at in 0..original.len() {
        for bit in 0..8 {
            let mut edited = original.clone();
            edited[at] ^= 1 << bit;
            assert!(verify(&edited, &keys()).is_err(), "bit {bit} of byte {at}");
        }
    }
}
