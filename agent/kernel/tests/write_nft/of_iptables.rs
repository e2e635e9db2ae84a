//! Rules that `iptables-nft` and its kin made, with extensions of every kind.

use netghost_core::netfilter::text;

use crate::host::Host;

/// `iptables-nft-save` and its kin, with counters.
fn saved(host: &Host, save: &str) -> String {
    let text = host.must(save);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Adds each line that the tool and this kernel take; then each rule goes and comes back, to the tool's eye too.
fn come_back(setup: &str, add: &str, lines: &str, save: &str, at_least: usize) {
    let host = Host::shell(setup);
    let mut refused = Vec::new();
    let lines: Vec<&str> = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    for line in &lines {
        let done = host.0.exec(&["sh", "-c", &format!("{add} {line}")]).unwrap();
        if !done.status.success() {
            refused.push(*line);
        }
    }
    println!(
        "{} of {} taken; refused by this kernel: {refused:#?}",
        lines.len() - refused.len(),
        lines.len()
    );
    assert!(lines.len() - refused.len() >= at_least, "{refused:#?}");
    let config = host.config();
    for table in &config.tables {
        let words = text::is_iptables_table(table);
        println!(
            "{} {}: in the words of iptables: {words}",
            table.family, table.name
        );
    }
    let (before, listed) = (host.before(), saved(&host, save));
    let mut wrong = Vec::new();
    for placed in host.rules() {
        match host.plan(&placed.deletion()) {
            Ok(_) => drop(before.there_and_back(&placed.deletion())),
            Err(error) => wrong.push(format!("{}: {error}", placed.rule.text)),
        }
    }
    assert_eq!(saved(&host, save), listed);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn root_rules_of_iptables_come_back() {
    come_back(
        "ipset create s1 hash:ip
         iptables-nft -N chain",
        "iptables-nft -w 5",
        include_str!("iptables.txt"),
        "iptables-nft-save -c",
        50,
    );
}

#[test]
fn root_rules_of_ip6tables_come_back() {
    come_back(
        "true",
        "ip6tables-nft -w 5",
        "-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
         -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -c 5 6 -j DROP
         -A INPUT -m hl --hl-lt 5 -j DROP
         -A INPUT -m frag --fragid 5 -j DROP
         -A INPUT -m rt --rt-type 0 -j DROP
         -A INPUT -m hbh --hbh-len 5 -j DROP
         -A INPUT -m ipv6header --header frag --soft -j DROP
         -A INPUT -m ah --ahspi 5 -j DROP
         -A INPUT -p tcp -j REJECT --reject-with tcp-reset
         -A INPUT -j REJECT --reject-with icmp6-adm-prohibited
         -A INPUT ! -p tcp -m comment --comment x -j LOG --log-prefix a
         -t mangle -A PREROUTING -j HL --hl-set 5
         -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination [fd00::1]:8080",
        "ip6tables-nft-save -c",
        8,
    );
}

#[test]
fn root_rules_of_arptables_and_ebtables_come_back() {
    come_back(
        "true",
        "arptables-nft",
        "-A INPUT -s 10.0.0.1 -j DROP
         -A INPUT --opcode 1 --source-mac 02:00:00:00:00:01 -j ACCEPT
         -A OUTPUT -j mangle --mangle-ip-s 10.0.0.5",
        "arptables-nft-save",
        2,
    );
    come_back(
        "true",
        "ebtables-nft",
        "-A INPUT -p ip --ip-source 10.0.0.1 -j DROP
         -A FORWARD -p ip --ip-protocol tcp --ip-destination-port 22 -c 5 6 -j ACCEPT
         -A FORWARD -p arp --arp-opcode 1 -j DROP
         -A FORWARD -p 802_1q --vlan-id 5 -j DROP
         -A FORWARD -p ipv6 --ip6-source fd00::1 -j DROP
         -A FORWARD -s 02:00:00:00:00:01 -j mark --mark-set 5 --mark-target ACCEPT
         -A FORWARD --limit 5/s -j ACCEPT
         -A FORWARD -m pkttype --pkttype-type broadcast -j DROP
         -A FORWARD --stp-type 1 -j DROP
         -A FORWARD --among-src 02:00:00:00:00:01,02:00:00:00:00:02=10.0.0.1 -j DROP
         -A FORWARD --log-prefix x -j ACCEPT
         -t nat -A PREROUTING -j dnat --to-destination 02:00:00:00:00:05
         -t nat -A POSTROUTING -j snat --to-source 02:00:00:00:00:05",
        "ebtables-nft-save",
        5,
    );
}
