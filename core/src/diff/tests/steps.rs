//! The steps against a plain comparison, which tries all and trims nothing.

use proptest::prelude::*;

use super::made;
use crate::diff::steps::{Step, steps};
use crate::netfilter::model::Rule;
use crate::netfilter::twin::Runs;

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (0u32..6, prop::option::weighted(0.3, 0u32..2)).prop_map(|(number, comment)| Rule {
        comment: comment.map(|number| format!("note {number}").into()),
        ..made::rule(number)
    });
    prop::collection::vec(rule, 0..30)
}

/// How many rules can stay at most: the textbook's table.
fn can_stay(before: &[Rule], after: &[Rule]) -> usize {
    let mut rows = vec![vec![0; after.len() + 1]; before.len() + 1];
    for (i, one) in before.iter().enumerate() {
        for (j, other) in after.iter().enumerate() {
            rows[i + 1][j + 1] = if one == other {
                rows[i][j] + 1
            } else {
                rows[i][j + 1].max(rows[i + 1][j])
            };
        }
    }
    rows[before.len()][after.len()]
}

/// Holds each step to what it says, and gives back which rules no step speaks of.
fn untouched<'r>(before: &'r [Rule], after: &'r [Rule], steps: &[Step]) -> (Vec<&'r Rule>, Vec<&'r Rule>) {
    let (mut left, mut right) = (vec![false; before.len()], vec![false; after.len()]);
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for step in steps {
        let (from, to) = match *step {
            Step::Added(to) => (None, Some(to)),
            Step::Removed(from) => (Some(from), None),
            Step::Changed(from, to) | Step::Commented(from, to) | Step::Moved(from, to) => {
                (Some(from), Some(to))
            }
        };
        from.iter()
            .for_each(|at| assert!(!std::mem::replace(&mut left[*at], true), "twice: {step:?}"));
        to.iter()
            .for_each(|at| assert!(!std::mem::replace(&mut right[*at], true), "twice: {step:?}"));
        let (one, other) = (from.map(|at| &before[at]), to.map(|at| &after[at]));
        match (step, one, other) {
            (Step::Moved(..), one, other) => assert_eq!(one, other),
            (Step::Commented(..), Some(one), Some(other)) => {
                assert!(
                    one.items == other.items && one.comment != other.comment,
                    "{step:?}"
                );
            }
            (Step::Changed(..), Some(one), Some(other)) => assert_ne!(one.items, other.items),
            _ => {
                gone.extend(one);
                come.extend(other);
            }
        }
    }
    assert!(
        gone.iter().all(|rule| !come.contains(rule)),
        "gone and come: {steps:?}"
    );
    let rest = |rules: &'r [Rule], told: Vec<bool>| {
        let rest = rules.iter().zip(told).filter(|(_, told)| !told);
        rest.map(|(rule, _)| rule).collect()
    };
    (rest(before, left), rest(after, right))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn as_a_plain_comparison(before in any_rules(), after in any_rules()) {
        let none = Runs { head: 0, tail: 0 };
        for runs in [Runs::of(&before, &after), none] {
            let steps = steps(&before, &after, runs).unwrap();
            let (stayed, there) = untouched(&before, &after, &steps);
            prop_assert_eq!(&stayed, &there);
            prop_assert_eq!(stayed.len(), can_stay(&before, &after), "{:?}", steps);
        }
    }
}
