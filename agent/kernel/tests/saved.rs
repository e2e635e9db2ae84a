//! Each line that `iptables-save -c` and its kin print, headers, policies and counters with it, against what ours prints of
//! what it read: legacy and nf_tables, IPv4 and IPv6; and what arptables lists. The text is the same, but for one word: `state` is
//! an older name of `conntrack`, and one meaning has one form.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they expect by failing; clippy.toml reaches test functions, not what they call"
)]

use std::collections::BTreeMap;

use netghost_core::netfilter::text::{self, iptables};
use netghost_core::section::{Content, Section, State};
use netghost_kernel::{nftables, xtables};
use netghost_lab::netns::Namespace;

/// What both families take; `§` stands for an address, `¶` for a network.
const BOTH: &str = r#"*mangle
:PREROUTING ACCEPT [1:60]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [3:180]
:POSTROUTING ACCEPT [0:0]
[5:300] -A PREROUTING -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x5/0xffffffff
[0:0] -A PREROUTING -m mark --mark 0x5 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
[0:0] -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
[0:0] -A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1400:1500 -j TCPMSS --set-mss 1300
[0:0] -A POSTROUTING -m dscp --dscp 0x0a -j CLASSIFY --set-class 1:2
[0:0] -A POSTROUTING -p udp -m udp --sport 68 -j CHECKSUM --checksum-fill
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
[0:0] -A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
[0:0] -A PREROUTING -i lo -j CT --zone 5
[0:0] -A OUTPUT -p tcp -m tcp --sport 1024:65535 -j TRACE
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[0:0] -A PREROUTING -p tcp -m tcp --dport 8080 -j REDIRECT --to-ports 80
[0:0] -A POSTROUTING -s ¶ ! -o docker0 -j MASQUERADE
[0:0] -A POSTROUTING -p tcp -j MASQUERADE --to-ports 1024-2048 --random
[0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j RETURN
COMMIT
*filter
:INPUT DROP [7:420]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:f2b-sshd - [0:0]
:logdrop - [0:0]
[12:34] -A INPUT -i lo -j ACCEPT
[9007199254740993:18446744073709551615] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
[0:0] -A INPUT -m conntrack --ctstate INVALID -j logdrop
[1:2] -A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
[0:0] -A INPUT -s ¶ -d § -p tcp -m tcp --dport 22 -m comment --comment "the \"way\" in" -j ACCEPT
[0:0] -A INPUT ! -s ¶ -i eth+ -p udp -m udp --sport 1:5 ! --dport 53 -j DROP
[0:0] -A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m limit --limit 25/sec --limit-burst 100 -j RETURN
[0:0] -A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN SYN -g logdrop
[0:0] -A INPUT -p sctp -m sctp --dport 5 -j ACCEPT
[0:0] -A INPUT -p udp -m multiport ! --ports 5,7:9
[0:0] -A INPUT -m mark ! --mark 0x1/0xff -m connmark --mark 0x7
[0:0] -A INPUT -m state --state NEW -m recent --set --name ssh --mask § --rsource
[0:0] -A INPUT -m hashlimit --hashlimit-upto 5/min --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name saved
[0:0] -A INPUT -m pkttype --pkt-type multicast -j DROP
[0:0] -A INPUT -m statistic --mode random --probability 0.50000000000 -j DROP
[0:0] -A INPUT -m statistic --mode nth --every 3 --packet 0 -j DROP
[0:0] -A INPUT -m string --string "GET /x y" --algo bm
[0:0] -A INPUT -m time --timestart 08:00:00 --timestop 17:30:00 --weekdays Mon,Tue
[0:0] -A INPUT -m length --length 100:200 -m mac --mac-source 00:11:22:33:44:aa
[0:0] -A INPUT -p tcp -m connlimit --connlimit-above 5 --connlimit-mask 24 --connlimit-saddr -j DROP
[0:0] -A INPUT -m u32 --u32 "0x6&0xff=0x1"
[0:0] -A INPUT -p esp -m esp --espspi 100:200 -m policy --dir in --pol ipsec --reqid 5 -j ACCEPT
[0:0] -A INPUT -j LOG --log-prefix "in: " --log-level 6 --log-uid
[0:0] -A INPUT -j NFLOG --nflog-prefix "x y" --nflog-group 5
[0:0] -A INPUT -p tcp -j REJECT --reject-with tcp-reset
[0:0] -A FORWARD -m physdev --physdev-in eth0 --physdev-is-bridged -j ACCEPT
[0:0] -A FORWARD -i eth0 -o eth1
[0:0] -A OUTPUT ! -o lo -m owner --uid-owner 0 -j ACCEPT
[0:0] -A OUTPUT -p tcp -m tcp --dport 25 -m owner ! --gid-owner 5-9 -j DROP
[0:0] -A logdrop -j LOG
[0:0] -A logdrop -j DROP
[0:0] -A f2b-sshd -j RETURN
COMMIT
"#;

/// One program: `iptables-legacy`, `ip6tables-nft` and so on.
#[derive(Clone, Copy)]
struct Program {
    ipv6: bool,
    nft: bool,
}

impl Program {
    fn name(self, what: &str) -> String {
        let family = if self.ipv6 { "ip6tables" } else { "iptables" };
        format!("{family}-{}-{what}", if self.nft { "nft" } else { "legacy" })
    }

    fn rules(self) -> String {
        let (address, network, own) = if self.ipv6 {
            (
                "fd00::1/128",
                "fd00::/64",
                "[0:0] -A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT\n\
                 [0:0] -A INPUT -m hl --hl-lt 5 -j REJECT --reject-with icmp6-adm-prohibited\n",
            )
        } else {
            (
                "10.0.0.1/32",
                "10.0.0.0/8",
                "[0:0] -A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n\
                 [0:0] -A INPUT -f -j DROP\n\
                 [0:0] -A INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 -m ttl --ttl-gt 5\n\
                 [0:0] -A INPUT -j REJECT --reject-with icmp-host-prohibited\n",
            )
        };
        let mask = if self.ipv6 {
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        } else {
            "255.255.255.255"
        };
        let common = BOTH.replace("--mask §", &format!("--mask {mask}"));
        let common = common.replace('§', address).replace('¶', network);
        let common = if self.ipv6 {
            common.replace("--connlimit-mask 24", "--connlimit-mask 64")
        } else {
            common
        };
        common.replace(
            "[0:0] -A logdrop -j LOG\n",
            &format!("{own}[0:0] -A logdrop -j LOG\n"),
        )
    }

    fn read(self, namespace: &Namespace) -> Section {
        let read = || match (self.nft, self.ipv6) {
            (true, _) => nftables::read(&|| 0),
            (false, true) => xtables::read_ipv6(&|| 0),
            (false, false) => xtables::read_ipv4(&|| 0),
        };
        namespace.enter(read).unwrap()
    }
}

/// The lines of each table.
fn tables(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('*') {
            table = name.to_owned();
        }
        out.entry(table.clone()).or_default().push(line.to_owned());
    }
    out
}

