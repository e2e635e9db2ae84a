//! Documents over many targets, as a controller writes them.

use std::path::Path;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::name::Name;
use netghost_core::bytes::Big;
use netghost_core::diff::fleet::{About, Check, Part, Who, document};
use netghost_core::diff::{Digests, Mute, Request, compare_muted};
use netghost_core::fleet::Id;
use netghost_core::job::Way;
use netghost_core::job::baseline::{Baseline, Member, SCHEMA};
use netghost_core::section::SectionName;

use super::sample;

fn named(number: u8) -> (Name, Id) {
    let name = Name::parse(&format!("vm{number}")).unwrap();
    (name, Id::from_random([number; 16]))
}

fn who(number: u8) -> Who {
    let (name, id) = named(number);
    Who {
        name,
        id,
        resource: None,
        way: Some(Way::Agent),
    }
}

/// A target that changed, with some of it muted.
fn changed(directory: &Path) -> Part {
    let (before, after) = (sample::snapshot(), sample::changed());
    let asked: Vec<SectionName> = before.sections.iter().map(|section| section.name).collect();
    let mute = Mute {
        chain_pattern: "INPUT".to_owned(),
    };
    let found = compare_muted(&before, &after, &asked, &[mute]);
    let bytes = document(&found, &before, &after).unwrap();
    std::fs::write(directory.join("diff.fleet.json"), &bytes).unwrap();
    let manifests = Digests {
        baseline: Some(Digest::of(b"before")),
        current: Some(Digest::of(b"after")),
    };
    Part::compared(who(1), &found, (&before, &after), manifests, Digest::of(&bytes)).unwrap()
}

fn about() -> About {
    About {
        job: Id::from_random([9; 16]),
        kind: "sweep",
        schedule: Some(Name::parse("nightly").unwrap()),
        baseline: Name::parse("golden").unwrap(),
        seal: Digest::of(b"seal"),
        times: (1, u64::MAX),
        started_at_us: 2,
        why: None,
        request: Request {
            asked_by: Some("ada".into()),
            ticket: None,
            tool: "netghost test".to_owned(),
        },
        window: None,
    }
}

/// Writes the answers of drift checks and a baseline into `directory`.
pub(crate) fn write(directory: &Path) {
    let away = |number: u8| Part::unknown(who(number), "offline", Digests::default());
    let whole = vec![changed(directory), away(2), Part::aside(who(3), "no member")];
    let broken = About {
        why: Some("the seal was edited".to_owned()),
        schedule: None,
        kind: "drift",
        ..about()
    };
    let checks = [
        Check::new(about(), whole),
        Check::new(about(), vec![]),
        Check::new(broken, vec![away(1)]),
    ];
    for (number, check) in checks.iter().enumerate() {
        let drift = check.certify().unwrap();
        let bytes = check.document(&drift, Digest::of(b"certificate")).unwrap();
        std::fs::write(directory.join(format!("drift_check.{number}.json")), bytes).unwrap();
    }
    std::fs::write(directory.join("baseline.1.json"), baseline().to_vec().unwrap()).unwrap();
}

fn baseline() -> Baseline {
    let member = |number: u8, read: bool| {
        let (name, id) = named(number);
        Member {
            id,
            name,
            manifest: read.then(|| Digest::of(&[number])),
            why: (!read).then(|| "offline".to_owned()),
            not_captured: if read { vec![SectionName::Tc] } else { vec![] },
            resource: None,
            way: None,
        }
    };
    Baseline {
        schema: SCHEMA.to_owned(),
        name: Name::parse("golden").unwrap(),
        created_at_us: Big(u64::MAX),
        created_by: "ada".into(),
        ticket: Some("CHG-1".into()),
        note: None,
        members: vec![member(1, true), member(2, false)],
    }
}
