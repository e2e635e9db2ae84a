use super::*;
use crate::section::Gap;
use crate::section::coverage::MECHANISMS;

fn unread(why: &str) -> NamespaceState {
    NamespaceState::Unread { why: why.to_owned() }
}

fn blue() -> Namespace {
    Namespace::read("blue".into(), Vec::new())
}

#[test]
fn what_was_not_read_says_so_in_the_coverage() {
    let whole = Namespaces::new(Asked::All, None, vec![blue()]);
    assert_eq!(whole.covered().state, "captured");
    assert!(whole.is_known());
    let red = Namespace::unread("red".into(), unread("refused"));
    assert!(
        red.coverage
            .iter()
            .all(|row| row.why.as_deref() == Some("refused"))
    );
    let part = Namespaces::new(Asked::All, None, vec![red, blue()]);
    assert_eq!(part.covered().why.as_deref(), Some("red is unread: refused"));
    assert!(!part.is_known());
    let gone = NamespaceState::Gone { why: "ended".into() };
    let hidden = Some("2 are hidden".to_owned());
    let part = Namespaces::new(Asked::All, hidden, vec![Namespace::unread("red".into(), gone)]);
    assert_eq!(
        part.covered().why.as_deref(),
        Some("2 are hidden; red is gone: ended")
    );
    let named = Namespaces::new(Asked::named(["blue".into()]), None, vec![blue()]);
    assert_eq!(named.covered().why.as_deref(), Some("only asked for: blue"));
    assert!(named.is_known(), "what was asked for");
}

#[test]
fn a_namespace_has_the_mechanisms_that_are_apart_in_it() {
    let rows = blue().coverage;
    assert_eq!(rows.len() + 2, MECHANISMS.len());
    assert!(!rows.iter().any(|row| row.mechanism == MECHANISM));
    assert!(!rows.iter().any(|row| row.mechanism == "security-module-labels"));
    let mut host = coverage(&[]);
    replace(&mut host, not_read("not enabled"));
    let row = host.iter().find(|row| row.mechanism == MECHANISM).unwrap();
    assert_eq!(row.why.as_deref(), Some("not enabled"));
    assert_eq!(host.len(), MECHANISMS.len());
}

#[test]
fn whoever_has_all_has_each() {
    let (red, both) = (
        Asked::named(["red".into()]),
        Asked::named(["red".into(), "blue".into()]),
    );
    assert!(Asked::All.covers(&both) && both.covers(&red) && red.covers(&red));
    assert!(!red.covers(&both) && !both.covers(&Asked::All));
}

#[test]
fn what_was_read_one_by_one_is_no_gap_of_the_list() {
    use crate::artifact::sample;
    let mut section = sample::snapshot().sections.swap_remove(4);
    section.name = SectionName::Namespaces;
    let gap = |path: &str| Gap {
        path: path.to_owned(),
        why: "not read".to_owned(),
    };
    section.gaps = vec![gap("namespace/blue")];
    let before = section.clone();
    Namespaces::new(Asked::named(["blue".into()]), None, vec![blue()]).settle(&mut section);
    assert_eq!(section, before, "the others are gaps still");
    let all = Namespaces::new(Asked::All, None, vec![blue()]);
    all.settle(&mut section);
    assert_eq!((&section.state, section.gaps.len()), (&State::Captured, 0));
    section.state = State::Unreadable { why: "hidden".into() };
    section.gaps = vec![gap("namespace"), gap("namespace/blue")];
    all.settle(&mut section);
    assert_eq!(section.gaps, [gap("namespace")]);
    assert!(!section.state.is_known());
}
