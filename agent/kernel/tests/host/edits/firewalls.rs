//! nf_tables in all families and by both tools, legacy iptables and arptables, ipset.

use netghost_core::section::SectionName;

use super::{Edit, Plane};

const NFT_IP: &str = r#"
    nft 'table ip t { chain in { type filter hook input priority 0; policy accept; }; chain side { }; }'
    nft 'add rule ip t in ct state established accept'
    nft 'add rule ip t in tcp dport 22 counter accept comment "ssh"'
    nft 'add rule ip t in udp dport 53 jump side'
    nft 'add rule ip t side drop'
    nft 'table ip6 t { chain in { type filter hook input priority 0; policy accept; }; }'
    nft 'add rule ip6 t in tcp dport 22 accept'
"#;

const NFT_IP_EDITS: &[Edit] = &[
    (
        "nft insert rule ip t in ip saddr 10.0.0.1 drop",
        "rule_added",
        "nft delete rule ip t in handle $(handle ip t in 10.0.0.1)",
    ),
    (
        "nft add rule ip t in drop",
        "rule_added",
        "nft delete rule ip t in handle $(handle ip t in 'drop')",
    ),
    (
        "nft delete rule ip t side handle $(handle ip t side drop)",
        "rule_removed",
        "nft add rule ip t side drop",
    ),
    (
        "nft replace rule ip t side handle $(handle ip t side drop) reject",
        "rule_changed",
        "nft replace rule ip t side handle $(handle ip t side reject) drop",
    ),
    (
        "nft replace rule ip t in handle $(handle ip t in 'dport 53') udp dport 53 goto side",
        "rule_changed",
        "nft replace rule ip t in handle $(handle ip t in 'dport 53') udp dport 53 jump side",
    ),
    (
        "nft replace rule ip t in handle $(handle ip t in 'dport 22') tcp dport 22 counter accept comment other",
        "comment_changed",
        "nft replace rule ip t in handle $(handle ip t in 'dport 22') tcp dport 22 counter accept comment ssh",
    ),
    (
        "nft replace rule ip t in handle $(handle ip t in 'dport 22') tcp dport 22 counter accept",
        "comment_changed",
        "nft replace rule ip t in handle $(handle ip t in 'dport 22') tcp dport 22 counter accept comment ssh",
    ),
    (
        "nft delete rule ip t in handle $(handle ip t in established); nft add rule ip t in ct state established accept",
        "rule_moved",
        "nft delete rule ip t in handle $(handle ip t in established); nft insert rule ip t in ct state established accept",
    ),
    (
        "nft 'chain ip t in { policy drop; }'",
        "policy_changed",
        "nft 'chain ip t in { policy accept; }'",
    ),
    (
        "nft 'table ip t { flags dormant; }'",
        "table_flags_changed",
        "nft 'table ip t { }'",
    ),
    (
        "nft add chain ip t more",
        "chain_added",
        "nft delete chain ip t more",
    ),
    (
        "nft flush chain ip t side",
        "rule_removed",
        "nft add rule ip t side drop",
    ),
    (
        "nft delete table ip6 t",
        "table_removed",
        "nft 'table ip6 t { chain in { type filter hook input priority 0; policy accept; }; }'; nft add rule ip6 t in tcp dport 22 accept",
    ),
    (
        "nft add rule ip6 t in ip6 saddr fd00::1 drop",
        "rule_added",
        "nft delete rule ip6 t in handle $(handle ip6 t in fd00)",
    ),
];

#[test]
fn root_each_edit_of_nft_ip_rules_is_one_change() {
    let plane = Plane {
        name: SectionName::Nftables,
        setup: NFT_IP,
        edits: NFT_IP_EDITS,
        noise: &[
            "echo | timeout 1 bash -c 'cat >/dev/tcp/127.0.0.1/22' || true",
            "nft reset counters; nft list ruleset >/dev/null",
            "nft -s list ruleset >/tmp/$$.nft; nft flush ruleset; nft -f /tmp/$$.nft; rm /tmp/$$.nft",
        ],
    };
    plane.judge();
}

const NFT_FRAMES: &str = r#"
    ip link add v0 type veth peer name v1
    nft 'table bridge b { chain f { type filter hook forward priority 0; policy accept; }; }'
    nft 'add rule bridge b f ether saddr 02:00:00:00:00:01 counter drop comment "one"'
    nft 'add rule bridge b f ip daddr 10.0.0.1 accept'
    nft 'table arp a { chain i { type filter hook input priority 0; policy accept; }; }'
    nft 'add rule arp a i arp operation request accept'
    nft 'add rule arp a i arp saddr ip 10.0.0.1 drop'
    nft 'table netdev n { chain i { type filter hook ingress device "v0" priority 0; policy accept; }; }'
    nft 'add rule netdev n i ip saddr 10.0.0.1 drop'
    nft 'add rule netdev n i udp dport 53 accept'
