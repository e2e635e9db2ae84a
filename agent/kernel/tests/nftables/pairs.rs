//! Rulesets that differ in exactly one thing have different configurations, and the same ruleset twice has one.

use netghost_core::artifact::json;
use netghost_core::section::State;

use netghost_lab::netns::Namespace;

use crate::reading::{config, namespace_with_links, read, try_load};

/// What is different, the ruleset with `§` in its place, and the two values of `§`.
pub(crate) type Pair = (&'static str, &'static str, &'static str, &'static str);

/// Things about tables, chains and rules.
#[rustfmt::skip]
const PLACES: &[Pair] = &[
    ("table comment", "table ip t { comment \"§\"; }", "a", "b"),
    ("table dormant", "table ip t { § }", "flags dormant;", ""),
    ("table family", "table § t { }", "ip", "inet"),
    ("chain comment", "table ip t { chain c { comment \"§\"; } }", "a", "b"),
    ("chain hook", "table ip t { chain c { type filter hook § priority 0; } }", "input", "output"),
    ("chain priority", "table ip t { chain c { type filter hook input priority §; } }", "0", "-1"),
    ("chain type", "table ip t { chain c { type § hook output priority 5; } }", "filter", "route"),
    ("chain policy", "table ip t { chain c { type filter hook input priority 0; policy §; } }", "drop", "accept"),
    ("chain device", "table netdev t { chain c { type filter hook ingress device § priority 0; } }", "lo", "d1"),
    ("chain devices", "table netdev t { chain c { type filter hook ingress devices = { § } priority 0; } }", "lo, d1", "lo, d2"),
    ("chain device star", "table netdev t { chain c { type filter hook egress device § priority 0; } }", "d1", "d2"),
    ("rule comment", "table ip t { chain c { counter comment \"§\"; } }", "a", "b"),
    ("rule order", "table ip t { chain c { § } }", "counter; accept;", "accept; counter;"),
    ("rule twice", "table ip t { chain c { counter; § } }", "counter;", ""),
    ("counter twice", "table ip t { chain c { counter§; } }", " counter", ""),
    ("verdict", "table ip t { chain d { } ; chain c { §; } }", "jump d", "goto d"),
    ("continue", "table ip t { chain c { §; } }", "continue", "return"),
    ("order at one priority", "§", "table ip t { chain c { type filter hook input priority 0; } } ; table ip u { chain c { type filter hook input priority 0; } }", "table ip u { chain c { type filter hook input priority 0; } } ; table ip t { chain c { type filter hook input priority 0; } }"),
    ("order of inet and ip", "§", "table inet t { chain c { type filter hook input priority 0; } } ; table ip u { chain c { type filter hook input priority 0; } }", "table ip u { chain c { type filter hook input priority 0; } } ; table inet t { chain c { type filter hook input priority 0; } }"),
    ("order on devices that overlap", "§", "table netdev t { chain c { type filter hook ingress devices = { lo, d1 } priority 0; } } ; table netdev u { chain c { type filter hook ingress device d1 priority 0; } }", "table netdev u { chain c { type filter hook ingress device d1 priority 0; } } ; table netdev t { chain c { type filter hook ingress devices = { lo, d1 } priority 0; } }"),
    ("order of inet and netdev ingress", "§", "table inet t { chain c { type filter hook ingress device d1 priority 0; } } ; table netdev u { chain c { type filter hook ingress device d1 priority 0; } }", "table netdev u { chain c { type filter hook ingress device d1 priority 0; } } ; table inet t { chain c { type filter hook ingress device d1 priority 0; } }"),
];

