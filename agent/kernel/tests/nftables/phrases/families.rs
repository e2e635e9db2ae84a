//! What only some families of tables take, and what the pairs leave out.

use super::judge;

/// In an `inet` table, besides the pairs.
const INET: &str = "
    meta mark & 0xff > 5
    meta mark & 0xff00 == { 0x100, 0x200 }
    meta mark & 0xff 1-5
    meta mark { 1-5, 9 }
    meta mark . ip saddr { 1-5 . 10.0.0.1 }
    iif . ip saddr { \"lo\" . 10.0.0.0/24 }
    ct state . ip saddr { new . 10.0.0.0/24 }
    meta mark set ct mark & 0xff
    meta mark set (ct mark & 0xff) << 8
    meta mark set ct mark & 0xff00 | 0x1
    meta mark set ct mark ^ 0x10
    meta mark set ct mark | 0x10
    meta mark set (ct mark << 8) | 0x5
    meta mark set meta mark & 0xff ^ 0x11
    meta mark set numgen random mod 16 offset 100
    meta mark set jhash ip saddr . tcp dport mod 8 seed 0xdeadbeef offset 4
    meta mark set symhash mod 2 offset 100
    meta priority set numgen inc mod 2 map { 0 : 1:10, 1 : 1:20 }
    meta priority 1:10-1:20
    meta priority root
    meta priority set none
    ct mark set meta mark & 0xff00 | 0x1
    ct mark set numgen inc mod 3
    ct zone set meta mark map { 1 : 5, 2 : 6 }
    ct original zone set 7
    ct zone 5
    ct original zone 5
    ct label 3
    ct label != 3
    ct label ! 3
    ct label { 1, 2 }
    ct label set 127
    ct event set new,destroy,label
    ct event set assured
    ct expiration 10s-20s
    ct expiration { 10s, 1d2h }
    ct id 12
    ct helper \"sip\"
    ct l3proto ipv6
    ct original protocol udp
    meta l4proto tcp ct original proto-src 5
    meta l4proto tcp ct reply proto-dst 1000-2000
    ct reply ip daddr 10.0.0.0/8
    ct original ip6 saddr fd00::/8
    ct original packets > 10
    ct reply avgpkt < 100
    ct bytes 1000-2000
    ct secmark 5
    ct secmark set meta secmark
    meta secmark set ct secmark
    ct count over 10
    ip dscp set ef
    ip dscp { cs0, af11, ef }
    ip dscp != ef
    ip dscp > cs1
    ip dscp @dscps
    ip dscp vmap { cs1 : accept, cs2 : drop }
    meta mark set ip dscp map { cs1 : 1, ef : 2 }
    ip ecn set ce
    ip6 dscp cs1
    ip6 dscp { cs1, cs2 }
    ip6 dscp set ef
    ip6 ecn ce
    ip6 flowlabel { 5, 6 }
    ip6 flowlabel set 77
    ip6 hoplimit set 3
    ip version 4
    ip hdrlength 5
    ip protocol 47
    ip checksum 7
    ip frag-off & 0x1fff == 0
    ip daddr set 10.0.0.1
    ip saddr set ip daddr
    ip6 daddr set ::1
    ip id set 7
    tcp dport set 8080
    tcp flags set 2
    tcp window set 1000
    tcp doff { 5, 6 }
    tcp reserved 1
    tcp ackseq 5
    tcp checksum 5
    tcp urgptr 5
    udp dport set 53
    udp sport { 53, 1000-2000 }
    sctp sport 5
    sctp checksum 5
    dccp type { request, response }
    dccp sport 5
    esp spi 100-200
    esp sequence 7
    ah hdrlength 7
    ah sequence 7
    comp nexthdr 6
    comp flags 6
    igmp type membership-query
    igmp mrt 5
    igmp group 5
    icmp type echo-request icmp code 0
    icmp sequence 5
    icmp type set echo-reply
    icmpv6 id 5
    icmpv6 sequence 5
    icmpv6 parameter-problem 5
    icmpv6 max-delay 5
    icmpv6 code no-route
    th sport 53
    ether daddr 00:11:22:33:44:55
    ether saddr & ff:ff:ff:00:00:00 == 00:11:22:00:00:00
    ether type ip6
    vlan id { 5, 6 }
    vlan dei 1
    vlan type ip
    arp htype 1
    arp saddr ip 10.0.0.1
    @th,16,5 1
    @nh,8,6 0x8
    @nh,0,32 & 0xff000000 == 0x45000000
    @th,160,32 set 0x1234
    @ll,0,48 0x1122
    @ih,0,8 1
    hbh nexthdr 6
    hbh hdrlength 1
    rt type 0
    rt seg-left 1
    rt0 addr[2] fd00::1
    srh last-entry 1
    srh flags 1
    srh sid[1] fd00::1
    frag id 7
    frag frag-off { 1, 2 }
    frag frag-off > 5
    frag reserved2 1
    dst nexthdr 6
    mh type { home-test, binding-update }
    mh checksum 5
    exthdr hbh exists
    exthdr mh missing
    exthdr rt exists
    exthdr dst exists
    ip option rr addr 5
    ip option lsrr ptr 5
    ip option ra value 5
    ip option ssrr length 5
    ip option ra missing
    tcp option eol exists
    tcp option nop kind 1
    tcp option maxseg size { 1400, 1460 }
    tcp option maxseg size 1-500
    tcp option maxseg size != 500
    tcp option window count 7
    tcp option window count set 7
    tcp option sack left 5
    tcp option sack1 right 5
    tcp option sack2 left 5
    tcp option sack3 right 5
    tcp option timestamp tsval 5
    tcp option timestamp tsecr set 5
    tcp option mptcp subtype 1
    tcp option fastopen exists
    tcp option md5sig exists
    tcp option 42 exists
    tcp option 42 length 5
    tcp option @42,16,4 5
    tcp option @42,16,16 5
    reset tcp option 42
    reset tcp option timestamp
    sctp chunk init exists
    sctp chunk data tsn 5
    sctp chunk data ppid { 1, 2 }
    sctp chunk init-ack a-rwnd 5
    sctp chunk init num-outbound-streams 5
    sctp chunk sack cum-tsn-ack 5
    sctp chunk sack num-gap-ack-blocks 5
    sctp chunk shutdown cum-tsn-ack 5
    sctp chunk ecne lowest-tsn 5
    sctp chunk asconf seqno 5
    sctp chunk forward-tsn new-cum-tsn 5
    sctp chunk abort flags 1
    sctp chunk error length 4
    rt classid 1
    rt classid { 1, 2 }
    rt ip nexthop 10.0.0.0/8
    rt ip6 nexthop fd00::1
    rt mtu > 1400
    rt ipsec exists
    socket transparent 1
    socket wildcard 0
    socket mark 0x5
    meta mark set socket mark
    osf name \"Linux\"
    osf name { \"Linux\", \"Windows\" }
    osf ttl loose name \"Linux\"
    osf ttl skip version \"Linux:4.20\"
    ipsec in ip daddr 10.0.0.1
    ipsec in ip6 saddr fd00::1
    ipsec out spnum 3 spi 5
    ipsec in reqid { 1, 2 }
    ipsec out reqid 1-5
    fib saddr . iif oif missing
    fib saddr . mark . iif oif exists
    fib daddr oifname \"lo\"
    fib daddr . iif type { local, broadcast }
    fib daddr type != unicast
    fib daddr oif \"lo\"
    meta l4proto tcp tproxy to :80
    meta l4proto { tcp, udp } tproxy ip to 10.0.0.1:80
    meta l4proto tcp tproxy ip6 to [fd00::1]:80
    meta l4proto tcp tproxy ip to 10.0.0.1
    synproxy
    synproxy mss 1400 wscale 7 timestamp sack-perm
    synproxy name \"syn\"
    meta time \"2024-02-29 23:59:59\"
    meta time \"2024-02-29 23:59:59\"-\"2025-01-01 00:00:00\"
    meta hour \"10:00\"-\"11:30:05\"
    meta hour { \"10:00\"-\"11:00\", \"12:00\" }
    meta day { \"Monday\", \"Sunday\" }
    meta day \"Monday\"-\"Friday\"
    meta length { 1-5, 7 }
    meta protocol { ip, ip6, vlan }
    meta nfproto ipv4
    meta skuid 1-5
    meta skgid { 5, 6 }
    meta nftrace 1
    meta rtclassid 5
    meta cpu != 1
    iifgroup { 1, 2 }
    oifgroup 1
    meta oiftype loopback
    meta oifkind \"veth\"
    meta cgroup 1-5
    meta random <= 100
    meta sdif \"lo\"
    meta sdifname \"lo\"
    meta ipsec missing
    meta pkttype { broadcast, multicast }
    notrack
    tcp dport { 22-23 comment \"a\", 40-50 }
    tcp dport { 22 counter }
    tcp dport vmap { 22 counter : accept, 23 comment \"b\" : drop }
    ip saddr 10.0.0.1 tcp dport { 22-23 limit rate 1/second burst 7 packets, 1-5 counter }
    add @s { ip saddr ct count over 5 }
    add @s { ip saddr counter limit rate over 1 mbytes/second }
    update @s { ip saddr quota over 5 mbytes }
    delete @s { ip saddr }
    update @m { ip saddr : numgen inc mod 3 }
    update @m { ip saddr counter : 7 }
    update @m { ip saddr timeout 5s : ct mark }
    add @pairs { ip saddr . tcp dport timeout 1m }
    add @pairs { ip daddr . 80 }
    ip saddr . tcp dport @pairs
    queue num 1
    limit rate 5 mbytes/minute
    limit rate over 3 kbytes/hour burst 2 mbytes
    limit rate 5/week
    quota until 5 kbytes
    quota over 5 bytes
    log prefix \"a b\" level debug flags tcp sequence,options
    log group 2 queue-threshold 5 snaplen 64
    reject with icmpx no-route
    reject with tcp reset
    meta nfproto ipv6 reject with icmpv6 policy-fail
    ip saddr 10.0.0.1 reject with icmp net-prohibited
    dnat ip to ip saddr . tcp dport map { 10.0.0.1 . 80 : 10.0.0.2 . 8080 }
    dnat ip6 to tcp dport map { 80 : fd00::1 . 8080, 81 : fd00::2 . 81 }
    dnat ip to ip saddr map { 10.0.0.1 : 10.0.1.1-10.0.1.5 }
    dnat ip prefix to ip daddr map { 10.0.0.0/24 : 10.1.1.0/24, 10.0.1.0/24 : 10.2.0.0/24 }
    dnat ip to numgen random mod 3 map { 0 : 10.0.0.1, 1 : 10.0.0.2, 2 : 10.0.0.3 }
    dnat ip to jhash ip saddr mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }
    meta l4proto tcp dnat ip to 10.0.0.1:numgen inc mod 2 map { 0 : 80, 1 : 81 }
    meta l4proto tcp redirect to :numgen inc mod 2 map { 0 : 80, 1 : 81 }
    meta l4proto tcp dnat to :80
    numgen random mod 10 vmap { 0-4 : accept, 5-9 : drop }
    numgen inc mod 10 < 5
    jhash ip saddr mod 4 vmap { 0 : accept, 1-3 : drop }
    symhash mod 4 1
";

const INET_TABLE: &str = "table inet t {
    set s { type ipv4_addr; flags dynamic, timeout; size 100; }
    set pairs { type ipv4_addr . inet_service; flags dynamic, timeout; size 100; }
    set dscps { typeof ip dscp; elements = { cs1 }; }
    map m { type ipv4_addr : mark; flags dynamic, timeout; size 100; }
    synproxy syn { mss 1460
    wscale 7
    }
    chain c { § }
}";

/// In a table of IPv4 or IPv6.
const NETWORK: &str = "
    SADDR OWN dup to OWN
    dup to OWN device \"lo\"
    dup to ADDRESS map { OWN : OTHER } device \"lo\"
    dup to ADDRESS map { OWN : OTHER }
    meta l4proto tcp tproxy to OWN:80
    meta l4proto tcp tproxy to :80
    ct original saddr OWN
    ct reply daddr OWN
    rt nexthop OWN
    ADDRESS set OTHER
    ADDRESS { OWN, OTHER }
    fib daddr type local
    tcp dport 22 reject
    reject
    tcp option maxseg size set rt mtu
    esp spi 5
    ah spi 5
    comp cpi 5
    udplite csumcov 5
    sctp dport 5
    th dport 5
    ipsec in KIND saddr OWN
";

fn network(kind: &str, own: &str, other: &str) -> Vec<String> {
    let address = format!("{kind} daddr");
    lines(NETWORK)
        .into_iter()
        .map(|line| {
            line.replace("SADDR", &format!("{kind} saddr"))
                .replace("ADDRESS", &address)
                .replace("KIND", kind)
                .replace("OWN", own)
                .replace("OTHER", other)
        })
        .collect()
}

/// At a device.
const NETDEV: &str = "
    fwd to \"lo\"
    fwd ip to 10.0.0.1 device \"lo\"
    fwd ip6 to fd00::1 device \"lo\"
    fwd to meta mark map { 1 : \"lo\", 2 : \"d1\" }
    dup to \"d1\"
    dup to meta mark map { 1 : \"lo\" }
    vlan id 5 vlan pcp 3 vlan type ip ip saddr 10.0.0.1
    ether type 8021ad vlan id 5
    ether saddr 00:11:22:33:44:55 ip saddr 10.0.0.1
    ip saddr 10.0.0.1 tcp dport 80
    ip6 saddr fd00::1 icmpv6 type echo-request
    arp operation request
    meta protocol ip
    meta protocol arp arp saddr ip 10.0.0.1
    ether type ip ip dscp set cs1
    ip ttl set 5
    fib saddr . iif oif exists
    numgen inc mod 2 vmap { 0 : accept, 1 : drop }
    meta mark set jhash ip saddr mod 2
    tcp dport 22 counter drop
    @ll,96,16 0x800
";

/// On a bridge.
const BRIDGE: &str = "
    vlan id { 5, 6 }
    vlan id > 5
    vlan id set 5
    vlan pcp 3
    vlan type ip6 ip6 saddr fd00::1
    ether type 8021ad vlan id 5
    ether saddr 00:11:22:33:44:55
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00
    ether daddr set 00:11:22:33:44:55
    ether saddr . vlan id { 00:11:22:33:44:55 . 5 }
    ip saddr 10.0.0.1 tcp dport 80
    ether type ip6 ip6 saddr fd00::1
    arp operation { request, reply }
    arp daddr ether 00:11:22:33:44:55
    arp saddr ip 10.0.0.1
    meta pkttype set host
    meta mark set 5
    icmp type echo-request
    icmpv6 type echo-request
    iifname \"d1\" meta protocol ip
    ct state new
";

/// Of ARP.
const ARP: &str = "
    arp operation request
    arp operation != reply
    arp htype 1
    arp ptype ip
    arp hlen 6
    arp plen 4
    arp saddr ip 10.0.0.0/8
    arp daddr ip { 10.0.0.1, 10.0.0.2 }
    arp saddr ether 00:11:22:33:44:55
    arp daddr ether 00:11:22:33:44:55
    arp saddr ip 10.0.0.1 arp daddr ip 10.0.0.2
    arp daddr ip set 10.0.0.1
    arp daddr ether set 00:11:22:33:44:55
    iifname \"lo\" drop
    meta mark set 5
    limit rate 5/second accept
    log prefix \"arp\"
";

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Each kind of table with its phrases; `§` stands for the rules.
pub(crate) fn all() -> [(&'static str, Vec<String>); 6] {
    [
        (INET_TABLE, lines(INET)),
        (IP_TABLE, network("ip", "10.0.0.1", "10.0.0.2")),
        (IP6_TABLE, network("ip6", "fd00::1", "fd00::2")),
        (NETDEV_TABLE, lines(NETDEV)),
        (BRIDGE_TABLE, lines(BRIDGE)),
        (ARP_TABLE, lines(ARP)),
    ]
}

const IP_TABLE: &str = "table ip t {\nchain c { § }\n}";
const IP6_TABLE: &str = "table ip6 t {\nchain c { § }\n}";
const NETDEV_TABLE: &str =
    "table netdev t {\nchain c { type filter hook ingress device lo priority 0;\n § }\n}";
const BRIDGE_TABLE: &str = "table bridge t {\nchain c { § }\n}";
const ARP_TABLE: &str = "table arp t {\nchain c { § }\n}";

#[test]
fn root_phrases_of_every_family_load_again_as_they_were_printed() {
    for (within, phrases) in all() {
        judge(within, phrases);
    }
}
