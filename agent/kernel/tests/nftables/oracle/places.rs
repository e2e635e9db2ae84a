//! Where each field of the model is, in libnftnl's numbers, and the bytes that a value has there. Written from the RFCs and the
//! kernel's headers apart from the decoder's own tables: what it is to be held against must not be made of it.

use netghost_core::netfilter::model::Value;
use netghost_core::raw::NetlinkRaw;

/// How a value stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The bytes of network order.
    Network,
    /// The bytes of host order.
    Host,
    /// A name, padded with NUL.
    Name,
    /// The number of a link, of host order.
    Link,
    /// Bits of host order, by word.
    Flags(&'static [(u32, &'static str)]),
    /// A number of host order, by word.
    Word(&'static [(u32, &'static str)]),
    /// Bits counted from the first byte's lowest, by number.
    Label,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// What is loaded: `payload 2`, `meta 6`, `exthdr 1 2`.
    pub(super) source: String,
    /// Bits from its beginning.
    pub(super) bit: usize,
    pub(super) bits: usize,
    pub(super) kind: Kind,
}

/// Bytes in a place, and which of their bits count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Where they begin, in bytes.
    pub(super) at: usize,
    pub(super) mask: Vec<u8>,
    pub(super) value: Vec<u8>,
}

const TCP_FLAGS: &[(u32, &str)] = &[
    (1, "fin"),
    (2, "syn"),
    (4, "rst"),
    (8, "psh"),
    (16, "ack"),
    (32, "urg"),
    (64, "ecn"),
    (128, "cwr"),
];
const STATES: &[(u32, &str)] = &[
    (1, "invalid"),
    (2, "established"),
    (4, "related"),
    (8, "new"),
    (64, "untracked"),
];
const STATUS: &[(u32, &str)] = &[
    (1, "expected"),
    (2, "seen-reply"),
    (4, "assured"),
    (8, "confirmed"),
    (16, "snat"),
    (32, "dnat"),
    (512, "dying"),
];
const EVENTS: &[(u32, &str)] = &[
    (32, "protoinfo"),
    (64, "helper"),
    (128, "mark"),
    (256, "seqadj"),
    (512, "secmark"),
    (1024, "label"),
    (1, "new"),
    (2, "related"),
    (4, "destroy"),
    (8, "reply"),
    (16, "assured"),
];
const ROUTE_TYPES: &[(u32, &str)] = &[
    (0, "unspec"),
    (1, "unicast"),
    (2, "local"),
    (3, "broadcast"),
    (4, "anycast"),
    (5, "multicast"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
];

/// Field, first bit, bits.
type Parts = &'static [(&'static str, usize, usize)];

