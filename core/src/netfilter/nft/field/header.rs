//! The headers of a packet, and which of them a rule has said there are.

use smallvec::{SmallVec, smallvec};

use super::{LINK, NETWORK, Row, TRANSPORT, TUNNEL};
use crate::netfilter::model::{Op, Value};
use crate::netfilter::nft::typed::Type::{Ipv4, Ipv6, Mac, Network, TcpFlags};

/// What earlier matches of the rule have fixed; it decides what bytes at an offset mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Context {
    /// `ether`, or `vlan` for a tag behind it.
    pub(crate) link: Option<&'static str>,
    /// `ip`, `ip6` or `arp`.
    pub(crate) network: Option<&'static str>,
    /// `tcp`, `udp` … as in [`transport`].
    pub(crate) transport: Option<&'static str>,
    /// What the second half of an ICMP header holds, by its type.
    pub(crate) rest: Option<&'static [Row]>,
    /// For what is inside a tunnel: its kind.
    pub(crate) tunnel: Option<&'static str>,
}

/// IEEE 802.3.
const ETHER: &[Row] = &[
    (0, 48, "daddr", Mac),
    (48, 48, "saddr", Mac),
    (96, 16, "type", Network),
];

/// IEEE 802.1Q, from the beginning of the frame.
const VLAN: &[Row] = &[
    (112, 3, "pcp", Network),
    (115, 1, "dei", Network),
    (116, 12, "id", Network),
    (128, 16, "type", Network),
];

/// RFC 791 §3.1, RFC 2474, RFC 3168.
const IP: &[Row] = &[
    (0, 4, "version", Network),
    (4, 4, "hdrlength", Network),
    (8, 6, "dscp", Network),
    (14, 2, "ecn", Network),
    (16, 16, "length", Network),
    (32, 16, "id", Network),
    (48, 16, "frag-off", Network),
    (64, 8, "ttl", Network),
    (72, 8, "protocol", Network),
    (80, 16, "checksum", Network),
    (96, 32, "saddr", Ipv4),
    (128, 32, "daddr", Ipv4),
];

/// RFC 8200 §3.
const IP6: &[Row] = &[
    (0, 4, "version", Network),
    (4, 6, "dscp", Network),
    (10, 2, "ecn", Network),
    (12, 20, "flowlabel", Network),
    (32, 16, "length", Network),
    (48, 8, "nexthdr", Network),
    (56, 8, "hoplimit", Network),
    (64, 128, "saddr", Ipv6),
    (192, 128, "daddr", Ipv6),
];

/// RFC 826, for IPv4 over Ethernet.
const ARP: &[Row] = &[
    (0, 16, "htype", Network),
    (16, 16, "ptype", Network),
    (32, 8, "hlen", Network),
    (40, 8, "plen", Network),
    (48, 16, "operation", Network),
    (64, 48, "saddr ether", Mac),
    (112, 32, "saddr ip", Ipv4),
    (144, 48, "daddr ether", Mac),
    (192, 32, "daddr ip", Ipv4),
];

const PORTS: &[Row] = &[(0, 16, "sport", Network), (16, 16, "dport", Network)];

/// RFC 9293 §3.1, after the ports.
const TCP: &[Row] = &[
    (32, 32, "sequence", Network),
    (64, 32, "ackseq", Network),
    (96, 4, "doff", Network),
    (100, 4, "reserved", Network),
    (104, 8, "flags", TcpFlags),
    (112, 16, "window", Network),
    (128, 16, "checksum", Network),
    (144, 16, "urgptr", Network),
];

/// RFC 768, after the ports.
const UDP: &[Row] = &[(32, 16, "length", Network), (48, 16, "checksum", Network)];

/// RFC 3828, after the ports.
const UDPLITE: &[Row] = &[(32, 16, "csumcov", Network), (48, 16, "checksum", Network)];

/// RFC 9260 §3.1, after the ports.
const SCTP: &[Row] = &[(32, 32, "vtag", Network), (64, 32, "checksum", Network)];

/// RFC 4340 §5.1, after the ports.
const DCCP: &[Row] = &[(67, 4, "type", Network)];

