//! Every match that the core's captured structures hold, loaded by the tools of both planes: what is read is printed as the
//! save tool prints it, and nothing of it is opaque.

use std::collections::{BTreeMap, BTreeSet};

use super::{content, opaque_rules, read};
use netghost_core::netfilter::model::Ruleset;
use netghost_core::netfilter::text::iptables;
use netghost_core::netfilter::{save, unresolved};
use netghost_core::section::{Content, Section};
use netghost_kernel::nftables;
use netghost_lab::netns::Namespace;

const CAPTURED: &str = include_str!("../../../core/src/netfilter/xt/tests/captured.txt");

/// The matches of a family as the save tool prints them. The kernel keeps one table for a hashlimit's name, so each name is
/// taken once.
fn lines(ipv6: bool) -> Vec<&'static str> {
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

fn ruleset(ipv6: bool) -> String {
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
fn rules(text: &str) -> BTreeMap<String, Vec<String>> {
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

fn printed(config: &Ruleset) -> String {
    let tables = config
        .tables
        .iter()
        .map(|table| iptables::table_save(table, None));
    tables.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The program of a plane and family.
fn tool(ipv6: bool, nft: bool, what: &str) -> String {
    let family = if ipv6 { "ip6tables" } else { "iptables" };
    format!("{family}-{}-{what}", if nft { "nft" } else { "legacy" })
}

fn section(namespace: &Namespace, ipv6: bool, nft: bool) -> Section {
    if nft {
        namespace.enter(|| nftables::read(&|| 0)).unwrap()
    } else {
        read(namespace, ipv6)
    }
}

fn judge(ipv6: bool, nft: bool) {
    let namespace = Namespace::new().unwrap();
    let restore = tool(ipv6, nft, "restore");
    let argv = [restore.as_str()];
    let text = ruleset(ipv6);
    namespace
        .exec_with_input(&argv, text.as_bytes())
        .unwrap()
        .ok(&argv)
        .unwrap();
    let (config, _) = content(section(&namespace, ipv6, nft));
    assert_eq!(opaque_rules(&config), Vec::<String>::new());
    let saved = namespace.must(&[&tool(ipv6, nft, "save")]).unwrap().stdout;
    let saved = String::from_utf8(saved).unwrap();
    let (ours, theirs) = (rules(&printed(&config)), rules(&saved));
    assert_eq!(theirs.values().map(Vec::len).sum::<usize>(), lines(ipv6).len());
    let mut wrong = Vec::new();
    for (table, rules) in &theirs {
        for (ours, theirs) in ours[table]
            .iter()
            .zip(rules)
            .filter(|(ours, theirs)| ours != theirs)
        {
            wrong.push(format!("read   {ours}\nsaved  {theirs}"));
        }
        assert_eq!(ours[table].len(), rules.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn root_every_match_of_legacy_ipv4_is_printed_as_it_is_saved() {
    judge(false, false);
}

#[test]
fn root_every_match_of_legacy_ipv6_is_printed_as_it_is_saved() {
    judge(true, false);
}

#[test]
fn root_every_match_of_iptables_nft_is_printed_as_it_is_saved() {
    judge(false, true);
}

#[test]
fn root_every_match_of_ip6tables_nft_is_printed_as_it_is_saved() {
    judge(true, true);
}

const SETS: &str = "*filter
:INPUT ACCEPT [0:0]
-A INPUT -m set --match-set one src
-A INPUT -m set ! --match-set two src,dst
-A INPUT -m set --match-set one dst --return-nomatch
-A INPUT -m set --match-set two src ! --update-counters ! --update-subcounters --packets-gt 5 ! --bytes-eq 7
-A INPUT -m set --match-set one src --packets-lt 9
COMMIT
";

/// The kernel gives new sets the lowest indexes, so in a fresh namespace they are known.
#[test]
fn root_sets_of_rules_get_their_names() {
    for nft in [false, true] {
        let namespace = Namespace::new().unwrap();
        for name in ["one", "two"] {
            namespace
                .must(&["ipset", "create", name, "hash:ip,port", "counters"])
                .unwrap();
        }
        let restore = tool(false, nft, "restore");
        let argv = [restore.as_str()];
        namespace
            .exec_with_input(&argv, SETS.as_bytes())
            .unwrap()
            .ok(&argv)
            .unwrap();
        let (config, _) = content(section(&namespace, false, nft));
        assert_eq!(unresolved::gaps(&config), []);
        assert_eq!(rules(&printed(&config)), rules(SETS));
        let saved = save::parse(SETS.as_bytes(), None).unwrap();
        let Some(Content::Netfilter { config: of_text, .. }) = saved.content else {
            panic!("not a ruleset")
        };
        // On the nft plane a rule counts by an expression of its own.
        if !nft {
            let input = |ruleset: &Ruleset| {
                let chains = &ruleset.tables[0].chains;
                chains
                    .iter()
                    .find(|chain| chain.name == "INPUT".into())
                    .unwrap()
                    .rules
                    .clone()
            };
            assert_eq!(input(&of_text), input(&config));
        }
    }
}