/// Header, base, its fields.
#[rustfmt::skip]
const HEADERS: &[(&str, u32, Parts)] = &[
    ("ether", 0, &[("daddr", 0, 48), ("saddr", 48, 48), ("type", 96, 16)]),
    ("vlan", 0, &[("pcp", 112, 3), ("dei", 115, 1), ("id", 116, 12), ("type", 128, 16)]),
    ("ip", 1, &[
        ("version", 0, 4), ("hdrlength", 4, 4), ("dscp", 8, 6), ("ecn", 14, 2), ("length", 16, 16), ("id", 32, 16),
        ("frag-off", 48, 16), ("ttl", 64, 8), ("protocol", 72, 8), ("checksum", 80, 16), ("saddr", 96, 32), ("daddr", 128, 32),
    ]),
    ("ip6", 1, &[
        ("version", 0, 4), ("dscp", 4, 6), ("ecn", 10, 2), ("flowlabel", 12, 20), ("length", 32, 16), ("nexthdr", 48, 8),
        ("hoplimit", 56, 8), ("saddr", 64, 128), ("daddr", 192, 128),
    ]),
    ("arp", 1, &[
        ("htype", 0, 16), ("ptype", 16, 16), ("hlen", 32, 8), ("plen", 40, 8), ("operation", 48, 16),
        ("saddr ether", 64, 48), ("saddr ip", 112, 32), ("daddr ether", 144, 48), ("daddr ip", 192, 32),
    ]),
    ("th", 2, &[("sport", 0, 16), ("dport", 16, 16)]),
    ("tcp", 2, &[
        ("sport", 0, 16), ("dport", 16, 16), ("sequence", 32, 32), ("ackseq", 64, 32), ("doff", 96, 4), ("reserved", 100, 4),
        ("flags", 104, 8), ("window", 112, 16), ("checksum", 128, 16), ("urgptr", 144, 16),
    ]),
    ("udp", 2, &[("sport", 0, 16), ("dport", 16, 16), ("length", 32, 16), ("checksum", 48, 16)]),
    ("udplite", 2, &[("sport", 0, 16), ("dport", 16, 16), ("csumcov", 32, 16), ("checksum", 48, 16)]),
    ("sctp", 2, &[("sport", 0, 16), ("dport", 16, 16), ("vtag", 32, 32), ("checksum", 64, 32)]),
    ("dccp", 2, &[("sport", 0, 16), ("dport", 16, 16), ("type", 67, 4)]),
    ("ah", 2, &[("nexthdr", 0, 8), ("hdrlength", 8, 8), ("reserved", 16, 16), ("spi", 32, 32), ("sequence", 64, 32)]),
    ("esp", 2, &[("spi", 0, 32), ("sequence", 32, 32)]),
    ("comp", 2, &[("nexthdr", 0, 8), ("flags", 8, 8), ("cpi", 16, 16)]),
    ("icmp", 2, &[
        ("type", 0, 8), ("code", 8, 8), ("checksum", 16, 16), ("id", 32, 16), ("sequence", 48, 16), ("gateway", 32, 32),
        ("mtu", 48, 16),
    ]),
    ("icmpv6", 2, &[
        ("type", 0, 8), ("code", 8, 8), ("checksum", 16, 16), ("id", 32, 16), ("sequence", 48, 16), ("mtu", 32, 32),
        ("parameter-problem", 32, 32), ("max-delay", 32, 16),
    ]),
    ("igmp", 2, &[("type", 0, 8), ("mrt", 8, 8), ("checksum", 16, 16), ("group", 32, 32)]),
];

/// Key of `meta`, word, bits, kind.
#[rustfmt::skip]
const META: &[(u32, &str, usize, Kind)] = &[
    (0, "length", 32, Kind::Host), (1, "protocol", 16, Kind::Network), (2, "priority", 32, Kind::Host),
    (3, "mark", 32, Kind::Host), (4, "iif", 32, Kind::Link), (5, "oif", 32, Kind::Link), (6, "iifname", 128, Kind::Name),
    (7, "oifname", 128, Kind::Name), (8, "iiftype", 16, Kind::Host), (9, "oiftype", 16, Kind::Host),
    (10, "skuid", 32, Kind::Host), (11, "skgid", 32, Kind::Host), (12, "nftrace", 8, Kind::Host),
    (13, "rtclassid", 32, Kind::Host), (14, "secmark", 32, Kind::Host), (24, "random", 32, Kind::Network), (15, "nfproto", 8, Kind::Host), (16, "l4proto", 8, Kind::Host),
    (17, "ibrname", 128, Kind::Name), (18, "obrname", 128, Kind::Name), (19, "pkttype", 8, Kind::Host),
    (20, "cpu", 32, Kind::Host), (21, "iifgroup", 32, Kind::Host), (22, "oifgroup", 32, Kind::Host),
    (23, "cgroup", 32, Kind::Host), (25, "ipsec", 8, Kind::Host), (26, "iifkind", 128, Kind::Name),
    (27, "oifkind", 128, Kind::Name), (28, "ibrpvid", 16, Kind::Host), (29, "ibrvproto", 16, Kind::Network),
    (30, "time", 64, Kind::Host), (31, "day", 8, Kind::Host), (32, "hour", 32, Kind::Host), (33, "sdif", 32, Kind::Link),
    (34, "sdifname", 128, Kind::Name),
];