/// RFC 4302 §2.
const AH: &[Row] = &[
    (0, 8, "nexthdr", Network),
    (8, 8, "hdrlength", Network),
    (16, 16, "reserved", Network),
    (32, 32, "spi", Network),
    (64, 32, "sequence", Network),
];

/// RFC 4303 §2.
const ESP: &[Row] = &[(0, 32, "spi", Network), (32, 32, "sequence", Network)];

/// RFC 3173 §3.
const COMP: &[Row] = &[
    (0, 8, "nexthdr", Network),
    (8, 8, "flags", Network),
    (16, 16, "cpi", Network),
];

/// RFC 792 and RFC 4443.
const ICMP: &[Row] = &[
    (0, 8, "type", Network),
    (8, 8, "code", Network),
    (16, 16, "checksum", Network),
];

/// RFC 2236 §2.
const IGMP: &[Row] = &[
    (0, 8, "type", Network),
    (8, 8, "mrt", Network),
    (16, 16, "checksum", Network),
    (32, 32, "group", Network),
];

/// RFC 2784 §2 and RFC 2890 §2.
const GRE: &[Row] = &[
    (0, 5, "flags", Network),
    (13, 3, "version", Network),
    (16, 16, "protocol", Network),
];

/// RFC 7348 §5.
const VXLAN: &[Row] = &[(0, 8, "flags", Network), (32, 24, "vni", Network)];

/// RFC 8926 §3.4.
const GENEVE: &[Row] = &[(16, 16, "type", Network), (32, 24, "vni", Network)];

const ECHO: &[Row] = &[(32, 16, "id", Network), (48, 16, "sequence", Network)];
const ICMP_REDIRECT: &[Row] = &[(32, 32, "gateway", Network)];
const ICMP_UNREACHABLE: &[Row] = &[(48, 16, "mtu", Network)];
const ICMPV6_TOO_BIG: &[Row] = &[(32, 32, "mtu", Network)];
const ICMPV6_PARAMETER: &[Row] = &[(32, 32, "parameter-problem", Network)];
const ICMPV6_QUERY: &[Row] = &[(32, 16, "max-delay", Network)];

/// Transport, ICMP types that share one layout, that layout.
const RESTS: [(&str, &[u32], &[Row]); 7] = [
    ("icmp", &[0, 8], ECHO),
    ("icmp", &[5], ICMP_REDIRECT),
    ("icmp", &[3], ICMP_UNREACHABLE),
    ("icmpv6", &[128, 129], ECHO),
    ("icmpv6", &[2], ICMPV6_TOO_BIG),
    ("icmpv6", &[4], ICMPV6_PARAMETER),
    ("icmpv6", &[130], ICMPV6_QUERY),
];

/// Every header by its word; some have two tables.
pub(super) const ALL: [(&str, &[Row]); 33] = [
    ("ether", ETHER),
    ("vlan", VLAN),
    ("ip", IP),
    ("ip6", IP6),
    ("arp", ARP),
    ("th", PORTS),
    ("tcp", PORTS),
    ("tcp", TCP),
    ("udp", PORTS),
    ("udp", UDP),
    ("udplite", PORTS),
    ("udplite", UDPLITE),
    ("sctp", PORTS),
    ("sctp", SCTP),
    ("dccp", PORTS),
    ("dccp", DCCP),
    ("ah", AH),
    ("esp", ESP),
    ("comp", COMP),
    ("icmp", ICMP),
    ("icmp", ECHO),
    ("icmp", ICMP_REDIRECT),
    ("icmp", ICMP_UNREACHABLE),
    ("icmpv6", ICMP),
    ("icmpv6", ECHO),
    ("icmpv6", ICMPV6_TOO_BIG),
    ("icmpv6", ICMPV6_PARAMETER),
    ("icmpv6", ICMPV6_QUERY),
    ("igmp", IGMP),
    ("gre", GRE),
    ("gretap", GRE),
    ("vxlan", VXLAN),
    ("geneve", GENEVE),
];

