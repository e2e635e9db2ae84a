//! Options and extension headers: what `exthdr` reads by number.

use super::{Loaded, Origin, Place, Row, bits};
use crate::netfilter::nft::typed::Type::{self, Ipv6, Network};

/// `enum nft_exthdr_op`.
const IPV6: u32 = 0;
const TCP: u32 = 1;
const IPV4: u32 = 2;
const SCTP: u32 = 3;
const DCCP: u32 = 4;

/// Number, word, fields besides those that all options of the kind have.
type Numbered = (u8, &'static str, &'static [Row]);

/// The fields that every extension header begins with.
const EXTENSION: &[Row] = &[(0, 8, "nexthdr", Network), (8, 8, "hdrlength", Network)];

/// Extension headers of IPv6 (RFC 8200 §4, RFC 6275 §6.1). A fragment header has no length.
const EXTENSIONS: [Numbered; 5] = [
    (0, "hbh", EXTENSION),
    (
        43,
        "rt",
        &[
            (0, 8, "nexthdr", Network),
            (8, 8, "hdrlength", Network),
            (16, 8, "type", Network),
            (24, 8, "seg-left", Network),
        ],
    ),
    (
        44,
        "frag",
        &[
            (0, 8, "nexthdr", Network),
            (8, 8, "reserved", Network),
            (16, 13, "frag-off", Network),
            (29, 2, "reserved2", Network),
            (31, 1, "more-fragments", Network),
            (32, 32, "id", Network),
        ],
    ),
    (60, "dst", EXTENSION),
    (
        135,
        "mh",
        &[
            (0, 8, "nexthdr", Network),
            (8, 8, "hdrlength", Network),
            (16, 8, "type", Network),
            (24, 8, "reserved", Network),
            (32, 16, "checksum", Network),
        ],
    ),
];

/// What follows in the routing headers (RFC 2460 §4.4, RFC 8754 §2).
const ROUTING: [(&str, &[Row]); 2] = [
    (
        "srh",
        &[
            (32, 8, "last-entry", Network),
            (40, 8, "flags", Network),
            (48, 16, "tag", Network),
        ],
    ),
    ("rt0", &[(32, 32, "reserved", Network)]),
];

/// The fields that every TCP option begins with.
const KIND: &[Row] = &[(0, 8, "kind", Network), (8, 8, "length", Network)];

/// TCP options (IANA TCP option kinds).
const TCP_OPTIONS: [Numbered; 10] = [
    (0, "eol", &[]),
    (1, "nop", &[]),
    (2, "maxseg", &[(16, 16, "size", Network)]),
    (3, "window", &[(16, 8, "count", Network)]),
    (4, "sack-perm", &[]),
    (
        5,
        "sack",
        &[(16, 32, "left", Network), (48, 32, "right", Network)],
    ),
    (
        8,
        "timestamp",
        &[(16, 32, "tsval", Network), (48, 32, "tsecr", Network)],
    ),
    (19, "md5sig", &[]),
    (30, "mptcp", &[(16, 4, "subtype", Network)]),
    (34, "fastopen", &[]),
];

/// Further blocks of a SACK option, which `nft` names apart.
const SACK: [(&str, &[Row]); 3] = [
    ("sack1", &[(80, 32, "left", Network), (112, 32, "right", Network)]),
    (
        "sack2",
        &[(144, 32, "left", Network), (176, 32, "right", Network)],
    ),
    (
        "sack3",
        &[(208, 32, "left", Network), (240, 32, "right", Network)],
    ),
];

/// IP options (RFC 791 §3.1, RFC 2113).
const ROUTE: &[Row] = &[(16, 8, "ptr", Network), (24, 32, "addr", Network)];
const IP_OPTIONS: [Numbered; 4] = [
    (7, "rr", ROUTE),
    (131, "lsrr", ROUTE),
    (137, "ssrr", ROUTE),
    (148, "ra", &[(16, 16, "value", Network)]),
];
const IP_OPTION: &[Row] = &[(0, 8, "type", Network), (8, 8, "length", Network)];

/// SCTP chunks (RFC 9260 §3.3, RFC 5061, RFC 3758).
const CHUNK: &[Row] = &[
    (0, 8, "type", Network),
    (8, 8, "flags", Network),
    (16, 16, "length", Network),
];
const INIT: &[Row] = &[
    (32, 32, "init-tag", Network),
    (64, 32, "a-rwnd", Network),
    (96, 16, "num-outbound-streams", Network),
    (112, 16, "num-inbound-streams", Network),
    (128, 32, "initial-tsn", Network),
];
const CHUNKS: [Numbered; 18] = [
    (
        0,
        "data",
        &[
            (32, 32, "tsn", Network),
            (64, 16, "stream", Network),
            (80, 16, "ssn", Network),
            (96, 32, "ppid", Network),
        ],
    ),
    (1, "init", INIT),
    (2, "init-ack", INIT),
    (
        3,
        "sack",
        &[
            (32, 32, "cum-tsn-ack", Network),
            (64, 32, "a-rwnd", Network),
            (96, 16, "num-gap-ack-blocks", Network),
            (112, 16, "num-dup-tsns", Network),
        ],
    ),
    (4, "heartbeat", &[]),
    (5, "heartbeat-ack", &[]),
    (6, "abort", &[]),
    (7, "shutdown", &[(32, 32, "cum-tsn-ack", Network)]),
    (8, "shutdown-ack", &[]),
    (9, "error", &[]),
    (10, "cookie-echo", &[]),
    (11, "cookie-ack", &[]),
    (12, "ecne", &[(32, 32, "lowest-tsn", Network)]),
    (13, "cwr", &[(32, 32, "lowest-tsn", Network)]),
    (14, "shutdown-complete", &[]),
    (128, "asconf-ack", &[(32, 32, "seqno", Network)]),
    (192, "forward-tsn", &[(32, 32, "new-cum-tsn", Network)]),
    (193, "asconf", &[(32, 32, "seqno", Network)]),
];

