//! Rulesets in files, read as the kernel reads them once they are loaded.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Item, Ruleset};
use netghost_core::netfilter::nft_file;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section};
use netghost_lab::netns::Namespace;

use crate::reading::{config, load, read};

const EVERYDAY: &str = include_str!("../rulesets/everyday.nft");
const FILES: &str = include_str!("../rulesets/files.nft");

fn ruleset(section: &Section) -> &Ruleset {
    match section.content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => config,
        _ => panic!("not a ruleset"),
    }
}

/// Each rule and set of both, so that all differences are seen where they are.
fn assert_same(what: &str, kernel: &Ruleset, file: &Ruleset) {
    let mut differences = Vec::new();
    for (ours, theirs) in file.tables.iter().zip(&kernel.tables) {
        for (ours_chain, chain) in ours.chains.iter().zip(&theirs.chains) {
            for (index, (one, other)) in ours_chain.rules.iter().zip(&chain.rules).enumerate() {
                if one != other {
                    let told = text::rule(kernel.plane, theirs, chain, other);
                    differences.push(format!(
                        "rule {index} of {}: {told}\n  file:   {one:?}\n  kernel: {other:?}",
                        chain.name
                    ));
                }
            }
            if (ours_chain.name != chain.name)
                || ours_chain.base != chain.base
                || ours_chain.comment != chain.comment
            {
                differences.push(format!("{:?} {:?}", ours_chain.base, chain.base));
            }
        }
        for (one, other) in ours.sets.iter().zip(&theirs.sets) {
            if one != other {
                differences.push(format!(
                    "set {}\n  file:   {one:?}\n  kernel: {other:?}",
                    one.name
                ));
            }
        }
        for (one, other) in ours.objects.iter().zip(&theirs.objects) {
            if one != other {
                differences.push(format!(
                    "object {}\n  file:   {one:?}\n  kernel: {other:?}",
                    one.name
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{what}: {}", differences.join("\n"));
    assert_eq!(file, kernel, "{what}");
    assert_eq!(
        json::digest(file).unwrap(),
        json::digest(kernel).unwrap(),
        "{what}"
    );
}

/// What `nft` 1.0.6 does not list: that a bridge's rule asks the frame for its type rather than the packet.
fn as_listed(ruleset: &Ruleset) -> Ruleset {
    let mut out = ruleset.clone();
    let bridges = out
        .tables
        .iter_mut()
        .filter(|table| table.family == Family::Bridge);
    for rule in bridges
        .flat_map(|table| &mut table.chains)
        .flat_map(|chain| &mut chain.rules)
    {
        for item in &mut rule.items {
            if let Item::Match(one) = item
                && one.field.0 == "ether.type"
            {
                one.field = "meta.protocol".into();
            }
        }
    }
    out
}

/// What its JSON leaves out besides: flags and comments of tables, comments of chains, devices, `auto-merge`.
fn as_json(ruleset: &Ruleset) -> Ruleset {
    let mut out = as_listed(ruleset);
    for table in &mut out.tables {
        table.comment = None;
        table.flags.clear();
        for chain in &mut table.chains {
            chain.comment = None;
            if let Some(base) = &mut chain.base {
                base.devices.clear();
            }
        }
        for set in &mut table.sets {
            set.flags.retain(|flag| flag != "auto-merge");
        }
    }
    out
}

fn check(source: &str) {
    let namespace = load(source);
    check_text(source, &namespace);
    // Of a table with flags `nft` 1.0.6 writes no JSON that makes sense.
    let namespace = load(&source.replace("flags dormant", ""));
    let section = read(&namespace);
    let listed = namespace.must(&["nft", "-j", "list", "ruleset"]).unwrap();
    let listed = nft_file::parse_json(&listed.stdout).unwrap();
    assert_same(
        "nft -j list ruleset",
        &as_json(config(&section)),
        &as_json(ruleset(&listed)),
    );
    assert_whole(&listed);
}

fn check_text(source: &str, namespace: &Namespace) {
    let section = read(namespace);
    let nothing = |_: &str| None;
    let written = nft_file::parse_text(source.as_bytes(), &nothing).unwrap();
    assert_same("the file as it is written", config(&section), ruleset(&written));
    let listed = namespace.must(&["nft", "list", "ruleset"]).unwrap();
    let listed = nft_file::parse_text(&listed.stdout, &nothing).unwrap();
    assert_same(
        "nft list ruleset",
        &as_listed(config(&section)),
        &as_listed(ruleset(&listed)),
    );
    assert_whole(&written);
    assert_whole(&listed);
}

/// Nothing is kept in words, and nothing is missing.
fn assert_whole(section: &Section) {
    let words = |item: &Item| matches!(item, Item::Opaque(opaque) if opaque.text.is_some());
    let tables = &ruleset(section).tables;
    let mut rules = tables
        .iter()
        .flat_map(|table| &table.chains)
        .flat_map(|chain| &chain.rules);
    assert!(
        !rules.any(|rule| rule.items.iter().any(words)),
        "{:?}",
        section.warnings
    );
    assert_eq!(section.gaps, []);
}

/// The JSON of `nft` 1.0.6 does not list these chains at all.
#[test]
fn root_reads_chains_in_place_as_the_kernel_reads_them() {
    let source = "table inet t {\n chain c {\n tcp dport 1 jump { udp dport 546 accept; drop; }\n ip saddr 10.0.0.1 jump {\n counter\n }\n }\n}\n";
    check_text(source, &load(source));
}

#[test]
fn root_reads_everyday_files_as_the_kernel_reads_them() {
    check(EVERYDAY);
}

#[test]
fn root_reads_rarer_files_as_the_kernel_reads_them() {
    check(FILES);
}
