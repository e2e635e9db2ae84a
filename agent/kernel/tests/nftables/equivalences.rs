//! Spellings that mean the same have one form, and near spellings that do not have two: each rule is loaded by the ordinary
//! tool, read from the kernel, and read from its text.

use netghost_core::netfilter::model::{Family, Rule, Ruleset};
use netghost_core::netfilter::{nft_file, save};
use netghost_core::section::{Content, Section};
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

use crate::reading::config;

/// Two spellings; whether our own reading of a text is asked too, which takes what the save tools print and not all that
/// `iptables` takes.
struct Pair(&'static str, &'static str, Text);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Read,
    ToolOnly,
}

use Text::{Read, ToolOnly};

/// Rules of `iptables` that are one rule.
#[rustfmt::skip]
const SAME: &[Pair] = &[
    Pair("-m state --state NEW,ESTABLISHED -j DROP", "-m conntrack --ctstate ESTABLISHED,NEW -j DROP", Read),
    Pair("-m state ! --state NEW -j DROP", "-m conntrack ! --ctstate NEW -j DROP", Read),
    Pair("-p tcp --dport 80 -j DROP", "-p 6 -m tcp --destination-port 80:80 -j DROP", Read),
    Pair("-p tcp -m tcp -j DROP", "-p tcp -j DROP", Read),
    Pair("-p tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags SYN,RST,ACK,FIN SYN -j DROP", Read),
    Pair("-p tcp --dport :1023 -j DROP", "-p tcp --dport 0:1023 -j DROP", Read),
    Pair("-p tcp --dport 1024: -j DROP", "-p tcp --dport 1024:65535 -j DROP", Read),
    Pair("-p tcp --dport http -j DROP", "-p tcp --dport 80 -j DROP", ToolOnly),
    Pair("-s 10.1.2.3 -j DROP", "-s 10.1.2.3/32 -j DROP", Read),
    Pair("-s 10.1.2.3/8 -j DROP", "-s 10.0.0.0/255.0.0.0 -j DROP", Read),
    Pair("-s 0.0.0.0/0 -j DROP", "-j DROP", Read),
    Pair("-i + -j DROP", "-j DROP", Read),
    Pair("-j DROP -p tcp --dport 1 -s 1.2.3.4", "-s 1.2.3.4 -p tcp --dport 1 -j DROP", Read),
    Pair("-p tcp -m multiport --dports 443,80,80 -j DROP", "-p tcp -m multiport --dports 80,443 -j DROP", Read),
    Pair("-p icmp --icmp-type ping -j DROP", "-p icmp -m icmp --icmp-type 8 -j DROP", Read),
    Pair("-p icmp --icmp-type any -j DROP", "-p icmp -j DROP", Read),
    Pair("-m addrtype --dst-type LOCAL,BROADCAST -j DROP", "-m addrtype --dst-type BROADCAST,LOCAL -j DROP", Read),
    Pair("-m limit -j DROP", "-m limit --limit 3/hour --limit-burst 5 -j DROP", Read),
    Pair("-m limit --limit 5/second -j DROP", "-m limit --limit 5/s --limit-burst 5 -j DROP", Read),
    Pair("-m mac --mac-source 0:A:b:00:0C:1 -j DROP", "-m mac --mac-source 00:0a:0b:00:0c:01 -j DROP", ToolOnly),
    Pair("-m comment --comment abc -j DROP", "-m comment --comment \"abc\" -j DROP", Read),
    Pair("-m comment --comment \"a'b c\" -j DROP", "-m comment --comment \"a\\'b c\" -j DROP", Read),
    Pair("-m mark --mark 1 -j DROP", "-m mark --mark 0x1/0xffffffff -j DROP", Read),
    Pair("-p tcp -j REJECT", "-p tcp -j REJECT --reject-with icmp-port-unreachable", Read),
    Pair("-j REJECT --reject-with port-unreach", "-j REJECT", Read),
    Pair("-j LOG --log-level warning", "-j LOG", Read),
];