/// How the options of one kind are named: what stands before the word, the options, the fields that all have.
struct Kind {
    prefix: &'static str,
    options: &'static [Numbered],
    shared: &'static [Row],
}

fn kind(op: u32) -> Option<Kind> {
    let (prefix, options, shared): (_, &[Numbered], &[Row]) = match op {
        IPV6 => ("", &EXTENSIONS, &[]),
        TCP => ("tcp.option.", &TCP_OPTIONS, KIND),
        IPV4 => ("ip.option.", &IP_OPTIONS, IP_OPTION),
        SCTP => ("sctp.chunk.", &CHUNKS, CHUNK),
        DCCP => ("dccp.option.", &[], &[]),
        _ => return None,
    };
    Some(Kind {
        prefix,
        options,
        shared,
    })
}

/// The tables of an option's fields, each with the option's name.
pub(super) fn rows(op: u32, number: u8) -> Vec<(String, &'static [Row])> {
    let Some(kind) = kind(op) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    if let Some((_, word, fields)) = kind.options.iter().find(|row| row.0 == number) {
        let name = format!("{}{word}", kind.prefix);
        out.push((name.clone(), kind.shared));
        out.push((name, *fields));
    }
    let more: &[(&str, &'static [Row])] = match (op, number) {
        (IPV6, 43) => &ROUTING,
        (TCP, 5) => &SACK,
        _ => &[],
    };
    let named = more
        .iter()
        .map(|(word, rows)| (format!("{}{word}", kind.prefix), *rows));
    out.extend(named);
    out
}

/// The name of an option: `tcp.option.maxseg`, `frag`, `tcp.option.42`.
pub(crate) fn option_name(op: u32, number: u8) -> Option<String> {
    let kind = kind(op)?;
    let word = kind.options.iter().find(|row| row.0 == number);
    Some(match word {
        Some((_, word, _)) => format!("{}{word}", kind.prefix),
        None => format!("{}{number}", kind.prefix),
    })
}

/// Whether an option is there.
pub(crate) fn presence(op: u32, number: u8) -> Option<Loaded> {
    let of = if op == IPV6 { "exthdr." } else { "" };
    let name = format!("{of}{} present", option_name(op, number)?);
    Some(Loaded::key(name, Type::Host, 1))
}

/// A field of an option, of which `length` bytes from `offset` on are read.
pub(crate) fn option(op: u32, number: u8, offset: u32, length: usize) -> Option<Loaded> {
    let place = Place {
        origin: Origin::Option { op, number },
        bit: offset.checked_mul(8)?,
    };
    let (name, ty) = super::part(&super::Context::default(), place, bits(length))
        .or_else(|| address(place, bits(length)))
        .or_else(|| Some((raw(op, number, place.bit, bits(length))?, Network)))?;
    Some(Loaded::placed(name, ty, place, length))
}

/// The addresses in a routing header, counted from one as `nft` does.
fn address(place: Place, length: u32) -> Option<(String, Type)> {
    let routing = Origin::Option { op: IPV6, number: 43 };
    let from = place.bit.checked_sub(64)?;
    (place.origin == routing && length == 128 && from % 128 == 0)
        .then(|| (format!("rt0.addr[{}]", from / 128 + 1), Ipv6))
}

/// A part of an option without a name.
pub(super) fn raw(op: u32, number: u8, bit: u32, length: u32) -> Option<String> {
    let place = format!("@{number},{bit},{length}");
    match op {
        IPV6 => Some(format!("exthdr.{place}")),
        op => Some(format!("{}{place}", kind(op)?.prefix)),
    }
}

/// The type and the length in bits of a field by the option's name and its own.
pub(super) fn named(option: &str, field: &str) -> Option<(Type, u32)> {
    if let Some(place) = field.strip_prefix('@') {
        return Some((Network, place.rsplit(',').next()?.parse().ok()?));
    }
    if option == "rt0" && field.starts_with("addr[") {
        return Some((Ipv6, 128));
    }
    [IPV6, TCP, IPV4, SCTP, DCCP].into_iter().find_map(|op| {
        let numbers = kind(op)?.options.iter().map(|row| row.0);
        let (_, table) = numbers
            .flat_map(|number| rows(op, number))
            .find(|(name, rows)| name == option && rows.iter().any(|row| row.2 == field))?;
        table.iter().find(|row| row.2 == field).map(|row| (row.3, row.1))
    })
}
