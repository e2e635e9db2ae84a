//! Numbers that `nft` prints as words.

type Words = [(u32, &'static str)];

/// `icmp type`.
const ICMP: [(u32, &str); 15] = [
    (0, "echo-reply"),
    (3, "destination-unreachable"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "info-request"),
    (16, "info-reply"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

/// `icmpv6 type`.
const ICMPV6: [(u32, &str); 18] = [
    (1, "destination-unreachable"),
    (2, "packet-too-big"),
    (3, "time-exceeded"),
    (4, "parameter-problem"),
    (128, "echo-request"),
    (129, "echo-reply"),
    (130, "mld-listener-query"),
    (131, "mld-listener-report"),
    (132, "mld-listener-done"),
    (133, "nd-router-solicit"),
    (134, "nd-router-advert"),
    (135, "nd-neighbor-solicit"),
    (136, "nd-neighbor-advert"),
    (137, "nd-redirect"),
    (138, "router-renumbering"),
    (141, "ind-neighbor-solicit"),
    (142, "ind-neighbor-advert"),
    (143, "mld2-listener-report"),
];

const NFPROTO: [(u32, &str); 2] = [(2, "ipv4"), (10, "ipv6")];

const ETHER_TYPE: [(u32, &str); 5] = [
    (0x0800, "ip"),
    (0x0806, "arp"),
    (0x86dd, "ip6"),
    (0x8100, "8021q"),
    (0x88a8, "8021ad"),
];

const PACKET_TYPE: [(u32, &str); 4] = [(0, "host"), (1, "broadcast"), (2, "multicast"), (3, "other")];

/// RFC 826, in `nft`'s words.
const ARP_OPERATION: [(u32, &str); 7] = [
    (1, "request"),
    (2, "reply"),
    (3, "rrequest"),
    (4, "rreply"),
    (8, "inrequest"),
    (9, "inreply"),
    (10, "nak"),
];

/// Differentiated services (RFC 2474, 2597, 3246, 5865, 8622).
const DSCP: [(u32, &str); 23] = [
    (0, "cs0"),
    (1, "lephb"),
    (8, "cs1"),
    (10, "af11"),
    (12, "af12"),
    (14, "af13"),
    (16, "cs2"),
    (18, "af21"),
    (20, "af22"),
    (22, "af23"),
    (24, "cs3"),
    (26, "af31"),
    (28, "af32"),
    (30, "af33"),
    (32, "cs4"),
    (34, "af41"),
    (36, "af42"),
    (38, "af43"),
    (40, "cs5"),
    (44, "va"),
    (46, "ef"),
    (48, "cs6"),
    (56, "cs7"),
];

/// RFC 3168 §5.
const ECN: [(u32, &str); 4] = [(0, "not-ect"), (1, "ect1"), (2, "ect0"), (3, "ce")];

/// Codes of `icmp code`, in the words of the answers to unreachable destinations whatever the type.
const ICMP_CODE: [(u32, &str); 8] = [
    (0, "net-unreachable"),
    (1, "host-unreachable"),
    (2, "prot-unreachable"),
    (3, "port-unreachable"),
    (4, "frag-needed"),
    (9, "net-prohibited"),
    (10, "host-prohibited"),
    (13, "admin-prohibited"),
];

/// RFC 4340 §5.1.
const DCCP_TYPE: [(u32, &str); 10] = [
    (0, "request"),
    (1, "response"),
    (2, "data"),
    (3, "ack"),
    (4, "dataack"),
    (5, "closereq"),
    (6, "close"),
    (7, "reset"),
    (8, "sync"),
    (9, "syncack"),
];

/// RFC 6275 §6.1, RFC 5568, RFC 5142.
const MOBILITY: [(u32, &str); 13] = [
    (0, "binding-refresh-request"),
    (1, "home-test-init"),
    (2, "careof-test-init"),
    (3, "home-test"),
    (4, "careof-test"),
    (5, "binding-update"),
    (6, "binding-acknowledgement"),
    (7, "binding-error"),
    (8, "fast-binding-update"),
    (9, "fast-binding-acknowledgement"),
    (10, "fast-binding-advertisement"),
    (11, "experimental-mobility-header"),
    (12, "home-agent-switch-message"),
];

/// `igmp type`.
const IGMP: [(u32, &str); 5] = [
    (17, "membership-query"),
    (18, "membership-report-v1"),
    (22, "membership-report-v2"),
    (23, "leave-group"),
    (34, "membership-report-v3"),
];

/// `ARPHRD_*` (`linux/if_arp.h`).
const LINK_TYPE: [(u32, &str); 7] = [
    (1, "ether"),
    (512, "ppp"),
    (768, "ipip"),
    (769, "ipip6"),
    (772, "loopback"),
    (776, "sit"),
    (778, "ipgre"),
];

const DAY: [(u32, &str); 7] = [
    (0, "Sunday"),
    (1, "Monday"),
    (2, "Tuesday"),
    (3, "Wednesday"),
    (4, "Thursday"),
    (5, "Friday"),
    (6, "Saturday"),
];

/// Whether there is such a thing.
const PRESENCE: [(u32, &str); 2] = [(0, "missing"), (1, "exists")];

const CT_DIRECTION: [(u32, &str); 2] = [(0, "original"), (1, "reply")];

/// Codes of `reject with icmp` (RFC 792, RFC 1812 §5.2.7.1).
pub(crate) const REJECT_ICMP: [(u32, &str); 7] = [
    (0, "net-unreachable"),
    (1, "host-unreachable"),
    (2, "prot-unreachable"),
    (3, "port-unreachable"),
    (9, "net-prohibited"),
    (10, "host-prohibited"),
    (13, "admin-prohibited"),
];

/// Codes of `reject with icmpv6` (RFC 4443 §3.1).
pub(crate) const REJECT_ICMPV6: [(u32, &str); 6] = [
    (0, "no-route"),
    (1, "admin-prohibited"),
    (3, "addr-unreachable"),
    (4, "port-unreachable"),
    (5, "policy-fail"),
    (6, "reject-route"),
];

/// `enum nft_reject_inet_code`.
pub(crate) const REJECT_ICMPX: [(u32, &str); 4] = [
    (0, "no-route"),
    (1, "port-unreachable"),
    (2, "host-unreachable"),
    (3, "admin-prohibited"),
];

/// syslog levels, and audit.
pub(crate) const LEVELS: [(u32, &str); 9] = [
    (0, "emerg"),
    (1, "alert"),
    (2, "crit"),
    (3, "err"),
    (4, "warn"),
    (5, "notice"),
    (6, "info"),
    (7, "debug"),
    (8, "audit"),
];

/// The words for the numbers of a field, or of a set's key type.
pub(crate) fn words_of(field: &str) -> Option<&'static Words> {
    let field = inside(field);
    if field.ends_with(".nexthdr") || field.ends_with(".protocol") && field.starts_with("ct.") {
        return Some(&crate::netfilter::names::PROTOCOLS);
    }
    Some(match field {
        "meta.l4proto" | "ip.protocol" | "inet_proto" => &crate::netfilter::names::PROTOCOLS,
        "icmp.type" | "icmp_type" => &ICMP,
        "icmpv6.type" | "icmpv6_type" => &ICMPV6,
        "icmp.code" | "icmp_code" => &ICMP_CODE,
        "icmpv6.code" | "icmpv6_code" => &REJECT_ICMPV6,
        "icmpx_code" => &REJECT_ICMPX,
        "igmp.type" | "igmp_type" => &IGMP,
        "dccp.type" | "dccp_pkttype" => &DCCP_TYPE,
        "mh.type" | "mh_type" => &MOBILITY,
        "ip.dscp" | "ip6.dscp" | "dscp" => &DSCP,
        "ip.ecn" | "ip6.ecn" | "ecn" => &ECN,
        "meta.nfproto" | "ct.l3proto" | "ct.original.l3proto" | "ct.reply.l3proto" | "nf_proto" => &NFPROTO,
        "meta.protocol" | "meta.ibrvproto" | "ether.type" | "vlan.type" | "arp.ptype" | "gre.protocol"
        | "geneve.type" | "ether_type" => &ETHER_TYPE,
        "arp.operation" | "arp_op" => &ARP_OPERATION,
        "meta.pkttype" | "pkt_type" => &PACKET_TYPE,
        "meta.iiftype" | "meta.oiftype" | "iface_type" => &LINK_TYPE,
        "meta.day" | "day" => &DAY,
        "meta.ipsec" | "rt.ipsec" | "tunnel.path" | "boolean" => &PRESENCE,
        "ct.direction" | "ct_dir" => &CT_DIRECTION,
        _ => return None,
    })
}

/// The field of a packet inside a tunnel, as that of any packet.
fn inside(field: &str) -> &str {
    match field.split_once('.') {
        Some(("vxlan" | "geneve" | "gre" | "gretap", rest)) if rest.contains('.') => rest,
        _ => field,
    }
}

/// True for marks, which are read in eight hexadecimal digits.
pub(super) fn is_mark(field: &str) -> bool {
    matches!(field, "meta.mark" | "ct.mark" | "socket.mark" | "mark")
}

/// True for other numbers that are read in hexadecimal.
pub(super) fn is_hexadecimal(field: &str) -> bool {
    matches!(field, "meta.protocol" | "ether.type" | "ether_type") || field.starts_with('@')
}

/// The order of a field's flags: by bit, as `nft` prints them.
pub(crate) fn flags_of(field: &str) -> &'static Words {
    match field {
        "ct.state" | "ct_state" => &crate::netfilter::names::CT_STATES,
        "ct.status" | "ct_status" => &crate::netfilter::names::CT_STATUS,
        "ct.event" | "ct_event" => &crate::netfilter::nft::typed::CT_EVENTS,
        "ct.label" | "ct_label" => &[],
        _ => &crate::netfilter::names::TCP_FLAGS,
    }
}

/// `meta` keys that stand without the word `meta`.
pub(crate) const UNQUALIFIED: [&str; 6] = ["iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"];
