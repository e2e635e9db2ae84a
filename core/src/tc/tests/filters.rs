//! Filters and actions of captured machines.

use super::*;
use crate::raw::captured::every_cut_is_an_error;

pub(super) const FILTERS: &str = include_str!("linux-6.1-filters.txt");
pub(super) const ACTIONS: &str = include_str!("linux-6.1-actions.txt");
const FILTER_LINES: &str = include_str!("linux-6.1-filters.tc");
const ACTION_LINES: &str = include_str!("linux-6.1-actions.tc");

fn lines(text: &str) -> Vec<String> {
    let config = lifted(text).config;
    config.filters.iter().map(ToString::to_string).collect()
}

/// What these files say was held against `tc -d filter show` on the same machine, filter by filter.
#[test]
fn every_filter_in_the_syntax_of_tc() {
    for (text, expected) in [(FILTERS, FILTER_LINES), (ACTIONS, ACTION_LINES)] {
        let expected: Vec<_> = expected.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines(text), expected);
    }
}

#[test]
fn chains_with_a_template_or_nothing() {
    let config = lifted(FILTERS).config;
    let chains: Vec<_> = config.chains.iter().map(ToString::to_string).collect();
    let expected = [
        "chain dev d1 ingress chain 7 flower ip_proto tcp dst_ip 0.0.0.0/16",
        "chain dev d1 ingress chain 8",
    ];
    assert_eq!(chains, expected);
}

#[test]
fn numbers_of_actions_are_runtime_and_what_they_share_is_not() {
    let Lifted { config, runtime } = lifted(ACTIONS);
    let all: Vec<_> = config
        .filters
        .iter()
        .zip(&runtime.filters)
        .flat_map(|(filter, runtime)| filter.actions.iter().zip(&runtime.actions))
        .collect();
    assert_eq!(all.len(), 66);
    let shared: Vec<_> = all.iter().filter(|(action, _)| action.shared.is_some()).collect();
    let kinds: Vec<_> = shared
        .iter()
        .map(|(action, _)| (action.kind.to_string(), action.shared))
        .collect();
    let count = |kind: &str, number| {
        kinds
            .iter()
            .filter(|one| **one == (kind.to_owned(), Some(number)))
            .count()
    };
    assert_eq!(
        (count("gact", 1), count("police", 2), kinds.len()),
        (4, 2, 6),
        "{kinds:?}"
    );
    assert!(
        shared
            .iter()
            .all(|(_, runtime)| matches!(runtime.index.as_deref(), Some("9" | "77")))
    );
}

#[test]
fn only_targets_of_iptables_are_opaque() {
    for text in [FILTERS, ACTIONS] {
        for filter in lifted(text).config.filters {
            assert!(!matches!(filter.options, Options::Opaque { .. }), "{filter}");
            assert!(filter.other.is_empty(), "{filter}");
            for action in &filter.actions {
                let opaque = matches!(action.options, Options::Opaque { .. });
                assert_eq!(opaque, action.kind == Text::from("xt"), "{action}");
                assert!(action.other.is_empty(), "{action}");
            }
        }
    }
}

/// Hits, times and references move while nothing is changed.
#[test]
fn what_counts_is_runtime() {
    let mut later = captured(ACTIONS);
    let mut moved = 0;
    for message in later
        .messages
        .iter_mut()
        .filter(|message| message.message_type == 44)
    {
        // The times of each action: an attribute of 36 bytes that holds `struct tcf_t`.
        let bytes = &mut message.payload.0;
        let places: Vec<_> = (0..=bytes.len().saturating_sub(36))
            .filter(|at| bytes[*at..*at + 2] == [36, 0] && bytes[*at + 3] == 0 && bytes[*at + 2] < 8)
            .collect();
        for at in places {
            bytes[at + 4] ^= 0x55;
            moved += 1;
        }
    }
    assert!(moved > 60, "{moved}");
    let (before, after) = (lifted(ACTIONS), lift(&later).unwrap());
    assert_eq!(before.config, after.config);
    assert_ne!(before.runtime, after.runtime);
}

#[test]
fn a_filter_cut_anywhere_is_an_error() {
    for text in [FILTERS, ACTIONS] {
        let mut raw = captured(text);
        raw.messages.retain(|message| message.message_type == 44);
        every_cut_is_an_error(&raw, 20, |raw| lift(raw).is_err());
    }
}
