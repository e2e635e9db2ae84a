//! Numbers that `nft` prints as words.

type Words = [(u32, &'static str)];

/// `icmp type`.
const ICMP: [(u32, &str); 13] = [
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
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
];

/// `icmpv6 type`.
const ICMPV6: [(u32, &str); 15] = [
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
    (143, "mld2-listener-report"),
];

const NFPROTO: [(u32, &str); 2] = [(2, "ipv4"), (10, "ipv6")];

const ETHER_TYPE: [(u32, &str); 3] = [(0x0800, "ip"), (0x0806, "arp"), (0x86dd, "ip6")];

const PACKET_TYPE: [(u32, &str); 4] = [(0, "host"), (1, "broadcast"), (2, "multicast"), (3, "other")];

/// RFC 826, in `nft`'s words.
const ARP_OPERATION: [(u32, &str); 4] = [(1, "request"), (2, "reply"), (3, "rrequest"), (4, "rreply")];

const CT_DIRECTION: [(u32, &str); 2] = [(0, "original"), (1, "reply")];

/// Codes of `reject with icmp` (RFC 792, RFC 1812 §5.2.7.1).
pub(super) const REJECT_ICMP: [(u32, &str); 7] = [
    (0, "net-unreachable"),
    (1, "host-unreachable"),
    (2, "prot-unreachable"),
    (3, "port-unreachable"),
    (9, "net-prohibited"),
    (10, "host-prohibited"),
    (13, "admin-prohibited"),
];

/// Codes of `reject with icmpv6` (RFC 4443 §3.1).
pub(super) const REJECT_ICMPV6: [(u32, &str); 6] = [
    (0, "no-route"),
    (1, "admin-prohibited"),
    (3, "addr-unreachable"),
    (4, "port-unreachable"),
    (5, "policy-fail"),
    (6, "reject-route"),
];

/// `enum nft_reject_inet_code`.
pub(super) const REJECT_ICMPX: [(u32, &str); 4] = [
    (0, "no-route"),
    (1, "port-unreachable"),
    (2, "host-unreachable"),
    (3, "admin-prohibited"),
];

/// syslog levels, and audit.
pub(super) const LEVELS: [(u32, &str); 9] = [
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
pub(super) fn words_of(field: &str) -> Option<&'static Words> {
    Some(match field {
        "meta.l4proto" | "ip.protocol" | "ip6.nexthdr" | "ct.protocol" | "inet_proto" => {
            &crate::netfilter::names::PROTOCOLS
        }
        "icmp.type" | "icmp_type" => &ICMP,
        "icmpv6.type" | "icmpv6_type" => &ICMPV6,
        "meta.nfproto" | "nf_proto" => &NFPROTO,
        "meta.protocol" | "ether.type" | "ether_type" => &ETHER_TYPE,
        "arp.operation" => &ARP_OPERATION,
        "meta.pkttype" | "pkt_type" => &PACKET_TYPE,
        "ct.direction" | "ct_dir" => &CT_DIRECTION,
        _ => return None,
    })
}

/// True for marks, which are read in eight hexadecimal digits.
pub(super) fn is_mark(field: &str) -> bool {
    matches!(field, "meta.mark" | "ct.mark" | "mark")
}

/// True for other numbers that are read in hexadecimal.
pub(super) fn is_hexadecimal(field: &str) -> bool {
    matches!(field, "meta.protocol" | "ether.type" | "ether_type") || field.starts_with('@')
}

/// The order of a field's flags: by bit, as `nft` prints them.
pub(super) fn flags_of(field: &str) -> &'static Words {
    match field {
        "ct.state" | "ct_state" => &crate::netfilter::names::CT_STATES,
        "ct.status" | "ct_status" => &crate::netfilter::names::CT_STATUS,
        _ => &crate::netfilter::names::TCP_FLAGS,
    }
}

/// `meta` keys that stand without the word `meta`.
pub(super) const UNQUALIFIED: [&str; 8] = [
    "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "iifgroup", "oifgroup",
];