/// Rules of `iptables` that are near each other and not the same.
#[rustfmt::skip]
const DIFFERENT: &[Pair] = &[
    Pair("-m conntrack --ctstate NEW -j DROP", "-m conntrack ! --ctstate NEW -j DROP", Read),
    Pair("-m conntrack --ctstate NEW -j DROP", "-m conntrack --ctstate NEW,INVALID -j DROP", Read),
    Pair("-p tcp --dport 80 -j DROP", "-p tcp --sport 80 -j DROP", Read),
    Pair("-p tcp --dport 80 -j DROP", "-p udp --dport 80 -j DROP", Read),
    Pair("-p tcp --dport 80 -j DROP", "-p tcp --dport 80:81 -j DROP", Read),
    Pair("-p tcp --syn -j DROP", "-p tcp ! --syn -j DROP", Read),
    Pair("-s 10.0.0.0/8 -j DROP", "-s 10.0.0.0/9 -j DROP", Read),
    Pair("-s 10.0.0.0/8 -j DROP", "! -s 10.0.0.0/8 -j DROP", Read),
    Pair("-s 10.1.2.3 -j DROP", "-d 10.1.2.3 -j DROP", Read),
    Pair("-i eth -j DROP", "-i eth+ -j DROP", Read),
    Pair("-i eth0 -j DROP", "! -i eth0 -j DROP", Read),
    Pair("-p icmp --icmp-type 3 -j DROP", "-p icmp --icmp-type 3/0 -j DROP", Read),
    Pair("-p tcp -m multiport --dports 80,443 -j DROP", "-p tcp -m multiport --ports 80,443 -j DROP", Read),
    Pair("-m limit --limit 5/second -j DROP", "-m limit --limit 5/second --limit-burst 6 -j DROP", Read),
    Pair("-m mark --mark 1 -j DROP", "-m mark --mark 1/1 -j DROP", Read),
    Pair("-m mark --mark 1 -m mark ! --mark 2 -j DROP", "-m mark --mark 1 -j DROP", Read),
    Pair("-m comment --comment abc -j DROP", "-m comment --comment abd -j DROP", Read),
    Pair("-j mine", "-g mine", Read),
    Pair("-j REJECT", "-j DROP", Read),
    Pair("-p tcp -j REJECT", "-p tcp -j REJECT --reject-with tcp-reset", Read),
    Pair("-j LOG", "-j LOG --log-prefix x", Read),
    Pair("-j ACCEPT", "-j RETURN", Read),
];

/// Rules of `nft` in a table `ip` that are one rule.
const NFT_SAME: &[(&str, &str)] = &[
    ("tcp dport { 80, 443 } drop", "tcp dport { 443, 80 } drop"),
    (
        "ct state established,related accept",
        "ct state related,established accept",
    ),
    ("ip saddr 10.0.0.1/32 drop", "ip saddr 10.0.0.1 drop"),
    ("ip saddr 10.1.2.3/8 drop", "ip saddr 10.0.0.0/8 drop"),
    ("tcp dport http drop", "tcp dport 80 drop"),
    ("meta l4proto tcp tcp dport 22 drop", "tcp dport 22 drop"),
    ("meta mark 0x1 drop", "mark 1 drop"),
    ("iifname eth0 drop", "meta iifname \"eth0\" drop"),
    (
        "limit rate 10/second drop",
        "limit rate 10/second burst 5 packets drop",
    ),
    ("reject", "reject with icmp port-unreachable"),
    ("counter packets 0 bytes 0 drop", "counter drop"),
    ("log prefix \"x\" level warn", "log prefix \"x\""),
    (
        "tcp flags & (fin | syn | rst | ack) == syn drop",
        "tcp flags & (ack | rst | syn | fin) == syn drop",
    ),
    (
        "ip saddr { 10.0.0.0/8, 192.168.0.0/16 } drop",
        "ip saddr { 192.168.0.0-192.168.255.255, 10.0.0.0/8 } drop",
    ),
    ("drop comment abc", "drop comment \"abc\""),
];

/// Rules of `nft` that are near each other and not the same.
const NFT_DIFFERENT: &[(&str, &str)] = &[
    ("tcp dport { 80, 443 } drop", "tcp dport != { 80, 443 } drop"),
    ("ct state new accept", "ct state != new accept"),
    ("ip saddr 10.0.0.1 drop", "ip daddr 10.0.0.1 drop"),
    ("tcp dport > 1024 drop", "tcp dport >= 1024 drop"),
    ("tcp dport 22 drop", "udp dport 22 drop"),
    ("iifname eth0 drop", "iifname \"eth0*\" drop"),
    ("limit rate 10/second drop", "limit rate over 10/second drop"),
    (
        "limit rate 10/second drop",
        "limit rate 10/second burst 6 packets drop",
    ),
    ("reject", "reject with icmp host-unreachable"),
    ("jump mine", "goto mine"),
    ("counter log", "log counter"),
    ("meta mark set 1", "ct mark set 1"),
    ("drop comment abc", "drop comment abd"),
];

