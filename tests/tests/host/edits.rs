//! Every single edit is exactly one change, undone it is none, and what is only loaded again is none either.

use super::site::Site;

const NFT: &str = r#"flush ruleset
table inet f {
    set hosts { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
    set seen { type ipv4_addr; flags dynamic, timeout; timeout 1h; }
    map ways { type inet_service : verdict; elements = { 80 : accept, 81 : drop } }
    chain input {
        type filter hook input priority 0; policy accept;
        ct state established,related counter accept
        tcp dport 22 accept comment "the way in"
        ip saddr @hosts drop
        tcp dport vmap @ways
        log prefix "left: " limit rate 5/second counter
    }
    chain other { udp dport 53 counter; }
}
table netdev d {
    chain in { type filter hook ingress device "v0" priority 5; policy accept; }
}
"#;

const V4: &str = r#"*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "the way in" -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j web
-A INPUT -i v0 -j DROP
-A web -s 10.0.0.0/8 -j RETURN
-A web -j LOG --log-prefix "web: "
COMMIT
"#;

const V6: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
    -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n";

/// Text of a ruleset, what in it becomes what, and the one change that this is.
type TextEdit = (&'static str, &'static str, &'static str);

const NFT_EDITS: [TextEdit; 21] = [
    ("dport 22 accept", "dport 2222 accept", "rule_changed"),
    ("dport 22 accept", "dport 22 drop", "rule_changed"),
    ("rate 5/second", "rate 6/second", "rule_changed"),
    ("left: ", "gone: ", "rule_changed"),
    ("\"the way in\"", "\"the way out\"", "comment_changed"),
    ("        ip saddr @hosts drop\n", "", "rule_removed"),
    (
        "        ct state",
        "        meta l4proto icmp accept\n        ct state",
        "rule_added",
    ),
    (
        "        ip saddr @hosts drop\n        tcp dport vmap @ways\n",
        "        tcp dport vmap @ways\n        ip saddr @hosts drop\n",
        "rule_moved",
    ),
    (
        "priority 0; policy accept",
        "priority 0; policy drop",
        "policy_changed",
    ),
    ("priority 0", "priority 1", "priority_changed"),
    ("hook input", "hook output", "hook_changed"),
    ("device \"v0\"", "device \"v1\"", "devices_changed"),
    ("10.0.0.1, ", "10.0.0.1, 10.0.0.3, ", "set_element_added"),
    ("10.0.0.1, ", "", "set_element_removed"),
    ("81 : drop", "81 : accept", "set_element_changed"),
    ("timeout 1h", "timeout 2h", "set_timeout_changed"),
    ("chain other", "chain third { }\n    chain other", "chain_added"),
    ("    chain other { udp dport 53 counter; }\n", "", "chain_removed"),
    ("map ways", "set more { type mark; }\n map ways", "set_added"),
    ("table netdev", "table ip6 more { }\ntable netdev", "table_added"),
    (
        "table inet f {",
        "table inet f {\n flags dormant;",
        "table_flags_changed",
    ),
];

const V4_EDITS: [TextEdit; 9] = [
    ("--dport 22", "--dport 2222", "rule_changed"),
    ("the way in", "the way out", "comment_changed"),
    ("-A INPUT -i v0 -j DROP\n", "", "rule_removed"),
    (
        "-A web -s",
        "-A web -d 10.9.9.9/32 -j DROP\n-A web -s",
        "rule_added",
    ),
    ("80,443", "80,443,8080", "rule_changed"),
    ("INPUT ACCEPT", "INPUT DROP", "policy_changed"),
    ("web: ", "cob: ", "rule_changed"),
    (":web", ":cob - [0:0]\n:web", "chain_added"),
    (
        "COMMIT\n",
        "COMMIT\n*mangle\nCOMMIT\n",
        "xtables-legacy-ipv4 table_added",
    ),
];

/// A command, the one change that it is, and the command that undoes it.
const COMMANDS: [(&str, &str, &str); 17] = [
    (
        "ip6tables-legacy -A INPUT -j DROP",
        "xtables-legacy-ipv6 rule_added",
        "ip6tables-legacy -D INPUT -j DROP",
    ),
    (
        "ip6tables-legacy -P FORWARD DROP",
        "xtables-legacy-ipv6 policy_changed",
        "ip6tables-legacy -P FORWARD ACCEPT",
    ),
    (
        "iptables-legacy -R INPUT 2 -j DROP; iptables-legacy -R INPUT 2 -p tcp --dport 22 -m comment --comment 'another' -j ACCEPT",
        "xtables-legacy-ipv4 comment_changed",
        "iptables-legacy -R INPUT 2 -p tcp --dport 22 -m comment --comment 'the way in' -j ACCEPT",
    ),
    (
        "nft add element inet f hosts '{ 10.0.0.9 }'",
        "nftables set_element_added",
        "nft delete element inet f hosts '{ 10.0.0.9 }'",
    ),
    (
        "nft insert rule inet f other drop",
        "nftables rule_added",
        "nft delete rule inet f other handle $(nft -a list chain inet f other | sed -n 's/.*drop # handle //p')",
    ),
    (
        "ip link set v1 mtu 1400",
        "links link_changed",
        "ip link set v1 mtu 1500",
    ),
    (
        "ip link set v0 alias uplink",
        "links link_changed",
        "ip link set v0 alias ''",
    ),
    (
        "ip link set v0 txqueuelen 77",
        "links link_changed",
        "ip link set v0 txqueuelen 1000",
    ),
    (
        "ip link add b0 type bridge",
        "links link_added",
        "ip link delete b0",
    ),
    (
        "ip route add 10.20.0.0/16 via 10.9.0.2",
        "routes route_added",
        "ip route delete 10.20.0.0/16",
    ),
    (
        "ip route replace 10.30.0.0/16 via 10.9.0.3",
        "routes route_changed",
        "ip route replace 10.30.0.0/16 via 10.9.0.2",
    ),
    (
        "ip route delete 10.30.0.0/16",
        "routes route_removed",
        "ip route add 10.30.0.0/16 via 10.9.0.2",
    ),
    (
        "ip route add blackhole 10.40.0.0/16 table 77",
        "routes route_added",
        "ip route delete blackhole 10.40.0.0/16 table 77",
    ),
    (
        "tc qdisc replace dev v0 root handle 1: tbf rate 2mbit burst 32kbit latency 400ms",
        "tc qdisc_changed",
        "tc qdisc replace dev v0 root handle 1: tbf rate 1mbit burst 32kbit latency 400ms",
    ),
    (
        "tc qdisc add dev v1 clsact",
        "tc qdisc_added",
        "tc qdisc delete dev v1 clsact",
    ),
    (
        "tc class change dev v1 parent 1: classid 1:10 htb rate 3mbit ceil 4mbit",
        "tc class_changed",
        "tc class change dev v1 parent 1: classid 1:10 htb rate 2mbit ceil 4mbit",
    ),
    (
        "tc class add dev v1 parent 1: classid 1:20 htb rate 1mbit",
        "tc class_added",
        "tc class delete dev v1 classid 1:20",
    ),
];

const SETTLED: &str = "
    ip link add v0 type veth peer name v1
    ip link set v0 addrgenmode none
    ip link set v1 addrgenmode none
    ip link set v0 up
    ip link set v1 up
    ip addr add 10.9.0.1/24 dev v0
    ip route add 10.30.0.0/16 via 10.9.0.2
    tc qdisc add dev v0 root handle 1: tbf rate 1mbit burst 32kbit latency 400ms
    tc qdisc add dev v1 root handle 1: htb default 10
    tc class add dev v1 parent 1: classid 1:10 htb rate 2mbit ceil 4mbit
    sleep 0.5
";

fn nft(site: &Site, text: &str) {
    site.sh_with_input("nft -f -", text.as_bytes());
}

fn v4(site: &Site, text: &str) {
    site.sh_with_input("iptables-legacy-restore", text.as_bytes());
}

fn settled() -> Site {
    let site = Site::with(SETTLED);
    nft(&site, NFT);
    v4(&site, V4);
    site.sh_with_input("ip6tables-legacy-restore", V6.as_bytes());
    site.save("before");
    site
}

fn edited(text: &str, (from, to, _): &TextEdit) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn root_each_edit_of_an_nft_ruleset_is_one_change() {
    let site = settled();
    for edit in &NFT_EDITS {
        nft(&site, &edited(NFT, edit));
        site.differs_by("before", &format!("nftables {}", edit.2), edit.1);
    }
    nft(&site, NFT);
    site.is_as("before", "all undone");
}

#[test]
fn root_each_edit_of_a_legacy_ruleset_is_one_change() {
    let site = settled();
    for edit in &V4_EDITS {
        v4(&site, &edited(V4, edit));
        let kind = edit.2.rsplit(' ').next().unwrap();
        site.differs_by("before", &format!("xtables-legacy-ipv4 {kind}"), edit.1);
        v4(&site, V4);
    }
    // A table stays once it was made: that is a change, though nothing is in it.
    site.differs_by("before", "xtables-legacy-ipv4 table_added", "all undone");
}

#[test]
fn root_each_command_is_one_change_and_its_undoing_none() {
    let site = settled();
    for (does, change, undoes) in COMMANDS {
        site.sh(does);
        site.differs_by("before", change, does);
        site.sh(undoes);
        site.is_as("before", undoes);
    }
}

fn hundred(one: &str) -> String {
    (1..=100).map(|port| format!("{one} {port}\n")).collect()
}

#[test]
fn root_a_rule_above_a_hundred_is_one_change() {
    let site = Site::new();
    let rules = hundred("add rule ip f c tcp dport");
    nft(
        &site,
        &format!("add table ip f\nadd chain ip f c {{ type filter hook input priority 0; }}\n{rules}"),
    );
    let rules = hundred("-A INPUT -p udp -m udp --dport");
    v4(&site, &format!("*filter\n{rules}COMMIT\n"));
    site.save("before");
    site.sh("nft insert rule ip f c tcp dport 4000 drop");
    let change = site.differs_by("before", "nftables rule_added", "an nft rule on top");
    assert!(change["after"].to_string().contains("4000"), "{change}");
    site.sh("nft delete rule ip f c handle $(nft -a list chain ip f c | sed -n 's/.*dport 4000 drop # handle //p')");
    site.sh("iptables-legacy -I INPUT -p udp --dport 5001 -j DROP");
    let change = site.differs_by("before", "xtables-legacy-ipv4 rule_added", "a legacy rule on top");
    assert!(change["after"].to_string().contains("5001"), "{change}");
    site.sh("iptables-legacy -D INPUT 1");
    site.is_as("before", "both gone");
    // Equal rules: which of them is new can't be told, but it is one.
    site.sh("iptables-legacy -I INPUT -p udp --dport 50; nft add rule ip f c tcp dport 50");
    let answer = site.netghost("host diff before -o json");
    assert_eq!(
        answer.changes(),
        ["nftables rule_added", "xtables-legacy-ipv4 rule_added"]
    );
}

#[test]
fn root_flush_and_reload_is_no_drift_with_new_handles_and_counters() {
    let site = settled();
    let before = site.capture();
    site.sh("nft -s list ruleset >rules.nft
         iptables-legacy-save >rules.v4
         ip6tables-legacy-save >rules.v6
         nft delete table inet f
         nft delete table netdev d
         iptables-legacy -F; iptables-legacy -X web; iptables-legacy -P FORWARD ACCEPT
         ip6tables-legacy -F");
    let emptied = site.netghost("host diff before -o json");
    assert_eq!(emptied.status, 1, "the flush itself is drift");
    site.sh("nft -f rules.nft
         sed 's/^-A/[7:700] -A/' rules.v4 | iptables-legacy-restore -c
         ip6tables-legacy-restore <rules.v6
         for n in 1 2 3; do ping -c 1 -W 1 127.0.0.1 >/dev/null; done");
    site.is_as("before", "loaded again");
    let after = site.capture();
    for (name, what) in [("nftables", "handle"), ("xtables-legacy-ipv4", "packets\":\"7")] {
        let of = |snapshot| super::site::section(snapshot, name).clone();
        let (before, after) = (of(&before), of(&after));
        assert_eq!(before["config_digest"], after["config_digest"], "{name}");
        assert_ne!(before["runtime_digest"], after["runtime_digest"], "{name}");
        assert!(
            after["runtime"].to_string().contains(what),
            "{name}: {}",
            after["runtime"]
        );
    }
}
