//! Rules and sets: nothing opaque, as the tools show them, and the same once what is printed of them is loaded.

use std::collections::{BTreeMap, BTreeSet};

use netghost_core::artifact::{json, object};
use netghost_core::host::ipset;
use netghost_core::netfilter::model::{Object, Plane, Ruleset};
use netghost_core::netfilter::{nft_file, save, text};
use netghost_core::section::{Content, Section, SectionName};
use netghost_core::snapshot::Snapshot;
use serde_json::Value;

use super::match_lines::rules;
use super::reading::{READING, Reading, facts, loadable, ruleset, saved, section};

const RULESETS: [SectionName; 5] = [
    SectionName::Nftables,
    SectionName::XtablesLegacyIpv4,
    SectionName::XtablesLegacyIpv6,
    SectionName::ArptablesLegacy,
    SectionName::EbtablesLegacy,
];

/// What of a section's configuration is not understood.
pub(crate) fn opaque(section: &Section) -> Vec<String> {
    let bytes = match section.content.as_ref().unwrap() {
        Content::Netfilter { config, .. } => json::to_vec(config),
        Content::Facts { config, .. } => {
            let others = config.facts.iter().filter(|fact| !fact.other.is_empty());
            return others.map(ToString::to_string).collect();
        }
        other => panic!("{other:?}"),
    };
    let text = String::from_utf8(bytes.unwrap()).unwrap();
    let places = text.match_indices("\"opaque\"");
    places
        .map(|(at, _)| text[at..].chars().take(300).collect())
        .collect()
}

fn nothing_is_opaque(snapshot: &Snapshot, names: &[SectionName]) {
    for name in names {
        assert_eq!(opaque(section(snapshot, *name)), Vec::<String>::new(), "{name:?}");
    }
}

#[test]
fn root_no_rule_is_opaque() {
    let Reading {
        first,
        legacy,
        compat,
        ..
    } = &*READING;
    nothing_is_opaque(first, &RULESETS);
    nothing_is_opaque(legacy, &RULESETS[1..3]);
    nothing_is_opaque(compat, &RULESETS[..1]);
}

/// Rules, chains, sets and the rest, by family and table.
fn counts(items: &[Value]) -> BTreeMap<(String, String, String), usize> {
    let mut out = BTreeMap::new();
    for item in items {
        for (kind, one) in item.as_object().unwrap() {
            let word = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let kind = match kind.as_str() {
                "rule" | "chain" | "flowtable" => kind,
                "set" | "map" => "set",
                "table" | "metainfo" => continue,
                _ => "object",
            };
            *out.entry((word("family"), word("table"), kind.to_owned()))
                .or_default() += 1;
        }
    }
    out
}

#[test]
fn root_nft_shows_as_many_of_each() {
    let shown: Value = serde_json::from_str(&READING.steps["nft-json"]).unwrap();
    let mut ours = BTreeMap::new();
    for table in &ruleset(&READING.first, SectionName::Nftables).tables {
        let is_flowtable = |object: &&Object| object.kind == "flowtable";
        let flowtables = table.objects.iter().filter(is_flowtable).count();
        let named = table
            .sets
            .iter()
            .filter(|set| !set.name.to_string().starts_with("__"));
        for (kind, number) in [
            ("rule", table.chains.iter().map(|chain| chain.rules.len()).sum()),
            ("chain", table.chains.len()),
            ("flowtable", flowtables),
            ("set", named.count()),
            ("object", table.objects.len() - flowtables),
        ] {
            if number > 0 {
                let key = (table.family.to_string(), table.name.to_string(), kind.to_owned());
                ours.insert(key, number);
            }
        }
    }
    let theirs = counts(shown["nftables"].as_array().unwrap());
    assert!(theirs.values().sum::<usize>() > 200, "{theirs:?}");
    assert_eq!(ours, theirs);
}

/// Each rule of one that is another in the other.
fn differing(a: &Ruleset, b: &Ruleset) -> Vec<String> {
    let mut out = Vec::new();
    for (one, other) in a.tables.iter().zip(&b.tables) {
        for (here, there) in one.chains.iter().zip(&other.chains) {
            for (left, right) in here
                .rules
                .iter()
                .zip(&there.rules)
                .filter(|(left, right)| left != right)
            {
                let line = |rule| text::rule(a.plane, one, here, rule);
                out.push(format!(
                    "{} {}: {} | {}",
                    one.family,
                    here.name,
                    line(left),
                    line(right)
                ));
            }
            if here.rules.len() != there.rules.len() || here.base != there.base {
                out.push(format!("chain {} {}", one.family, here.name));
            }
        }
        let sets = one.sets.iter().zip(&other.sets).filter(|(a, b)| a != b);
        out.extend(sets.map(|(a, b)| format!("{a:?}\n{b:?}")));
        let objects = one.objects.iter().zip(&other.objects).filter(|(a, b)| a != b);
        out.extend(objects.map(|(a, b)| format!("{a:?}\n{b:?}")));
    }
    out
}

/// What `nft` 1.0.6 does not list: that a bridge's rule asks the frame for its type rather than the packet.
const LISTED_OTHERWISE: [&str; 2] = ["ether type ip reject", "ether type ip6 reject"];