fn ruleset(section: &Section) -> &Ruleset {
    match &section.content {
        Some(Content::Netfilter { config, .. }) => config,
        other => panic!("not a ruleset: {other:?}"),
    }
}

/// The rules of the chains `a0`, `a1` … and `b0`, `b1` ….
fn sides(ruleset: &Ruleset) -> Vec<[Option<&[Rule]>; 2]> {
    let chains = ruleset
        .tables
        .iter()
        .filter(|table| table.family == Family::Ip && table.name == "filter".into())
        .flat_map(|table| &table.chains);
    let chains: Vec<_> = chains.collect();
    let named = |name: String| {
        let mut found = chains.iter().filter(|chain| chain.name.to_string() == name);
        found.next().map(|chain| chain.rules.as_slice())
    };
    let pairs = (0..).map(|number| ["a", "b"].map(|side| named(format!("{side}{number}"))));
    pairs
        .take_while(|pair| pair.iter().any(Option::is_some))
        .collect()
}

/// What was judged wrongly.
fn judge<'r>(
    what: &str,
    found: &[[Option<&[Rule]>; 2]],
    pairs: impl Iterator<Item = (&'r str, &'r str)>,
    same: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for ((one, other), pair) in pairs.zip(found) {
        judged += 1;
        assert!(
            pair.iter()
                .all(|rules| rules.is_some_and(|rules| rules.len() == 1))
        );
        if (pair[0] == pair[1]) != same {
            wrong.push(format!(
                "{what}: {one} / {other}\n  {:?}\n  {:?}",
                pair[0], pair[1]
            ));
        }
    }
    assert_eq!(judged, found.len(), "{what}");
    wrong
}

fn save_text(pairs: &[&Pair]) -> String {
    let mut chains = String::new();
    let mut rules = String::new();
    for (number, Pair(one, other, _)) in pairs.iter().enumerate() {
        chains += &format!(":a{number} - [0:0]\n:b{number} - [0:0]\n");
        rules += &format!("-A a{number} {one}\n-A b{number} {other}\n");
    }
    format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:mine - [0:0]\n{chains}{rules}COMMIT\n"
    )
}

fn judge_saved(pairs: &[Pair], same: bool) -> Vec<String> {
    let all: Vec<&Pair> = pairs.iter().collect();
    let mut wrong = Vec::new();
    for plane in ["legacy", "nft"] {
        let namespace = Namespace::new().unwrap();
        let restore = format!("iptables-{plane}-restore");
        let argv = [restore.as_str(), "-w", "20"];
        let done = namespace
            .exec_with_input(&argv, save_text(&all).as_bytes())
            .unwrap();
        done.ok(&argv).unwrap();
        let section = namespace
            .enter(|| match plane {
                "nft" => nftables::read(&|| 0),
                _ => xtables::read_ipv4(&|| 0),
            })
            .unwrap();
        let spellings = all.iter().map(|pair| (pair.0, pair.1));
        wrong.extend(judge(plane, &sides(config(&section)), spellings, same));
    }
    let read: Vec<&Pair> = pairs.iter().filter(|pair| pair.2 == Read).collect();
    let section = save::parse(save_text(&read).as_bytes(), None).unwrap();
    let spellings = read.iter().map(|pair| (pair.0, pair.1));
    wrong.extend(judge("text", &sides(ruleset(&section)), spellings, same));
    wrong
}

#[test]
fn root_equal_spellings_of_iptables_read_alike_and_near_ones_apart() {
    let wrong = [judge_saved(SAME, true), judge_saved(DIFFERENT, false)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn judge_nft(pairs: &[(&str, &str)], same: bool) -> Vec<String> {
    let chains: String = pairs
        .iter()
        .enumerate()
        .map(|(number, (one, other))| {
            format!("\tchain a{number} {{\n\t\t{one}\n\t}}\n\tchain b{number} {{\n\t\t{other}\n\t}}\n")
        })
        .collect();
    let text = format!("table ip filter {{\n\tchain mine {{\n\t}}\n{chains}}}\n");
    let section = crate::reading::read(&crate::reading::load(&text));
    let written = nft_file::parse_text(text.as_bytes(), &|_| None).unwrap();
    let mut wrong = judge("kernel", &sides(config(&section)), pairs.iter().copied(), same);
    wrong.extend(judge(
        "text",
        &sides(ruleset(&written)),
        pairs.iter().copied(),
        same,
    ));
    wrong
}

#[test]
fn root_equal_spellings_of_nft_read_alike_and_near_ones_apart() {
    let wrong = [judge_nft(NFT_SAME, true), judge_nft(NFT_DIFFERENT, false)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
