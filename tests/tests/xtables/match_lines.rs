//! The matches that the core's captured structures hold, as rules to load and as rules that were saved.

use std::collections::{BTreeMap, BTreeSet};

const CAPTURED: &str = include_str!("../../../core/src/netfilter/xt/tests/captured.txt");

/// The matches of a family as the save tool prints them. The kernel keeps one table for a hashlimit's name, so each name is
/// taken once.
pub(crate) fn lines(ipv6: bool) -> Vec<&'static str> {
    let family = if ipv6 { "6|" } else { "4|" };
    let mut names = BTreeSet::new();
    let words = CAPTURED.lines().filter(|line| line.starts_with(family));
    let words = words.map(|line| line.splitn(6, '|').last().unwrap());
    // These say nothing beyond the protocol, and are not printed.
    let words = words.filter(|words| ipv6 || !matches!(*words, "-m ah" | "-m esp"));
    words
        .filter(|words| {
            let name = words
                .split("--hashlimit-name ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            name.is_none_or(|name| names.insert(name))
        })
        .collect()
}

/// What a match needs before it.
fn protocol(words: &str, ipv6: bool) -> &'static str {
    match words.split(' ').nth(1).unwrap() {
        "sctp" => " -p sctp",
        "dccp" => " -p 33",
        "ah" if !ipv6 => " -p ah",
        "esp" => " -p esp",
        "ipcomp" => " -p 108",
        "tcpmss" | "osf" => " -p tcp",
        "ecn" if words.contains("ecn-tcp") => " -p tcp",
        "icmp6" => " -p ipv6-icmp",
        "mh" => " -p 135",
        "multiport" => " -p udp",
        _ => "",
    }
}

/// Every match of a family, each in a rule of a chain that takes it.
pub(crate) fn ruleset(ipv6: bool) -> String {
    let mut raw = String::from("*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    let mut filter =
        String::from("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n");
    for words in lines(ipv6) {
        let protocol = protocol(words, ipv6);
        let is_out = words.contains("--dir out") || words.contains("--dst-group");
        if words.starts_with("-m rpfilter") {
            raw.push_str(&format!("-A PREROUTING{protocol} {words}\n"));
        } else {
            let chain = if is_out { "OUTPUT" } else { "INPUT" };
            filter.push_str(&format!("-A {chain}{protocol} {words}\n"));
        }
    }
    format!("{raw}COMMIT\n{filter}COMMIT\n")
}

/// The rules of each table, without the words that name a protocol: those depend on `/etc/protocols`.
pub(crate) fn rules(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            current = name.to_owned();
        } else if let Some(at) = line.find("-A ") {
            let mut words: Vec<&str> = line[at..].split(' ').collect();
            if let Some(place) = words.iter().position(|word| *word == "-p") {
                words.drain(place..place + 2);
            }
            tables.entry(current.clone()).or_default().push(words.join(" "));
        }
    }
    tables
}
