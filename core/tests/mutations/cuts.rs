//! Unknown is not absent: what is cut is told, never read as less.
//!
//! A message has its length in front and a dump its end behind: the socket refuses what is cut (`netlink/tests` of
//! `netghost-kernel`). Here the bytes are cut behind that, as a damaged store could.

use std::collections::BTreeSet;

use netghost_core::netfilter::model::Ruleset;
use netghost_core::netfilter::nft::consts;
use netghost_core::netfilter::{nft_file, save};
use netghost_core::raw::{PartRead, Raw};
use netghost_core::section::{Content, Section, SectionName, State};

use crate::captures::{self, Capture, Small};
use crate::chance::Chance;
use crate::{change, files, judge};

/// How much there is.
fn held(content: &Content) -> usize {
    match content {
        Content::Netfilter { config, .. } => of_ruleset(config),
        Content::Tc { config, .. } => config.qdiscs.len() + config.classes.len() + config.filters.len(),
        Content::Links { config, .. } => config.links.len(),
        Content::Routes { config, .. } => config.routes.len(),
        Content::Facts { config, runtime } => config.facts.len() + runtime.facts.len(),
    }
}

fn of_ruleset(ruleset: &Ruleset) -> usize {
    let tables = ruleset.tables.iter().map(|table| {
        let rules = table.chains.iter().flat_map(|chain| &chain.rules);
        let elements: usize = table.sets.iter().map(|set| set.elements.len()).sum();
        let things = 1 + table.chains.len() + table.sets.len() + table.objects.len() + elements;
        // What a rule does stands behind what it asks: it may never be lost from behind.
        things + rules.map(|rule| 1 + rule.items.len()).sum::<usize>()
    });
    tables.sum()
}

/// What is read without a word of doubt; `None` where there is any.
fn clean(name: SectionName, raw: &Raw) -> Option<usize> {
    let decoded = judge::decode(name, raw)?;
    decoded.gaps.is_empty().then(|| held(&decoded.content))
}

/// At most this many places of a run of bytes, all of them where there are fewer.
const PLACES: usize = 10;

fn places(chance: &mut Chance, length: usize) -> Vec<usize> {
    if length <= PLACES {
        return (0..length).collect();
    }
    let any = (0..PLACES / 2).map(|_| chance.below(length)).collect::<Vec<_>>();
    // Boundaries of attributes and entries are where a cut looks best.
    let even = (0..PLACES / 2).map(|_| chance.below(length) / 8 * 8);
    even.chain(any).collect()
}

/// Cuts each run of bytes of a reading; every cut that makes less of it without a word.
fn cut(capture: &Capture, chance: &mut Chance) -> Vec<String> {
    let Some(whole) = clean(capture.name, &capture.raw) else {
        return Vec::new();
    };
    let types = types(&capture.raw);
    let mut silent = Vec::new();
    for (place, bytes) in change::buffers(&capture.raw).iter().enumerate() {
        let ends = attribute_ends(capture.name, &types, place, bytes);
        for at in places(chance, bytes.len()) {
            if ends.contains(&at) {
                continue;
            }
            let mut raw = capture.raw.clone();
            change::replace(&mut raw, place, &bytes[..at]);
            if clean(capture.name, &raw).is_some_and(|left| left < whole) && !is_line_end(capture, place, at)
            {
                silent.push(format!(
                    "{}: run {place} of {} bytes cut at {at}: {}",
                    capture.name,
                    bytes.len(),
                    String::from_utf8_lossy(&bytes[..at.min(24)]).escape_debug()
                ));
            }
        }
    }
    silent
}

/// The type of the message that each run of bytes is, if it is one.
fn types(raw: &Raw) -> Vec<Option<u16>> {
    match raw {
        Raw::Netlink(raw) => raw.messages.iter().map(|one| Some(one.message_type)).collect(),
        Raw::Host(raw) => {
            let runs = raw.parts.iter().flat_map(|part| match &part.read {
                PartRead::Messages { messages } => {
                    messages.iter().map(|one| Some(one.message_type)).collect()
                }
                PartRead::File { .. } => vec![None],
                PartRead::Absent { .. } | PartRead::Unreadable { .. } => Vec::new(),
            });
            runs.collect()
        }
        Raw::Xtables(_) | Raw::Ebtables(_) | Raw::Text(_) => Vec::new(),
    }
}

/// The length of the structure before a message's attributes.
fn header(name: SectionName, message_type: u16) -> usize {
    match (name, message_type) {
        (SectionName::Tc, _) => 20,
        (SectionName::Links, _) | (SectionName::Bridge | SectionName::Bpf, 16) => 16,
        (SectionName::Bridge, 28) => 12,
        (SectionName::Bridge | SectionName::Addresses | SectionName::Nexthops, _) => 8,
        (SectionName::Routes | SectionName::PolicyRules | SectionName::Neighbours, _) => 12,
        (SectionName::Namespaces | SectionName::Bpf | SectionName::SecurityLabels, _) => 0,
        (SectionName::Sockets, _) => 72,
        _ => 4,
    }
}