/// Likewise of `ct`.
#[rustfmt::skip]
const CT: &[(u32, &str, usize, Kind)] = &[
    (0, "state", 32, Kind::Flags(STATES)), (1, "direction", 8, Kind::Host), (2, "status", 32, Kind::Flags(STATUS)),
    (3, "mark", 32, Kind::Host), (4, "secmark", 32, Kind::Host), (8, "saddr", 128, Kind::Network),
    (9, "daddr", 128, Kind::Network), (5, "expiration", 32, Kind::Host), (6, "helper", 128, Kind::Name),
    (7, "l3proto", 8, Kind::Host), (10, "protocol", 8, Kind::Host), (11, "proto-src", 16, Kind::Network),
    (12, "proto-dst", 16, Kind::Network), (13, "label", 128, Kind::Label), (14, "packets", 64, Kind::Host),
    (15, "bytes", 64, Kind::Host), (16, "avgpkt", 64, Kind::Host), (17, "zone", 16, Kind::Host),
    (18, "event", 32, Kind::Flags(EVENTS)), (19, "ip.saddr", 32, Kind::Network), (20, "ip.daddr", 32, Kind::Network),
    (21, "ip6.saddr", 128, Kind::Network), (22, "ip6.daddr", 128, Kind::Network), (23, "id", 32, Kind::Network),
];

/// Likewise of `rt` and `socket`.
#[rustfmt::skip]
const RT: &[(u32, &str, usize, Kind)] = &[
    (0, "classid", 32, Kind::Host), (1, "ip.nexthop", 32, Kind::Network), (2, "ip6.nexthop", 128, Kind::Network),
    (3, "mtu", 16, Kind::Host), (4, "ipsec", 8, Kind::Host),
];
#[rustfmt::skip]
const SOCKET: &[(u32, &str, usize, Kind)] = &[
    (0, "transparent", 8, Kind::Host), (1, "mark", 32, Kind::Host), (2, "wildcard", 8, Kind::Host), (3, "cgroupv2", 64, Kind::Host),
];
/// Likewise of `xfrm`, which `nft` calls `ipsec`.
#[rustfmt::skip]
const XFRM: &[(u32, &str, usize, Kind)] = &[
    (1, "ip.daddr", 32, Kind::Network), (2, "ip6.daddr", 128, Kind::Network), (3, "ip.saddr", 32, Kind::Network),
    (4, "ip6.saddr", 128, Kind::Network), (5, "reqid", 32, Kind::Host), (6, "spi", 32, Kind::Network),
];