#[test]
fn root_rules_are_what_nft_lists() {
    let listed = nft_file::parse_text(READING.steps["nft"].as_bytes(), &|_| None).unwrap();
    let Some(Content::Netfilter { config: listed, .. }) = &listed.content else {
        panic!("{listed:?}")
    };
    let mut differing = differing(
        &loadable(ruleset(&READING.first, SectionName::Nftables)),
        &loadable(listed),
    );
    differing.retain(|line| !LISTED_OTHERWISE.iter().any(|known| line.contains(known)));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn root_what_is_printed_loads_as_the_same() {
    let Reading { first, again, .. } = &*READING;
    for name in RULESETS
        .into_iter()
        .filter(|name| *name != SectionName::ArptablesLegacy)
    {
        let (one, other) = (loadable(ruleset(first, name)), ruleset(again, name));
        let differing = differing(&one, other);
        assert!(differing.is_empty(), "{name:?}: {}", differing.join("\n"));
        assert_eq!(
            json::digest(&one).unwrap(),
            json::digest(other).unwrap(),
            "{name:?}"
        );
    }
    let digest = |snapshot| {
        let sets = section(snapshot, SectionName::Ipset).content.as_ref().unwrap();
        object::config_digest(sets).unwrap()
    };
    assert_eq!(digest(first), digest(again), "ipset");
}

/// Spellings of the save tools that say the same, or that they do not load themselves.
const SPELT: [(&str, &str); 4] = [
    ("--nfacct-name  ", "--nfacct-name "),
    ("--led-delay -1", "--led-delay inf"),
    ("--led-trigger-id \"", "--led-trigger-id "),
    ("01:00:5E", "01:00:5e"),
];

/// Rules as a save tool prints them and as we do.
fn as_saved(config: &Ruleset, theirs: &str) {
    let spelt = |text: String, (theirs, ours): &(&str, &str)| text.replace(theirs, ours);
    let theirs = SPELT.iter().fold(theirs.to_owned(), spelt);
    // The end of a trigger's name.
    let theirs = theirs.replace("\" --led-delay", " --led-delay");
    let ours = String::from_utf8(saved(config)).unwrap();
    let (mut ours, mut theirs) = (rules(&ours), rules(&theirs));
    // Chains stand by name here, and by hook there.
    for rules in ours.values_mut().chain(theirs.values_mut()) {
        rules.sort_by_key(|rule| rule.split(' ').nth(1).map(str::to_owned));
    }
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (table, theirs) in &theirs {
        let pairs = ours[table]
            .iter()
            .zip(theirs)
            .filter(|(ours, theirs)| ours != theirs);
        wrong.extend(pairs.map(|(ours, theirs)| format!("read   {ours}\nsaved  {theirs}")));
        assert_eq!(ours[table].len(), theirs.len(), "{table}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn root_legacy_rules_are_printed_as_they_are_saved() {
    let Reading {
        first, legacy, steps, ..
    } = &*READING;
    let families = [
        (SectionName::XtablesLegacyIpv4, "4"),
        (SectionName::XtablesLegacyIpv6, "6"),
    ];
    for (name, family) in families {
        for (snapshot, step) in [(first, "legacy"), (legacy, "saved-legacy")] {
            as_saved(ruleset(snapshot, name), &steps[&format!("{step}-{family}")]);
        }
    }
}

/// The save tool's text of the legacy plane holds what the kernel holds.
#[test]
fn root_legacy_rules_are_what_their_text_says() {
    for (name, step) in [
        (SectionName::XtablesLegacyIpv4, "legacy-4"),
        (SectionName::XtablesLegacyIpv6, "legacy-6"),
    ] {
        let text = format!("{}\n", READING.steps[step]);
        let section = save::parse(text.as_bytes(), None).unwrap();
        let Some(Content::Netfilter { config, .. }) = &section.content else {
            panic!("{section:?}")
        };
        let mut kernel = ruleset(&READING.first, name).clone();
        kernel.plane = Plane::Unstated;
        let mut text = config.clone();
        text.plane = Plane::Unstated;
        let differing = differing(&kernel, &text);
        assert!(differing.is_empty(), "{}", differing.join("\n"));
    }
}

#[test]
fn root_rules_of_iptables_nft_are_printed_as_they_are_saved() {
    let config = ruleset(&READING.compat, SectionName::Nftables);
    for (family, step) in [("ip", "saved-compat-4"), ("ip6", "saved-compat-6")] {
        let mut own = config.clone();
        own.tables.retain(|table| table.family.to_string() == family);
        as_saved(&own, &READING.steps[step]);
    }
}

/// A line of `ipset save` in order, without what the kernel chose, what counts and what ends by itself.
fn ordered(line: &str) -> Option<String> {
    const OWN: [&str; 4] = ["hashsize", "initval", "packets", "bytes"];
    let mut words = Vec::new();
    let mut rest = line.split(' ');
    while let Some(word) = rest.next() {
        match word {
            word if OWN.contains(&word) => drop(rest.next()),
            // `ipset` 7.17 keeps it to itself.
            "forceadd" => {}
            word => words.push(word),
        }
    }
    words.sort_unstable();
    let stays = !line.is_empty() && !line.starts_with("add short ");
    stays.then(|| words.join(" ").replace("icmp:echo-request", "icmp:8/0"))
}

#[test]
fn root_sets_are_what_ipset_saves() {
    let ours = ipset::save(facts(&READING.first, SectionName::Ipset));
    let lines = |text: &str| -> BTreeSet<String> { text.lines().filter_map(ordered).collect() };
    assert!(ours.lines().count() > 45, "{ours}");
    assert_eq!(lines(&ours), lines(&READING.steps["ipset"]));
}