/// Transport protocols by number (IANA), with the word of their header.
pub(super) const TRANSPORTS: [(u32, &str); 12] = [
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (33, "dccp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmpv6"),
    (108, "comp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// Headers by their words, with their fields.
pub(super) type Tables = SmallVec<[(&'static str, &'static [Row]); 4]>;

/// The headers that begin at a base, as far as they are known, with their fields.
pub(super) fn rows(context: &Context, base: u32) -> Tables {
    let words: &[&str] = match (base, context) {
        (
            LINK,
            Context {
                link: Some("vlan"), ..
            },
        ) => &["ether", "vlan"],
        (LINK, Context { link: Some(_), .. }) => &["ether"],
        (
            NETWORK,
            Context {
                network: Some(word), ..
            },
        ) => &[*word],
        (TRANSPORT, context) => &[context.transport.unwrap_or("th")],
        (
            TUNNEL,
            Context {
                tunnel: Some(word), ..
            },
        ) => &[*word],
        _ => &[],
    };
    let of_word = ALL
        .iter()
        .filter(|(word, rows)| words.contains(word) && !is_rest(rows));
    let mut out: Tables = of_word.copied().collect();
    if let (TRANSPORT, Some(word), Some(rest)) = (base, context.transport, context.rest) {
        out.push((word, rest));
    }
    out
}

/// True for the halves of ICMP headers that only some types have.
fn is_rest(rows: &[Row]) -> bool {
    RESTS.iter().any(|(_, _, rest)| *rest == rows)
}

/// What a match on a protocol field says about the headers behind it.
pub(crate) fn learn(context: &mut Context, field: &str, op: Op, value: &Value) {
    let numbers: SmallVec<[u32; 4]> = match (op, value) {
        (Op::Eq, Value::Number(number)) => smallvec![*number],
        (Op::In, Value::Set(all)) => all
            .iter()
            .map(|one| match one {
                Value::Number(number) => *number,
                _ => u32::MAX,
            })
            .collect(),
        // A named set may hold anything.
        (Op::In, _) if is_transport(field) => SmallVec::new(),
        _ => return,
    };
    if field == "icmp.type" || field == "icmpv6.type" {
        let word = field.trim_end_matches(".type");
        let rest = |(of, types, _): &&(&str, &[u32], _)| {
            *of == word && !numbers.is_empty() && numbers.iter().all(|number| types.contains(number))
        };
        context.rest = RESTS.iter().find(rest).map(|(_, _, rows)| *rows);
        return;
    }
    match numbers.as_slice() {
        [number] => learn_one(context, field, *number),
        // One of several protocols: what follows is read by what they share.
        _ if field == "meta.l4proto" => context.transport = None,
        _ => {}
    }
}

fn is_transport(field: &str) -> bool {
    matches!(field, "meta.l4proto" | "ip.protocol" | "ip6.nexthdr")
}

fn learn_one(context: &mut Context, field: &str, number: u32) {
    match field {
        "meta.iiftype" | "meta.oiftype" if number == 1 => context.link = Some("ether"),
        "meta.nfproto" => match number {
            2 => context.network = Some("ip"),
            10 => context.network = Some("ip6"),
            _ => {}
        },
        "meta.protocol" | "ether.type" | "vlan.type" => match number {
            0x0800 => context.network = Some("ip"),
            0x86dd => context.network = Some("ip6"),
            0x0806 => context.network = Some("arp"),
            0x8100 | 0x88a8 if field == "ether.type" => context.link = Some("vlan"),
            _ => {}
        },
        field if is_transport(field) => {
            context.transport = Some(transport(number));
            context.rest = None;
        }
        _ => {}
    }
}

fn transport(number: u32) -> &'static str {
    TRANSPORTS
        .iter()
        .find(|(value, _)| *value == number)
        .map_or("other", |(_, word)| word)
}

/// How a write to a field keeps the packet's checksums right, as `nft` asks for it: `NFTA_PAYLOAD_CSUM_TYPE`, `_OFFSET` and
/// `_FLAGS`.
pub(crate) fn checksum(field: &str) -> (u32, u32, u32) {
    const INET: u32 = 1;
    let (header, name) = field.split_once('.').unwrap_or_default();
    let addresses = u32::from(matches!(name, "saddr" | "daddr"));
    match header {
        "ip" => (INET, 10, addresses),
        "ip6" => (0, 0, addresses),
        "tcp" => (INET, 16, 0),
        "udp" | "udplite" | "dccp" => (INET, 6, 0),
        "icmp" | "icmpv6" | "igmp" => (INET, 2, 0),
        _ => (0, 0, 0),
    }
}
