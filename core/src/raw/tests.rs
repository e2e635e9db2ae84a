//! What a distribution's kernel gave where smaller ones give nothing: decoded whole, without a machine that has it.
//!
//! The lines beside the bytes are what is printed of them; when the bytes were captured, they were held against what the
//! ordinary tools showed there.

use std::fs;
use std::path::Path;

use crate::artifact::json;
use crate::artifact::manifest::redecode;
use crate::bytes::Text;
use crate::facts::Facts;
use crate::netfilter::model::{Definition, Item, Rule, Ruleset, Statement};
use crate::netfilter::{nft_file, save, text};
use crate::raw::Raw;
use crate::section::{Content, SectionName};

/// The sections, by the names of their files.
const CAPTURED: [(SectionName, &str); 9] = [
    (SectionName::Nftables, "nftables"),
    (SectionName::XtablesLegacyIpv4, "xtables-legacy-ipv4"),
    (SectionName::XtablesLegacyIpv6, "xtables-legacy-ipv6"),
    (SectionName::Ipset, "ipset"),
    (SectionName::Nexthops, "nexthops"),
    (SectionName::Xfrm, "xfrm"),
    (SectionName::Bridge, "bridge"),
    (SectionName::Ipvs, "ipvs"),
    (SectionName::Conntrack, "conntrack"),
];

/// One of the files, which are written together.
fn file(section: &str, what: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/raw/tests");
    fs::read_to_string(dir.join(format!("linux-6.1-{section}.{what}"))).unwrap()
}

/// The bytes of a section, whose file begins with lines of comment.
fn raw(file: &str) -> Raw {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    serde_json::from_str(&lines.collect::<String>()).unwrap()
}

fn content(name: SectionName) -> Content {
    let (_, section) = CAPTURED.into_iter().find(|(one, _)| *one == name).unwrap();
    let decoded = redecode(name, &raw(&file(section, "txt"))).unwrap();
    assert_eq!(decoded.gaps, [], "{name:?}");
    decoded.content
}

fn ruleset(name: SectionName) -> Ruleset {
    match content(name) {
        Content::Netfilter { config, .. } => config,
        other => panic!("not a ruleset: {other:?}"),
    }
}

fn facts(name: SectionName) -> Facts {
    match content(name) {
        Content::Facts { config, .. } => config,
        other => panic!("not facts: {other:?}"),
    }
}

fn printed(name: SectionName) -> String {
    match name {
        SectionName::Nftables => text::nft::ruleset(&ruleset(name)),
        SectionName::XtablesLegacyIpv4 | SectionName::XtablesLegacyIpv6 => {
            let tables = ruleset(name).tables;
            let texts = tables.iter().map(|table| text::iptables::table_save(table, None));
            texts.map(|text| text.as_str().unwrap().to_owned()).collect()
        }
        _ => facts(name).facts.iter().map(|fact| format!("{fact}\n")).collect(),
    }
}

#[test]
fn every_line_is_what_was_held_against_the_tools() {
    let others = CAPTURED.into_iter().filter_map(|(name, section)| {
        let printed = printed(name);
        (printed != file(section, "lines")).then(|| format!("== {section}\n{printed}"))
    });
    let others: Vec<String> = others.collect();
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[test]
fn nothing_is_opaque() {
    for (name, ..) in CAPTURED {
        let bytes = match content(name) {
            Content::Netfilter { config, .. } => json::to_vec(&config).unwrap(),
            Content::Facts { config, .. } => {
                let others = config.facts.iter().filter(|fact| !fact.other.is_empty());
                assert_eq!(
                    others.map(ToString::to_string).collect::<Vec<_>>(),
                    [""; 0],
                    "{name:?}"
                );
                continue;
            }
            other => panic!("{other:?}"),
        };
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.find("\"opaque\""), None, "{name:?}");
    }
}

/// That a bridge's rule asks the frame for its type, rather than the packet, is not listed at all.
const LISTED_OTHERWISE: [&str; 2] = ["ether type ip reject", "ether type ip6 reject"];

