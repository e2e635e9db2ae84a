//! Rulesets as people write them.

use netghost_core::artifact::json;
use netghost_core::artifact::manifest::redecode;
use netghost_core::netfilter::text;
use netghost_core::section::{SectionName, State};
use netghost_lab::netns::Namespace;

use crate::reading::{assert_same, config, load, opaque, read};

const EVERYDAY: &str = include_str!("../rulesets/everyday.nft");

#[test]
fn root_reads_everyday_rulesets_and_prints_what_loads_as_the_same() {
    let first = read(&load(EVERYDAY));
    let ruleset = config(&first);
    let printed = text::nft::ruleset(ruleset);
    assert_eq!(opaque(ruleset), [""; 0]);
    let again = read(&load(&printed));
    assert_same(ruleset, config(&again));
    assert_eq!(
        json::digest(ruleset).unwrap(),
        json::digest(config(&again)).unwrap()
    );
}

/// `nft -j list ruleset` and ours hold the same tables, chains, rules by handle, sets and counts of elements.
#[test]
fn root_agrees_with_nft_json() {
    let namespace = load(EVERYDAY);
    let section = read(&namespace);
    let listed = namespace.must(&["nft", "-j", "list", "ruleset"]).unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let objects = listed["nftables"].as_array().unwrap();
    let count = |kind: &str| objects.iter().filter(|object| object.get(kind).is_some()).count();
    let ruleset = config(&section);
    let chains: Vec<_> = ruleset.tables.iter().flat_map(|table| &table.chains).collect();
    assert_eq!(count("table"), ruleset.tables.len());
    assert_eq!(count("chain"), chains.len());
    assert_eq!(
        count("rule"),
        chains.iter().map(|chain| chain.rules.len()).sum::<usize>()
    );
    let sets: usize = ruleset.tables.iter().map(|table| table.sets.len()).sum();
    assert_eq!(count("set") + count("map"), sets);
    for object in objects {
        if let Some(set) = object.get("set").or_else(|| object.get("map")) {
            let ours = ruleset
                .tables
                .iter()
                .filter(|table| {
                    table.family.as_str() == set["family"] && table.name.as_str() == set["table"].as_str()
                })
                .flat_map(|table| &table.sets)
                .find(|ours| ours.name.as_str() == set["name"].as_str())
                .unwrap();
            let theirs = set
                .get("elem")
                .and_then(|elements| elements.as_array())
                .map_or(0, Vec::len);
            assert_eq!(ours.elements.len(), theirs, "{set}");
        }
    }
}

/// Each rule by its handle, in the words of `nft -a list ruleset`.
#[test]
fn root_says_each_rule_as_nft_says_it() {
    let namespace = load(EVERYDAY);
    let section = read(&namespace);
    let listed = namespace.must(&["nft", "-a", "list", "ruleset"]).unwrap();
    let theirs = crate::reading::rules_by_handle(&String::from_utf8_lossy(&listed.stdout));
    let mut ours = crate::reading::texts_by_handle(&section);
    // `nft` leaves out `ether type ip`, though what it then prints loads as `meta protocol ip`: ours says which it is.
    let exact = ours.insert(
        ("bridge frames".to_owned(), 2),
        "ip daddr 10.0.0.1 tcp dport 80 drop".to_owned(),
    );
    assert_eq!(
        exact.as_deref(),
        Some("ether type ip ip daddr 10.0.0.1 tcp dport 80 drop")
    );
    let differing: Vec<String> = ours
        .iter()
        .filter(|(place, text)| theirs.get(*place) != Some(*text))
        .map(|(place, text)| format!("{place:?}\n  ours   {text}\n  theirs {:?}", theirs.get(place)))
        .collect();
    assert_eq!(ours.len(), theirs.len());
    assert!(
        differing.is_empty(),
        "{} differ:\n{}",
        differing.len(),
        differing.join("\n")
    );
}

/// Handles, counters and packet-made elements change; configuration does not.
#[test]
fn root_flush_and_reload_is_the_same_configuration() {
    let namespace = load(EVERYDAY);
    let before = read(&namespace);
    namespace
        .must(&[
            "nft",
            "add",
            "element",
            "inet",
            "filter",
            "banned",
            "{ 198.51.100.7 timeout 5m }",
        ])
        .unwrap();
    let filled = read(&namespace);
    assert_same(config(&before), config(&filled));
    assert_ne!(before.content, filled.content, "the element is runtime");
    namespace
        .exec_with_input(
            &["nft", "-f", "-"],
            format!("flush ruleset\n{EVERYDAY}").as_bytes(),
        )
        .unwrap();
    let after = read(&namespace);
    assert_eq!(
        json::digest(config(&before)).unwrap(),
        json::digest(config(&after)).unwrap()
    );
    assert_ne!(before.content, after.content, "the handles are others");
}

