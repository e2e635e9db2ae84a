//! Other network namespaces, matched by name.

use super::made::{NFT, chain, rule, ruleset, section, snapshot, table};
use crate::artifact::certificate::DriftVerdict;
use crate::bytes::Text;
use crate::diff::{Comparison, Kind, Mute, Request, Scope, Verdict, compare, compare_scope};
use crate::namespace::{Asked, MECHANISM, Namespace, NamespaceState, Namespaces};
use crate::section::coverage::coverage;
use crate::section::{Section, SectionName};
use crate::snapshot::{Snapshot, Target};

fn rules(ports: &[u32]) -> Section {
    let rules = ports.iter().map(|port| rule(*port));
    section(ruleset(vec![table("t", vec![chain("c", rules)])]))
}

fn read(name: &str, ports: &[u32]) -> Namespace {
    Namespace::read(name.into(), vec![rules(ports)])
}

fn unread(name: &str) -> Namespace {
    let why = "refused".to_owned();
    Namespace::unread(name.into(), NamespaceState::Unread { why })
}

fn host(boot: &str, namespaces: Option<Namespaces>) -> Snapshot {
    let mut host = snapshot(vec![rules(&[22])]);
    host.target = Target::Host {
        name: "vm1".into(),
        boot_id: Some(boot.into()),
        kernel: "6.1".into(),
    };
    host.coverage = coverage(&host.sections);
    host.namespaces = namespaces;
    host
}

fn of(all: Vec<Namespace>) -> Snapshot {
    host("one", Some(Namespaces::new(Asked::All, None, all)))
}

fn compared(before: &Snapshot, after: &Snapshot) -> Comparison {
    let found = compare(before, after, &[NFT]);
    // The certificate says the same.
    let drift = found.certify(before, after, Request::default()).unwrap();
    let verdict = match drift.verdict {
        DriftVerdict::Drift => Verdict::Drift,
        DriftVerdict::NoDrift => Verdict::NoDrift,
        DriftVerdict::Unknown => Verdict::Unknown,
    };
    assert_eq!(verdict, found.verdict);
    assert_eq!(drift.follows(), drift.verdict);
    found
}

fn changed(found: &Comparison) -> Vec<(Option<String>, SectionName, Kind)> {
    let name = |name: &Text| name.to_string();
    let changes = found.changes.iter();
    changes
        .map(|change| (change.namespace.as_ref().map(name), change.section, change.kind))
        .collect()
}

#[test]
fn equal_namespaces_are_no_drift_and_each_is_covered() {
    let found = compared(
        &of(vec![read("a", &[1]), read("b", &[2])]),
        &of(vec![read("b", &[2]), read("a", &[1])]),
    );
    assert_eq!(found.verdict, Verdict::NoDrift);
    let covered: Vec<_> = found.covered.iter().map(|row| row.namespace.clone()).collect();
    assert_eq!(covered, [None, Some("a".into()), Some("b".into())]);
    assert_eq!(found.digests.baseline, found.digests.current);
    let of_each = found.not_covered.iter().filter(|row| row.namespace.is_some());
    assert_eq!(of_each.count(), 0, "not asked for, as of the host");
    let own = compared(&host("one", None), &host("one", None));
    assert_ne!(found.digests.baseline, own.digests.baseline);
    assert!(
        !found
            .not_covered
            .iter()
            .any(|row| row.mechanism.as_deref() == Some(MECHANISM))
    );
}