/// Option or extension header by name: its operation and number, its fields.
#[rustfmt::skip]
const OPTIONS: &[(&str, u32, u32, Parts)] = &[
    ("tcp.option.eol", 1, 0, &[]),
    ("tcp.option.nop", 1, 1, &[]),
    ("tcp.option.maxseg", 1, 2, &[("size", 16, 16), ("length", 8, 8)]),
    ("tcp.option.window", 1, 3, &[("count", 16, 8)]),
    ("tcp.option.sack-perm", 1, 4, &[]),
    ("tcp.option.sack", 1, 5, &[("left", 16, 32), ("right", 48, 32)]),
    ("tcp.option.sack1", 1, 5, &[("left", 80, 32), ("right", 112, 32)]),
    ("tcp.option.sack2", 1, 5, &[("left", 144, 32), ("right", 176, 32)]),
    ("tcp.option.sack3", 1, 5, &[("left", 208, 32), ("right", 240, 32)]),
    ("tcp.option.timestamp", 1, 8, &[("tsval", 16, 32), ("tsecr", 48, 32)]),
    ("tcp.option.md5sig", 1, 19, &[]),
    ("tcp.option.mptcp", 1, 30, &[("subtype", 16, 4)]),
    ("tcp.option.fastopen", 1, 34, &[]),
    ("tcp.option.42", 1, 42, &[]),
    ("hbh", 0, 0, &[("nexthdr", 0, 8), ("hdrlength", 8, 8)]),
    ("rt", 0, 43, &[("nexthdr", 0, 8), ("hdrlength", 8, 8), ("type", 16, 8), ("seg-left", 24, 8)]),
    ("rt0", 0, 43, &[("addr[1]", 64, 128), ("addr[2]", 192, 128)]),
    ("srh", 0, 43, &[("last-entry", 32, 8), ("flags", 40, 8), ("tag", 48, 16)]),
    ("frag", 0, 44, &[
        ("nexthdr", 0, 8), ("reserved", 8, 8), ("frag-off", 16, 13), ("reserved2", 29, 2), ("more-fragments", 31, 1),
        ("id", 32, 32),
    ]),
    ("dst", 0, 60, &[("nexthdr", 0, 8), ("hdrlength", 8, 8)]),
    ("mh", 0, 135, &[("nexthdr", 0, 8), ("hdrlength", 8, 8), ("type", 16, 8), ("checksum", 32, 16)]),
    ("ip.option.rr", 2, 7, &[("length", 8, 8), ("ptr", 16, 8), ("addr", 24, 32)]),
    ("ip.option.lsrr", 2, 131, &[("length", 8, 8), ("ptr", 16, 8), ("addr", 24, 32)]),
    ("ip.option.ssrr", 2, 137, &[("length", 8, 8), ("ptr", 16, 8), ("addr", 24, 32)]),
    ("ip.option.ra", 2, 148, &[("length", 8, 8), ("value", 16, 16)]),
    ("sctp.chunk.data", 3, 0, &[("tsn", 32, 32), ("stream", 64, 16), ("ssn", 80, 16), ("ppid", 96, 32)]),
    ("sctp.chunk.init", 3, 1, &[("num-outbound-streams", 96, 16)]),
    ("sctp.chunk.init-ack", 3, 2, &[("a-rwnd", 64, 32)]),
    ("sctp.chunk.sack", 3, 3, &[("cum-tsn-ack", 32, 32), ("num-gap-ack-blocks", 96, 16)]),
    ("sctp.chunk.abort", 3, 6, &[("flags", 8, 8)]),
    ("sctp.chunk.shutdown", 3, 7, &[("cum-tsn-ack", 32, 32)]),
    ("sctp.chunk.error", 3, 9, &[("length", 16, 16)]),
    ("sctp.chunk.ecne", 3, 12, &[("lowest-tsn", 32, 32)]),
    ("sctp.chunk.forward-tsn", 3, 192, &[("new-cum-tsn", 32, 32)]),
    ("sctp.chunk.asconf", 3, 193, &[("seqno", 32, 32)]),
];

fn place(source: String, bit: usize, bits: usize, kind: Kind) -> Place {
    Place {
        source,
        bit,
        bits,
        kind,
    }
}

/// The length in bytes of what `meta`, `ct`, `rt` or `socket` load by key.
pub(super) fn known(source: &str) -> Option<usize> {
    let mut words = source.split(' ');
    let table = match words.next()? {
        "meta" => META,
        "ct" => CT,
        "rt" => RT,
        "socket" => SOCKET,
        "xfrm" => XFRM,
        "osf" => return Some(16),
        _ => return None,
    };
    let key: u32 = words.next()?.parse().ok()?;
    table.iter().find(|row| row.0 == key).map(|row| row.2 / 8)
}

/// Where the field of this name is; `None` for what is computed, or for a field that stands in no table here.
pub(super) fn of(name: &str) -> Option<Place> {
    if let Some(place) = raw(name) {
        return Some(place);
    }
    if let Some(rest) = name.strip_prefix("fib.") {
        return fib(rest);
    }
    if let Some(rest) = name.strip_prefix("osf.") {
        let ttl = ["name", "ttl.loose.name", "ttl.skip.name"]
            .iter()
            .position(|word| *word == rest);
        let version = ["version", "ttl.loose.version", "ttl.skip.version"]
            .iter()
            .position(|word| *word == rest);
        let (ttl, flags) = match ttl {
            Some(ttl) => (ttl, 0),
            None => (version?, 1),
        };
        return Some(place(format!("osf {ttl} {flags}"), 0, 128, Kind::Name));
    }
    if let Some(rest) = name.strip_prefix("ipsec.") {
        return ipsec(rest);
    }
    if let Some(level) = name.strip_prefix("socket.cgroupv2.level.") {
        return Some(place(format!("socket 3 {level}"), 0, 64, Kind::Host));
    }
    if let Some((_, raw)) = name.split_once("tcp.option.@") {
        let numbers: Vec<usize> = raw.split(',').filter_map(|word| word.parse().ok()).collect();
        let [number, bit, bits] = numbers.as_slice() else {
            return None;
        };
        return Some(place(format!("exthdr 1 {number}"), *bit, *bits, Kind::Network));
    }
    if let Some(option) = name.strip_suffix(" present") {
        let option = option.strip_prefix("exthdr.").unwrap_or(option);
        let row = OPTIONS.iter().find(|row| row.0 == option)?;
        return Some(place(
            format!("exthdr {} {} there", row.1, row.2),
            0,
            8,
            Kind::Host,
        ));
    }
    keyed(name).or_else(|| option(name)).or_else(|| header(name))
}