/// Things about sets, maps, elements and named objects.
#[rustfmt::skip]
const SETS: &[Pair] = &[
    ("set type", "table ip t { set s { type §; } }", "inet_service", "inet_proto"),
    ("set flags", "table ip t { set s { type ipv4_addr; flags §; } }", "interval", "constant"),
    ("set dynamic", "table ip t { set s { type ipv4_addr; § } }", "flags dynamic;", ""),
    ("set timeout flag", "table ip t { set s { type ipv4_addr; flags dynamic§; } }", ",timeout", ""),
    ("set timeout", "table ip t { set s { type ipv4_addr; timeout §; } }", "1m", "2m"),
    ("set gc interval", "table ip t { set s { type ipv4_addr; timeout 1h; gc-interval §; } }", "1m", "2m"),
    ("set size", "table ip t { set s { type ipv4_addr; size §; } }", "10", "20"),
    ("set policy", "table ip t { set s { type ipv4_addr; policy §; } }", "memory", "performance"),
    ("set auto-merge", "table ip t { set s { type ipv4_addr; flags interval; § } }", "auto-merge;", ""),
    ("set comment", "table ip t { set s { type ipv4_addr; comment \"§\"; } }", "a", "b"),
    ("set statement", "table ip t { set s { type ipv4_addr; §; } }", "counter", "limit rate 1/second"),
    ("set statement limit", "table ip t { set s { type ipv4_addr; limit rate §/second; } }", "1", "2"),
    ("set element", "table ip t { set s { type ipv4_addr; elements = { § }; } }", "1.2.3.4", "1.2.3.5"),
    ("set element interval", "table ip t { set s { type ipv4_addr; flags interval; elements = { 1.2.3.0/§ }; } }", "24", "25"),
    ("interval to the top", "table ip t { set s { type ipv4_addr; flags interval; elements = { 1.2.3.0-§ }; } }", "255.255.255.255", "255.255.255.254"),
    ("interval from nought", "table ip t { set s { type ipv4_addr; flags interval; elements = { §-1.2.3.4 }; } }", "0.0.0.0", "0.0.0.1"),
    ("adjacent intervals", "table ip t { map s { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/24 : accept, 10.0.1.0/24 : § }; } }", "drop", "accept"),
    ("catch-all", "table ip t { map s { type ipv4_addr : verdict; elements = { 1.2.3.4 : drop §}; } }", ", * : accept", ""),
    ("catch-all verdict", "table ip t { map s { type ipv4_addr : verdict; elements = { * : § }; } }", "accept", "drop"),
    ("catch-all in intervals", "table ip t { set s { type ipv4_addr; flags interval; elements = { 1.2.3.0/24§ }; } }", ", *", ""),
    ("element timeout", "table ip t { set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout § }; } }", "1h", "2h"),
    ("element timeout of its own", "table ip t { set s { type ipv4_addr; timeout 1h; elements = { 1.2.3.4 § }; } }", "timeout 2h", ""),
    ("element comment", "table ip t { set s { type ipv4_addr; elements = { 1.2.3.4 comment \"§\" }; } }", "a", "b"),
    ("element limit", "table ip t { set s { type ipv4_addr; limit rate 5/second; elements = { 1.2.3.4 limit rate §/second }; } }", "1", "2"),
    ("map data", "table ip t { map s { type ipv4_addr : inet_service; elements = { 1.2.3.4 : § }; } }", "1", "256"),
    ("map data type", "table ip t { map s { type ipv4_addr : §; } }", "mark", "inet_service"),
    ("map mark", "table ip t { map s { type ipv4_addr : mark; elements = { 1.2.3.4 : § }; } }", "1", "0x01000000"),
    ("map of concatenations", "table ip t { map s { type ipv4_addr : ipv4_addr . inet_service; elements = { 1.2.3.4 : 1.1.1.1 . § }; } }", "1", "2"),
    ("map of intervals", "table ip t { map s { type ipv4_addr : interval ipv4_addr; elements = { 1.2.3.4 : 1.1.1.1-1.1.1.§ }; } }", "3", "4"),
    ("map of interval prefixes", "table ip t { map s { type ipv4_addr : interval ipv4_addr; elements = { 1.2.3.4 : 1.1.1.0/§ }; } }", "30", "31"),
    ("map interval or not", "table ip t { map s { type ipv4_addr : §ipv4_addr; elements = { 1.2.3.4 : 1.1.1.1 }; } }", "interval ", ""),
    ("concatenation", "table ip t { set s { type ipv4_addr . inet_service; elements = { 1.2.3.4 . § }; } }", "1", "2"),
    ("concatenated interval", "table ip t { set s { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.4 . 1-§ }; } }", "3", "4"),
    ("concatenated interval flag", "table ip t { set s { type ipv4_addr . inet_service; § } }", "flags interval;", ""),
    ("length of an integer", "table ip t { set s { typeof §; } }", "ip id", "meta length"),
    ("lengths in a concatenation of intervals", "table ip t { set s { typeof § . ip saddr; flags interval; } }", "ip id", "meta length"),
    ("integer in an unknown concatenation", "table ip t { set s { typeof ip id . ip saddr; elements = { § . 1.2.3.4 }; } }", "1", "2"),
    ("integer interval in an unknown concatenation", "table ip t { set s { typeof ip id . ip saddr; flags interval; elements = { 1-§ . 1.2.3.4 }; } }", "3", "4"),
    ("integer element", "table ip t { set s { typeof ip id; elements = { § }; } }", "1", "256"),
    ("integer interval", "table ip t { set s { typeof ip id; flags interval; elements = { 1-§ }; } }", "5", "6"),
    ("vlan id", "table bridge t { set s { typeof vlan id; elements = { § }; } }", "5", "6"),
    ("interface", "table ip t { set s { type ifname; elements = { \"§\" }; } }", "eth0", "eth1"),
    ("interface wildcard", "table ip t { set s { type ifname; flags interval; elements = { \"eth§\" }; } }", "*", "0"),
    ("mark interval", "table ip t { set s { type mark; flags interval; elements = { 1-§ }; } }", "5", "6"),
    ("state", "table ip t { set s { type ct_state; elements = { § }; } }", "new", "established"),
    ("counter object", "table ip t { § c { } }", "counter", "counter x { } ; counter"),
    ("counter object comment", "table ip t { counter c { comment \"§\"; } }", "a", "b"),
    ("quota object", "table ip t { quota q { over § mbytes; } }", "1", "2"),
    ("quota object over", "table ip t { quota q { § 1 mbytes; } }", "over", "until"),
    ("quota object comment", "table ip t { quota q { over 1 mbytes; comment \"§\"; } }", "a", "b"),
    ("limit object", "table ip t { limit l { rate §/second; } }", "1", "2"),
    ("limit object burst", "table ip t { limit l { rate 1/second burst § packets; } }", "6", "7"),
    ("limit object over", "table ip t { limit l { rate §1/second; } }", "over ", ""),
    ("helper object", "table ip t { ct helper h { type \"§\" protocol tcp; } }", "ftp", "irc"),
    ("timeout object", "table ip t { ct timeout h { protocol tcp; policy = { established: § } } }", "100", "200"),
    ("expectation object", "table ip t { ct expectation h { protocol tcp; dport §; timeout 1s; size 8; l3proto ip; } }", "1", "2"),
    ("synproxy object", "table ip t { synproxy h { mss §; wscale 7; } }", "1400", "1300"),
    ("secmark object", "table ip t { secmark h { \"§\" } }", "system_u:object_r:ssh_server_packet_t:s0", "system_u:object_r:x:s0"),
    ("map of objects", "table ip t { quota q { over 1 mbytes; } ; quota r { over 1 mbytes; } ; map m { type ipv4_addr : quota; elements = { 1.2.3.4 : \"§\" }; } }", "q", "r"),
    ("object kind of a map", "table ip t { map m { type ipv4_addr : §; } }", "quota", "counter"),
    ("flowtable device", "table ip t { flowtable f { hook ingress priority 0; devices = { § }; } }", "d1", "d2"),
    ("flowtable priority", "table ip t { flowtable f { hook ingress priority §; devices = { d1 }; } }", "0", "1"),
    ("flowtable counter", "table ip t { flowtable f { hook ingress priority 0; devices = { d1 }; § } }", "counter", ""),
];

