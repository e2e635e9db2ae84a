//! Where the fields of headers stand, in bits from the beginning.

/// `NFT_PAYLOAD_*_HEADER`.
pub(super) const LINK: u32 = 0;
pub(super) const NETWORK: u32 = 1;
pub(super) const TRANSPORT: u32 = 2;

/// Name, offset, length, type; what has no type of its own is an integer.
pub(super) type FieldRow = (&'static str, u32, u32, &'static str);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) base: u32,
    /// The protocol number (transport) or ether type (network).
    pub(super) number: u32,
    pub(super) fields: &'static [FieldRow],
    /// Where its checksum stands, in bytes, if the kernel is to keep it right.
    pub(super) checksum: Option<u32>,
}

const INTEGER: &str = "integer";

static HEADERS: [Header; 17] = [
    // IEEE 802.3.
    Header {
        name: "ether",
        base: LINK,
        number: 0,
        fields: &[
            ("daddr", 0, 48, "ether_addr"),
            ("saddr", 48, 48, "ether_addr"),
            ("type", 96, 16, "ether_type"),
        ],
        checksum: None,
    },
    // IEEE 802.1Q; from its own beginning, behind the Ethernet header.
    Header {
        name: "vlan",
        base: LINK,
        number: 0x8100,
        fields: &[
            ("pcp", 0, 3, INTEGER),
            ("dei", 3, 1, INTEGER),
            ("cfi", 3, 1, INTEGER),
            ("id", 4, 12, INTEGER),
            ("type", 16, 16, "ether_type"),
        ],
        checksum: None,
    },
    // RFC 826.
    Header {
        name: "arp",
        base: NETWORK,
        number: 0x0806,
        fields: &[
            ("htype", 0, 16, INTEGER),
            ("ptype", 16, 16, "ether_type"),
            ("hlen", 32, 8, INTEGER),
            ("plen", 40, 8, INTEGER),
            ("operation", 48, 16, "arp_op"),
            ("saddr ether", 64, 48, "ether_addr"),
            ("saddr ip", 112, 32, "ipv4_addr"),
            ("daddr ether", 144, 48, "ether_addr"),
            ("daddr ip", 192, 32, "ipv4_addr"),
        ],
        checksum: None,
    },
    // RFC 791.
    Header {
        name: "ip",
        base: NETWORK,
        number: 0x0800,
        fields: &[
            ("version", 0, 4, INTEGER),
            ("hdrlength", 4, 4, INTEGER),
            ("dscp", 8, 6, "dscp"),
            ("ecn", 14, 2, "ecn"),
            ("length", 16, 16, INTEGER),
            ("id", 32, 16, INTEGER),
            ("frag-off", 48, 16, INTEGER),
            ("ttl", 64, 8, INTEGER),
            ("protocol", 72, 8, "inet_proto"),
            ("checksum", 80, 16, INTEGER),
            ("saddr", 96, 32, "ipv4_addr"),
            ("daddr", 128, 32, "ipv4_addr"),
        ],
        checksum: Some(10),
    },
    // RFC 8200.
    Header {
        name: "ip6",
        base: NETWORK,
        number: 0x86dd,
        fields: &[
            ("version", 0, 4, INTEGER),
            ("dscp", 4, 6, "dscp"),
            ("ecn", 10, 2, "ecn"),
            ("flowlabel", 12, 20, INTEGER),
            ("length", 32, 16, INTEGER),
            ("nexthdr", 48, 8, "inet_proto"),
            ("hoplimit", 56, 8, INTEGER),
            ("saddr", 64, 128, "ipv6_addr"),
            ("daddr", 192, 128, "ipv6_addr"),
        ],
        checksum: None,
    },
    // RFC 792.
    Header {
        name: "icmp",
        base: TRANSPORT,
        number: 1,
        fields: &[
            ("type", 0, 8, "icmp_type"),
            ("code", 8, 8, "icmp_code"),
            ("checksum", 16, 16, INTEGER),
            ("id", 32, 16, INTEGER),
            ("sequence", 48, 16, INTEGER),
            ("gateway", 32, 32, INTEGER),
            ("mtu", 48, 16, INTEGER),
        ],
        checksum: Some(2),
    },
    // RFC 4443.
    Header {
        name: "icmpv6",
        base: TRANSPORT,
        number: 58,
        fields: &[
            ("type", 0, 8, "icmpv6_type"),
            ("code", 8, 8, "icmpv6_code"),
            ("checksum", 16, 16, INTEGER),
            ("parameter-problem", 32, 32, INTEGER),
            ("mtu", 32, 32, INTEGER),
            ("id", 32, 16, INTEGER),
            ("sequence", 48, 16, INTEGER),
            ("max-delay", 32, 16, INTEGER),
        ],
        checksum: Some(2),
    },
    // RFC 3376.
    Header {
        name: "igmp",
        base: TRANSPORT,
        number: 2,
        fields: &[
            ("type", 0, 8, "igmp_type"),
            ("mrt", 8, 8, INTEGER),
            ("checksum", 16, 16, INTEGER),
            ("group", 32, 32, INTEGER),
        ],
        checksum: Some(2),
    },
    // RFC 9293.
    Header {
        name: "tcp",
        base: TRANSPORT,
        number: 6,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
            ("sequence", 32, 32, INTEGER),
            ("ackseq", 64, 32, INTEGER),
            ("doff", 96, 4, INTEGER),
            ("reserved", 100, 4, INTEGER),
            ("flags", 104, 8, "tcp_flag"),
            ("window", 112, 16, INTEGER),
            ("checksum", 128, 16, INTEGER),
            ("urgptr", 144, 16, INTEGER),
        ],
        checksum: Some(16),
    },
    // RFC 768.
    Header {
        name: "udp",
        base: TRANSPORT,
        number: 17,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
            ("length", 32, 16, INTEGER),
            ("checksum", 48, 16, INTEGER),
        ],
        checksum: Some(6),
    },
    // RFC 3828.
    Header {
        name: "udplite",
        base: TRANSPORT,
        number: 136,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
            ("csumcov", 32, 16, INTEGER),
            ("checksum", 48, 16, INTEGER),
        ],
        checksum: None,
    },
    // RFC 9260.
    Header {
        name: "sctp",
        base: TRANSPORT,
        number: 132,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
            ("vtag", 32, 32, INTEGER),
            ("checksum", 64, 32, INTEGER),
        ],
        checksum: None,
    },
    // RFC 4340.
    Header {
        name: "dccp",
        base: TRANSPORT,
        number: 33,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
            ("type", 67, 4, "dccp_pkttype"),
        ],
        checksum: None,
    },
    // RFC 4302.
    Header {
        name: "ah",
        base: TRANSPORT,
        number: 51,
        fields: &[
            ("nexthdr", 0, 8, "inet_proto"),
            ("hdrlength", 8, 8, INTEGER),
            ("reserved", 16, 16, INTEGER),
            ("spi", 32, 32, INTEGER),
            ("sequence", 64, 32, INTEGER),
        ],
        checksum: None,
    },
    // RFC 4303.
    Header {
        name: "esp",
        base: TRANSPORT,
        number: 50,
        fields: &[("spi", 0, 32, INTEGER), ("sequence", 32, 32, INTEGER)],
        checksum: None,
    },
    // RFC 3173.
    Header {
        name: "comp",
        base: TRANSPORT,
        number: 108,
        fields: &[
            ("nexthdr", 0, 8, "inet_proto"),
            ("flags", 8, 8, INTEGER),
            ("cpi", 16, 16, INTEGER),
        ],
        checksum: None,
    },
    // The ports, whatever the protocol.
    Header {
        name: "th",
        base: TRANSPORT,
        number: 0,
        fields: &[
            ("sport", 0, 16, "inet_service"),
            ("dport", 16, 16, "inet_service"),
        ],
        checksum: None,
    },
];

