//! Elements, each part in the one form that the kernel's reading gives it.

use std::net::IpAddr;

use super::options::number;

/// The element in that form; `None` where a part of it is not understood, or stands for several elements.
pub(super) fn canonical(kind: &str, text: &str) -> Option<String> {
    let (_, parts) = kind.split_once(':')?;
    if parts == "set" {
        return Some(text.to_owned());
    }
    let mut words = text.split(',');
    let mut out = Vec::new();
    for part in parts.split(',') {
        let Some(word) = words.next() else {
            // `bitmap:ip,mac` may hold an address for any hardware address.
            if kind == "bitmap:ip,mac" && part == "mac" {
                break;
            }
            return None;
        };
        out.push(match part {
            "ip" => address(word)?.to_string(),
            "net" => network(word)?,
            "port" => port(word, kind == "bitmap:port")?,
            "mac" => mac(word)?,
            "mark" => format!("{:#010x}", number(word)?),
            "iface" => word.to_owned(),
            _ => return None,
        });
    }
    words.next().is_none().then(|| out.join(","))
}

fn address(word: &str) -> Option<IpAddr> {
    let word = match word.split_once('/') {
        // The whole address is one element, a network in its place stands for many.
        Some((address, "32")) if !address.contains(':') => address,
        Some((address, "128")) if address.contains(':') => address,
        Some(_) => return None,
        None => word,
    };
    word.parse().ok()
}

fn network(word: &str) -> Option<String> {
    let (address, length) = word.split_once('/').unwrap_or((word, ""));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        "" => width,
        digits => digits.parse::<u8>().ok().filter(|length| *length <= width)?,
    };
    Some(if length == width {
        address.to_string()
    } else {
        format!("{address}/{length}")
    })
}

fn port(word: &str, bare: bool) -> Option<String> {
    if bare {
        return word.parse::<u16>().ok().map(|port| port.to_string());
    }
    let (protocol, port) = word.split_once(':').unwrap_or(("tcp", word));
    let number = || port.parse::<u16>().ok();
    let pair = || {
        let (kind, code) = port.split_once('/')?;
        Some((kind.parse::<u8>().ok()?, code.parse::<u8>().ok()?))
    };
    Some(match protocol {
        "tcp" | "udp" | "sctp" | "udplite" => format!("{protocol}:{}", number()?),
        "icmp" => {
            let (kind, code) = pair().or_else(|| named(&ICMP, port))?;
            format!("icmp:{kind}/{code}")
        }
        "icmpv6" | "ipv6-icmp" => {
            let (kind, code) = pair().or_else(|| named(&ICMPV6, port))?;
            format!("icmpv6:{kind}/{code}")
        }
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{}:{}", digits.parse::<u8>().ok()?, number()?)
        }
        name => {
            let (_, number_of) = PROTOCOLS.iter().find(|(known, _)| *known == name)?;
            format!("{number_of}:{}", number()?)
        }
    })
}

/// Protocols that the tool prints by the name of `/etc/protocols`.
const PROTOCOLS: [(&str, u8); 12] = [
    ("igmp", 2),
    ("ipencap", 4),
    ("dccp", 33),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("eigrp", 88),
    ("ospf", 89),
    ("ipip", 94),
    ("pim", 103),
    ("vrrp", 112),
];

type IcmpName = (&'static str, (u8, u8));

/// RFC 792 and its successors, in the tool's words.
const ICMP: [IcmpName; 34] = [
    ("echo-reply", (0, 0)),
    ("pong", (0, 0)),
    ("network-unreachable", (3, 0)),
    ("host-unreachable", (3, 1)),
    ("protocol-unreachable", (3, 2)),
    ("port-unreachable", (3, 3)),
    ("fragmentation-needed", (3, 4)),
    ("source-route-failed", (3, 5)),
    ("network-unknown", (3, 6)),
    ("host-unknown", (3, 7)),
    ("network-prohibited", (3, 9)),
    ("host-prohibited", (3, 10)),
    ("TOS-network-unreachable", (3, 11)),
    ("TOS-host-unreachable", (3, 12)),
    ("communication-prohibited", (3, 13)),
    ("host-precedence-violation", (3, 14)),
    ("precedence-cutoff", (3, 15)),
    ("source-quench", (4, 0)),
    ("network-redirect", (5, 0)),
    ("host-redirect", (5, 1)),
    ("TOS-network-redirect", (5, 2)),
    ("TOS-host-redirect", (5, 3)),
    ("echo-request", (8, 0)),
    ("ping", (8, 0)),
    ("router-advertisement", (9, 0)),
    ("router-solicitation", (10, 0)),
    ("ttl-zero-during-transit", (11, 0)),
    ("ttl-zero-during-reassembly", (11, 1)),
    ("ip-header-bad", (12, 0)),
    ("required-option-missing", (12, 1)),
    ("timestamp-request", (13, 0)),
    ("timestamp-reply", (14, 0)),
    ("address-mask-request", (17, 0)),
    ("address-mask-reply", (18, 0)),
];

/// RFC 4443 and RFC 4861, likewise.
const ICMPV6: [IcmpName; 17] = [
    ("no-route", (1, 0)),
    ("communication-prohibited", (1, 1)),
    ("address-unreachable", (1, 3)),
    ("port-unreachable", (1, 4)),
    ("packet-too-big", (2, 0)),
    ("ttl-zero-during-transit", (3, 0)),
    ("ttl-zero-during-reassembly", (3, 1)),
    ("bad-header", (4, 0)),
    ("unknown-header-type", (4, 1)),
    ("unknown-option", (4, 2)),
    ("echo-request", (128, 0)),
    ("echo-reply", (129, 0)),
    ("router-solicitation", (133, 0)),
    ("router-advertisement", (134, 0)),
    ("neighbour-solicitation", (135, 0)),
    ("neighbour-advertisement", (136, 0)),
    ("redirect", (137, 0)),
];

fn named(names: &[IcmpName], word: &str) -> Option<(u8, u8)> {
    let (_, pair) = names.iter().find(|(name, _)| *name == word)?;
    Some(*pair)
}

fn mac(word: &str) -> Option<String> {
    let parts: Option<Vec<u8>> = word
        .split(':')
        .map(|part| u8::from_str_radix(part, 16).ok())
        .collect();
    let parts = parts.filter(|parts| parts.len() == 6)?;
    Some(
        parts
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<Vec<_>>()
            .join(":"),
    )
}