/// A rule in `inet t c`, the table of which has a set `s` and a map `m` of addresses.
#[rustfmt::skip]
pub(crate) const RULES: &[Pair] = &[
    ("anonymous set", "tcp dport { 22, § }", "80", "81"),
    ("anonymous set inverted", "tcp dport §{ 22, 80 }", "!= ", ""),
    ("anonymous interval set", "tcp dport { 22, 80-§ }", "90", "91"),
    ("anonymous element comment", "tcp dport { 22 comment \"§\", 80 }", "a", "b"),
    ("anonymous element counter", "tcp dport { 22 §, 80 }", "counter", ""),
    ("anonymous element limit", "tcp dport { 22 limit rate §/second, 80 }", "1", "2"),
    ("anonymous element quota", "tcp dport { 22 quota § mbytes, 80 }", "1", "2"),
    ("verdict map", "tcp dport vmap { 22 : accept, 80 : § }", "drop", "accept"),
    ("verdict map catch-all", "tcp dport vmap { 22 : accept, * : § }", "drop", "accept"),
    ("map after an opaque expression", "dnat ip to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.§ }", "2", "3"),
    ("map after jhash", "dnat ip to jhash ip saddr mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.§ }", "2", "3"),
    ("numgen", "meta mark set numgen § mod 2", "inc", "random"),
    ("numgen offset", "meta mark set numgen inc mod 2 offset §", "1", "2"),
    ("jhash seed", "meta mark set jhash ip saddr mod 2 seed §", "1", "2"),
    ("jhash source", "meta mark set jhash ip § mod 2", "saddr", "daddr"),
    ("symhash", "meta mark set symhash mod §", "2", "3"),
    ("set or other", "ip saddr §", "@s", "!= @s"),
    ("dynset", "§ @s { ip saddr }", "add", "update"),
    ("dynset timeout", "add @s { ip saddr timeout § }", "1m", "2m"),
    ("dynset limit", "add @s { ip saddr limit rate §/second }", "1", "2"),
    ("dynset limit over", "add @s { ip saddr limit rate § 1/second }", "over", ""),
    ("dynset key", "add @s { ip § }", "saddr", "daddr"),
    ("masked key in a set", "ip saddr & 255.255.§.0 @s", "255", "254"),
    ("masked key in an anonymous set", "ip saddr & 255.255.§.0 { 1.1.1.0, 2.2.2.0 }", "255", "254"),
    ("masked key in a verdict map", "ip saddr & 255.255.§.0 vmap { 1.1.1.0 : accept, 2.2.2.0 : drop }", "255", "254"),
    ("masked key in a map", "meta mark set ip saddr & 255.255.§.0 map { 1.1.1.0 : 1, 2.2.2.0 : 2 }", "255", "254"),
    ("masked key in an object map", "counter name ip saddr & 255.255.§.0 map { 1.1.1.0 : \"x\" }", "255", "254"),
    ("masked part of a key", "ip saddr & 255.255.§.0 . tcp dport { 1.1.1.0 . 1, 2.2.2.0 . 2 }", "255", "254"),
    ("looked up in a map, then in a set", "ip saddr map { 1.1.1.1 : 1.1.1.2, 2.2.2.2 : 2.2.2.§ } @s", "3", "4"),
    ("dynset masked key", "add @s { ip saddr & 255.255.§.0 }", "255", "254"),
    ("dynset map", "update @m { ip saddr : § }", "1", "2"),
    ("connlimit", "ct count §", "1", "2"),
    ("connlimit over", "ct count § 5", "over", ""),
    ("limit", "limit rate §/second", "1", "2"),
    ("limit unit", "limit rate 1/§", "minute", "hour"),
    ("limit burst", "limit rate 1/second burst § packets", "5", "6"),
    ("limit over", "limit rate §1/second", "over ", ""),
    ("limit bytes", "limit rate §", "1 bytes/second", "1/second"),
    ("limit bytes burst", "limit rate 1 kbytes/second burst § bytes", "1000", "1001"),
    ("quota", "quota § mbytes", "1", "2"),
    ("quota over", "quota § 1 mbytes", "over", ""),
    ("log", "log§", "", " group 0"),
    ("log prefix", "log prefix \"§\"", "a", "b"),
    ("log level", "log level §", "info", "debug"),
    ("log group", "log group §", "0", "1"),
    ("log snaplen", "log group 1 snaplen §", "10", "20"),
    ("log threshold", "log group 1 queue-threshold §", "10", "20"),
    ("log flags", "log flags §", "all", "skuid"),
    ("log flags tcp", "log flags tcp §", "sequence", "options"),
    ("log audit", "log level §", "audit", "emerg"),
    ("reject", "reject with icmp §", "host-unreachable", "net-unreachable"),
    ("reject icmpx", "reject with icmpx §", "host-unreachable", "admin-prohibited"),
    ("reject reset", "reject with §", "tcp reset", "icmpx port-unreachable"),
    ("queue", "queue num §", "1", "2"),
    ("queue range", "queue num 1-§", "3", "4"),
    ("queue flags", "queue§ num 1-2", " flags bypass", ""),
    ("queue flags fanout", "queue flags § num 1-2", "bypass", "fanout"),
    ("queue by hash", "queue to symhash mod §", "2", "3"),
    ("snat", "snat ip to 1.2.3.§", "4", "5"),
    ("dnat port", "meta l4proto tcp dnat ip to 1.2.3.4:§", "80", "81"),
    ("dnat ports", "meta l4proto tcp dnat ip to 1.2.3.4:80-§", "90", "91"),
    ("dnat range", "dnat ip to 1.2.3.4-1.2.3.§", "6", "7"),
    ("dnat flags", "dnat ip to 1.2.3.4 §", "random", "persistent"),
    ("dnat prefix", "dnat ip prefix to ip daddr map { 10.0.0.0/24 : 10.1.§.0/24 }", "0", "1"),
    ("dnat or prefix", "dnat ip §to 10.1.0.0/24", "prefix ", ""),
    ("dnat map with port", "dnat ip to tcp dport map { 80 : 10.0.0.1 . § }", "8080", "8081"),
    ("dnat map", "dnat ip to tcp dport map { 80 : 10.0.0.§, 81 : 10.0.0.9 }", "1", "2"),
    ("dnat map ports", "meta l4proto tcp dnat ip to 10.0.0.1 : tcp dport map { 80 : §, 81 : 3 }", "1", "2"),
    ("tproxy", "meta l4proto tcp tproxy ip to 127.0.0.1:§", "80", "81"),
    ("fwd or dup", "§", "notrack", "accept"),
    ("mark set", "meta mark set §", "1", "2"),
    ("mark or", "meta mark set meta mark or §", "1", "2"),
    ("mark and", "meta mark set meta mark and §", "1", "2"),
    ("mark xor", "meta mark set meta mark xor §", "1", "2"),
    ("mark shift", "meta mark set ct mark << §", "1", "2"),
    ("mark shift way", "meta mark set ct mark § 8", "<<", ">>"),
    ("mark from", "meta mark set § mark", "ct", "meta"),
    ("mark from and", "meta mark set ct mark and §", "1", "2"),
    ("mark from map", "meta mark set ip saddr map { 1.1.1.1 : 1, 1.1.1.2 : § }", "2", "3"),
    ("mark masked", "meta mark and § == 1", "3", "5"),
    ("mark masked value", "meta mark and 7 == §", "1", "2"),
    ("mark masked other", "meta mark and 7 § 1", "==", "!="),
    ("mark comparison", "meta mark § 5", ">", ">="),
    ("mark range", "meta mark 1-§", "5", "6"),
    ("mark not range", "meta mark §1-5", "!= ", ""),
    ("ct mark set", "ct mark set §", "1", "2"),
    ("ct zone set", "ct zone set §", "1", "2"),
    ("ct zone direction", "ct § zone set 1", "original", "reply"),
    ("ct label", "ct label §", "1", "2"),
    ("ct label set", "ct label set §", "1", "2"),
    ("ct event", "ct event set §", "new", "destroy"),
    ("ct helper", "ct helper \"§\"", "ftp", "irc"),
    ("ct state", "ct state §", "new", "established"),
    ("ct states", "ct state new,§", "related", "established"),
    ("ct state not", "ct state §new", "! ", ""),
    ("ct state other", "ct state § new", "==", "!="),
    ("ct state exactly", "ct state §", "{ new, established }", "new,established"),
    ("ct state none", "ct state § new,established", "!=", "!"),
    ("ct status", "ct status §", "snat", "dnat"),
    ("ct direction", "ct direction §", "original", "reply"),
    ("ct bytes", "ct § bytes > 100", "original", "reply"),
    ("ct bytes both", "ct § > 100", "bytes", "packets"),
    ("ct avgpkt", "ct original § > 100", "avgpkt", "packets"),
    ("ct expiration", "ct expiration > §", "10s", "20s"),
    ("ct count state", "ct original ip § 1.2.3.4", "saddr", "daddr"),
    ("ct id", "ct id §", "1", "2"),
    ("tcp flags", "tcp flags §", "syn", "ack"),
    ("tcp flags mask", "tcp flags & (§) == syn", "syn|ack", "syn|ack|rst"),
    ("tcp flags none", "tcp flags & (syn|ack) § 0", "==", "!="),
    ("tcp flags all", "tcp flags & (syn|ack) == §", "(syn|ack)", "syn"),
    ("tcp flags exactly", "tcp flags § syn", "==", "!="),
    ("tcp option", "tcp option § exists", "sack-perm", "timestamp"),
    ("tcp option missing", "tcp option sack-perm §", "exists", "missing"),
    ("tcp option set", "tcp flags syn tcp option maxseg size set §", "1400", "1300"),
    ("tcp option set mtu", "tcp flags syn tcp option maxseg size set §", "rt mtu", "1300"),
    ("tcp option length", "tcp option maxseg length §", "4", "5"),
    ("tcp option reset", "reset tcp option §", "sack-perm", "timestamp"),
    ("tcp offset", "tcp doff §", "5", "6"),
    ("tcp sequence", "tcp sequence §", "5", "6"),
    ("ports", "tcp dport 1-§", "5", "6"),
    ("ports other", "tcp dport §1-5", "!= ", ""),
    ("port comparison", "tcp dport § 5", "<", "<="),
    ("sport and dport", "tcp sport 1 tcp dport §", "2", "3"),
    ("protocol", "§ dport 53", "tcp", "udp"),
    ("any transport", "§ dport 53", "th", "udp"),
    ("ip prefix", "ip saddr 10.0.0.0/§", "8", "9"),
    ("ip prefix byte", "ip saddr 10.0.0.0/§", "8", "16"),
    ("ip mask with holes", "ip saddr & 255.0.255.0 == 10.0.§.0", "1", "2"),
    ("ip not", "ip saddr §10.0.0.1", "!= ", ""),
    ("ip dscp", "ip dscp §", "cs1", "cs2"),
    ("ip dscp set", "ip dscp set §", "cs1", "cs2"),
    ("ip ecn", "ip ecn §", "ce", "ect0"),
    ("ip version", "ip § 5", "hdrlength", "ttl"),
    ("ip ttl set", "ip ttl set §", "1", "2"),
    ("ip option", "ip option § exists", "rr", "lsrr"),
    ("ip frag", "ip frag-off & § != 0", "0x1fff", "0x2000"),
    ("ip id", "ip id §", "1", "256"),
    ("ip6 flow label", "ip6 flowlabel §", "1", "2"),
    ("ip6 exthdr", "exthdr § exists", "frag", "hbh"),
    ("ip6 exthdr missing", "exthdr frag §", "exists", "missing"),
    ("ip6 frag", "frag more-fragments §", "0", "1"),
    ("ip6 rt", "rt0 addr[§] ::1", "1", "2"),
    ("ip6 prefix", "ip6 saddr fe80::/§", "10", "64"),
    ("icmp type", "icmp type §", "echo-request", "echo-reply"),
    ("icmp code", "icmp code §", "1", "2"),
    ("icmp id", "icmp id §", "1", "2"),
    ("icmp gateway", "icmp gateway §", "1", "2"),
    ("icmp mtu", "icmp mtu §", "1", "2"),
    ("icmpv6 type", "icmpv6 type §", "nd-router-advert", "nd-neighbor-advert"),
    ("icmpv6 mtu", "icmpv6 mtu §", "1", "2"),
    ("udp length", "udp length §", "8", "9"),
    ("udplite", "udplite csumcov §", "8", "9"),
    ("sctp", "sctp dport §", "8", "9"),
    ("sctp vtag", "sctp vtag §", "8", "9"),
    ("sctp chunk", "sctp chunk § exists", "data", "init"),
    ("sctp chunk field", "sctp chunk data stream §", "1", "2"),
    ("dccp type", "dccp type §", "request", "response"),
    ("esp", "esp spi §", "1", "2"),
    ("ah", "ah spi §", "1", "2"),
    ("comp", "comp cpi §", "1", "2"),
    ("arp", "ether type arp arp operation §", "request", "reply"),
    ("ether", "ether saddr 00:11:22:33:44:§", "55", "56"),
    ("vlan", "vlan id §", "1", "2"),
    ("vlan pcp", "vlan pcp §", "1", "2"),
    ("raw payload", "@th,16,16 0x§", "16", "17"),
    ("raw offset", "@§h,16,16 0x16", "t", "n"),
    ("raw payload set", "@th,16,16 set §", "1", "2"),
    ("interface index", "iif §", "lo", "d1"),
    ("interface", "iifname §", "lo", "d1"),
    ("interface wildcard", "iifname \"lo§\"", "*", ""),
    ("interface star", "iifname \"lo§\"", "*", "\\*"),
    ("interface way", "§ lo", "iif", "oif"),
    ("interface by name or index", "§ lo", "iif", "iifname"),
    ("iif group", "iifgroup §", "1", "2"),
    ("iif type", "iiftype §", "ether", "loopback"),
    ("iif kind", "meta iifkind \"§\"", "veth", "bridge"),
    ("iif set", "iif { lo, § }", "d1", "d2"),
    ("iifname set", "iifname { lo, § }", "d1", "d2"),
    ("iifname wildcard set", "iifname { lo, d§ }", "1", "*"),
    ("length", "meta length §", "100", "200"),
    ("skuid", "meta skuid §", "1", "2"),
    ("skgid", "meta skgid §", "1", "2"),
    ("cpu", "meta cpu §", "1", "2"),
    ("cgroup", "meta cgroup §", "1", "2"),
    ("cgroup2", "socket cgroupv2 level § \"\"", "1", "2"),
    ("pkttype", "meta pkttype §", "host", "broadcast"),
    ("pkttype set", "meta pkttype set §", "host", "broadcast"),
    ("priority", "meta priority §", "1:2", "1:3"),
    ("priority set", "meta priority set §", "1:2", "1:3"),
    ("trace", "meta nftrace set §", "1", "0"),
    ("random", "meta random § 100", "<", ">"),
    ("time", "meta time > \"2020-01-0§ 00:00:00\"", "1", "2"),
    ("hour", "meta hour §-\"23:00\"", "\"10:00\"", "\"11:00\""),
    ("day", "meta day §", "Monday", "Tuesday"),
    ("ipsec", "meta ipsec §", "exists", "missing"),
    ("rt classid", "rt classid §", "1", "2"),
    ("rt nexthop", "rt ip nexthop 1.2.3.§", "4", "5"),
    ("rt mtu", "rt mtu §", "1400", "1300"),
    ("rt ipsec", "rt ipsec §", "exists", "missing"),
    ("ipsec in", "ipsec § reqid 5", "in", "out"),
    ("ipsec reqid", "ipsec in reqid §", "5", "6"),
    ("ipsec spnum", "ipsec in spnum § spi 5", "0", "1"),
    ("ipsec saddr", "ipsec in ip § 1.2.3.4", "saddr", "daddr"),
    ("fib", "fib § type local", "saddr", "daddr"),
    ("fib type", "fib daddr type §", "local", "broadcast"),
    ("fib iif", "fib saddr§ oif missing", " . iif", ""),
    ("fib oif", "fib saddr oif §", "exists", "missing"),
    ("fib oifname", "fib saddr oifname §", "lo", "d1"),
    ("socket", "socket § 1", "transparent", "wildcard"),
    ("socket value", "socket transparent §", "0", "1"),
    ("osf", "osf name \"§\"", "Linux", "Windows"),
    ("osf ttl", "osf ttl § name \"Linux\"", "loose", "skip"),
    ("synproxy", "synproxy mss § wscale 7", "1400", "1300"),
    ("synproxy options", "synproxy mss 1400 wscale 7 §", "timestamp", "sack-perm"),
    ("concatenation", "ip saddr . tcp dport { 1.1.1.1 . 22, 1.1.1.2 . § }", "23", "24"),
    ("concatenated interval", "ip saddr . tcp dport { 1.1.1.1 . 22, 1.1.1.2 . 1-§ }", "23", "24"),
    ("concatenated verdicts", "ip saddr . tcp dport vmap { 1.1.1.1 . 22 : §, 1.1.1.2 . 1-5 : drop }", "drop", "accept"),
    ("concatenation with an integer", "ip id . ip saddr { 1 . 1.1.1.1, § . 1.1.1.1 }", "2", "3"),
    ("concatenation with a shift", "ip dscp . ip saddr { cs0 . 1.1.1.1, § . 1.1.1.1 }", "cs1", "cs2"),
    ("order of matches", "§ counter", "ip saddr 1.1.1.1 tcp dport 1", "tcp dport 1 ip saddr 1.1.1.1"),
    ("place of the counter", "§", "ip saddr 1.1.1.1 counter", "counter ip saddr 1.1.1.1"),
    ("objref", "§", "counter name \"x\"", "counter name \"y\""),
    ("objref quota", "quota name \"§\"", "q", "r"),
    ("objref limit", "limit name \"§\"", "l", "k"),
    ("objref map", "counter name ip saddr map { 1.1.1.1 : \"§\", 1.1.1.2 : \"x\" }", "x", "y"),
    ("helper set", "ct helper set \"§\"", "h", "i"),
    ("last", "§", "last", "counter"),
    ("exthdr type of srh", "srh tag §", "1", "2"),
    ("mh", "mh type §", "1", "2"),
];

