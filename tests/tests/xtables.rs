//! Legacy tables: the kernel reader against the ordinary save tools. Random rules are in `netghost-kernel`'s `round_trips`.
//!
//! Needs root, and iptables with its legacy programs; everything happens in namespaces of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test states what it expects by failing"
)]

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Item, Plane, Ruleset, RulesetRuntime};
use netghost_core::netfilter::text;
use netghost_core::section::{Content, Section, State};
use netghost_kernel::xtables;
use netghost_lab::netns::Namespace;

#[path = "xtables/arptables.rs"]
mod arptables;

#[path = "xtables/ebtables.rs"]
mod ebtables;

#[path = "xtables/every_match.rs"]
mod every_match;
#[path = "xtables/match_lines.rs"]
mod match_lines;
#[path = "xtables/target_lines.rs"]
mod target_lines;
#[path = "xtables/targets.rs"]
mod targets;

#[path = "xtables/pairs.rs"]
mod pairs;

fn read(namespace: &Namespace, ipv6: bool) -> Section {
    let reader = if ipv6 {
        xtables::read_ipv6
    } else {
        xtables::read_ipv4
    };
    namespace.enter(|| reader(&|| 0)).unwrap()
}

/// Configuration and runtime of a section that must be captured, but for rules that name an ipset by number alone.
fn content(section: Section) -> (Ruleset, RulesetRuntime) {
    let only_ipsets = !section.gaps.is_empty() && section.gaps.iter().all(|gap| gap.why.contains("ipset"));
    assert!(
        section.state == State::Captured || only_ipsets,
        "{:?} {:?} {:?}",
        section.state,
        section.gaps,
        section.warnings
    );
    match section.content {
        Some(Content::Netfilter { mut config, runtime }) => {
            config.plane = Plane::Unstated;
            (config, runtime)
        }
        other => panic!("not a ruleset: {other:?}"),
    }
}

fn tool(ipv6: bool, what: &str) -> String {
    format!("{}-legacy-{what}", if ipv6 { "ip6tables" } else { "iptables" })
}

fn restore(namespace: &Namespace, ipv6: bool, text: &[u8]) {
    let tool = tool(ipv6, "restore");
    let argv = [tool.as_str(), "-w", "20", "-c"];
    let done = namespace.exec_with_input(&argv, text).unwrap();
    if let Err(error) = done.ok(&argv) {
        // The tool names the line, or the COMMIT where the kernel refused the whole table.
        let message = format!("{error:?}");
        let number = message.split("line").last().and_then(|after| {
            let digits: String = after.chars().filter(char::is_ascii_digit).collect();
            digits.parse::<usize>().ok()?.checked_sub(1)
        });
        let line = number.and_then(|number| {
            String::from_utf8_lossy(text)
                .lines()
                .nth(number)
                .map(str::to_owned)
        });
        panic!("{message}\n{line:?}");
    }
}

fn saved(namespace: &Namespace, ipv6: bool) -> Vec<u8> {
    namespace.must(&[&tool(ipv6, "save"), "-c"]).unwrap().stdout
}

fn digest(ruleset: &Ruleset) -> String {
    json::digest(ruleset).unwrap().to_string()
}

/// Names the first rule that differs, which a digest can't.
fn assert_same(what: &str, a: &Ruleset, b: &Ruleset) {
    for (a_table, b_table) in a.tables.iter().zip(&b.tables) {
        for (a_chain, b_chain) in a_table.chains.iter().zip(&b_table.chains) {
            for (place, (a_rule, b_rule)) in a_chain.rules.iter().zip(&b_chain.rules).enumerate() {
                let line = text::iptables::rule(a_table.family, &a_chain.name, a_rule);
                assert_eq!(
                    a_rule,
                    b_rule,
                    "{what}: {} rule {}: {line}",
                    a_table.name,
                    place + 1
                );
            }
        }
    }
    assert_eq!(a, b, "{what}");
    assert_eq!(digest(a), digest(b), "{what}");
}

fn opaque_rules(ruleset: &Ruleset) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &ruleset.tables {
        for chain in &table.chains {
            let is_opaque = |item: &Item| matches!(item, Item::Opaque(_));
            let opaque = chain.rules.iter().filter(|rule| rule.items.iter().any(is_opaque));
            lines.extend(opaque.map(|rule| text::iptables::rule(table.family, &chain.name, rule)));
        }
    }
    lines
}