/// Where a message may end without a trace: between its own attributes. The length in front of it tells there, and the socket
/// refuses a message that is shorter than it says.
fn attribute_ends(name: SectionName, types: &[Option<u16>], place: usize, bytes: &[u8]) -> BTreeSet<usize> {
    let Some(message_type) = types.get(place).copied().flatten() else {
        return BTreeSet::new();
    };
    let mut at = header(name, message_type);
    let mut ends = BTreeSet::from([at]);
    while let Some([low, high]) = bytes.get(at..at + 2) {
        let length = usize::from(u16::from_ne_bytes([*low, *high])).max(4);
        ends.extend(at + length..=at + length.next_multiple_of(4));
        at += length.next_multiple_of(4);
    }
    ends
}

/// A list of lines under `/proc` has no end mark: what protects it is that it is read up to the end of the file, twice, until two
/// readings agree. A cut within a line has to be told.
fn is_line_end(capture: &Capture, place: usize, at: usize) -> bool {
    let Raw::Host(raw) = &capture.raw else {
        return false;
    };
    // The list of security modules is one line without an end.
    if capture.name == SectionName::SecurityLabels {
        return true;
    }
    let runs = raw.parts.iter().flat_map(|part| match &part.read {
        PartRead::Messages { messages } => vec![None; messages.len()],
        PartRead::File { content } => vec![Some(content.as_bytes())],
        PartRead::Absent { .. } | PartRead::Unreadable { .. } => Vec::new(),
    });
    let run = runs.into_iter().nth(place).flatten();
    run.is_some_and(|bytes| at == 0 || bytes[at - 1] == b'\n' || bytes[at] == b'\n')
}

#[test]
fn no_cut_of_a_run_of_bytes_makes_less_of_a_reading_without_a_word() {
    let mut chance = Chance::new(1);
    let mut silent = Vec::new();
    for capture in Small::new().every() {
        silent.extend(cut(capture, &mut chance));
    }
    let count = silent.len();
    silent.truncate(40);
    assert!(silent.is_empty(), "{count}:\n{}", silent.join("\n"));
}

/// A rule that is missing from a dump is missing from the use count of its chain.
#[test]
fn no_rule_can_be_missing_without_a_word() {
    let capture = captures::whole()
        .into_iter()
        .find(|capture| capture.name == SectionName::Nftables)
        .unwrap();
    let Raw::Netlink(raw) = &capture.raw else {
        panic!("{capture:?}")
    };
    assert!(clean(capture.name, &capture.raw).is_some());
    let rules = (0..raw.messages.len()).filter(|at| raw.messages[*at].message_type == consts::NEW_RULE);
    let rules: Vec<usize> = rules.collect();
    assert!(rules.len() > 200);
    for at in rules.iter().step_by(5) {
        let mut short = raw.clone();
        short.messages.remove(*at);
        assert_eq!(clean(capture.name, &Raw::Netlink(short)), None, "message {at}");
    }
}

fn is_captured(section: &Section) -> bool {
    section.state == State::Captured && section.gaps.is_empty()
}

/// A table without its `COMMIT` is torn; only a cut behind one leaves a whole text.
#[test]
fn no_cut_of_a_saved_text_makes_fewer_rules() {
    for text in files::SAVED {
        for at in (0..text.len()).step_by(7) {
            let cut = &text[..at];
            let section = save::parse(cut.as_bytes(), None);
            let Ok(section) = section else { continue };
            let between = cut.trim_end().is_empty()
                || cut.trim_end().ends_with("COMMIT")
                || cut.lines().last().is_some_and(|line| line.starts_with('#'));
            assert!(
                !is_captured(&section) || between,
                "cut at {at}: …{:?}",
                &cut[at.saturating_sub(40)..]
            );
        }
    }
}

/// A cut in a block is an error. Between blocks there is no end mark: the language has none.
#[test]
fn no_cut_within_a_block_of_nft_makes_less_of_it() {
    for at in (0..files::LISTED.len()).step_by(97) {
        let cut = &files::LISTED[..at];
        let Ok(section) = nft_file::parse_text(cut.as_bytes(), &|_| None) else {
            continue;
        };
        let quoted = |byte: char| cut.matches(byte).count();
        let between = quoted('{') == quoted('}');
        assert!(
            !is_captured(&section) || between,
            "cut at {at}: …{:?}",
            &cut[at.saturating_sub(40)..]
        );
    }
}
