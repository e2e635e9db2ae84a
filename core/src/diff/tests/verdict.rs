//! Unknown is not absent, and what is known to differ is drift whatever else is unknown.

use super::made::*;
use crate::diff::{Kind, Mute, Verdict, compare, compare_muted};
use crate::netfilter::model::{Plane, Ruleset};
use crate::section::coverage::coverage;
use crate::section::{Reader, Section, SectionName, State};

fn one() -> Ruleset {
    ruleset(vec![table(
        "filter",
        vec![chain("input", [rule(1)]), chain("other", [rule(2)])],
    )])
}

fn changed() -> Ruleset {
    ruleset(vec![table(
        "filter",
        vec![chain("input", [rule(9)]), chain("other", [rule(2)])],
    )])
}

fn with_state(config: Ruleset, state: State) -> Section {
    Section {
        state,
        ..section(config)
    }
}

fn why() -> String {
    "EPERM".to_owned()
}

#[test]
fn nothing_requested_is_unknown() {
    let both = snapshot(vec![section(one())]);
    let found = compare(&both, &both, &[]);
    assert_eq!((found.verdict, found.drift_detected), (Verdict::Unknown, None));
    assert!(!found.not_covered[0].requested);
}

#[test]
fn what_was_not_read_whole_is_never_equal() {
    for bad in [
        with_state(one(), State::Torn { why: why() }),
        with_state(one(), State::Unreadable { why: why() }),
        Section {
            content: None,
            ..with_state(one(), State::Unreadable { why: why() })
        },
        Section {
            content: None,
            ..section(one())
        },
        warned(ruleset(Vec::new()), "EMPTY_INPUT"),
        Section {
            decoder: 2,
            ..section(one())
        },
    ] {
        for (before, after) in [(bad.clone(), section(one())), (section(one()), bad.clone())] {
            let found = of_sections(before, after);
            assert_eq!(found.verdict, Verdict::Unknown, "{bad:?}");
            assert!(found.covered.is_empty());
            assert_eq!(found.not_covered.len(), 1);
            assert!(found.not_covered[0].requested);
        }
    }
}

#[test]
fn a_torn_section_contributes_no_changes() {
    let found = of_sections(with_state(changed(), State::Torn { why: why() }), section(one()));
    assert!(found.changes.is_empty());
    assert!(
        found.not_covered[0].why.contains("baseline: torn: EPERM"),
        "{:?}",
        found.not_covered
    );
}

#[test]
fn two_empty_inputs_are_unknown() {
    let empty = || warned(ruleset(Vec::new()), "EMPTY_INPUT");
    let found = of_sections(empty(), empty());
    assert_eq!(found.verdict, Verdict::Unknown);
    assert_eq!(found.warnings.len(), 2);
}

#[test]
fn a_missing_section_is_unknown() {
    let found = compare(&snapshot(Vec::new()), &snapshot(vec![section(one())]), &[NFT]);
    assert_eq!(found.verdict, Verdict::Unknown);
    let found = compare(&snapshot(Vec::new()), &snapshot(Vec::new()), &[NFT]);
    assert_eq!(found.verdict, Verdict::Unknown);
}

#[test]
fn drift_outweighs_unknown() {
    let torn = Section {
        name: SectionName::XtablesLegacyIpv4,
        ..with_state(one(), State::Torn { why: why() })
    };
    let before = snapshot(vec![section(one()), torn.clone()]);
    let after = snapshot(vec![section(changed()), torn]);
    let found = compare(&before, &after, &[NFT, SectionName::XtablesLegacyIpv4]);
    assert_eq!(found.verdict, Verdict::Drift);
    assert!(found.not_covered[0].requested);
    assert_eq!(found.covered.len(), 1);
}

#[test]
fn proven_absence_equals_an_empty_ruleset_and_nothing_else() {
    assert_eq!(of_sections(absent(), absent()).verdict, Verdict::NoDrift);
    assert_eq!(
        of_sections(absent(), section(ruleset(Vec::new()))).verdict,
        Verdict::NoDrift
    );
    let empty = &of_sections(absent(), section(ruleset(Vec::new()))).covered[0];
    assert_eq!(empty.baseline_config_digest, empty.current_config_digest);
    let found = of_sections(absent(), section(one()));
    assert_eq!(kinds(&found), [Kind::TableAdded]);
    assert_eq!(
        kinds(&of_sections(section(one()), absent())),
        [Kind::TableRemoved]
    );
}