"#;

const NFT_FRAMES_EDITS: &[Edit] = &[
    (
        "nft insert rule bridge b f vlan id 5 drop",
        "rule_added",
        "nft delete rule bridge b f handle $(handle bridge b f vlan)",
    ),
    (
        "nft replace rule bridge b f handle $(handle bridge b f saddr) ether saddr 02:00:00:00:00:02 counter drop comment one",
        "rule_changed",
        "nft replace rule bridge b f handle $(handle bridge b f saddr) ether saddr 02:00:00:00:00:01 counter drop comment one",
    ),
    (
        "nft replace rule bridge b f handle $(handle bridge b f saddr) ether saddr 02:00:00:00:00:01 counter drop comment two",
        "comment_changed",
        "nft replace rule bridge b f handle $(handle bridge b f saddr) ether saddr 02:00:00:00:00:01 counter drop comment one",
    ),
    (
        "nft delete rule bridge b f handle $(handle bridge b f daddr)",
        "rule_removed",
        "nft add rule bridge b f ip daddr 10.0.0.1 accept",
    ),
    (
        "nft 'chain bridge b f { policy drop; }'",
        "policy_changed",
        "nft 'chain bridge b f { policy accept; }'",
    ),
    (
        "nft replace rule arp a i handle $(handle arp a i request) arp operation reply accept",
        "rule_changed",
        "nft replace rule arp a i handle $(handle arp a i reply) arp operation request accept",
    ),
    (
        "nft delete rule arp a i handle $(handle arp a i request); nft add rule arp a i arp operation request accept",
        "rule_moved",
        "nft delete rule arp a i handle $(handle arp a i request); nft insert rule arp a i arp operation request accept",
    ),
    (
        "nft add rule arp a i counter",
        "rule_added",
        "nft delete rule arp a i handle $(handle arp a i counter)",
    ),
    (
        "nft 'add chain netdev n e { type filter hook egress device \"v1\" priority 3; }'",
        "chain_added",
        "nft delete chain netdev n e",
    ),
    (
        "nft replace rule netdev n i handle $(handle netdev n i 'dport 53') udp dport 54 accept",
        "rule_changed",
        "nft replace rule netdev n i handle $(handle netdev n i 'dport 54') udp dport 53 accept",
    ),
    (
        "nft insert rule netdev n i meta mark set 1",
        "rule_added",
        "nft delete rule netdev n i handle $(handle netdev n i mark)",
    ),
    (
        "nft 'chain netdev n i { policy drop; }'",
        "policy_changed",
        "nft 'chain netdev n i { policy accept; }'",
    ),
];

#[test]
fn root_each_edit_of_nft_rules_about_frames_is_one_change() {
    let plane = Plane {
        name: SectionName::Nftables,
        setup: NFT_FRAMES,
        edits: NFT_FRAMES_EDITS,
        noise: &["nft -s list ruleset >/tmp/$$.nft; nft flush ruleset; nft -f /tmp/$$.nft; rm /tmp/$$.nft"],
    };
    plane.judge();
}

const NFT_SETS: &str = r#"
    nft 'table inet t { set plain { type ipv4_addr; }; set nets { type ipv4_addr; flags interval; }; }'
    nft 'table inet t { set pairs { type ipv4_addr . inet_service; }; set stays { type ipv4_addr; timeout 1h; }; }'
    nft 'table inet t { map marks { type inet_service : mark; }; map ways { type ipv4_addr : verdict; flags interval; }; }'
    nft 'table inet t { set seen { type ipv4_addr; flags dynamic; size 99; }; }'
    nft 'table inet t { counter c { }; quota q { over 5 mbytes }; limit l { rate 5/second }; }'
    nft 'add element inet t plain { 10.0.0.1, 10.0.0.2 comment "two" }'
    nft 'add element inet t nets { 10.0.0.0/24, 10.0.2.1-10.0.2.9 }'
    nft 'add element inet t pairs { 10.0.0.1 . 22 }'
    nft 'add element inet t stays { 10.0.0.1 timeout 30m }'
    nft 'add element inet t marks { 22 : 5 }'
    nft 'add element inet t ways { 10.0.0.0/24 : drop, 10.0.1.0/24 : accept }'
