//! Legacy tables: the kernel reader against the ordinary save tools, and back into a fresh namespace.
//!
//! Needs root, and iptables with its legacy programs; everything happens in namespaces of its own.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking and shows its seed; its random numbers are small"
)]

use std::time::{SystemTime, UNIX_EPOCH};

use netghost_core::artifact::json;
use netghost_core::netfilter::model::{Family, Item, Plane, Ruleset, RulesetRuntime};
use netghost_core::netfilter::{save, text};
use netghost_core::section::{Content, Section, State};
use netghost_kernel::{nftables, xtables};
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

#[path = "xtables/generator.rs"]
mod generator;

use generator::Generator;

/// Rules in each table of a random ruleset.
const RULES: usize = 80;

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

fn round_trip(ipv6: bool, seed: u64) {
    println!("seed {seed}, {}", if ipv6 { "IPv6" } else { "IPv4" });
    let input = Generator::new(seed, ipv6).ruleset(RULES);
    let first = Namespace::new().unwrap();
    restore(&first, ipv6, input.as_bytes());
    let (config, runtime) = content(read(&first, ipv6));
    assert_eq!(opaque_rules(&config), Vec::<String>::new());
    let rules: usize = config
        .tables
        .iter()
        .flat_map(|table| &table.chains)
        .map(|chain| chain.rules.len())
        .sum();
    assert_eq!(rules, 5 * RULES, "every rule that was loaded is read");

    let output = saved(&first, ipv6);
    let (of_text, runtime_of_text) = content(save::parse(&output, None).unwrap());
    assert_same("the kernel and its save tool", &config, &of_text);
    assert_eq!(runtime, runtime_of_text, "counters");

    let tables = config.tables.iter().zip(&runtime.tables);
    let printed: Vec<u8> = tables
        .flat_map(|(table, runtime)| {
            text::iptables::table_save(table, Some(runtime))
                .as_bytes()
                .to_vec()
        })
        .collect();
    let (of_print, _) = content(save::parse(&printed, Some(config.tables[0].family)).unwrap());
    assert_same("what is printed, read as text", &config, &of_print);

    let second = Namespace::new().unwrap();
    restore(&second, ipv6, &printed);
    let (again, runtime_again) = content(read(&second, ipv6));
    assert_same("what is printed, loaded and read", &config, &again);
    assert_eq!(runtime, runtime_again, "counters");
}

/// From the environment variable `SEED`, to repeat a failure; else from the clock.
fn first_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    std::env::var("SEED").map_or(now, |seed| seed.parse().unwrap())
}

/// Random rulesets for each test: `NETGHOST_CASES`, else three.
fn cases() -> u64 {
    std::env::var("NETGHOST_CASES").map_or(3, |cases| cases.parse().unwrap())
}

fn round_trips(ipv6: bool) {
    let start = first_seed();
    for seed in start..start + cases() {
        round_trip(ipv6, seed);
    }
}

#[test]
fn root_random_ipv4_tables_come_back_the_same() {
    round_trips(false);
}

#[test]
fn root_random_ipv6_tables_come_back_the_same() {
    round_trips(true);
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

/// What `iptables-nft` loads is read from nf_tables, recognised as its own, printed in its words and loaded again.
fn nft_round_trip(ipv6: bool, seed: u64) {
    println!("seed {seed}, {}", if ipv6 { "IPv6" } else { "IPv4" });
    let program = if ipv6 {
        "ip6tables-nft-restore"
    } else {
        "iptables-nft-restore"
    };
    let argv = [program, "-c"];
    let load = |text: &[u8]| {
        let namespace = Namespace::new().unwrap();
        namespace.exec_with_input(&argv, text).unwrap().ok(&argv).unwrap();
        namespace
    };
    let read = |namespace: &Namespace| content(namespace.enter(|| nftables::read(&|| 0)).unwrap());
    let (config, runtime) = read(&load(Generator::new(seed, ipv6).ruleset(RULES).as_bytes()));
    assert!(config.tables.iter().all(text::is_iptables_table));
    let printed: Vec<u8> = config
        .tables
        .iter()
        .zip(&runtime.tables)
        .flat_map(|(table, runtime)| {
            text::iptables::table_save(table, Some(runtime))
                .as_bytes()
                .to_vec()
        })
        .collect();
    let (again, _) = read(&load(&printed));
    assert_same(
        "what is printed, loaded by iptables-nft and read",
        &config,
        &again,
    );
}

#[test]
fn root_tables_of_iptables_nft_come_back_the_same() {
    let start = first_seed();
    for seed in start..start + cases() {
        nft_round_trip(seed.is_multiple_of(2), seed);
    }
}
