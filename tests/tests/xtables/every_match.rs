//! Every match that the core's captured structures hold, loaded by the tools of both planes: what is read is printed as the
//! save tool prints it, and nothing of it is opaque.

use super::match_lines::{lines, rules, ruleset};
use super::{content, opaque_rules, read};
use netghost_core::netfilter::model::Ruleset;
use netghost_core::netfilter::text::iptables;
use netghost_core::netfilter::{save, unresolved};
use netghost_core::section::{Content, Section};
use netghost_kernel::nftables;
use netghost_lab::netns::Namespace;

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
