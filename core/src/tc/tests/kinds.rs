//! Kinds that tables describe, against what `tc` printed on the machine that was captured.

use super::*;

pub(super) const QDISCS: &str = include_str!("linux-6.1-qdiscs.txt");
const SHOWN: &str = include_str!("linux-6.1-qdiscs.tc");

/// What `tc -d` prints besides, which is runtime or follows from the rest; and where it doesn't print what it accepts.
const OTHERWISE: &[(&str, &str)] = &[
    (" mpu 0b", ""),
    (" linklayer ethernet", ""),
    ("10Kb/1 ", "10Kb "),
    (" bands 4/4", " bands 4"),
    (" direct_packets_stat 0 ver 3.17", ""),
    ("10pps", "10"),
    // An adaptive queue sets its probability itself.
    ("adaptive ewma 5 probability 0.02", "adaptive ewma 5"),
    ("qevent early_drop", " qevent early_drop"),
    (" tc 3 map", " num_tc 3 map"),
    (" queues:(0:0) (1:1) (2:3)", " queues 1@0 1@1 2@2 hw 0"),
    (" tc 2 map", " num_tc 2 map"),
    (
        " queues offset 0 count 1 offset 1 count 1",
        " queues 1@0 1@1 hw 0",
    ),
    (" index ", " sched-entry index "),
    // Classes: the qdisc below is runtime, as is the level; and depths have more digits here.
    (" level 0", ""),
    (
        " rate 1Mbit overhead 24 ceil 2Mbit linklayer atm burst 15Kb/1 mpu 64b cburst 15Kb/1 mpu 64b",
        " rate 1Mbit ceil 2Mbit burst 15Kb cburst 15Kb overhead 24 mpu 64 linklayer atm",
    ),
    ("quantum 12500", "quantum 12500b"),
];

/// Times to three digits that count, as `tc` prints them.
fn rounded(word: &str) -> String {
    let split = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
    let (number, unit) = word.split_at(split);
    let scale = match unit {
        "s" => 1e9,
        "ms" => 1e6,
        "us" => 1e3,
        "ns" => 1.0,
        _ => return word.to_owned(),
    };
    number
        .parse::<f64>()
        .map_or_else(|_| word.to_owned(), |number| format!("{:.2e}ns", number * scale))
}

fn theirs(line: &str) -> String {
    let line = OTHERWISE
        .iter()
        .fold(line.to_owned(), |line, (theirs, ours)| line.replace(theirs, ours));
    words(&line)
}

fn words(line: &str) -> String {
    let mut words: Vec<_> = line.split_whitespace().map(rounded).collect();
    if let Some(at) = words.iter().position(|word| word == "refcnt" || word == "leaf") {
        words.drain(at..at + 2);
    }
    if line.starts_with("class") && words.get(3).is_some_and(|word| word == "dev") {
        words.drain(3..5);
    }
    words.join(" ")
}

#[test]
fn every_line_as_tc_prints_it() {
    let config = lifted(QDISCS).config;
    let qdiscs = config.qdiscs.iter().map(ToString::to_string);
    let lines = qdiscs.chain(config.classes.iter().map(ToString::to_string));
    let ours: BTreeSet<_> = lines.map(|line| words(&line)).collect();
    let missing: Vec<_> = SHOWN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(theirs)
        .filter(|line| !ours.contains(line))
        .collect();
    assert!(
        missing.is_empty(),
        "{}\n\nours:\n{}",
        missing.join("\n"),
        Vec::from_iter(ours).join("\n")
    );
}

#[test]
fn nothing_is_opaque() {
    let config = lifted(QDISCS).config;
    let qdiscs = config
        .qdiscs
        .iter()
        .map(|qdisc| (qdisc.to_string(), &qdisc.options, &qdisc.other));
    let classes = config
        .classes
        .iter()
        .map(|class| (class.to_string(), &class.options, &class.other));
    for (text, options, other) in qdiscs.chain(classes) {
        assert!(!matches!(options, Options::Opaque { .. }), "{text}");
        assert!(other.is_empty(), "{text}: {other:?}");
    }
}