fn raw(name: &str) -> Option<Place> {
    let mut parts = name.strip_prefix('@')?.split(',');
    let base = ["ll", "nh", "th", "ih", "tun"];
    let word = parts.next()?;
    let base = base.iter().position(|base| *base == word)?;
    let (bit, bits) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(place(format!("payload {base}"), bit, bits, Kind::Network))
}

fn fib(rest: &str) -> Option<Place> {
    let (from, what) = rest.split_once('.')?;
    let bits = ["saddr", "daddr", "mark", "iif", "oif"];
    let flags: Option<usize> = from
        .split('_')
        .map(|word| bits.iter().position(|bit| *bit == word).map(|at| 1 << at))
        .sum();
    let (what, there) = what.strip_suffix(" present").map_or((what, 0), |what| (what, 32));
    let (result, bits, kind) = match what {
        "oif" => (1, 32, Kind::Link),
        "oifname" => (2, 128, Kind::Name),
        "type" => (3, 32, Kind::Word(ROUTE_TYPES)),
        _ => return None,
    };
    let (bits, kind) = if there == 0 { (bits, kind) } else { (8, Kind::Host) };
    Some(place(format!("fib {result} {}", flags? | there), 0, bits, kind))
}

fn ipsec(rest: &str) -> Option<Place> {
    let (way, rest) = rest.split_once('.')?;
    let way = u32::from(way == "out");
    let (number, rest) = match rest.strip_prefix("spnum.") {
        Some(rest) => rest.split_once('.')?,
        None => ("0", rest),
    };
    let row = XFRM.iter().find(|row| row.1 == rest)?;
    Some(place(format!("xfrm {} {way} {number}", row.0), 0, row.2, row.3))
}

/// What `reset` names: the operation and the number of an option.
pub(super) fn option_number(name: &str) -> Option<(u32, u32)> {
    OPTIONS.iter().find(|row| row.0 == name).map(|row| (row.1, row.2))
}

fn keyed(name: &str) -> Option<Place> {
    let (word, rest) = name.split_once('.')?;
    let (table, rest, way) = match (word, rest.split_once('.')) {
        ("meta", _) => (META, rest, ""),
        ("ct", Some(("original", rest))) => (CT, rest, " 0"),
        ("ct", Some(("reply", rest))) => (CT, rest, " 1"),
        ("ct", _) => (CT, rest, ""),
        ("rt", _) => (RT, rest, ""),
        ("socket", _) => (SOCKET, rest, ""),
        _ => return None,
    };
    let row = table.iter().find(|row| row.1 == rest)?;
    Some(place(format!("{word} {}{way}", row.0), 0, row.2, row.3))
}

fn option(name: &str) -> Option<Place> {
    let (option, field) = name.rsplit_once('.')?;
    let row = OPTIONS.iter().find(|row| row.0 == option)?;
    let (_, bit, bits) = row.3.iter().find(|row| row.0 == field)?;
    Some(place(
        format!("exthdr {} {}", row.1, row.2),
        *bit,
        *bits,
        Kind::Network,
    ))
}

fn header(name: &str) -> Option<Place> {
    let (header, field) = name.split_once('.')?;
    let row = HEADERS.iter().find(|row| row.0 == header)?;
    let (_, bit, bits) = row.2.iter().find(|row| row.0 == field)?;
    let kind = if name == "tcp.flags" {
        Kind::Flags(TCP_FLAGS)
    } else {
        Kind::Network
    };
    Some(place(format!("payload {}", row.1), *bit, *bits, kind))
}

impl Place {
    /// The bytes that hold it.
    pub(super) fn span(&self) -> (usize, usize) {
        (self.bit / 8, (self.bit + self.bits).div_ceil(8))
    }

