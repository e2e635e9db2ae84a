//! Sets against `ipset save`.

use std::collections::BTreeSet;

use netghost_core::facts::Facts;
use netghost_core::host::ipset;
use netghost_core::netfilter::text;
use netghost_core::section::{Content, SectionName, State};
use netghost_lab::netns::Namespace;

use super::{both, config, lines, namespace, one_edit, run};

const NAME: SectionName = SectionName::Ipset;
const SETS: &str = "
create ip hash:ip counters comment skbinfo
add ip 10.0.0.1 comment \"hi there\" skbmark 0x1/0xff skbprio 1:10 skbqueue 3
add ip 10.0.0.2
create ip6 hash:ip family inet6 maxelem 100 hashsize 64
add ip6 2001:db8::1
create masked hash:ip netmask 24 bucketsize 6
add masked 10.0.5.0
create ports bitmap:port range 0-100
add ports 5-8
create some bitmap:ip range 10.0.0.0/16 netmask 24
add some 10.0.5.0
create macs bitmap:ip,mac range 192.168.0.0/24
add macs 192.168.0.5,02:AA:00:00:00:01
add macs 192.168.0.6
create net hash:net forceadd
add net 10.0.0.0/8
add net 10.1.0.0/16 nomatch
create iface hash:net,iface family inet6
add iface 2001:db8::/32,physdev:eth0
add iface 2001:db9::/32,eth1
create service hash:ip,port
add service 10.0.0.1,tcp:80
add service 10.0.0.1,udp:53
create three hash:ip,port,net counters
add three 10.0.0.1,sctp:80,10.0.0.0/24
create other hash:ip,port,ip
add other 10.0.0.1,udplite:7,10.0.0.2
create where hash:net,port
add where 10.0.0.0/9,udp:5
create list list:set size 9
add list net
add list ip before net
create short hash:ip timeout 300
add short 10.0.0.3
add short 10.0.0.4 timeout 0
";

fn loaded() -> Namespace {
    let namespace = namespace("");
    restore(&namespace, SETS);
    namespace
}

fn restore(namespace: &Namespace, text: &str) {
    let argv = ["ipset", "restore"];
    namespace
        .exec_with_input(&argv, text.as_bytes())
        .unwrap()
        .ok(&argv)
        .unwrap();
}

