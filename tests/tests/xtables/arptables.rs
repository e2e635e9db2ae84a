//! Legacy arptables: rules that the tool loads are read, printed, and loaded again.

use super::{Item, assert_same, content, opaque_rules};
use netghost_core::netfilter::model::{Ruleset, Statement, Verdict};
use netghost_core::netfilter::text;
use netghost_core::section::Section;
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

/// As they are printed: what becomes of a packet stands first.
#[rustfmt::skip]
const RULES: [&str; 17] = [
    "-A INPUT -j ACCEPT -i eth0 -s 10.0.0.0/8 -d 1.2.3.4",
    "-A INPUT -j DROP ! -i eth+ ! -s 10.0.0.1",
    "-A INPUT -j DROP --src-mac 00:11:22:33:44:55 --dst-mac 00:11:22:00:00:00/ff:ff:ff:00:00:00",
    "-A INPUT -j DROP ! --src-mac 00:11:22:33:44:55",
    "-A INPUT -j mine --h-length 6 --opcode 1 --h-type 1 --proto-type 0x800",
    "-A INPUT -j DROP ! --opcode 2",
    "-A INPUT -j DROP ! --h-length 6 ! --h-type 1 ! --proto-type 0x800",
    "-A INPUT --opcode 2",
    "-A OUTPUT -j mangle -o eth1 --h-length 6 --mangle-ip-s 10.0.0.1 --mangle-mac-d 00:11:22:33:44:55",
    "-A OUTPUT -j mangle --h-length 6 --mangle-mac-s 00:11:22:33:44:55 --mangle-target CONTINUE",
    "-A OUTPUT -j mangle --mangle-ip-d 1.1.1.1 --mangle-target DROP",
    "-A OUTPUT -j CLASSIFY --set-class 0001:0002",
    "-A OUTPUT -j MARK --set-mark 0x3",
    "-A OUTPUT -j MARK --and-mark 0x3",
    "-A OUTPUT -j MARK --or-mark 0x3",
    "-A FORWARD -j ACCEPT -d 10.0.0.0/255.0.255.0",
    "-A mine -j RETURN",
];

fn read(namespace: &Namespace) -> Section {
    namespace.enter(|| xtables::read_arp(&|| 0)).unwrap()
}

fn run(namespace: &Namespace, program: &str, words: &str) {
    let mut argv = vec![program];
    argv.extend(words.split(' '));
    namespace.must(&argv).unwrap();
}

fn load<'a>(rules: impl Iterator<Item = &'a str>) -> Namespace {
    let namespace = Namespace::new().unwrap();
    run(&namespace, "arptables-legacy", "-P OUTPUT DROP");
    run(&namespace, "arptables-legacy", "-N mine");
    for rule in rules {
        run(&namespace, "arptables-legacy", rule);
    }
    namespace
}

fn printed(ruleset: &Ruleset) -> Vec<String> {
    let text = text::arptables::table_save(&ruleset.tables[0], None)
        .to_string()
        .replace("\\x0a", "\n");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn root_arptables_are_read_printed_and_loaded_again() {
    let namespace = load(RULES.into_iter());
    let (config, _) = content(read(&namespace));
    assert_eq!(opaque_rules(&config), Vec::<String>::new());
    let lines = printed(&config);
    let head = [
        "*filter",
        ":INPUT ACCEPT",
        ":OUTPUT DROP",
        ":FORWARD ACCEPT",
        ":mine -",
    ];
    assert_eq!(lines[..5], head);
    assert_eq!(lines[5..], RULES);
    let again = load(lines[5..].iter().map(String::as_str));
    assert_same(
        "what is printed, loaded and read",
        &config,
        &content(read(&again)).0,
    );
}

#[test]
fn root_each_arptables_rule_reads_differently() {
    let rules: Vec<_> = content(read(&load(RULES.into_iter()))).0.tables.remove(0).chains;
    let mut seen = std::collections::HashSet::new();
    let all: Vec<_> = rules.iter().flat_map(|chain| &chain.rules).collect();
    assert_eq!(all.len(), RULES.len());
    assert!(all.into_iter().all(|rule| seen.insert(rule)));
}

#[test]
fn root_reading_makes_no_table_of_arptables() {
    let namespace = Namespace::new().unwrap();
    let names = || {
        let read = || std::fs::read_to_string("/proc/thread-self/net/arp_tables_names").unwrap();
        namespace.enter(read).unwrap()
    };
    let (config, _) = content(read(&namespace));
    assert_eq!((config.tables.len(), names().as_str()), (0, ""));
    run(&namespace, "arptables-legacy", "-P INPUT DROP");
    let (config, _) = content(read(&namespace));
    assert_eq!((config.tables.len(), names().as_str()), (1, "filter\n"));
    let input = config.tables[0]
        .chains
        .iter()
        .find(|chain| chain.name == "INPUT".into());
    assert_eq!(input.unwrap().base.as_ref().unwrap().policy, Verdict::Drop);
}

/// What arptables on nf_tables can't say natively is a target that the same decoder reads.
#[test]
fn root_the_targets_of_arptables_nft_are_read() {
    let namespace = Namespace::new().unwrap();
    for rule in [
        "-A OUTPUT -j mangle --mangle-ip-s 10.0.0.1 --mangle-mac-d 00:11:22:33:44:55",
        "-A OUTPUT -j CLASSIFY --set-class 1:2",
        "-A OUTPUT -j MARK --set-mark 3",
    ] {
        run(&namespace, "arptables-nft", rule);
    }
    let (config, _) = content(namespace.enter(|| nftables::read(&|| 0)).unwrap());
    assert_eq!(opaque_rules(&config), Vec::<String>::new());
    let chains = config.tables.iter().flat_map(|table| &table.chains);
    let items: Vec<_> = chains
        .flat_map(|chain| &chain.rules)
        .flat_map(|rule| &rule.items)
        .collect();
    let is_mangle = |item: &&&Item| matches!(item, Item::Statement(Statement::Target { name, options }) if name == "mangle" && options.len() == 2);
    assert_eq!(items.iter().filter(is_mangle).count(), 1);
}