pub(super) fn header(name: &str) -> Option<&'static Header> {
    HEADERS.iter().find(|header| header.name == name)
}

/// The header of a protocol number or ether type.
pub(super) fn by_number(base: u32, number: u32) -> Option<&'static Header> {
    HEADERS
        .iter()
        .find(|header| header.base == base && header.number == number && number != 0)
}

impl Header {
    pub(super) fn field(&self, name: &str) -> Option<FieldRow> {
        self.fields.iter().find(|row| row.0 == name).copied()
    }
}

/// A header behind headers: its number and its fields. `exthdr` looks for it.
pub(super) type ExtensionRow = (&'static str, u8, &'static [FieldRow]);

/// The first bit of `addr[N]` of `rt0` and of `sid[N]` of `srh`, which `nft` counts from one; it lists both as the latter.
pub(super) fn routing_address(header: &str, field: &str) -> Option<u32> {
    let begins = match header {
        "rt0" => "addr[",
        "srh" => "sid[",
        _ => return None,
    };
    let number: u32 = field.strip_prefix(begins)?.strip_suffix(']')?.parse().ok()?;
    number.checked_sub(1)?.checked_mul(128)?.checked_add(64)
}

/// Extension headers of IPv6 by their number as a next header.
pub(super) const IP6_EXTENSIONS: &[ExtensionRow] = &[
    (
        "hbh",
        0,
        &[("nexthdr", 0, 8, "inet_proto"), ("hdrlength", 8, 8, INTEGER)],
    ),
    (
        "dst",
        60,
        &[("nexthdr", 0, 8, "inet_proto"), ("hdrlength", 8, 8, INTEGER)],
    ),
    (
        "rt",
        43,
        &[
            ("nexthdr", 0, 8, "inet_proto"),
            ("hdrlength", 8, 8, INTEGER),
            ("type", 16, 8, INTEGER),
            ("seg-left", 24, 8, INTEGER),
        ],
    ),
    ("rt0", 43, &[]),
    ("rt2", 43, &[("addr", 64, 128, "ipv6_addr")]),
    (
        "srh",
        43,
        &[
            ("last-entry", 32, 8, INTEGER),
            ("flags", 40, 8, INTEGER),
            ("tag", 48, 16, INTEGER),
        ],
    ),
    (
        "frag",
        44,
        &[
            ("nexthdr", 0, 8, "inet_proto"),
            ("reserved", 8, 8, INTEGER),
            ("frag-off", 16, 13, INTEGER),
            ("reserved2", 29, 2, INTEGER),
            ("more-fragments", 31, 1, INTEGER),
            ("id", 32, 32, INTEGER),
        ],
    ),
    (
        "mh",
        135,
        &[
            ("nexthdr", 0, 8, "inet_proto"),
            ("hdrlength", 8, 8, INTEGER),
            ("type", 16, 8, "mh_type"),
            ("reserved", 24, 8, INTEGER),
            ("checksum", 32, 16, INTEGER),
        ],
    ),
];