/// A later decoder version decodes a stored section again; what is kept is enough for that, for every section.
#[test]
fn root_every_section_decodes_again_from_what_is_kept() {
    let namespace = load(EVERYDAY);
    for words in [
        "ip link set lo up",
        "iptables-legacy -w 5 -A INPUT -p tcp --dport 5001 -j DROP",
        "ip6tables-legacy -w 5 -A INPUT -p tcp --dport 5001 -j REJECT",
        "tc qdisc add dev lo root handle 1: htb default 10",
        "tc class add dev lo parent 1: classid 1:10 htb rate 1mbit",
    ] {
        namespace.must(&words.split(' ').collect::<Vec<_>>()).unwrap();
    }
    let sections = namespace
        .enter(|| netghost_kernel::capture(&SectionName::HOST, &crate::reading::now_us))
        .unwrap();
    assert_eq!(sections.len(), SectionName::HOST.len());
    for section in sections {
        // What this kernel does not have was not read: nothing is kept of it.
        if matches!(section.state, State::NotApplicable { .. }) {
            assert_eq!((section.raw, section.content), (None, None), "{}", section.name);
            continue;
        }
        let again = redecode(section.name, section.raw.as_ref().unwrap()).unwrap();
        assert_eq!(section.state, State::Captured);
        assert_eq!(Some(again.content), section.content, "{}", section.name);
        assert_eq!(again.gaps, section.gaps);
    }
}

/// The kernel numbers chains without a name anew at each load; that is no change, and what is in them is.
#[test]
fn root_chains_without_a_name_load_again_as_the_same() {
    let script = |verdict: &str| {
        format!(
            "table inet t {{\nchain i {{\ntype filter hook input priority 0;\n\
             ip saddr 1.2.3.4 jump {{ counter; {verdict}; }}\nip saddr 1.2.3.5 goto {{ accept; }}\n}}\n}}\n"
        )
    };
    let (one, same, other) = (
        read(&load(&script("drop"))),
        read(&load(&script("drop"))),
        read(&load(&script("accept"))),
    );
    assert_same(config(&one), config(&same));
    assert_ne!(
        json::digest(config(&one)).unwrap(),
        json::digest(config(&other)).unwrap()
    );
}

/// What is not decoded stays whole: another value in it is another configuration.
#[test]
fn root_what_is_not_decoded_is_kept_whole() {
    let rule = |size: u16| {
        format!(
            "table ip t {{ chain c {{ type filter hook forward priority 0; tcp flags syn tcp option maxseg size set {size}; }}\n}}"
        )
    };
    let (one, two) = (read(&load(&rule(1400))), read(&load(&rule(1300))));
    assert_eq!(opaque(config(&one)).len(), 1);
    assert_ne!(
        json::digest(config(&one)).unwrap(),
        json::digest(config(&two)).unwrap()
    );
    assert_same(config(&one), config(&read(&load(&rule(1400)))));
}

#[test]
fn root_nothing_loaded_is_captured_and_empty() {
    let namespace = Namespace::new().unwrap();
    let section = read(&namespace);
    assert_eq!(section.state, State::Captured);
    assert_eq!(config(&section).tables, []);
}

/// Names that are not UTF-8 go through bytes, not through text.
#[test]
fn root_comments_that_are_not_utf8_survive() {
    let mut script = b"table ip t { chain c { counter comment \"caf".to_vec();
    script.extend_from_slice(b"\xe9\"; }\n}");
    let namespace = Namespace::new().unwrap();
    assert!(
        namespace
            .exec_with_input(&["nft", "-f", "-"], &script)
            .unwrap()
            .status
            .success()
    );
    let section = read(&namespace);
    let comment = config(&section).tables[0].chains[0].rules[0]
        .comment
        .clone()
        .unwrap();
    assert_eq!(comment.as_bytes(), b"caf\xe9");
    assert_eq!(serde_json::to_string(&comment).unwrap(), r#"{"hex":"636166e9"}"#);
}

/// Taking the privilege away makes the section unread, never empty.
#[test]
fn root_without_the_capability_nothing_is_claimed() {
    let namespace = load(EVERYDAY);
    let section = namespace
        .enter(|| {
            crate::reading::drop_capabilities();
            netghost_kernel::nftables::read(&crate::reading::now_us)
        })
        .unwrap();
    assert!(
        matches!(&section.state, State::Unreadable { why } if why.contains("CAP_NET_ADMIN")),
        "{:?}",
        section.state
    );
    assert_eq!(section.content, None);
}