fn judge(program: Program) {
    let namespace = Namespace::new().unwrap();
    let restore = program.name("restore");
    let argv = [restore.as_str(), "-w", "20", "-c"];
    let done = namespace
        .exec_with_input(&argv, program.rules().as_bytes())
        .unwrap();
    done.ok(&argv).unwrap();
    let section = program.read(&namespace);
    assert_eq!(section.state, State::Captured, "{:?}", section.gaps);
    let Some(Content::Netfilter { config, runtime }) = &section.content else {
        panic!("not a ruleset")
    };
    let printed: String = config
        .tables
        .iter()
        .zip(&runtime.tables)
        .map(|(table, runtime)| {
            let text = iptables::table_save(table, Some(runtime));
            text.as_str().unwrap().to_owned()
        })
        .collect();
    let saved = namespace.must(&[&program.name("save"), "-c"]).unwrap();
    let saved = String::from_utf8(saved.stdout).unwrap();
    let saved = saved.replace("-m state --state ", "-m conntrack --ctstate ");
    let (ours, theirs) = (tables(&printed), tables(&saved));
    let mut wrong = Vec::new();
    for (table, lines) in &theirs {
        let ours = &ours[table];
        for (one, other) in ours.iter().zip(lines).filter(|(one, other)| one != other) {
            wrong.push(format!("{table}\n  ours   {one}\n  theirs {other}"));
        }
        assert_eq!(ours.len(), lines.len(), "{table}: {ours:#?} {lines:#?}");
    }
    assert!(
        wrong.is_empty(),
        "{}:\n{}",
        program.name("save"),
        wrong.join("\n")
    );
    assert_eq!(ours.len(), theirs.len());
    assert!(theirs.values().map(Vec::len).sum::<usize>() > 60, "{theirs:#?}");
}

