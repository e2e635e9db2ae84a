//! Files that people and tools write.

use netghost_core::netfilter::model::Family;
use netghost_core::netfilter::{nft_file, save};
use netghost_core::section::Section;
use serde_json::Value;

use crate::chance::Chance;
use crate::{cases, judge, memory, text};

pub(crate) const SAVED: [&str; 3] = [
    include_str!("../captures/iptables-legacy-save.txt"),
    include_str!("../captures/iptables-nft-save.txt"),
    include_str!("../captures/ip6tables-legacy-save.txt"),
];
pub(crate) const LISTED: &str = include_str!("../captures/nft-list-ruleset.txt");
const JSON: &str = include_str!("../captures/nft-j-list-ruleset.json");

/// A save tool's text with a few of its rules.
fn saved(chance: &mut Chance) -> Vec<u8> {
    let whole = SAVED[chance.below(SAVED.len())];
    let keep = 1 + chance.below(10);
    let mut lines = String::new();
    for line in whole.lines() {
        if !line.contains("-A ") || chance.below(60) < keep {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines.into_bytes()
}

/// One table of a listing.
fn listed(chance: &mut Chance) -> Vec<u8> {
    let tables: Vec<&str> = LISTED.split_inclusive("\n}\n").collect();
    let table = tables[chance.below(tables.len())];
    let keep = 1 + chance.below(20);
    let rules = table.lines().filter(|line| {
        let inside = line.starts_with("\t\t") && line.split_whitespace().count() > 3;
        let whole = line.matches('{').count() == line.matches('}').count();
        !inside || !whole || chance.below(60) < keep
    });
    rules
        .map(|line| format!("{line}\n"))
        .collect::<String>()
        .into_bytes()
}

/// All objects of a listing but rules, and a few rules.
fn json(chance: &mut Chance, whole: &Value) -> Vec<u8> {
    let objects = whole["nftables"].as_array().unwrap();
    let table = objects
        .iter()
        .filter(|one| one.get("table").is_some())
        .collect::<Vec<_>>();
    let table = &table[chance.below(table.len())]["table"];
    let of_table = |one: &&Value| {
        one.get("metainfo").is_some()
            || one.as_object().into_iter().flatten().any(|(kind, object)| {
                let name = if kind == "table" { "name" } else { "table" };
                object["family"] == table["family"] && object[name] == table["name"]
            })
    };
    let keep = 1 + chance.below(10);
    let kept: Vec<&Value> = objects
        .iter()
        .filter(of_table)
        .filter(|one| one.get("rule").is_none() || chance.below(60) < keep)
        .collect();
    serde_json::to_vec(&serde_json::json!({ "nftables": kept })).unwrap()
}

/// What a parser may hold at one time: this, and so much for each byte.
const HOLDS: usize = 4 << 20;
const HOLDS_PER_BYTE: usize = 2048;

fn judged<E>(bytes: &[u8], parse: impl FnOnce() -> Result<Section, E>) -> bool {
    let (section, most) = memory::most_of(parse);
    assert!(
        most < HOLDS + HOLDS_PER_BYTE * bytes.len(),
        "{most} bytes were held to parse {}",
        bytes.len()
    );
    let Ok(section) = section else {
        return false;
    };
    judge::shown(section);
    true
}

#[test]
fn changed_texts_of_save_tools_are_refused_or_shown() {
    cases::run("save tools", 2_000, |chance| {
        let (mut bytes, other) = (saved(chance), saved(chance));
        text::change(chance, 4, &mut bytes, &other);
        let hint = [None, Some(Family::Ip), Some(Family::Ip6)][chance.below(3)];
        judged(&bytes, || save::parse(&bytes, hint))
    });
}

#[test]
fn changed_rulesets_in_the_language_of_nft_are_refused_or_shown() {
    cases::run("nft", 2_000, |chance| {
        let (mut bytes, other) = (listed(chance), listed(chance));
        // A parser of a language refuses the whole for one fault: a single one leads furthest into it.
        text::change(chance, 1, &mut bytes, &other);
        judged(&bytes, || {
            nft_file::parse_text(&bytes, &|_| Some(LISTED.as_bytes()[..40].to_vec()))
        })
    });
}

#[test]
fn changed_json_of_nft_is_refused_or_shown() {
    let whole: Value = serde_json::from_str(JSON).unwrap();
    cases::run("nft -j", 2_000, |chance| {
        let (mut bytes, other) = (json(chance, &whole), json(chance, &whole));
        if chance.one_in(3) {
            text::change(chance, 4, &mut bytes, &other);
        } else {
            bytes = changed_value(chance, &bytes, &other);
        }
        judged(&bytes, || nft_file::parse_json(&bytes))
    });
}

/// JSON that stays JSON: values are exchanged, taken away and made others.
fn changed_value(chance: &mut Chance, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(bytes).unwrap();
    let other: Value = serde_json::from_slice(other).unwrap();
    for _ in 0..=chance.below(3) {
        let theirs = descend(chance, &other).clone();
        let place = descend_mut(chance, &mut value);
        match chance.below(6) {
            0 => *place = Value::Null,
            1 => *place = theirs,
            2 => *place = Value::from(chance.next() >> chance.below(64)),
            3 => *place = Value::from("\u{0}\"x"),
            4 => *place = Value::Array(vec![place.clone(), theirs]),
            _ => match place {
                Value::Array(list) if !list.is_empty() => drop(list.remove(chance.below(list.len()))),
                Value::Object(map) => {
                    let key = map.keys().nth(chance.below(map.len())).cloned();
                    if let Some(key) = key {
                        map.remove(&key);
                    }
                }
                _ => {}
            },
        }
    }
    serde_json::to_vec(&value).unwrap()
}

fn descend<'a>(chance: &mut Chance, mut value: &'a Value) -> &'a Value {
    for _ in 0..chance.below(12) {
        value = match value {
            Value::Array(list) if !list.is_empty() => &list[chance.below(list.len())],
            Value::Object(map) if !map.is_empty() => map.values().nth(chance.below(map.len())).unwrap(),
            _ => break,
        };
    }
    value
}

fn descend_mut<'a>(chance: &mut Chance, mut value: &'a mut Value) -> &'a mut Value {
    for _ in 0..1 + chance.below(12) {
        let length = match value {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            _ => 0,
        };
        if length == 0 {
            break;
        }
        let at = chance.below(length);
        value = match value {
            Value::Array(list) => &mut list[at],
            Value::Object(map) => map.values_mut().nth(at).unwrap(),
            other => return other,
        };
    }
    value
}
