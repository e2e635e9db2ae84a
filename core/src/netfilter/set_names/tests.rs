//! Structures written field by field.

use super::*;
use crate::netfilter::save;
use crate::section::Content;

fn sets() -> Vec<SetName> {
    let name = |(index, name): (u16, &str)| SetName {
        index,
        name: name.into(),
    };
    [(0, "a"), (7, "b c")].map(name).to_vec()
}

fn info(index: u16, dimensions: u8, flags: u8) -> Vec<u8> {
    [index.to_ne_bytes(), [dimensions, flags]].concat()
}

fn named_words(kind: &str, name: &str, revision: u8, payload: &[Vec<u8>]) -> Option<String> {
    let opaque = Opaque {
        kind: kind.to_owned(),
        name: name.into(),
        revision: Some(revision),
        payload: Hex(payload.concat()),
        text: None,
    };
    let mut items = [Item::Opaque(opaque)];
    resolve_items(&mut items, &sets());
    match &items {
        [Item::Opaque(opaque)] => opaque.text.as_ref().map(ToString::to_string),
        other => panic!("{other:?}"),
    }
}

fn matched(revision: u8, payload: &[Vec<u8>]) -> Option<String> {
    named_words("match", "set", revision, payload)
}

fn counted(set: Vec<u8>, packets: (u64, u8), bytes: (u64, u8), flags: u32) -> [Vec<u8>; 5] {
    let counter = |(value, op): (u64, u8)| [value.to_ne_bytes(), [op, 0, 0, 0, 0, 0, 0, 0]].concat();
    [
        set,
        vec![0; 4],
        counter(packets),
        counter(bytes),
        [flags.to_ne_bytes(), [0; 4]].concat(),
    ]
}

#[test]
fn a_match_names_its_set() {
    let cases = [
        (1, info(0, 1, 2), Some("--match-set a src")),
        (1, info(0, 2, 3), Some("! --match-set a src,dst")),
        (
            2,
            info(0, 3, 0x80 | 8),
            Some("--match-set a dst,dst,src --return-nomatch"),
        ),
        (1, info(0, 1, 0x80), None),
        (1, info(0, 1, 4), None),
        (1, info(9, 1, 2), None),
        (1, info(0, 0, 0), None),
        (1, info(u16::MAX, 1, 2), None),
    ];
    for (revision, payload, expected) in cases {
        assert_eq!(
            matched(revision, std::slice::from_ref(&payload)).as_deref(),
            expected,
            "{payload:?}"
        );
    }
    let all = counted(info(0, 1, 3), (5, 4), (3, 2), 0x08 | 0x10 | 0x20 | 0x80);
    let words = "! --match-set a src --return-nomatch ! --update-counters ! --update-subcounters \
                 --packets-gt 5 ! --bytes-eq 3";
    assert_eq!(matched(4, &all).as_deref(), Some(words));
    assert_eq!(matched(4, &counted(info(0, 1, 3), (0, 9), (0, 0), 0)), None);
    assert_eq!(matched(4, &counted(info(0, 1, 3), (0, 0), (0, 0), 0x1000)), None);
    let mut old = counted(info(0, 1, 2), (0, 0), (0, 0), 0);
    old[2] = [[3, 0, 0, 0, 0, 0, 0, 0], 9u64.to_ne_bytes()].concat();
    assert_eq!(
        matched(3, &old).as_deref(),
        Some("--match-set a src --packets-lt 9")
    );
}

#[test]
fn a_target_names_its_sets() {
    let none = || info(u16::MAX, 0, 0);
    let numbers = |flags: u32, timeout: u32| [flags, timeout].map(u32::to_ne_bytes).concat();
    let target = |revision, payload: &[Vec<u8>]| named_words("target", "SET", revision, payload);
    assert_eq!(
        target(1, &[info(0, 1, 2), info(0, 2, 0)]).as_deref(),
        Some("--add-set a src --del-set a dst,dst")
    );
    assert_eq!(
        target(2, &[info(0, 1, 2), none(), numbers(1, 5)]).as_deref(),
        Some("--add-set a src --exist --timeout 5")
    );
    let mapped = [
        none(),
        none(),
        info(0, 1, 2),
        numbers(0x700, u32::MAX),
        vec![0; 4],
    ];
    assert_eq!(
        target(3, &mapped).as_deref(),
        Some("--map-set a src --map-mark --map-prio --map-queue")
    );
    assert_eq!(target(2, &[info(0, 1, 2), none(), numbers(2, 5)]), None);
    assert_eq!(
        target(2, &[info(0, 1, 2), none(), numbers(0, 5)[..7].to_vec()]),
        None
    );
}

/// What the kernel's number becomes is what the text of the same rule becomes.
#[test]
fn it_is_what_the_text_says() {
    let text = "*filter\n:INPUT ACCEPT [0:0]\n\
                -A INPUT -m set ! --match-set a src ! --update-counters --packets-gt 5 -j SET --add-set a src --exist\n\
                COMMIT\n";
    let section = save::parse(text.as_bytes(), None).unwrap();
    let Some(Content::Netfilter { config, .. }) = section.content else {
        panic!("{section:?}")
    };
    let words: Vec<_> = config.tables[0].chains[0].rules[0]
        .items
        .iter()
        .map(|item| match item {
            Item::Opaque(opaque) => opaque.text.as_ref().map(ToString::to_string),
            other => panic!("{other:?}"),
        })
        .collect();
    let ours = [
        matched(4, &counted(info(0, 1, 3), (5, 4), (0, 0), 0x08 | 0x20)),
        named_words(
            "target",
            "SET",
            2,
            &[
                info(0, 1, 2),
                info(u16::MAX, 0, 0),
                [1u32, u32::MAX].map(u32::to_ne_bytes).concat(),
            ],
        ),
    ];
    assert_eq!(words, ours);
}
