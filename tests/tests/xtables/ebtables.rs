//! ebtables on nf_tables: what it leaves to the structures of ebtables is read by the decoder of legacy tables.

use super::{content, opaque_rules};
use netghost_core::netfilter::model::Item;
use netghost_core::netfilter::text;
use netghost_kernel::{ebtables, nftables};
use netghost_lab::netns::Namespace;

/// Table, rule, and a part of what it is printed as.
#[rustfmt::skip]
const RULES: [(&str, &str, &str); 19] = [
    ("filter", "-A INPUT -p LENGTH --802_3-sap 0x42 -j ACCEPT", "--802_3-sap 0x42"),
    ("filter", "-A INPUT -p LENGTH --802_3-sap 0xaa -j ACCEPT", "--802_3-sap 0xaa"),
    ("filter", "-A INPUT -p ARP --arp-op Request --arp-ip-src 1.2.3.0/24 --arp-mac-dst ! 00:11:22:33:44:55 -j DROP", "--arp-op Request --arp-ip-src 1.2.3.0/24 --arp-mac-dst ! 00:11:22:33:44:55"),
    ("filter", "-A INPUT -p ARP --arp-gratuitous -j DROP", "--arp-gratuitous"),
    ("filter", "-A INPUT -p IPv4 --ip-src 1.2.3.4 --ip-tos 0x10 --ip-proto tcp --ip-sport 1:5 --ip-dport ! 80 -j DROP", "--ip-src 1.2.3.4 --ip-tos 0x10 --ip-proto tcp --ip-sport 1:5 --ip-dport ! 80"),
    ("filter", "-A INPUT -p IPv4 --ip-proto icmp --ip-icmp-type 3/1 -j DROP", "--ip-proto icmp --ip-icmp-type 3/1"),
    ("filter", "-A INPUT -p IPv6 --ip6-src 2001:db8::/32 --ip6-proto udp --ip6-dport 5 -j DROP", "--ip6-src 2001:db8::/32 --ip6-proto udp --ip6-dport 5"),
    ("filter", "-A INPUT -p IPv6 --ip6-proto ipv6-icmp --ip6-icmp-type ! 1/2:4 -j DROP", "--ip6-proto ipv6-icmp --ip6-icmp-type ! 1/2:4"),
    ("filter", "-A INPUT -d BGA --stp-type config --stp-root-prio 1:5 --stp-port ! 3 -j ACCEPT", "--stp-type config --stp-root-prio 1:5 --stp-port ! 3"),
    ("filter", "-A INPUT -p 802_1Q --vlan-id 5 -j ACCEPT", "--vlan-id 5"),
    ("filter", "-A INPUT --log-level info --log-prefix pre --log-arp -j CONTINUE", ""),
    ("filter", "-A INPUT -j mark --mark-set 5 --mark-target ACCEPT", "-j mark --mark-set 0x5 --mark-target ACCEPT"),
    ("filter", "-A INPUT -j mark --mark-or 5 --mark-target CONTINUE", "-j mark --mark-or 0x5 --mark-target CONTINUE"),
    ("nat", "-A PREROUTING -p ARP -j arpreply --arpreply-mac 00:11:22:33:44:55 --arpreply-target ACCEPT", "-j arpreply --arpreply-mac 00:11:22:33:44:55 --arpreply-target ACCEPT"),
    ("nat", "-A PREROUTING -j dnat --to-dst 00:11:22:33:44:55 --dnat-target DROP", "-j dnat --to-dst 00:11:22:33:44:55 --dnat-target DROP"),
    ("nat", "-A PREROUTING -j redirect --redirect-target ACCEPT", "-j redirect --redirect-target ACCEPT"),
    ("nat", "-A POSTROUTING -j snat --to-src 00:11:22:33:44:55 --snat-target CONTINUE", "-j snat --to-src 00:11:22:33:44:55 --snat-target CONTINUE"),
    ("nat", "-A POSTROUTING -j snat --to-src 00:11:22:33:44:55 --snat-arp", "--snat-arp --snat-target ACCEPT"),
    ("filter", "-A INPUT --limit 3/min -j ACCEPT", ""),
];

#[test]
fn root_the_structures_of_ebtables_nft_are_read() {
    for (table, rule, expected) in RULES {
        let namespace = Namespace::new().unwrap();
        let mut argv = vec!["ebtables-nft", "-t", table];
        argv.extend(rule.split(' '));
        namespace.must(&argv).unwrap();
        let (config, _) = content(namespace.enter(|| nftables::read(&|| 0)).unwrap());
        assert_eq!(opaque_rules(&config), Vec::<String>::new(), "{rule}");
        let chains = config.tables.iter().flat_map(|table| &table.chains);
        let rules: Vec<_> = chains
            .flat_map(|chain| chain.rules.iter().map(move |rule| (chain, rule)))
            .collect();
        let [(chain, one)] = rules[..] else {
            panic!("{rule}: {rules:?}")
        };
        assert!(one.items.iter().any(|item| !matches!(item, Item::Opaque(_))));
        let printed = text::ebtables::rule(&chain.name, one);
        assert!(printed.contains(expected), "{rule}: {printed}");
    }
}

/// A kernel that has legacy ebtables gives what was loaded; any other says by proof that it has none.
#[test]
fn root_legacy_ebtables_are_read_or_proven_absent() {
    const RULE: &str =
        "-A FORWARD -p ARP --arp-op Request -i eth+ -j mark --mark-set 0x5 --mark-target CONTINUE";
    let namespace = Namespace::new().unwrap();
    let mut argv = vec!["ebtables-legacy"];
    argv.extend(RULE.split(' '));
    let is_there = namespace.exec(&argv).unwrap().status.success();
    let section = namespace.enter(|| ebtables::read(&|| 0)).unwrap();
    if !is_there {
        assert_eq!(section.state.word(), "not_applicable", "{:?}", section.state);
        return;
    }
    let (config, _) = content(section);
    let chains = config.tables.iter().flat_map(|table| &table.chains);
    let rules = chains.flat_map(|chain| {
        chain
            .rules
            .iter()
            .map(|rule| text::ebtables::rule(&chain.name, rule))
    });
    let said = "-A FORWARD -p ARP -i eth+ --arp-op Request -j mark --mark-set 0x5 --mark-target CONTINUE";
    assert_eq!(rules.collect::<Vec<_>>(), [said]);
}
