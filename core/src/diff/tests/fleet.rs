//! One answer over many targets never says more than the answers for each.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::made::*;
use crate::artifact::certificate::{self, Drift, DriftVerdict, Predicate, Statement};
use crate::artifact::json::{Digest, value};
use crate::artifact::key::Signer;
use crate::artifact::name::Name;
use crate::bytes::Big;
use crate::diff::fleet::{self, About, Check, Part, Who, document};
use crate::diff::{Digests, Mute, Request, Verdict, compare_muted};
use crate::fleet::Id;
use crate::job::Way;
use crate::section::{Section, State};
use crate::window::Window;

/// What can become of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Same,
    Changed,
    Torn,
    Muted,
    NothingInBaseline,
    Unread,
    NotAsked,
}

const FATES: [Fate; 7] = [
    Fate::Same,
    Fate::Changed,
    Fate::Torn,
    Fate::Muted,
    Fate::NothingInBaseline,
    Fate::Unread,
    Fate::NotAsked,
];

fn with(number: u32) -> Section {
    section(ruleset(vec![table("nat", vec![chain("KUBE-A", [rule(number)])])]))
}

fn part(number: u8, fate: Fate) -> Part {
    let who = Who {
        name: Name::parse(&format!("vm{number}")).unwrap(),
        id: Id::from_random([number; 16]),
        resource: None,
        way: Some(Way::Agent),
    };
    let torn = Section {
        state: State::Torn { why: "busy".into() },
        ..with(1)
    };
    let (before, after) = match fate {
        Fate::Same => (vec![with(1)], vec![with(1)]),
        Fate::Changed | Fate::Muted => (vec![with(1)], vec![with(2)]),
        Fate::Torn => (vec![with(1)], vec![torn]),
        Fate::NothingInBaseline => (vec![], vec![with(1)]),
        Fate::Unread => return Part::unknown(who, "offline", Digests::default()),
        Fate::NotAsked => return Part::aside(who, "no member"),
    };
    let mute = [Mute {
        chain_pattern: "KUBE-*".to_owned(),
    }];
    let mutes = if fate == Fate::Muted { &mute[..] } else { &[] };
    let (mut before, mut after) = (snapshot(before), snapshot(after));
    (before.taken_at_us, after.taken_at_us) = (100 + u64::from(number), 200 + u64::from(number));
    let asked: Vec<_> = before.sections.iter().map(|section| section.name).collect();
    let found = compare_muted(&before, &after, &asked, mutes);
    let bytes = document(&found, &before, &after).unwrap();
    let manifests = Digests {
        baseline: Some(Digest::of(&[number, 0])),
        current: Some(Digest::of(&[number, 1])),
    };
    Part::compared(who, &found, (&before, &after), manifests, Digest::of(&bytes)).unwrap()
}

fn about() -> About {
    About {
        job: Id::from_random([9; 16]),
        kind: "drift",
        schedule: None,
        baseline: Name::parse("golden").unwrap(),
        seal: Digest::of(b"seal"),
        times: (1, 2),
        started_at_us: 1,
        why: None,
        request: Request {
            asked_by: Some("ada".into()),
            ticket: None,
            tool: "netghost test".to_owned(),
        },
        window: None,
    }
}

fn answer(check: &Check) -> (Drift, Json) {
    let drift = check.certify().unwrap();
    let bytes = check.document(&drift, Digest::of(b"certificate")).unwrap();
    (drift, value::parse(&bytes).unwrap())
}

/// Drift of any is drift of all; unknown of any asked for is unknown of all; nothing is unknown.
fn wanted(fates: &[Fate]) -> DriftVerdict {
    let any = |wanted: &[Fate]| fates.iter().any(|fate| wanted.contains(fate));
    if any(&[Fate::Changed]) {
        DriftVerdict::Drift
    } else if any(&[Fate::Torn, Fate::Unread, Fate::NothingInBaseline]) || !any(&[Fate::Same, Fate::Muted]) {
        DriftVerdict::Unknown
    } else {
        DriftVerdict::NoDrift
    }
}