#[test]
fn a_gap_hides_one_chain_and_leaves_the_others() {
    let mut other = changed();
    let found = of_sections(gapped(one(), "ip/filter/input"), section(other.clone()));
    assert_eq!(found.verdict, Verdict::Unknown);
    assert_eq!(found.not_covered[0].path.as_deref(), Some("ip/filter/input"));
    other.tables[0].chains[1].rules.push(rule(3));
    let found = of_sections(gapped(one(), "ip/filter/input"), section(other));
    assert_eq!(kinds(&found), [Kind::RuleAdded]);
    assert_eq!(found.changes[0].path, "ip/filter/other/rule[2]");
    assert_eq!(found.verdict, Verdict::Drift);
}

#[test]
fn a_chain_that_was_not_read_did_not_go_away() {
    let mut less = one();
    less.tables[0].chains.remove(0);
    for (before, after) in [
        (section(one()), gapped(less.clone(), "ip/filter/input")),
        (gapped(less, "ip/filter/input"), section(one())),
    ] {
        let found = of_sections(before, after);
        assert!(found.changes.is_empty(), "{found:#?}");
        assert_eq!(found.verdict, Verdict::Unknown);
    }
    let found = of_sections(gapped(ruleset(Vec::new()), "ip/filter"), section(one()));
    assert_eq!(found.verdict, Verdict::Unknown);
}

#[test]
fn text_and_kernel_compare_where_both_decode_fully() {
    let text = |config| Section {
        reader: Reader::Text,
        ..section(config)
    };
    assert_eq!(of_sections(text(one()), section(one())).verdict, Verdict::NoDrift);
    let vague = || ruleset(vec![table("filter", vec![chain("input", [opaque()])])]);
    assert_eq!(
        of_sections(text(one()), section(vague())).verdict,
        Verdict::Unknown
    );
    assert_eq!(
        of_sections(text(vague()), text(vague())).verdict,
        Verdict::NoDrift
    );
}

#[test]
fn an_unstated_plane_leaves_the_plane_unknown_and_not_the_rules() {
    let unstated = |config| Ruleset {
        plane: Plane::Unstated,
        ..config
    };
    let found = of_sections(section(unstated(one())), section(one()));
    assert_eq!(found.verdict, Verdict::Unknown);
    assert_eq!(found.not_covered[0].path.as_deref(), Some("plane"));
    let found = of_sections(section(unstated(one())), section(changed()));
    assert_eq!(kinds(&found), [Kind::RuleChanged]);
    let found = of_sections(section(unstated(one())), section(unstated(one())));
    assert_eq!(found.verdict, Verdict::NoDrift);
}

#[test]
fn mechanisms_without_a_reader_are_listed_and_leave_the_verdict() {
    let mut both = snapshot(vec![section(one())]);
    both.coverage = coverage(&both.sections);
    let found = compare(&both, &both, &[NFT]);
    assert_eq!(found.verdict, Verdict::NoDrift);
    let named: Vec<_> = found
        .not_covered
        .iter()
        .filter_map(|row| row.mechanism.as_deref())
        .collect();
    assert!(
        named.contains(&"ipset") && named.contains(&"tc-qdisc"),
        "{named:?}"
    );
    assert!(!named.contains(&"nftables"));
    assert!(found.not_covered.iter().all(|row| !row.requested));
}

#[test]
fn muted_changes_are_counted_and_kept() {
    let before = ruleset(vec![table(
        "nat",
        vec![chain("KUBE-SEP-AAAAAAAAAAAAAAAA", [rule(1)]), chain("INPUT", [])],
    )]);
    let after = ruleset(vec![table(
        "nat",
        vec![chain("KUBE-SEP-BBBBBBBBBBBBBBBB", [rule(1)]), chain("INPUT", [])],
    )]);
    let (before, after) = (snapshot(vec![section(before)]), snapshot(vec![section(after)]));
    let mute = [Mute {
        chain_pattern: "KUBE-*".into(),
    }];
    let found = compare_muted(&before, &after, &[NFT], &mute);
    assert_eq!(found.verdict, Verdict::NoDrift);
    assert_eq!((found.muted[0].count, found.muted[0].changes.len()), (2, 2));
    let loud = compare(&before, &after, &[NFT]);
    assert_eq!(kinds(&loud), [Kind::ChainRemoved, Kind::ChainAdded]);
    assert!(
        loud.changes
            .iter()
            .all(|change| change.maker == Some("kubernetes"))
    );
}