"#;

const NFT_SETS_EDITS: &[Edit] = &[
    (
        "nft 'add element inet t plain { 10.0.0.9 }'",
        "set_element_added",
        "nft 'delete element inet t plain { 10.0.0.9 }'",
    ),
    (
        "nft 'delete element inet t plain { 10.0.0.1 }'",
        "set_element_removed",
        "nft 'add element inet t plain { 10.0.0.1 }'",
    ),
    (
        "nft 'delete element inet t plain { 10.0.0.2 }; add element inet t plain { 10.0.0.2 comment \"zwei\" }'",
        "comment_changed",
        "nft 'delete element inet t plain { 10.0.0.2 }; add element inet t plain { 10.0.0.2 comment \"two\" }'",
    ),
    (
        "nft 'add element inet t nets { 10.9.0.0/16 }'",
        "set_element_added",
        "nft 'delete element inet t nets { 10.9.0.0/16 }'",
    ),
    (
        "nft 'delete element inet t nets { 10.0.2.1-10.0.2.9 }'",
        "set_element_removed",
        "nft 'add element inet t nets { 10.0.2.1-10.0.2.9 }'",
    ),
    (
        "nft 'add element inet t pairs { 10.0.0.1 . 23 }'",
        "set_element_added",
        "nft 'delete element inet t pairs { 10.0.0.1 . 23 }'",
    ),
    (
        "nft 'delete element inet t stays { 10.0.0.1 }; add element inet t stays { 10.0.0.1 timeout 20m }'",
        "set_element_changed",
        "nft 'delete element inet t stays { 10.0.0.1 }; add element inet t stays { 10.0.0.1 timeout 30m }'",
    ),
    (
        "nft 'delete element inet t marks { 22 : 5 }; add element inet t marks { 22 : 6 }'",
        "set_element_changed",
        "nft 'delete element inet t marks { 22 : 6 }; add element inet t marks { 22 : 5 }'",
    ),
    (
        "nft 'delete element inet t ways { 10.0.0.0/24 : drop }; add element inet t ways { 10.0.0.0/24 : accept }'",
        "set_element_changed",
        "nft 'delete element inet t ways { 10.0.0.0/24 : accept }; add element inet t ways { 10.0.0.0/24 : drop }'",
    ),
    (
        "nft 'add set inet t more { type mark; }'",
        "set_added",
        "nft delete set inet t more",
    ),
    (
        "nft delete set inet t seen",
        "set_removed",
        "nft 'add set inet t seen { type ipv4_addr; flags dynamic; size 99; }'",
    ),
    (
        "nft 'delete set inet t seen; add set inet t seen { type ipv4_addr; flags dynamic; size 98; }'",
        "set_changed",
        "nft 'delete set inet t seen; add set inet t seen { type ipv4_addr; flags dynamic; size 99; }'",
    ),
    (
        "nft 'delete set inet t seen; add set inet t seen { type ipv6_addr; flags dynamic; size 99; }'",
        "set_type_changed",
        "nft 'delete set inet t seen; add set inet t seen { type ipv4_addr; flags dynamic; size 99; }'",
    ),
    (
        "nft 'add counter inet t d'",
        "object_added",
        "nft delete counter inet t d",
    ),
    (
        "nft delete limit inet t l",
        "object_removed",
        "nft 'add limit inet t l { rate 5/second; }'",
    ),
    (
        "nft 'delete quota inet t q; add quota inet t q { over 6 mbytes; }'",
        "object_changed",
        "nft 'delete quota inet t q; add quota inet t q { over 5 mbytes; }'",
    ),
];

#[test]
fn root_each_edit_of_nft_sets_and_objects_is_one_change() {
    let plane = Plane {
        name: SectionName::Nftables,
        setup: NFT_SETS,
        edits: NFT_SETS_EDITS,
        noise: &[
            "nft 'add element inet t seen { 10.9.9.9 }'",
            "nft 'delete counter inet t c; add counter inet t c { packets 7 bytes 70 }'",
            "nft -s list ruleset >/tmp/$$.nft; nft flush ruleset; nft -f /tmp/$$.nft; rm /tmp/$$.nft",
        ],
    };
    plane.judge();
}