#[test]
fn the_listing_of_nft_says_the_same() {
    let listed = nft_file::parse_text(file("nftables", "nft").as_bytes(), &|_| None).unwrap();
    let Some(Content::Netfilter { config: listed, .. }) = listed.content else {
        panic!("not a ruleset")
    };
    let kernel = ruleset(SectionName::Nftables);
    assert_eq!(kernel.tables.len(), listed.tables.len());
    let mut compared = 0;
    for (one, other) in kernel.tables.iter().zip(&listed.tables) {
        assert_eq!(
            (&one.sets, &one.objects),
            (&other.sets, &other.objects),
            "{}",
            one.name
        );
        assert_eq!(one.chains.len(), other.chains.len());
        for (here, there) in one.chains.iter().zip(&other.chains) {
            assert_eq!((&here.name, &here.base), (&there.name, &there.base));
            assert_eq!(here.rules.len(), there.rules.len());
            for (left, right) in here.rules.iter().zip(&there.rules) {
                let line = text::rule(kernel.plane, one, here, left);
                if !LISTED_OTHERWISE.iter().any(|known| line.contains(known)) {
                    assert_eq!(left, right, "{line}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 180, "{compared}");
}

#[test]
fn the_save_tools_say_the_same() {
    for (name, section) in &CAPTURED[1..3] {
        let name = *name;
        let saved = file(section, "save");
        let kernel = ruleset(name);
        let said = save::parse(saved.as_bytes(), Some(kernel.tables[0].family)).unwrap();
        let Some(Content::Netfilter { config: said, .. }) = said.content else {
            panic!("not a ruleset")
        };
        let rules = |ruleset: &Ruleset| -> Vec<(Text, Text, Vec<Rule>)> {
            let tables = ruleset.tables.iter();
            let all = tables.flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
            let mut all: Vec<_> = all
                .map(|(table, chain)| (table.name.clone(), chain.name.clone(), chain.rules.clone()))
                .filter(|(.., rules)| !rules.is_empty())
                .collect();
            all.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            all
        };
        for (one, other) in rules(&kernel).iter().zip(&rules(&said)) {
            assert_eq!(one, other, "{name:?}");
        }
        assert_eq!(rules(&kernel).len(), rules(&said).len());
    }
}

#[test]
fn flowtables_and_what_goes_by_them() {
    let ruleset = ruleset(SectionName::Nftables);
    let objects = ruleset.tables.iter().flat_map(|table| &table.objects);
    let flowtables: Vec<_> = objects.filter(|object| object.kind == "flowtable").collect();
    assert_eq!(flowtables.len(), 2);
    assert!(
        flowtables
            .iter()
            .all(|object| matches!(object.definition, Some(Definition::Flowtable { .. })))
    );
    let rules = ruleset
        .tables
        .iter()
        .flat_map(|table| &table.chains)
        .flat_map(|chain| &chain.rules);
    let names: Vec<String> = rules
        .flat_map(|rule| &rule.items)
        .filter_map(|item| match item {
            Item::Statement(Statement::FlowOffload { flowtable }) => Some(flowtable.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["fast", "other"]);
}

#[test]
fn facts_of_the_host() {
    let has = |name, line: &str| {
        let facts = facts(name).facts;
        let lines: Vec<String> = facts.iter().map(ToString::to_string).collect();
        assert!(lines.iter().any(|one| one == line), "{line}\n{lines:#?}");
    };
    has(
        SectionName::Ipvs,
        "destination tcp 10.9.0.1:80 10.9.1.2:8080 method masq weight 0 u_thresh 100 l_thresh 10",
    );
    has(SectionName::Bridge, "vlan p0 10 pvid untagged");
    has(
        SectionName::Bridge,
        "fdb p1 02:00:00:00:00:0a master vlan 20 state [static] flags [sticky]",
    );
    has(
        SectionName::Nexthops,
        "nexthop 10 group [{id 1 weight 1} {id 2 weight 5}]",
    );
    has(
        SectionName::Xfrm,
        "state 192.0.2.1 192.0.2.2 esp 0x00000101 reqid 7 mode tunnel replay-window 64 flag [esn] sel src 0.0.0.0/0 \
         dst 0.0.0.0/0 auth {name hmac(sha1) key_bits 160} auth-trunc {name hmac(sha1) key_bits 160 icv_bits 96} \
         enc {name ecb(cipher_null) key_bits 0}",
    );
    has(
        SectionName::Xfrm,
        "state 192.0.2.2 192.0.2.1 esp 0x00000102 reqid 7 mode tunnel replay-window 32 flag [af-unspec] sel src ::/0 dst ::/0 \
         auth {name hmac(sha256) key_bits 256} auth-trunc {name hmac(sha256) key_bits 256 icv_bits 128} \
         enc {name ecb(cipher_null) key_bits 0} encap {type espinudp sport 4500 dport 4500 addr 0.0.0.0}",
    );
    has(
        SectionName::Conntrack,
        "timeout-policy six family ipv6 protocol udp seconds {unreplied 11 replied 12}",
    );
}