fn check_all(fates: &[Fate]) {
    let parts: Vec<Part> = (1..)
        .zip(fates)
        .map(|(number, fate)| part(number, *fate))
        .collect();
    let check = Check::new(about(), parts.clone());
    let (drift, document) = answer(&check);
    assert_eq!(drift.verdict, wanted(fates), "{fates:?}");
    assert_eq!(drift.answer, Some(fleet::answer(about().job, &document).unwrap()));
    assert_eq!(document["verdict"], drift.verdict.to_string());
    let detected = &document["drift_detected"];
    assert_eq!(
        detected.as_bool(),
        match drift.verdict {
            DriftVerdict::Drift => Some(true),
            DriftVerdict::NoDrift => Some(false),
            DriftVerdict::Unknown => None,
        }
    );
    let changes = &document["changes"];
    assert_eq!(drift.changes.digest, Digest::of(&value::to_vec(changes).unwrap()));
    assert_eq!(drift.changes.count as usize, changes.as_array().unwrap().len());
    let names = |rows: &Json| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["target"].as_str().unwrap().to_owned())
            .collect()
    };
    for (number, fate) in (1..).zip(fates) {
        let name = format!("vm{number}");
        let told = names(changes).contains(&name) || names(&document["not_covered"]).contains(&name);
        let silent = matches!(fate, Fate::Same | Fate::Muted);
        assert_eq!(told, !silent, "{name} {fate:?}");
    }
    let asked = fates.iter().filter(|fate| **fate != Fate::NotAsked).count();
    assert_eq!(document["targets"].as_array().unwrap().len(), asked);
    let statement = Statement {
        subject: check.subjects(),
        predicate: Predicate::Drift(Box::new(drift.clone())),
    };
    let signer = Signer::from_seed(&[1; 32]).unwrap();
    let signed = certificate::sign(&statement, &signer).unwrap();
    certificate::verify(&signed, &[signer.public().clone()]).unwrap();
    let mut turned = parts;
    turned.reverse();
    assert_eq!(
        answer(&Check::new(about(), turned)),
        (drift, document),
        "the order of targets is no content"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_whole_says_what_its_parts_say(fates in prop::collection::vec(prop::sample::select(&FATES[..]), 0..7)) {
        check_all(&fates);
    }
}

#[test]
fn nobody_at_all_is_unknown() {
    check_all(&[]);
    check_all(&[Fate::NotAsked]);
    let broken = About {
        why: Some("the seal was edited".to_owned()),
        ..about()
    };
    let check = Check::new(broken, vec![part(1, Fate::Same)]);
    let (drift, document) = answer(&check);
    assert_eq!(drift.verdict, DriftVerdict::Unknown);
    assert_eq!(document["not_covered"][0]["target"], "all targets");
}

#[test]
fn times_span_all_that_was_compared() {
    let check = Check::new(
        about(),
        vec![part(1, Fate::Same), part(2, Fate::Changed), part(3, Fate::Unread)],
    );
    let drift = check.certify().unwrap();
    assert_eq!((drift.baseline_at_us.0, drift.current_at_us.0), (101, 202));
    let none = Check::new(about(), vec![part(3, Fate::Unread)])
        .certify()
        .unwrap();
    assert_eq!((none.baseline_at_us.0, none.current_at_us.0), (1, 2));
    let names: Vec<_> = check.subjects().into_iter().map(|subject| subject.name).collect();
    assert_eq!(names[0], "baselines/golden/seal.dsse.json");
    assert_eq!(names[4], "vm2/current/manifest.json");
    assert_eq!(names.len(), 5);
    let verdicts: Vec<_> = check.parts().iter().map(Part::verdict).collect();
    assert_eq!(verdicts, [Verdict::NoDrift, Verdict::Drift, Verdict::Unknown]);
}

#[test]
fn the_end_of_a_window_is_unknown_where_its_baseline_is_late() {
    let window = |baseline: u64| Window {
        ticket: Name::parse("CHG0031337").unwrap(),
        opened_at_us: Big(10),
        closed_at_us: Big(20),
        baseline_at_us: Some(Big(baseline)),
        ends_at_us: None,
    };
    for (fate, found) in [
        (Fate::Same, DriftVerdict::NoDrift),
        (Fate::Changed, DriftVerdict::Drift),
    ] {
        for (baseline, verdict) in [(10, found), (11, DriftVerdict::Unknown)] {
            let about = About {
                window: Some(window(baseline)),
                ..about()
            };
            let (drift, document) = answer(&Check::new(about, vec![part(1, fate)]));
            assert_eq!((drift.verdict, drift.follows()), (verdict, verdict));
            assert_eq!(document["verdict"], verdict.to_string());
            assert_eq!(document["window"]["ticket"], "CHG0031337");
            assert_eq!(
                document["not_covered"].as_array().unwrap().len(),
                usize::from(baseline == 11)
            );
            // Whoever signs another verdict is refused.
            let mut edited = drift.clone();
            edited.window = None;
            assert_eq!(edited.follows() == verdict, baseline == 10 || fate == Fate::Same);
        }
    }
}