/// The same rules by each of the programs that speak iptables.
const XT: &str = "
    § -w 20 -N side
    § -w 20 -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
    § -w 20 -A INPUT -p tcp --dport 22 -m comment --comment ssh -j ACCEPT
    § -w 20 -A INPUT -p udp --dport 53 -j side
    § -w 20 -A side -i lo -j DROP
    § -w 20 -t mangle -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 5
";

const XT_EDITS: &[Edit] = &[
    (
        "§ -w 20 -I INPUT -i lo -j ACCEPT",
        "rule_added",
        "§ -w 20 -D INPUT 1",
    ),
    (
        "§ -w 20 -A INPUT -j DROP",
        "rule_added",
        "§ -w 20 -D INPUT -j DROP",
    ),
    (
        "§ -w 20 -I INPUT 3 -m mark --mark 7 -j RETURN",
        "rule_added",
        "§ -w 20 -D INPUT 3",
    ),
    (
        "§ -w 20 -D side 1",
        "rule_removed",
        "§ -w 20 -A side -i lo -j DROP",
    ),
    (
        "§ -w 20 -R side 1 ! -i lo -j DROP",
        "rule_changed",
        "§ -w 20 -R side 1 -i lo -j DROP",
    ),
    (
        "§ -w 20 -R INPUT 3 -p udp --dport 53 -g side",
        "rule_changed",
        "§ -w 20 -R INPUT 3 -p udp --dport 53 -j side",
    ),
    (
        "§ -w 20 -R INPUT 2 -p tcp --dport 22 -m comment --comment other -j ACCEPT",
        "comment_changed",
        "§ -w 20 -R INPUT 2 -p tcp --dport 22 -m comment --comment ssh -j ACCEPT",
    ),
    (
        "§ -w 20 -R INPUT 2 -p tcp --dport 22 -j ACCEPT",
        "comment_changed",
        "§ -w 20 -R INPUT 2 -p tcp --dport 22 -m comment --comment ssh -j ACCEPT",
    ),
    (
        "§ -w 20 -D INPUT 1; § -w 20 -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "rule_moved",
        "§ -w 20 -D INPUT 3; § -w 20 -I INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ),
    (
        "§ -w 20 -R INPUT 1 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        "rule_changed",
        "§ -w 20 -R INPUT 1 -m conntrack --ctstate ESTABLISHED -j ACCEPT",
    ),
    (
        "§ -w 20 -t mangle -R PREROUTING 1 -p tcp --dport 80 -j MARK --set-mark 6",
        "rule_changed",
        "§ -w 20 -t mangle -R PREROUTING 1 -p tcp --dport 80 -j MARK --set-mark 5",
    ),
    (
        "§ -w 20 -P FORWARD DROP",
        "policy_changed",
        "§ -w 20 -P FORWARD ACCEPT",
    ),
    ("§ -w 20 -N more", "chain_added", "§ -w 20 -X more"),
    (
        "§ -w 20 -t mangle -F",
        "rule_removed",
        "§ -w 20 -t mangle -A PREROUTING -p tcp --dport 80 -j MARK --set-mark 5",
    ),
];

fn xt(program: &str, name: SectionName) {
    let with = |text: &str| text.replace('§', program);
    let edits: Vec<(String, &str, String)> = XT_EDITS
        .iter()
        .map(|(does, kind, undoes)| (with(does), *kind, with(undoes)))
        .collect();
    let edits: Vec<Edit> = edits
        .into_iter()
        .map(|(does, kind, undoes)| (&*does.leak(), kind, &*undoes.leak()))
        .collect();
    // Saved and restored once: the tool saves built-in chains that iptables-nft has not made yet, and then there are.
    let reload = with("§-save >/tmp/$$.rules; §-restore -w 20 </tmp/$$.rules; rm /tmp/$$.rules");
    let setup = format!("{}\n{reload}", with(XT));
    let address = if program.starts_with("ip6") {
        "::1"
    } else {
        "127.0.0.1"
    };
    let packets = format!(
        "ping -c 1 -W 1 {address} >/dev/null; echo | timeout 1 bash -c 'cat >/dev/tcp/{address}/22' || true"
    );
    let zero = with("§ -w 20 -Z");
    let counted = with(
        "§-save | sed 's/^-A/[7:700] -A/' >/tmp/$$.rules; §-restore -w 20 -c </tmp/$$.rules; rm /tmp/$$.rules",
    );
    let plane = Plane {
        name,
        setup: &setup,
        edits: &edits,
        noise: &[&packets, &zero, &reload, &counted],
    };
    plane.judge();
}

#[test]
fn root_each_edit_by_iptables_nft_is_one_change() {
    xt("iptables-nft", SectionName::Nftables);
}

#[test]
fn root_each_edit_by_ip6tables_nft_is_one_change() {
    xt("ip6tables-nft", SectionName::Nftables);
}

#[test]
fn root_each_edit_by_iptables_legacy_is_one_change() {
    xt("iptables-legacy", SectionName::XtablesLegacyIpv4);
}

#[test]
fn root_each_edit_by_ip6tables_legacy_is_one_change() {
    xt("ip6tables-legacy", SectionName::XtablesLegacyIpv6);
}

const ARP: &str = "
    arptables-legacy -N side
    arptables-legacy -A INPUT -s 10.0.0.1 -j DROP
    arptables-legacy -A INPUT --opcode 1 -j side
    arptables-legacy -A side -i lo -j ACCEPT
";

const ARP_EDITS: &[Edit] = &[
    (
        "arptables-legacy -I INPUT -s 10.0.0.9 -j DROP",
        "rule_added",
        "arptables-legacy -D INPUT 1",
    ),
    (
        "arptables-legacy -D side 1",
        "rule_removed",
        "arptables-legacy -A side -i lo -j ACCEPT",
    ),
    (
        "arptables-legacy -R INPUT 1 ! -s 10.0.0.1 -j DROP",
        "rule_changed",
        "arptables-legacy -R INPUT 1 -s 10.0.0.1 -j DROP",
    ),
    (
        "arptables-legacy -D INPUT 1; arptables-legacy -A INPUT -s 10.0.0.1 -j DROP",
        "rule_moved",
        "arptables-legacy -D INPUT 2; arptables-legacy -I INPUT -s 10.0.0.1 -j DROP",
    ),
    (
        "arptables-legacy -P OUTPUT DROP",
        "policy_changed",
        "arptables-legacy -P OUTPUT ACCEPT",
    ),
    (
        "arptables-legacy -N more",
        "chain_added",
        "arptables-legacy -X more",
    ),
];

#[test]
fn root_each_edit_by_arptables_legacy_is_one_change() {
    let plane = Plane {
        name: SectionName::ArptablesLegacy,
        setup: ARP,
        edits: ARP_EDITS,
        noise: &["arptables-legacy -Z"],
    };
    plane.judge();
}

const IPSET: &str = "
    ipset create hosts hash:ip timeout 600 counters comment
    ipset add hosts 10.0.0.1 timeout 0 comment one
    ipset add hosts 10.0.0.2 timeout 0
    ipset create nets hash:net
    ipset add nets 10.0.0.0/8
    ipset create ports bitmap:port range 0-100
    ipset create other hash:net
    ipset create all list:set
    ipset add all nets
";

const IPSET_EDITS: &[Edit] = &[
    (
        "ipset add nets 192.0.2.0/24",
        "fact_added",
        "ipset del nets 192.0.2.0/24",
    ),
    ("ipset add ports 22", "fact_added", "ipset del ports 22"),
    (
        "ipset del nets 10.0.0.0/8",
        "fact_removed",
        "ipset add nets 10.0.0.0/8",
    ),
    (
        "ipset del nets 10.0.0.0/8; ipset add nets 10.0.0.0/8 nomatch",
        "fact_changed",
        "ipset del nets 10.0.0.0/8; ipset add nets 10.0.0.0/8",
    ),
    (
        "ipset add hosts 10.0.0.1 timeout 0 comment two -exist",
        "fact_changed",
        "ipset add hosts 10.0.0.1 timeout 0 comment one -exist",
    ),
    (
        "ipset create more hash:net,port",
        "fact_added",
        "ipset destroy more",
    ),
    (
        "ipset destroy ports",
        "fact_removed",
        "ipset create ports bitmap:port range 0-100",
    ),
    (
        "ipset destroy ports; ipset create ports bitmap:port range 0-200",
        "fact_changed",
        "ipset destroy ports; ipset create ports bitmap:port range 0-100",
    ),
    ("ipset add all other", "fact_changed", "ipset del all other"),
];

#[test]
fn root_each_edit_of_an_ipset_is_one_change() {
    let plane = Plane {
        name: SectionName::Ipset,
        setup: IPSET,
        edits: IPSET_EDITS,
        noise: &[
            "ipset add hosts 10.0.0.2 timeout 0 packets 5 bytes 50 -exist",
            "ipset save >/tmp/$$.sets; ipset flush; ipset destroy; ipset restore </tmp/$$.sets; rm /tmp/$$.sets",
        ],
    };
    plane.judge();
}