const OPTION: [FieldRow; 2] = [("kind", 0, 8, INTEGER), ("length", 8, 8, INTEGER)];
const SACK: &[FieldRow] = &[
    OPTION[0],
    OPTION[1],
    ("left", 16, 32, INTEGER),
    ("right", 48, 32, INTEGER),
];

/// Options of TCP (IANA TCP parameters).
pub(super) const TCP_OPTIONS: &[ExtensionRow] = &[
    ("eol", 0, &[OPTION[0]]),
    ("nop", 1, &[OPTION[0]]),
    ("noop", 1, &[OPTION[0]]),
    ("maxseg", 2, &[OPTION[0], OPTION[1], ("size", 16, 16, INTEGER)]),
    ("window", 3, &[OPTION[0], OPTION[1], ("count", 16, 8, INTEGER)]),
    ("sack-perm", 4, &OPTION),
    ("sack-permitted", 4, &OPTION),
    ("sack", 5, SACK),
    ("sack0", 5, SACK),
    (
        "sack1",
        5,
        &[("left", 80, 32, INTEGER), ("right", 112, 32, INTEGER)],
    ),
    (
        "sack2",
        5,
        &[("left", 144, 32, INTEGER), ("right", 176, 32, INTEGER)],
    ),
    (
        "sack3",
        5,
        &[("left", 208, 32, INTEGER), ("right", 240, 32, INTEGER)],
    ),
    (
        "timestamp",
        8,
        &[
            OPTION[0],
            OPTION[1],
            ("tsval", 16, 32, INTEGER),
            ("tsecr", 48, 32, INTEGER),
        ],
    ),
    ("fastopen", 34, &OPTION),
    ("md5sig", 19, &OPTION),
    ("mptcp", 30, &[OPTION[0], OPTION[1], ("subtype", 16, 4, INTEGER)]),
];

const IP_OPTION: [FieldRow; 4] = [
    ("type", 0, 8, INTEGER),
    ("length", 8, 8, INTEGER),
    ("ptr", 16, 8, INTEGER),
    ("addr", 24, 32, "ipv4_addr"),
];

/// Options of IPv4 (IANA IP parameters).
pub(super) const IP_OPTIONS: &[ExtensionRow] = &[
    ("lsrr", 131, &IP_OPTION),
    ("rr", 7, &IP_OPTION),
    ("ssrr", 137, &IP_OPTION),
    (
        "ra",
        148,
        &[IP_OPTION[0], IP_OPTION[1], ("value", 16, 16, INTEGER)],
    ),
];

const CHUNK: [FieldRow; 3] = [
    ("type", 0, 8, INTEGER),
    ("flags", 8, 8, INTEGER),
    ("length", 16, 16, INTEGER),
];
const INIT: &[FieldRow] = &[
    CHUNK[0],
    CHUNK[1],
    CHUNK[2],
    ("init-tag", 32, 32, INTEGER),
    ("a-rwnd", 64, 32, INTEGER),
    ("num-outbound-streams", 96, 16, INTEGER),
    ("num-inbound-streams", 112, 16, INTEGER),
    ("initial-tsn", 128, 32, INTEGER),
];

/// Chunks of SCTP (RFC 9260).
pub(super) const SCTP_CHUNKS: &[ExtensionRow] = &[
    (
        "data",
        0,
        &[
            CHUNK[0],
            CHUNK[1],
            CHUNK[2],
            ("tsn", 32, 32, INTEGER),
            ("stream", 64, 16, INTEGER),
            ("ssn", 80, 16, INTEGER),
            ("ppid", 96, 32, INTEGER),
        ],
    ),
    ("init", 1, INIT),
    ("init-ack", 2, INIT),
    ("sack", 3, &CHUNK),
    ("heartbeat", 4, &CHUNK),
    ("heartbeat-ack", 5, &CHUNK),
    ("abort", 6, &CHUNK),
    ("shutdown", 7, &CHUNK),
    ("shutdown-ack", 8, &CHUNK),
    ("error", 9, &CHUNK),
    ("cookie-echo", 10, &CHUNK),
    ("cookie-ack", 11, &CHUNK),
    ("ecne", 12, &CHUNK),
    ("cwr", 13, &CHUNK),
    ("shutdown-complete", 14, &CHUNK),
    ("asconf-ack", 128, &CHUNK),
    ("forward-tsn", 192, &CHUNK),
    ("asconf", 193, &CHUNK),
];
