//! Every target that this kernel takes, in both families and both planes: loaded by the tool, read, printed as the tool
//! prints it, and read from the tool's text as the same.

use super::target_lines::{BOTH, IPV4, IPV6, ruleset};
use super::{Item, assert_same, content, opaque_rules, read, saved};
use netghost_core::netfilter::{save, text};
use netghost_kernel::nftables;
use netghost_lab::netns::Namespace;

fn rules(text: &str) -> Vec<String> {
    let rules = text
        .lines()
        .filter_map(|line| line.find("-A ").map(|at| line[at..].to_owned()));
    let mut rules: Vec<String> = rules.collect();
    rules.sort();
    rules
}

fn live(ipv6: bool, nft: bool) {
    let lines = [BOTH, if ipv6 { IPV6 } else { IPV4 }].concat();
    let program = format!(
        "{}tables-{}-restore",
        if ipv6 { "ip6" } else { "ip" },
        if nft { "nft" } else { "legacy" }
    );
    let namespace = Namespace::new().unwrap();
    namespace.must(&["ip", "link", "set", "lo", "up"]).unwrap();
    let input = ruleset(&lines);
    namespace
        .exec_with_input(&[&program], input.as_bytes())
        .unwrap()
        .ok(&[&program])
        .unwrap();
    let section = if nft {
        namespace.enter(|| nftables::read(&|| 0)).unwrap()
    } else {
        read(&namespace, ipv6)
    };
    let (config, _) = content(section);
    assert_eq!(opaque_rules(&config), Vec::<String>::new());
    let items = config
        .tables
        .iter()
        .flat_map(|table| &table.chains)
        .flat_map(|chain| &chain.rules);
    assert!(
        items
            .flat_map(|rule| &rule.items)
            .all(|item| !matches!(item, Item::Opaque(_)))
    );
    let printed: String = config
        .tables
        .iter()
        .map(|table| {
            text::iptables::table_save(table, None)
                .to_string()
                .replace("\\x0a", "\n")
        })
        .collect();
    let expected: Vec<String> = lines
        .iter()
        .map(|(_, chain, words)| format!("-A {chain} {words}"))
        .collect();
    let mut expected = expected;
    expected.sort();
    for (printed, expected) in rules(&printed).iter().zip(&expected) {
        assert_eq!(printed, expected);
    }
    assert_eq!(rules(&printed).len(), expected.len());
    if !nft {
        let output = saved(&namespace, ipv6);
        assert_eq!(
            rules(&String::from_utf8(output.clone()).unwrap()),
            expected,
            "the tool prints it so"
        );
        let (of_text, _) = content(save::parse(&output, None).unwrap());
        assert_same("the kernel and its save tool", &config, &of_text);
    }
}

#[test]
fn root_targets_of_legacy_ipv4_are_read_and_printed() {
    live(false, false);
}

#[test]
fn root_targets_of_legacy_ipv6_are_read_and_printed() {
    live(true, false);
}

#[test]
fn root_targets_of_iptables_nft_are_read_and_printed() {
    live(false, true);
}

#[test]
fn root_targets_of_ip6tables_nft_are_read_and_printed() {
    live(true, true);
}