#[test]
fn root_what_iptables_legacy_saves_is_what_ours_prints() {
    judge(Program {
        ipv6: false,
        nft: false,
    });
}

#[test]
fn root_what_ip6tables_legacy_saves_is_what_ours_prints() {
    judge(Program {
        ipv6: true,
        nft: false,
    });
}

#[test]
fn root_what_iptables_nft_saves_is_what_ours_prints() {
    judge(Program {
        ipv6: false,
        nft: true,
    });
}

#[test]
fn root_what_ip6tables_nft_saves_is_what_ours_prints() {
    judge(Program {
        ipv6: true,
        nft: true,
    });
}

const ARP: [&str; 8] = [
    "-A INPUT -j ACCEPT -i eth0 -s 10.0.0.0/8 -d 1.2.3.4",
    "-A INPUT -j DROP ! -i eth+ ! -s 10.0.0.1",
    "-A INPUT -j DROP --src-mac 00:11:22:33:44:55 --dst-mac 00:11:22:00:00:00/ff:ff:ff:00:00:00",
    "-A INPUT -j mine --h-length 6 --opcode 1 --h-type 1 --proto-type 0x800",
    "-A INPUT -j DROP ! --opcode 2",
    "-A OUTPUT -j mangle -o eth1 --h-length 6 --mangle-ip-s 10.0.0.1 --mangle-mac-d 00:11:22:33:44:55",
    "-A FORWARD -j ACCEPT -d 10.0.0.0/255.0.255.0",
    "-A mine -j RETURN",
];

/// `arptables-legacy-save` of Debian 12 runs the program of nf_tables; `-L -n -v` lists the same with `*` for any link.
#[test]
fn root_what_arptables_legacy_lists_is_what_ours_prints() {
    let namespace = Namespace::new().unwrap();
    namespace.must(&["arptables-legacy", "-N", "mine"]).unwrap();
    for rule in ARP {
        let argv: Vec<&str> = std::iter::once("arptables-legacy")
            .chain(rule.split(' '))
            .collect();
        namespace.must(&argv).unwrap();
    }
    let section = namespace.enter(|| xtables::read_arp(&|| 0)).unwrap();
    let Some(Content::Netfilter { config, runtime }) = &section.content else {
        panic!("{section:?}")
    };
    let (table, counted) = (&config.tables[0], &runtime.tables[0]);
    let mut ours = Vec::new();
    for (chain, counted) in table.chains.iter().zip(&counted.chains) {
        for (rule, counted) in chain.rules.iter().zip(&counted.rules) {
            let counted = counted.counters.unwrap();
            let line = text::rule(config.plane, table, chain, rule);
            ours.push(format!("{line} [{}:{}]", counted.packets.0, counted.bytes.0));
        }
    }
    let listed = namespace.must(&["arptables-legacy", "-L", "-n", "-v"]).unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let (mut theirs, mut chain) = (Vec::new(), String::new());
    for line in listed.lines() {
        if let Some(rest) = line.strip_prefix("Chain ") {
            chain = rest.split(' ').next().unwrap().to_owned();
        } else if let Some((rule, counts)) = line.split_once(", pcnt=") {
            let rule = rule.trim_end().replace(" -i *", "").replace(" -o *", "");
            let (packets, bytes) = counts.trim().split_once(" -- bcnt=").unwrap();
            theirs.push(format!("-A {chain} {rule} [{packets}:{bytes}]"));
        }
    }
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs, "{listed}");
    assert_eq!(theirs.len(), ARP.len());
}