    /// Its bits in the bytes that hold it.
    pub(super) fn mask(&self) -> Vec<u8> {
        self.shifted(u128::MAX >> (128 - self.bits))
    }

    /// What stands at its lowest bit, in the bytes that hold it.
    fn shifted(&self, number: u128) -> Vec<u8> {
        let (from, to) = self.span();
        let below = to * 8 - self.bit - self.bits;
        (number << below).to_be_bytes()[16 - (to - from)..].to_vec()
    }

    /// A single value; `None` for what has no bytes in this kind of place.
    pub(super) fn bytes(&self, value: &Value, links: &NetlinkRaw) -> Option<Bytes> {
        let (at, end) = self.span();
        let (mut mask, value) = (self.mask(), self.value(value, links)?);
        // The beginning of a name counts as far as it goes.
        mask.truncate(value.len());
        // The old keys of an address are as long as the packet's family has it.
        let shorter =
            self.kind == Kind::Name || self.source.starts_with("ct 8 ") || self.source.starts_with("ct 9 ");
        (shorter || value.len() == end - at).then_some(Bytes { at, mask, value })
    }

    fn value(&self, value: &Value, links: &NetlinkRaw) -> Option<Vec<u8>> {
        Some(match value {
            Value::Number(number) => self.number(u64::from(*number)),
            Value::Wide(number) => self.number(number.0),
            Value::Address(std::net::IpAddr::V4(address)) => address.octets().to_vec(),
            Value::Address(std::net::IpAddr::V6(address)) => address.octets().to_vec(),
            Value::Mac(mac) => mac
                .split(':')
                .map(|byte| u8::from_str_radix(byte, 16).ok())
                .collect::<Option<_>>()?,
            Value::Bytes(bytes) => bytes.0.clone(),
            Value::Text(text) if self.kind == Kind::Link => {
                let link = links.links.iter().find(|link| link.name == *text)?;
                link.index.to_ne_bytes().to_vec()
            }
            Value::Text(text) if self.source.starts_with("socket 3 ") => {
                let group = links.groups.iter().find(|group| group.path == *text)?;
                self.number(group.number.0)
            }
            Value::Text(text) => name(text.as_bytes(), self.bits / 8),
            Value::Symbol(word) => self.word(word)?,
            Value::Flags(words) if self.kind == Kind::Label => {
                let mut out = vec![0; 16];
                for word in words {
                    let bit: usize = word.parse().ok()?;
                    out[bit / 8] |= 1 << (bit % 8);
                }
                out
            }
            Value::Flags(words) => {
                let bits: Option<u32> = words.iter().map(|word| self.bit_of(word)).sum();
                self.number(u64::from(bits?))
            }
            _ => return None,
        })
    }

    fn bit_of(&self, word: &str) -> Option<u32> {
        let (Kind::Flags(words) | Kind::Word(words)) = self.kind else {
            return None;
        };
        words.iter().find(|row| row.1 == word).map(|row| row.0)
    }

    fn word(&self, word: &str) -> Option<Vec<u8>> {
        let number = match word.strip_prefix("no link ") {
            Some(number) => number.parse().ok()?,
            None => self.bit_of(word)?,
        };
        Some(self.number(u64::from(number)))
    }

    fn number(&self, number: u64) -> Vec<u8> {
        match self.kind {
            Kind::Host | Kind::Link | Kind::Flags(_) | Kind::Word(_) | Kind::Label
                if !self.source.starts_with("payload") =>
            {
                number.to_ne_bytes()[..self.bits / 8].to_vec()
            }
            _ => self.shifted(u128::from(number)),
        }
    }
}

/// As `nft` gives a name to the kernel: whole with its NULs, or only its beginning.
fn name(text: &[u8], length: usize) -> Vec<u8> {
    if let Some(exact) = text.strip_suffix(br"\*") {
        return name_of(&[exact, b"*"].concat(), length);
    }
    match text.strip_suffix(b"*") {
        Some(beginning) => beginning.to_vec(),
        None => name_of(text, length),
    }
}

fn name_of(text: &[u8], length: usize) -> Vec<u8> {
    let mut out = text.to_vec();
    out.resize(length, 0);
    out
}
