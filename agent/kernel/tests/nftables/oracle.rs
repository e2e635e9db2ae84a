//! Our reading of a ruleset against libnftnl's of the very same messages.

use std::collections::BTreeMap;

use netghost_core::netfilter::model::{Ruleset, RulesetRuntime};
use netghost_core::netfilter::text;
use netghost_core::raw::{NetlinkRaw, Raw};
use netghost_core::section::{Content, Section};

use crate::pairs::{RULES, TABLE};
use crate::phrases::{self, families};
use crate::reading::{load, namespace_with_links, read};

mod heard;
mod library;
mod named;
mod places;
mod said;
mod shown;

const NEW_RULE: u16 = 10 << 8 | 6;
const NEW_SET: u16 = 10 << 8 | 9;
const NEW_ELEMENTS: u16 = 10 << 8 | 12;

/// What came of one reading.
#[derive(Debug, Default)]
struct Judged {
    compared: usize,
    wrong: Vec<String>,
    /// Rules of which this comparison has no form, and why.
    left: Vec<String>,
}

type Table = (u8, String);

fn messages(section: &Section) -> &NetlinkRaw {
    match section.raw.as_ref().unwrap() {
        Raw::Netlink(raw) => raw,
        other => panic!("{other:?}"),
    }
}

fn parts(section: &Section) -> (&Ruleset, &RulesetRuntime) {
    match section.content.as_ref().unwrap() {
        Content::Netfilter { config, runtime } => (config, runtime),
        other => panic!("{other:?}"),
    }
}

/// The sets of each table, with their elements.
fn sets(raw: &NetlinkRaw) -> BTreeMap<Table, heard::Sets> {
    let mut out: BTreeMap<Table, heard::Sets> = BTreeMap::new();
    for message in &raw.messages {
        let of_elements = message.message_type == NEW_ELEMENTS;
        if !of_elements && message.message_type != NEW_SET {
            continue;
        }
        let set = library::set(message, of_elements);
        let table = (message.payload.0[0], library::text(&set.attributes[&0]));
        let name = library::text(&set.attributes[&1]);
        let known = out.entry(table).or_default();
        match known.get_mut(&name) {
            Some(before) if of_elements => before.elements.extend(set.elements),
            _ => drop(known.insert(name, set)),
        }
    }
    out
}

/// `NFPROTO_*`.
fn family(word: &str) -> u8 {
    match word {
        "inet" => 1,
        "ip" => 2,
        "arp" => 3,
        "netdev" => 5,
        "bridge" => 7,
        "ip6" => 10,
        other => panic!("{other}"),
    }
}

fn judge(section: &Section) -> Judged {
    let raw = messages(section);
    let sets = sets(raw);
    let heard: BTreeMap<(Table, u64), library::Rule> = raw
        .messages
        .iter()
        .filter(|message| message.message_type == NEW_RULE)
        .map(|message| {
            let rule = library::rule(message);
            let table = (message.payload.0[0], library::text(&rule.attributes[&1]));
            ((table, library::number(&rule.attributes[&3])), rule)
        })
        .collect();
    let mut judged = Judged::default();
    let (config, runtime) = parts(section);
    let mut rules = 0;
    for (table, table_runtime) in config.tables.iter().zip(&runtime.tables) {
        let id: Table = (family(table.family.as_str()), table.name.to_string());
        let none = heard::Sets::new();
        let of_table = sets.get(&id).unwrap_or(&none);
        for (chain, chain_runtime) in table.chains.iter().zip(&table_runtime.chains) {
            for (rule, counted) in chain.rules.iter().zip(&chain_runtime.rules) {
                rules += 1;
                let one = &heard[&(id.clone(), counted.handle.unwrap().0)];
                let line = text::rule(config.plane, table, chain, rule);
                let (heard, shown) = (heard::rule(&one.expressions, of_table), shown::rule(rule, raw));
                match (heard, shown) {
                    (Ok(heard), Ok(shown)) => {
                        judged.compared += 1;
                        let heard = without_family(&heard.0);
                        if heard != without_family(&shown.0) {
                            judged
                                .wrong
                                .push(format!("{line}\n  libnftnl: {heard:#?}\n  ours: {:#?}", shown.0));
                        }
                    }
                    (heard, shown) => {
                        judged
                            .left
                            .push(format!("{line}: {:?} {:?}", heard.err(), shown.err()))
                    }
                }
                if let Some(ours) = counted.counters {
                    let counter = one.expressions.iter().find(|one| one.name == "counter").unwrap();
                    assert_eq!(
                        (Some(ours.packets.0), Some(ours.bytes.0)),
                        (counter.number(1), counter.number(2)),
                        "{line}"
                    );
                }
            }
        }
        named::judge(table, table_runtime, of_table, raw, &mut judged);
    }
    assert_eq!(rules, heard.len(), "as many rules as libnftnl reads");
    judged
}

/// Where a table has one family, ours does not say it again.
fn without_family(lines: &[String]) -> Vec<String> {
    let plain = |line: &String| match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["nat", kind, _, "to", ..] | ["nat", kind, "of", "the", "table", "to", ..] => {
            format!("nat {kind} {}", line.split_once(" to ").unwrap().1)
        }
        _ => line.clone(),
    };
    lines.iter().map(plain).collect()
}

/// Nothing is read differently, and everything is compared.
fn assert_alike(what: &str, script: &str) {
    let judged = judge(&read(&load(script)));
    assert!(judged.wrong.is_empty(), "{what}: {}", judged.wrong.join("\n"));
    assert_eq!(judged.left, [""; 0], "{what}");
    assert!(judged.compared > 80, "{what}: {}", judged.compared);
}

#[test]
fn root_everyday_rules_are_read_as_libnftnl_reads_them() {
    assert_alike("everyday", include_str!("../rulesets/everyday.nft"));
}

#[test]
fn root_rarer_rules_are_read_as_libnftnl_reads_them() {
    assert_alike("files", include_str!("../rulesets/files.nft"));
}

/// All phrases of all families, and both of every pair.
#[test]
fn root_phrases_of_every_family_are_read_as_libnftnl_reads_them() {
    let pairs = RULES
        .iter()
        .flat_map(|(_, template, one, two)| [template.replace('§', one), template.replace('§', two)]);
    let mut all = families::all().to_vec();
    all.push((TABLE, pairs.collect()));
    let (mut compared, mut left) = (0, Vec::new());
    for (within, phrases) in all {
        let namespace = namespace_with_links();
        let taken = phrases::load(&namespace, within, phrases);
        let judged = judge(&read(&namespace));
        assert!(judged.wrong.is_empty(), "{within}: {}", judged.wrong.join("\n"));
        assert!(judged.compared + judged.left.len() >= taken.len());
        compared += judged.compared;
        left.extend(judged.left);
    }
    println!("{compared} rules and sets compared");
    assert_eq!(left, [""; 0]);
    assert!(compared > 700, "{compared}");
}