pub(crate) const TABLE: &str = "table inet t {
    set s { type ipv4_addr; flags dynamic, timeout; size 100; }
    map m { type ipv4_addr : mark; flags dynamic, timeout; size 100; }
    counter x { }
    counter y { }
    quota q { over 1 mbytes }
    quota r { over 1 mbytes }
    limit l { rate 1/second; }
    limit k { rate 1/second; }
    chain c { §; }
}";

fn namespace_with(script: &str) -> Option<Namespace> {
    let namespace = namespace_with_links();
    let loaded = try_load(&namespace, script).inspect_err(|complaints| println!("{complaints}"));
    loaded.is_ok().then_some(namespace)
}

fn digest(script: &str) -> Option<String> {
    let section = read(&namespace_with(script)?);
    assert_eq!(section.state, State::Captured, "{script}: {:?}", section.gaps);
    Some(json::digest(config(&section)).unwrap().to_string())
}

/// What the kernel or this `nft` refuses is printed; everything else must differ, and be the same when loaded again.
fn judge(pairs: &[Pair], within: &str) {
    let mut wrong = Vec::new();
    let mut refused = 0;
    for (what, template, one, two) in pairs {
        let script = |value: &str| {
            within
                .replace('§', &template.replace('§', value))
                .replace("; }", ";\n}")
                .replace("} }", "}\n}")
        };
        let digests = (digest(&script(one)), digest(&script(two)), digest(&script(one)));
        let (Some(a), Some(b), Some(again)) = digests else {
            println!("refused here: {what}");
            refused += 1;
            continue;
        };
        if a == b {
            wrong.push(format!("{what}: {one:?} and {two:?} read alike in {template}"));
        }
        if a != again {
            wrong.push(format!(
                "{what}: {one:?} reads differently each time in {template}"
            ));
        }
    }
    assert!(
        refused * 4 < pairs.len(),
        "{refused} of {} were refused",
        pairs.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn root_pairs_of_tables_and_chains_differ() {
    judge(PLACES, "§");
}

#[test]
fn root_pairs_of_sets_and_objects_differ() {
    judge(SETS, "§");
}

#[test]
fn root_pairs_of_rules_differ() {
    judge(RULES, TABLE);
}
