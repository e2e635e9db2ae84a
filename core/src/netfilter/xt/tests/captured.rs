//! Every match that the kernel at hand takes, from bytes that it gave and from the words that its tool printed.

use std::collections::BTreeSet;

use super::{is_opaque, payload};
use crate::netfilter::model::{Family, Item, Rule};
use crate::netfilter::save;
use crate::netfilter::text::iptables;
use crate::netfilter::xt::decode_match;
use crate::section::Content;

/// A structure as it was captured.
struct Captured {
    family: Family,
    name: &'static str,
    revision: u8,
    size: usize,
    bytes: Vec<u8>,
    words: &'static str,
}

fn captured() -> Vec<Captured> {
    let lines = include_str!("captured.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut fields = line.splitn(6, '|');
            let mut next = || fields.next().unwrap();
            let family = if next() == "6" { Family::Ip6 } else { Family::Ip };
            let (name, revision, size) = (next(), next().parse().unwrap(), next().parse().unwrap());
            let digits = next();
            let bytes = if digits.is_empty() {
                vec![0; size]
            } else {
                payload(size, digits)
            };
            Captured {
                family,
                name,
                revision,
                size,
                bytes,
                words: next(),
            }
        })
        .collect()
}

pub(super) fn printed(family: Family, items: &[Item]) -> Vec<u8> {
    let rule = Rule {
        items: items.to_vec(),
        comment: None,
    };
    let line = iptables::rule_bytes(family, &"X".into(), &rule);
    line.strip_prefix(b"-A X").unwrap().trim_ascii_start().to_vec()
}

/// The matches that a text says.
pub(super) fn of_text(family: Family, words: &[u8]) -> Vec<Item> {
    let text = [b"*filter\n:X - [0:0]\n-A X ", words, b"\nCOMMIT\n"].concat();
    let section = save::parse(&text, Some(family)).unwrap();
    match section.content {
        Some(Content::Netfilter { config, .. }) => config.tables[0].chains[0].rules[0].items.clone(),
        other => panic!("not a ruleset: {other:?}"),
    }
}

/// A match that asks nothing is printed as nothing.
fn is_empty(one: &Captured) -> bool {
    one.words == format!("-m {}", one.name) && decode(one).is_empty()
}

fn decode(one: &Captured) -> Vec<Item> {
    decode_match(one.family, &one.name.into(), one.revision, &one.bytes)
}

#[test]
fn what_was_captured_is_printed_as_the_tool_printed_it() {
    for one in captured().iter().filter(|one| !is_empty(one)) {
        let items = decode(one);
        assert_eq!(
            String::from_utf8_lossy(&printed(one.family, &items)),
            one.words,
            "{:?} {}: {items:?}",
            one.family,
            one.name
        );
    }
}

#[test]
fn the_words_of_the_tool_say_the_same() {
    for one in captured() {
        assert_eq!(
            of_text(one.family, one.words.as_bytes()),
            decode(&one),
            "{:?} {}",
            one.family,
            one.words
        );
    }
}

#[test]
fn different_words_are_different_matches() {
    let all = captured();
    for one in &all {
        let same = all
            .iter()
            .filter(|other| other.family == one.family && decode(other) == decode(one));
        let words: BTreeSet<&str> = same
            .filter(|other| !is_empty(other))
            .map(|other| other.words)
            .collect();
        assert!(words.len() <= 1, "{words:?} read alike");
    }
}

/// A revision that does not exist, a size that is not the structure's.
#[test]
fn another_revision_or_size_is_opaque() {
    for one in captured() {
        let name = one.name.into();
        assert!(
            is_opaque(&decode_match(one.family, &name, 99, &one.bytes)),
            "{}",
            one.words
        );
        let longer: Vec<u8> = one.bytes.iter().copied().chain([0; 8]).collect();
        assert!(
            is_opaque(&decode_match(one.family, &name, one.revision, &longer)),
            "{}",
            one.words
        );
        let shorter = &one.bytes[..one.size.saturating_sub(8)];
        assert!(
            is_opaque(&decode_match(one.family, &name, one.revision, shorter)),
            "{}",
            one.words
        );
    }
}

/// A bit of a structure that is flipped is opaque, or another match, or belongs to what says nothing: to padding, to the
/// kernel, or to a field that is not asked for. Never is anything printed that reads back as something else.
#[test]
fn a_flipped_bit_is_never_taken_for_something_that_it_is_not() {
    for one in captured().into_iter().filter(|one| !is_empty(one)) {
        // Of a large structure every 31st bit, which is of each place in a byte in turn.
        for bit in (0..one.size * 8).step_by(if one.size <= 48 { 1 } else { 31 }) {
            let mut bytes = one.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let items = decode_match(one.family, &one.name.into(), one.revision, &bytes);
            let text = printed(one.family, &items);
            let shown = String::from_utf8_lossy(&text);
            // What no tool can say stands in brackets.
            if is_opaque(&items) || shown.contains("[not in words") {
                continue;
            }
            assert_eq!(
                of_text(one.family, &text),
                items,
                "{} bit {bit}: {shown}",
                one.words
            );
        }
    }
}