/// Lines as `iptables-save` prints them. They are loaded, read from the kernel and printed again.
const LINES: &str = r#"*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:my-chain - [0:0]
-A INPUT -s 10.0.0.0/255.0.255.0 ! -d 1.2.3.4/32 -i eth+ -p tcp -m tcp --sport 1:5 ! --dport 80 --tcp-option 4 --tcp-flags SYN,ACK SYN -j DROP
-A INPUT ! -s 0.0.0.0/0 -j DROP
-A INPUT -f -j DROP
-A INPUT ! -f -j my-chain
-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -g my-chain
-A INPUT -p icmp -m icmp ! --icmp-type any -j DROP
-A INPUT -p icmp -m icmp ! --icmp-type 3/1 -j DROP
-A INPUT -p icmp -m icmp --icmp-type 3/1 -j DROP
-A INPUT -p tcp -m multiport ! --dports 22,80,1:5
-A INPUT -m conntrack ! --ctstate NEW,ESTABLISHED,UNTRACKED,SNAT --ctproto 17 --ctorigsrc 10.0.0.0/8 ! --ctorigdstport 5:80 --ctstatus NONE --ctexpire 5:60 --ctdir REPLY
-A INPUT -m conntrack --ctstatus SEEN_REPLY,ASSURED
-A INPUT -m comment --comment "it\'s \"x\" \\ y"
-A INPUT -m comment --comment second -m comment --comment first
-A INPUT -m limit --limit 7/min
-A INPUT -m limit --limit 13/hour --limit-burst 9
-A INPUT -m mark --mark 0x1 -m mark ! --mark 0x3/0x7
-A INPUT -m connmark --mark 0x1 -m connmark ! --mark 0x3/0x7
-A INPUT -m addrtype --src-type UNICAST,LOCAL ! --dst-type BROADCAST --limit-iface-in
-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 1.1.1.1-1.1.1.1
-A INPUT -m mac ! --mac-source 00:11:22:33:44:aa
-A INPUT -m pkttype ! --pkt-type multicast
-A INPUT -p udp -m udp ! --sport 5
-A INPUT -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A INPUT -j LOG --log-prefix "a b" --log-level 6 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode
-A INPUT -j LOG
-A INPUT -j NFLOG --nflog-prefix "x y" --nflog-group 5 --nflog-size 40 --nflog-threshold 3
-A INPUT -j NFQUEUE --queue-num 0
-A INPUT -j NFQUEUE --queue-balance 1:4 --queue-bypass --queue-cpu-fanout
-A INPUT -j QUEUE
-A INPUT -m physdev --physdev-in eth+
-A OUTPUT -m owner ! --socket-exists ! --uid-owner 0-5 --gid-owner 3
-A OUTPUT -m owner --gid-owner 3 --suppl-groups
-A my-chain -j RETURN
COMMIT
"#;

#[test]
fn root_rules_are_printed_as_the_save_tool_prints_them() {
    let namespace = Namespace::new().unwrap();
    restore(&namespace, false, LINES.as_bytes());
    let (config, _) = content(read(&namespace, false));
    let printed = text::iptables::table_save(&config.tables[0], None);
    let expected = String::from_utf8(saved(&namespace, false)).unwrap();
    let rules = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter_map(|line| line.find("-A ").map(|at| line[at..].to_owned()));
        lines.collect()
    };
    let (printed, expected) = (rules(printed.as_str().unwrap()), rules(&expected));
    assert_eq!(expected.len(), 34);
    for (printed, expected) in printed.iter().zip(&expected) {
        assert_eq!(printed, expected);
    }
    assert_eq!(printed.len(), expected.len());
}

#[test]
fn root_reading_makes_no_table() {
    let namespace = Namespace::new().unwrap();
    let names = || {
        let files = ["ip_tables_names", "ip6_tables_names"];
        let read = |file| std::fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap();
        namespace.enter(|| files.map(read)).unwrap()
    };
    assert_eq!(names(), ["", ""]);
    for ipv6 in [false, true] {
        let (config, _) = content(read(&namespace, ipv6));
        assert_eq!(config.tables, []);
    }
    assert_eq!(names(), ["", ""], "reading an empty namespace");
    restore(&namespace, false, b"*mangle\nCOMMIT\n");
    let (config, _) = content(read(&namespace, false));
    assert_eq!(config.tables.len(), 1);
    assert_eq!(config.tables[0].family, Family::Ip);
    assert_eq!(names(), ["mangle\n", ""], "reading one table");
}
