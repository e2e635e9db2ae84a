//! Rules that differ in one option have different configurations; the same rule in a fresh namespace has the same.

use super::{content, digest, read};
use netghost_kernel::nftables;
use netghost_lab::netns::Namespace;

/// The table and chain, the rule with `§` in its place, and the two values of `§`.
type Pair = (&'static str, &'static str, &'static str, &'static str);

/// What both families have.
#[rustfmt::skip]
const BOTH: &[Pair] = &[
    ("filter INPUT", "-j §", "ACCEPT", "DROP"),
    ("filter INPUT", "-p § -j ACCEPT", "50", "51"),
    ("filter INPUT", "§ -p 50", "!", ""),
    ("filter INPUT", "-i §", "eth+", "eth0"),
    ("filter INPUT", "-i §", "eth*", "eth+"),
    ("filter INPUT", "-i §", "eth\\+", "eth*"),
    ("filter INPUT", "§ -i eth0", "!", ""),
    ("filter FORWARD", "§ eth0", "-i", "-o"),
    ("filter INPUT", "-p tcp --dport §", "1:5", "1:6"),
    ("filter INPUT", "-p tcp § --dport 1:5", "!", ""),
    ("filter INPUT", "-p tcp --§ 5", "sport", "dport"),
    ("filter INPUT", "-p tcp --dport §", ":65534", ":65535"),
    ("filter INPUT", "-p tcp --tcp-option §", "4", "5"),
    ("filter INPUT", "-p tcp --tcp-flags § SYN", "SYN,ACK", "SYN,RST"),
    ("filter INPUT", "-p tcp --tcp-flags SYN,ACK §", "SYN", "ACK"),
    ("filter INPUT", "-p tcp --tcp-flags SYN,ACK §", "NONE", "SYN,ACK"),
    ("filter INPUT", "-p tcp § --syn", "!", ""),
    ("filter INPUT", "-m comment --comment §", "a", "b"),
    ("filter INPUT", "-m conntrack --ctstate §", "NEW", "ESTABLISHED"),
    ("filter INPUT", "-m conntrack § --ctstate NEW", "!", ""),
    ("filter INPUT", "-m conntrack --ctstate §", "SNAT", "DNAT"),
    ("filter INPUT", "-m conntrack --ctstatus §", "ASSURED", "CONFIRMED"),
    ("filter INPUT", "-m conntrack --ctexpire §", "5", "6"),
    ("filter INPUT", "-m conntrack --ctdir §", "ORIGINAL", "REPLY"),
    ("filter INPUT", "-m conntrack --ctproto §", "6", "17"),
    ("filter INPUT", "-m conntrack --ctorigdstport §", "6", "7"),
    ("filter INPUT", "-m conntrack --§ 7", "ctorigsrcport", "ctreplsrcport"),
    ("filter INPUT", "-m state --state §", "NEW", "RELATED"),
    ("filter INPUT", "-m limit --limit §", "1/s", "2/s"),
    ("filter INPUT", "-m limit --limit 1/s --limit-burst §", "5", "6"),
    ("filter INPUT", "-m mark --mark §", "1", "2"),
    ("filter INPUT", "-m mark --mark 1/§", "1", "3"),
    ("filter INPUT", "-m mark § --mark 1", "!", ""),
    ("filter INPUT", "-m connmark --mark §", "1", "2"),
    ("filter INPUT", "-m addrtype --dst-type §", "LOCAL", "UNICAST"),
    ("filter INPUT", "-m addrtype --§-type LOCAL", "src", "dst"),
    ("filter INPUT", "-m addrtype --dst-type LOCAL §", "--limit-iface-in", ""),
    ("filter INPUT", "-m mac --mac-source 00:11:22:33:44:§", "55", "56"),
    ("filter INPUT", "-m pkttype --pkt-type §", "unicast", "multicast"),
    ("filter INPUT", "-p tcp -m multiport --dports §", "1,2", "1:2"),
    ("filter INPUT", "-p tcp -m multiport --§ 1,2", "dports", "ports"),
    ("filter INPUT", "-p tcp -m multiport § --dports 1,2", "!", ""),
    ("filter OUTPUT", "-m owner --uid-owner §", "1", "2"),
    ("filter OUTPUT", "-m owner --gid-owner 5 §", "--suppl-groups", ""),
    ("filter OUTPUT", "-m owner § --socket-exists", "!", ""),
    ("filter INPUT", "-m physdev --physdev-in §", "a", "b"),
    ("filter FORWARD", "-m physdev § --physdev-is-bridged", "!", ""),
    ("filter INPUT", "-m length --length §", "1", "2"),
    ("filter INPUT", "-m dscp --dscp §", "1", "2"),
    ("filter INPUT", "-m tos --tos §", "1", "2"),
    ("filter INPUT", "-m tos --tos 1/§", "1", "3"),
    ("filter INPUT", "-p tcp -m tcpmss --mss §", "1", "1:2"),
    ("filter INPUT", "-m time --timestart 1§:00", "0", "1"),
    ("filter INPUT", "-m time --weekdays §", "Mon", "Tue"),
    ("filter INPUT", "-m u32 --u32 0>>22=§", "1", "2"),
    ("filter INPUT", "-m statistic --mode random --probability §", "0.5", "0.25"),
    ("filter INPUT", "-m statistic --mode nth --every 5 --packet §", "1", "2"),
    ("filter INPUT", "-m connbytes --connbytes § --connbytes-mode bytes --connbytes-dir both", "1", "2"),
    ("filter INPUT", "-m connbytes --connbytes 5 --connbytes-mode § --connbytes-dir both", "bytes", "packets"),
    ("filter INPUT", "-m connlimit --connlimit-above §", "1", "2"),
    ("filter INPUT", "-m connlimit --connlimit-above 5 --connlimit-mask §", "8", "16"),
    ("filter INPUT", "-m connlabel --label §", "1", "2"),
    ("filter INPUT", "-m cpu --cpu §", "0", "1"),
    ("filter INPUT", "-m cgroup --cgroup §", "1", "2"),
    ("filter INPUT", "-m cluster --cluster-total-nodes 4 --cluster-local-node § --cluster-hash-seed 5", "1", "2"),
    ("filter INPUT", "-m devgroup --src-group §", "1", "2"),
    ("filter INPUT", "-m helper --helper §", "ftp", "irc"),
    ("filter INPUT", "-m string --algo bm --string §", "abc", "abd"),
    ("filter INPUT", "-m string --algo § --string abc", "bm", "kmp"),
    ("filter INPUT", "-m string --algo bm --string abc --to §", "100", "200"),
    ("filter INPUT", "-m string --algo bm --string abc §", "--icase", ""),
    ("filter INPUT", "-m quota --quota §", "100", "200"),
    ("filter INPUT", "-m recent --name x --§", "set", "rcheck"),
    ("filter INPUT", "-m recent --name § --set", "x", "y"),
    ("filter INPUT", "-m recent --name x --rcheck --seconds §", "5", "6"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-upto §/s", "1", "2"),
    ("filter INPUT", "-m hashlimit --hashlimit-name § --hashlimit-upto 1/s", "x", "y"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-upto 1/s --hashlimit-mode §", "srcip", "dstip"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-§ 1/s", "upto", "above"),
    ("filter INPUT", "-m policy --dir in --pol §", "none", "ipsec"),
    ("filter INPUT", "-m rpfilter §", "--loose", ""),
    ("filter INPUT", "-m socket §", "--transparent", "--nowildcard"),
    ("filter INPUT", "-m bpf --bytecode §", "1,6,0,0,0", "1,6,0,0,1"),
    ("filter INPUT", "-m ecn --ecn-ip-ect §", "1", "2"),
    ("filter INPUT", "-p sctp --dport §", "1", "2"),
    ("filter INPUT", "-p sctp --chunk-types § DATA,INIT", "any", "all"),
    ("filter INPUT", "-p sctp --chunk-types any §", "DATA:B", "DATA:b"),
    ("filter INPUT", "-p sctp § --chunk-types only DATA", "!", ""),
    ("filter INPUT", "-p dccp --dccp-types §", "ACK", "INVALID"),
    ("filter INPUT", "-p dccp --dccp-option §", "4", "5"),
    ("filter INPUT", "-p 108 -m ipcomp --ipcompspi §", "4", "5"),
    ("filter INPUT", "-p 108 -m ipcomp --ipcompspi 4 §", "--compres", ""),
    ("filter INPUT", "-m recent --name x § --rcheck", "!", ""),
    ("filter INPUT", "-m recent --rcheck --seconds 5 §", "--reap", "--hitcount 4"),
    ("filter INPUT", "-m recent --set §", "--rdest", "--rsource"),
    ("filter INPUT", "-m connlimit --connlimit-§ 5", "upto", "above"),
    ("filter INPUT", "-m connlimit --connlimit-upto 5 --connlimit-§", "saddr", "daddr"),
    ("filter INPUT", "-m connbytes § --connbytes 5 --connbytes-mode bytes --connbytes-dir both", "!", ""),
    ("filter INPUT", "-m connbytes --connbytes 5 --connbytes-mode bytes --connbytes-dir §", "reply", "both"),
    ("filter INPUT", "-m connlabel --label 5 §", "--set", ""),
    ("filter INPUT", "-m quota § --quota 5", "!", ""),
    ("filter INPUT", "-m statistic --mode nth § --every 5 --packet 0", "!", ""),
    ("filter INPUT", "-m string --algo bm § --string abc", "!", ""),
    ("filter INPUT", "-m string --algo bm --hex-string §", "|616263|", "|6162630a|"),
    ("filter INPUT", "-m string --algo bm --string abc --from §", "1", "2"),
    ("filter INPUT", "-m u32 § --u32 0>>22=1", "!", ""),
    ("filter INPUT", "-m u32 --u32 §", "0>>22=1&&4=5", "0>>22=1&&4=5:6"),
    ("filter INPUT", "-m time § --weekdays Mon", "!", ""),
    ("filter INPUT", "-m time --timestart 1 §", "--kerneltz", ""),
    ("filter INPUT", "-m time --datestart §", "2020-01-01", "2020-01-02"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-upto 5kb/s --hashlimit-burst §", "10kb", "20kb"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-upto 5/s --hashlimit-htable-expire §", "10", "20"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-upto 5/s --hashlimit-srcmask §", "10", "20"),
    ("filter INPUT", "-m hashlimit --hashlimit-name x --hashlimit-above 5/s §", "--hashlimit-rate-match", ""),
    ("filter INPUT", "-m policy --dir in --pol ipsec § --reqid 5", "!", ""),
    ("filter INPUT", "-m policy --dir in --pol ipsec §", "--strict --mode transport --next --reqid 4", "--strict --mode transport --next --reqid 5"),
    ("filter INPUT", "-m policy --dir in --pol ipsec --proto §", "ah", "esp"),
    ("filter INPUT", "-p tcp -m ecn § --ecn-tcp-ece", "!", ""),
    ("filter INPUT", "-p tcp -m ecn --ecn-tcp-§", "ece", "cwr"),
    ("filter INPUT", "-p tcp -m osf --genre Linux §", "--ttl 1", "--ttl 2"),
    ("filter INPUT", "-m cluster --cluster-total-nodes 4 § --cluster-local-node 1 --cluster-hash-seed 5", "!", ""),
    ("filter INPUT", "-m devgroup § --src-group 5", "!", ""),
    ("filter OUTPUT", "-m cgroup § --cgroup 5", "!", ""),
    ("filter INPUT", "-m helper § --helper ftp", "!", ""),
    ("raw PREROUTING", "-m rpfilter §", "--invert", "--validmark"),
    ("filter INPUT", "-p dccp --dport §", "1", "2"),
    ("filter INPUT", "-p esp -m esp --espspi §", "1", "2"),
    ("filter INPUT", "-j LOG --log-prefix §", "a", "b"),
    ("filter INPUT", "-j LOG --log-level §", "5", "6"),
    ("filter INPUT", "-j LOG --log-§", "uid", "ip-options"),
    ("filter INPUT", "-j NFLOG --nflog-group §", "0", "1"),
    ("filter INPUT", "-j NFLOG --nflog-size §", "0", "1"),
    ("filter INPUT", "-j NFLOG §", "--nflog-size 1", "--nflog-range 1"),
    ("filter INPUT", "-j NFQUEUE --queue-num §", "0", "1"),
    ("filter INPUT", "-j NFQUEUE --queue-balance 0:§", "1", "2"),
    ("filter INPUT", "-j NFQUEUE --queue-num 1 §", "--queue-bypass", ""),
    ("mangle PREROUTING", "-j MARK --set-mark §", "1", "2"),
    ("mangle PREROUTING", "-j MARK --set-§ 5/3", "mark", "xmark"),
    ("mangle PREROUTING", "-j MARK --§-mark 1", "or", "and"),
    ("mangle PREROUTING", "-j CONNMARK --§-mark", "save", "restore"),
    ("mangle PREROUTING", "-j CONNMARK --save-mark --nfmask §", "1", "2"),
    ("mangle PREROUTING", "-j CONNMARK --save-mark --ctmask §", "1", "2"),
    ("mangle PREROUTING", "-j DSCP --set-dscp §", "1", "2"),
    ("mangle PREROUTING", "-j TOS --set-tos §", "1", "2"),
    ("mangle POSTROUTING", "-j CLASSIFY --set-class 1:§", "1", "2"),
    ("mangle POSTROUTING", "-j CHECKSUM --checksum-fill §", "", "-m mark --mark 1"),
    ("mangle FORWARD", "-p tcp --tcp-flags SYN,RST SYN -j TCPMSS §", "--set-mss 1400", "--clamp-mss-to-pmtu"),
    ("mangle FORWARD", "-p tcp -j TCPOPTSTRIP --strip-options §", "4", "5"),
    ("mangle PREROUTING", "-p tcp -j TPROXY --on-port 5 --tproxy-mark §", "1", "2"),
    ("mangle PREROUTING", "-p tcp -j TPROXY --on-port §", "5", "6"),
    ("mangle PREROUTING", "-j HMARK --hmark-tuple src,dst --hmark-mod § --hmark-rnd 5 --hmark-offset 1", "1", "2"),
    ("mangle PREROUTING", "-j IDLETIMER --timeout § --label x", "10", "20"),
    ("raw PREROUTING", "-j CT --§", "notrack", "zone 5"),
    ("raw PREROUTING", "-j CT --zone §", "5", "6"),
    ("raw PREROUTING", "-j CT --§ 5", "zone-orig", "zone-reply"),
    ("raw PREROUTING", "-j CT --ctevents §", "new", "destroy"),
    ("raw PREROUTING", "-p tcp -j CT --helper §", "ftp", "irc"),
    ("raw PREROUTING", "-j §", "NOTRACK", "TRACE"),
    ("nat POSTROUTING", "-j MASQUERADE §", "--random", "--random-fully"),
    ("nat POSTROUTING", "-p tcp -j MASQUERADE --to-ports 5-§", "6", "7"),
    ("nat PREROUTING", "-p tcp -j REDIRECT --to-ports §", "6", "7"),
    ("filter INPUT", "-p tcp -j SYNPROXY --mss §", "1400", "1300"),
    ("filter INPUT", "-j AUDIT --type §", "accept", "drop"),
    ("filter INPUT", "-m set --match-set § src", "one", "two"),
    ("filter INPUT", "-m set --match-set one §", "src", "dst"),
    ("filter INPUT", "-m set § --match-set one src", "!", ""),
    ("filter INPUT", "-m set --match-set one src §", "--packets-lt 5", "--packets-gt 5"),
    ("filter INPUT", "-m set --match-set one src §", "! --update-counters", "--return-nomatch"),
    ("filter INPUT", "-j SET --add-set one src §", "--exist", ""),
    ("filter INPUT", "-j SET --§-set one src", "add", "del"),
];

/// What only IPv4 has, or spells with its addresses.
#[rustfmt::skip]
const IPV4: &[Pair] = &[
    ("filter INPUT", "-s 10.0.0.§", "1", "2"),
    ("filter INPUT", "-s 10.0.0.0/§", "8", "9"),
    ("filter INPUT", "§ -s 10.0.0.1", "!", ""),
    ("filter INPUT", "-s 10.0.0.0/255.0.§.0", "255", "254"),
    ("filter INPUT", "§ -f", "!", ""),
    ("filter INPUT", "-p icmp --icmp-type §", "3/1", "3/2"),
    ("filter INPUT", "-p icmp § --icmp-type 8", "!", ""),
    ("filter INPUT", "-m iprange --src-range 1.1.1.1-1.1.1.§", "2", "3"),
    ("filter INPUT", "-m ttl --ttl-§ 5", "eq", "gt"),
    ("filter INPUT", "-m ttl --ttl-eq §", "5", "6"),
    ("filter INPUT", "-p ah -m ah --ahspi §", "5", "6"),
    ("filter INPUT", "-m realm --realm §", "5", "6"),
    ("filter INPUT", "-m conntrack --ctorigsrc 10.0.0.0/§", "8", "9"),
    ("filter INPUT", "-m osf --genre §", "Linux", "Windows"),
    ("filter INPUT", "-j REJECT --reject-with §", "icmp-host-unreachable", "icmp-net-unreachable"),
    ("mangle PREROUTING", "-j TTL --ttl-§ 5", "set", "inc"),
    ("mangle PREROUTING", "-j TTL --ttl-set §", "5", "6"),
    ("mangle PREROUTING", "-p tcp -j ECN §", "--ecn-tcp-remove", "--ecn-tcp-remove -m mark --mark 1"),
    ("mangle PREROUTING", "-j TEE --gateway 1.1.1.§", "5", "6"),
    ("nat POSTROUTING", "-j SNAT --to-source 1.1.1.§", "5", "6"),
    ("nat POSTROUTING", "-j SNAT --to-source 1.1.1.1 §", "--persistent", "--random"),
    ("nat PREROUTING", "-p tcp -j DNAT --to-destination 1.1.1.1:§", "5", "6"),
    ("nat PREROUTING", "-p tcp -j DNAT --to-destination 1.1.1.1:5-9/§", "5", "6"),
    ("nat PREROUTING", "-j NETMAP --to 1.1.§.0/24", "5", "6"),
];

/// Likewise IPv6.
#[rustfmt::skip]
const IPV6: &[Pair] = &[
    ("filter INPUT", "-s fd00::§", "1", "2"),
    ("filter INPUT", "-s fd00::/§", "8", "9"),
    ("filter INPUT", "-p icmpv6 --icmpv6-type §", "1/1", "1/2"),
    ("filter INPUT", "-m hl --hl-eq §", "5", "6"),
    ("filter INPUT", "-m frag --fragid §", "5", "6"),
    ("filter INPUT", "-m frag --frag§", "more", "last"),
    ("filter INPUT", "-m rt --rt-type §", "0", "2"),
    ("filter INPUT", "-m dst --dst-len §", "5", "6"),
    ("filter INPUT", "-m hbh --hbh-len §", "5", "6"),
    ("filter INPUT", "-m ipv6header --header §", "frag", "auth"),
    ("filter INPUT", "-m ipv6header § --header frag", "--soft", ""),
    ("filter INPUT", "-m eui64 §", "", "-m mark --mark 1"),
    ("filter INPUT", "-p mh --mh-type §", "5", "6"),
    ("filter INPUT", "-j REJECT --reject-with §", "icmp6-adm-prohibited", "icmp6-no-route"),
    ("mangle PREROUTING", "-j HL --hl-set §", "5", "6"),
    ("nat PREROUTING", "-j NETMAP --to fd0§::/64", "5", "6"),
    ("mangle POSTROUTING", "-j SNPT --src-pfx fd00::/64 --dst-pfx fd0§::/64", "1", "2"),
];

/// Where a rule is loaded.
#[derive(Debug, Clone, Copy)]
struct Plane {
    ipv6: bool,
    nft: bool,
}

impl Plane {
    fn program(self) -> String {
        let family = if self.ipv6 { "ip6tables" } else { "iptables" };
        format!("{family}-{}", if self.nft { "nft" } else { "legacy" })
    }

    /// The configuration's digest with one rule loaded; `None` where this kernel or tool refuses it.
    fn digest(self, place: &str, rule: &str, sets: [&str; 2]) -> Option<String> {
        let namespace = Namespace::new().unwrap();
        if rule.contains("-set ") {
            let family = if self.ipv6 { "inet6" } else { "inet" };
            for name in sets {
                namespace
                    .must(&["ipset", "create", name, "hash:ip", "family", family])
                    .unwrap();
            }
        }
        let (table, chain) = place.split_once(' ').unwrap();
        let program = self.program();
        let mut argv = vec![program.as_str(), "-w", "20", "-t", table, "-A", chain];
        argv.extend(rule.split(' ').filter(|word| !word.is_empty()));
        let done = namespace.exec(&argv).unwrap();
        if !done.status.success() {
            return None;
        }
        let section = if self.nft {
            namespace.enter(|| nftables::read(&|| 0)).unwrap()
        } else {
            read(&namespace, self.ipv6)
        };
        Some(digest(&content(section).0))
    }
}

fn judge(plane: Plane, pairs: &[Pair]) {
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (place, template, one, two) in pairs {
        let sets = ["one", "two"];
        let load = |value: &str| plane.digest(place, &template.replace('§', value), sets);
        let (Some(a), Some(b), Some(again)) = (load(one), load(two), load(one)) else {
            println!("refused here: {} {template}", plane.program());
            refused += 1;
            continue;
        };
        if a == b {
            wrong.push(format!("{one:?} and {two:?} read alike in {template}"));
        }
        if a != again {
            wrong.push(format!("{one:?} reads differently each time in {template}"));
        }
    }
    assert!(
        refused * 2 < pairs.len(),
        "{refused} of {} were refused",
        pairs.len()
    );
    assert!(wrong.is_empty(), "{}: {}", plane.program(), wrong.join("\n"));
}

fn judge_all(ipv6: bool, nft: bool) {
    let plane = Plane { ipv6, nft };
    judge(plane, BOTH);
    judge(plane, if ipv6 { IPV6 } else { IPV4 });
}

#[test]
fn root_pairs_of_legacy_ipv4_rules_differ() {
    judge_all(false, false);
}

#[test]
fn root_pairs_of_legacy_ipv6_rules_differ() {
    judge_all(true, false);
}

#[test]
fn root_pairs_of_iptables_nft_rules_differ() {
    judge_all(false, true);
}
