//! Rulesets in files, read as the kernel reads them once they are loaded.

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Item, Ruleset};
use netghost_core::netfilter::nft_file;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section};

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

fn check(source: &str) {
    let namespace = load(source);
    let section = read(&namespace);
    let kernel = config(&section);
    let nothing = |_: &str| None;
    let written = nft_file::parse_text(source.as_bytes(), &nothing).unwrap();
    assert_same("the file as it is written", kernel, ruleset(&written));
    let listed = namespace.must(&["nft", "-j", "list", "ruleset"]).unwrap();
    let read_json = nft_file::parse_json(&listed.stdout).unwrap();
    assert_same("nft -j list ruleset", kernel, ruleset(&read_json));
    let listed = namespace.must(&["nft", "list", "ruleset"]).unwrap();
    let read_text = nft_file::parse_text(&listed.stdout, &nothing).unwrap();
    assert_same("nft list ruleset", kernel, ruleset(&read_text));
    for section in [written, read_json, read_text] {
        let words = |item: &Item| matches!(item, Item::Opaque(opaque) if opaque.text.is_some());
        let tables = &ruleset(&section).tables;
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
}

#[test]
fn root_reads_everyday_files_as_the_kernel_reads_them() {
    check(EVERYDAY);
}

#[test]
fn root_reads_rarer_files_as_the_kernel_reads_them() {
    check(FILES);
}