/// What `ipset save` prints, without what the kernel chose and without what ends by itself or counts.
fn shown(namespace: &Namespace) -> BTreeSet<String> {
    let output = namespace.must(&["ipset", "save"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let own = ["hashsize", "initval", "packets", "bytes"];
    let mut out = BTreeSet::new();
    let ends = |line: &&str| line.starts_with("add short") && !line.ends_with(" timeout 0");
    for line in text.lines().filter(|line| !ends(line)) {
        let mut words = Vec::new();
        let mut rest = line.split(' ');
        while let Some(word) = rest.next() {
            if own.contains(&word) {
                rest.next();
            } else {
                words.push(word);
            }
        }
        words.sort_unstable();
        out.insert(words.join(" "));
    }
    out
}

#[test]
fn root_reads_every_set_as_ipset_saves_it() {
    let namespace = loaded();
    let (config, runtime) = both(&namespace, NAME);
    let text = ipset::save(&config);
    assert!(text.contains("forceadd"), "{text}");
    let ours: BTreeSet<String> = text
        .lines()
        .map(|line| {
            // `ipset` 7.17 keeps it to itself.
            let words = line.split(' ').filter(|word| *word != "forceadd");
            let mut words: Vec<_> = words.collect();
            words.sort_unstable();
            words.join(" ")
        })
        .collect();
    assert_eq!(ours, shown(&namespace));
    let held = runtime
        .facts
        .iter()
        .filter(|fact| fact.path().starts_with("add/short/"));
    assert_eq!(held.count(), 1, "{:#?}", lines(&runtime.facts));

    // The tool takes what is printed, and the same is read again.
    let other = self::namespace("");
    restore(&other, &text);
    assert_eq!(lines(&super::config(&other, NAME)), lines(&config.facts));
}

/// The text of the tool is read as the kernel's messages are. The tool keeps `forceadd` to itself.
#[test]
fn root_text_of_ipset_is_what_the_kernel_says() {
    let namespace = loaded();
    run(
        &namespace,
        "ipset add service 10.0.0.1,icmp:3/9; ipset add service 10.0.0.1,gre:0; ipset add service 10.0.0.1,99:0
         ipset create six hash:ip,port family inet6; ipset add six 2001:db8::1,icmpv6:128/0",
    );
    let (config, _) = both(&namespace, NAME);
    let text = namespace.must(&["ipset", "save"]).unwrap().stdout;
    let section = ipset::save::parse(&text).unwrap();
    assert_eq!(
        (&section.state, section.gaps.as_slice()),
        (&State::Captured, [].as_slice())
    );
    let Some(Content::Facts {
        config: read,
        runtime,
    }) = section.content
    else {
        panic!("no facts");
    };
    let said = |facts: &Facts| -> Vec<String> {
        let lines = lines(&facts.facts).into_iter();
        lines.map(|line| line.replace(" forceadd", "")).collect()
    };
    assert_eq!(said(&read), said(&config));
    let held = runtime
        .facts
        .iter()
        .filter(|fact| fact.path().starts_with("add/short/"));
    assert_eq!(held.count(), 1);
}

/// What was counted, and what is left of a life, is beside the configuration.
#[test]
fn root_counts_elements_as_ipset_saves_them() {
    let namespace = self::namespace(
        "ipset create hosts hash:ip counters
         ipset add hosts 10.0.0.1 packets 5 bytes 18446744073709551614
         ipset add hosts 10.0.0.2
         ipset create short hash:ip counters timeout 1000
         ipset add short 10.0.0.1 packets 9007199254740993 bytes 7",
    );
    let (_, runtime) = both(&namespace, NAME);
    let saved = namespace.must(&["ipset", "save"]).unwrap();
    let saved = String::from_utf8(saved.stdout).unwrap();
    let mut compared = 0;
    for line in saved.lines().filter(|line| line.starts_with("add ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let path = format!("add/{}/{}", words[1], words[2]);
        let fact = runtime.facts.iter().find(|fact| fact.path() == path).unwrap();
        for pair in words[3..].chunks(2) {
            let ours = fact.property(pair[0]).unwrap().to_string();
            let a_second = |text: &str| text.parse::<u64>().unwrap().abs_diff(ours.parse().unwrap()) <= 2;
            assert!(
                ours == pair[1] || pair[0] == "timeout" && a_second(pair[1]),
                "{line}: {ours}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 7, "{saved}");
}

#[test]
fn root_finds_one_change_of_a_set_and_none_in_what_ends_by_itself() {
    let namespace = loaded();
    for (edit, expected, undo) in [
        (
            "ipset add net 192.0.2.0/24",
            "fact_added add/net/192.0.2.0/24",
            "ipset del net 192.0.2.0/24",
        ),
        (
            "ipset add ip 10.0.0.2 comment x -exist",
            "fact_changed add/ip/10.0.0.2",
            "ipset del ip 10.0.0.2; ipset add ip 10.0.0.2",
        ),
        (
            "ipset add list ports",
            "fact_changed create/list/list:set",
            "ipset del list ports",
        ),
        (
            "ipset create new hash:ip",
            "fact_added create/new/hash:ip",
            "ipset destroy new",
        ),
    ] {
        one_edit(&namespace, NAME, edit, expected, undo);
    }
    let before = config(&namespace, NAME);
    run(&namespace, "ipset add short 10.0.0.9");
    run(&namespace, "ipset test ip 10.0.0.1");
    assert_eq!(config(&namespace, NAME), before);
    run(&namespace, "ipset flush");
    run(&namespace, "ipset destroy");
    assert_eq!(config(&namespace, NAME), []);
    restore(&namespace, SETS);
    assert_eq!(lines(&config(&namespace, NAME)), lines(&before));
}

/// Rules hold a set by the kernel's number; the reader names it, in both planes alike, and as their own tools print it.
#[test]
fn root_reads_rules_that_name_their_sets() {
    const RULES: [&str; 4] = [
        "-A INPUT -m set ! --match-set second src ! --update-counters --packets-gt 5 ! --bytes-eq 3 -j DROP",
        "-A INPUT -m set --match-set pairs src,dst --return-nomatch ! --update-subcounters -j ACCEPT",
        "-A INPUT -j SET --add-set second src --exist --timeout 5",
        "-A INPUT -j SET --add-set second src --del-set pairs dst,dst",
    ];
    let sets = "ipset create first hash:ip
         ipset create second hash:ip counters timeout 0
         ipset create pairs hash:ip,port";
    let load = |tool: &str| {
        let rules: Vec<_> = RULES.iter().map(|rule| format!("{tool} -w 5 {rule}")).collect();
        rules.join("\n")
    };
    for (tool, name) in [
        ("iptables-legacy", SectionName::XtablesLegacyIpv4),
        ("iptables-nft", SectionName::Nftables),
    ] {
        let namespace = namespace(&[sets, &load(tool)].join("\n"));
        let before = super::read(&namespace, name);
        assert_eq!(before.state, netghost_core::section::State::Captured, "{tool}");
        let Some(netghost_core::section::Content::Netfilter { config, .. }) = &before.content else {
            panic!("{before:?}")
        };
        let table = &config.tables[0];
        let chain = table.chains.iter().find(|chain| !chain.rules.is_empty()).unwrap();
        let all = chain.rules.iter();
        let text: Vec<_> = all
            .map(|rule| text::rule(config.plane, table, chain, rule))
            .collect();
        let text = text.join("\n");
        for rule in RULES {
            assert!(text.contains(rule), "{tool}: {rule} in {text}");
        }
        // The same names with other numbers are the same rules.
        run(&namespace, &format!("{tool} -w 5 -F"));
        run(&namespace, "ipset destroy");
        run(&namespace, "ipset create other hash:ip");
        run(&namespace, &[sets, &load(tool)].join("\n"));
        let again = super::read(&namespace, name);
        assert_eq!(super::changes(before.clone(), again), [""; 0], "{tool}");
        // Exchanged sets exchange what they hold and keep what rules call them.
        run(&namespace, "ipset swap first second");
        let swapped = super::read(&namespace, name);
        assert_eq!(super::changes(before.clone(), swapped), [""; 0], "{tool}");
        run(
            &namespace,
            &format!("{tool} -w 5 -R INPUT 4 -j SET --add-set first src"),
        );
        assert_ne!(
            super::changes(before, super::read(&namespace, name)),
            [""; 0],
            "{tool}"
        );
    }
}

/// A set that comes in many messages, and whose hash grows while it is filled.
#[test]
fn root_reads_a_large_set_whole() {
    let namespace = namespace("ipset create many hash:ip hashsize 64 maxelem 100000");
    let add: String = (0..30_000)
        .map(|number: u32| format!("add many 10.1.{}.{}\n", number / 256, number % 256))
        .collect();
    restore(&namespace, &add);
    let (config, _): (Facts, Facts) = both(&namespace, NAME);
    assert_eq!(config.facts.len(), 30_001);
}