#[test]
fn a_change_inside_a_namespace_names_it() {
    let found = compared(
        &of(vec![read("a", &[1]), read("b", &[2])]),
        &of(vec![read("a", &[1]), read("b", &[2, 3])]),
    );
    assert_eq!(found.verdict, Verdict::Drift);
    assert_eq!(changed(&found), [(Some("b".into()), NFT, Kind::RuleAdded)]);
    assert_ne!(found.digests.baseline, found.digests.current);
    let text = serde_json::to_string(&found.changes).unwrap();
    assert!(text.contains(r#""namespace":"b""#), "{text}");
}

#[test]
fn one_more_or_fewer_is_a_change() {
    let (one, two) = (
        of(vec![read("a", &[1])]),
        of(vec![read("a", &[1]), read("b", &[2])]),
    );
    let here = (
        Some("b".to_owned()),
        SectionName::Namespaces,
        Kind::NamespaceAdded,
    );
    assert_eq!(changed(&compared(&one, &two)), std::slice::from_ref(&here));
    let found = compared(&two, &one);
    assert_eq!(changed(&found), [(here.0, here.1, Kind::NamespaceRemoved)]);
    assert!(found.changes[0].before.is_some() && found.changes[0].after.is_none());
}

#[test]
fn what_was_not_read_is_unknown_never_equal() {
    let (known, open) = (of(vec![read("a", &[1])]), of(vec![unread("a")]));
    for (before, after) in [(&known, &open), (&open, &known), (&open, &open)] {
        let found = compared(before, after);
        assert_eq!(found.verdict, Verdict::Unknown);
        let row = found.not_covered.iter().find(|row| row.requested).unwrap();
        assert_eq!(row.namespace, Some("a".into()));
        assert!(row.why.contains("refused"), "{}", row.why);
    }
    let none = of(vec![]);
    assert_eq!(compared(&none, &open).verdict, Verdict::Unknown);
    assert_eq!(compared(&open, &none).verdict, Verdict::Unknown);
}

#[test]
fn a_list_that_is_not_whole_proves_no_absence() {
    let partly = |all| {
        host(
            "one",
            Some(Namespaces::new(Asked::All, Some("3 are hidden".into()), all)),
        )
    };
    let whole = of(vec![read("a", &[1])]);
    for (before, after) in [(whole.clone(), partly(vec![])), (partly(vec![]), whole)] {
        let found = compared(&before, &after);
        assert_eq!((found.verdict, found.changes.len()), (Verdict::Unknown, 0));
        assert!(
            found
                .not_covered
                .iter()
                .any(|row| row.why.contains("3 are hidden"))
        );
    }
}

#[test]
fn a_side_without_namespaces_is_unknown_where_they_were_asked_for() {
    let (with, without) = (of(vec![read("a", &[1])]), host("one", None));
    let found = compared(&with, &without);
    assert_eq!(found.verdict, Verdict::Unknown);
    assert!(
        found
            .not_covered
            .iter()
            .any(|row| row.requested && row.why.starts_with("current:"))
    );
    // The baseline asked for none.
    let found = compared(&without, &with);
    assert_eq!(found.verdict, Verdict::NoDrift);
    assert!(
        found
            .not_covered
            .iter()
            .any(|row| row.mechanism.as_deref() == Some(MECHANISM))
    );
    let scope = Scope {
        sections: &[NFT],
        namespaces: Some(&Asked::All),
        mutes: &[],
    };
    let found = compare_scope(&without, &with, &scope);
    assert_eq!(found.verdict, Verdict::Unknown);
}

#[test]
fn only_what_is_named_is_compared() {
    let before = of(vec![read("a", &[1]), read("b", &[2])]);
    let after = of(vec![read("a", &[1]), read("b", &[3])]);
    let named = |name: &str| {
        let asked = Asked::named([Text::from(name)]);
        let scope = Scope {
            sections: &[NFT],
            namespaces: Some(&asked),
            mutes: &[],
        };
        compare_scope(&before, &after, &scope).verdict
    };
    assert_eq!(named("a"), Verdict::NoDrift);
    assert_eq!(named("b"), Verdict::Drift);
    let some = Namespaces::new(Asked::named(["a".into()]), None, vec![read("a", &[1])]);
    let found = compared(&before, &host("one", Some(some)));
    assert_eq!(found.verdict, Verdict::Unknown, "b was not asked for");
    assert!(found.changes.is_empty());
}

#[test]
fn an_inode_says_nothing_after_another_start() {
    let all = || Some(Namespaces::new(Asked::All, None, vec![read("inode:7", &[1])]));
    let (before, after) = (host("one", all()), host("two", all()));
    assert_eq!(compared(&before, &before).verdict, Verdict::NoDrift);
    let found = compared(&before, &after);
    assert_eq!((found.verdict, found.changes.len()), (Verdict::Unknown, 0));
    let none = |boot| host(boot, Some(Namespaces::new(Asked::All, None, vec![])));
    assert_eq!(changed(&compared(&before, &none("one"))).len(), 1);
    assert_eq!(compared(&before, &none("two")).verdict, Verdict::Unknown);
}

#[test]
fn muting_counts_in_the_namespace_where_it_muted() {
    let (before, after) = (of(vec![read("a", &[1])]), of(vec![read("a", &[2])]));
    let scope = Scope {
        sections: &[NFT],
        namespaces: Some(&Asked::All),
        mutes: &[Mute {
            chain_pattern: "c".into(),
        }],
    };
    let found = compare_scope(&before, &after, &scope);
    let drift = found.certify(&before, &after, Request::default()).unwrap();
    assert_eq!(drift.muted[0].namespace, Some("a".into()));
    assert_eq!(drift.verdict, DriftVerdict::NoDrift);
    let mut of_host = drift;
    of_host.muted[0].namespace = None;
    assert_eq!(of_host.follows(), DriftVerdict::Drift);
}

#[test]
fn a_host_alone_compares_as_it_ever_did() {
    let host = host("one", None);
    let found = compared(&host, &host);
    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("\"namespace"), "{text}");
    let digest = found.covered[0].current_config_digest.unwrap();
    let rows = format!(r#"[["nftables","{digest}"]]"#);
    let digest = crate::artifact::json::Digest::of(rows.as_bytes());
    assert_eq!(found.digests.current, Some(digest));
    let drift = found.certify(&host, &host, Request::default()).unwrap();
    let text = serde_json::to_string(&drift).unwrap();
    assert!(!text.contains("\"namespace"), "{text}");
}
