//! A certificate never states more than the comparison found.

use super::made::*;
use crate::artifact::certificate::DriftVerdict;
use crate::diff::{Mute, Request, compare_muted};
use crate::section::{Section, State};

fn stated(before: Section, after: Section, mutes: &[Mute]) -> (String, DriftVerdict) {
    let (before, after) = (snapshot(vec![before]), snapshot(vec![after]));
    let found = compare_muted(&before, &after, &[NFT], mutes);
    let drift = found.certify(&before, &after, Request::default()).unwrap();
    assert_eq!(drift.changes.count as usize, found.changes.len());
    (found.verdict.as_str().to_owned(), drift.verdict)
}

#[test]
fn the_verdicts_agree() {
    let with = |rules: &[u32]| {
        let rules = rules.iter().map(|number| rule(*number));
        ruleset(vec![table("nat", vec![chain("KUBE-A", rules)])])
    };
    let torn = Section {
        state: State::Torn { why: "busy".into() },
        ..section(with(&[1]))
    };
    let mute = [Mute {
        chain_pattern: "KUBE-*".into(),
    }];
    let unstated = crate::netfilter::model::Ruleset {
        plane: crate::netfilter::model::Plane::Unstated,
        ..with(&[1])
    };
    let cases = [
        (section(with(&[1])), section(with(&[1])), &[][..]),
        (section(with(&[1])), section(with(&[2])), &[]),
        (section(with(&[1])), section(with(&[2])), &mute),
        (section(with(&[1])), torn, &[]),
        (absent(), section(ruleset(Vec::new())), &[]),
        (absent(), absent(), &[]),
        (absent(), section(with(&[1])), &[]),
        (section(unstated), section(with(&[1])), &[]),
        (gapped(with(&[1]), "ip/nat/KUBE-A"), section(with(&[1])), &[]),
    ];
    let seen: Vec<_> = cases
        .into_iter()
        .map(|(before, after, mutes)| stated(before, after, mutes))
        .collect();
    for (own, certified) in &seen {
        assert_eq!(own, &certified.to_string());
    }
    let words: Vec<_> = seen.iter().map(|(own, _)| own.as_str()).collect();
    let wanted = [
        "no_drift", "drift", "no_drift", "unknown", "no_drift", "no_drift", "drift", "unknown", "unknown",
    ];
    assert_eq!(words, wanted);
}

#[test]
fn muted_changes_of_one_section_are_one_row() {
    let with = |chains: &[&str]| {
        let chains = chains.iter().map(|name| chain(name, []));
        snapshot(vec![section(ruleset(vec![table("nat", chains.collect())]))])
    };
    let (before, after) = (with(&["KUBE-A", "KUBE-B"]), with(&["KUBE-C"]));
    let mute = [Mute {
        chain_pattern: "KUBE-*".into(),
    }];
    let found = compare_muted(&before, &after, &[NFT], &mute);
    let drift = found.certify(&before, &after, Request::default()).unwrap();
    assert_eq!((drift.muted.len(), drift.muted[0].count), (1, 3));
    assert_eq!(
        (drift.muted[0].maker.as_str(), drift.muted[0].section),
        ("KUBE-*", NFT)
    );
}
