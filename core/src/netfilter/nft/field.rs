//! What a load reads: the field's name and type, by place in a header or by key.

use super::typed::Type;

/// A field that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) ty: Type,
    /// Its whole length in bytes; a load may cover only its beginning.
    pub(super) width: usize,
}

/// The protocols that earlier matches of the rule have fixed; they decide what bytes at an offset mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// `ip`, `ip6` or `arp`.
    pub(super) network: Option<&'static str>,
    /// `tcp`, `udp` … as in [`transport`].
    pub(super) transport: Option<&'static str>,
}

/// `NFT_PAYLOAD_LL_HEADER`.
pub(super) const LINK: u32 = 0;
/// `NFT_PAYLOAD_NETWORK_HEADER`.
pub(super) const NETWORK: u32 = 1;
/// `NFT_PAYLOAD_TRANSPORT_HEADER`.
pub(super) const TRANSPORT: u32 = 2;
/// `NFT_PAYLOAD_INNER_HEADER`.
const INNER: u32 = 3;

type Row = (u32, usize, &'static str, Type);

/// Offset and length in bytes (IEEE 802.3).
const ETHER: [Row; 3] = [
    (0, 6, "ether.daddr", Type::Mac),
    (6, 6, "ether.saddr", Type::Mac),
    (12, 2, "ether.type", Type::Network),
];

/// RFC 791 §3.1.
const IP: [Row; 8] = [
    (2, 2, "ip.length", Type::Network),
    (4, 2, "ip.id", Type::Network),
    (6, 2, "ip.frag-off", Type::Network),
    (8, 1, "ip.ttl", Type::Network),
    (9, 1, "ip.protocol", Type::Network),
    (10, 2, "ip.checksum", Type::Network),
    (12, 4, "ip.saddr", Type::Ipv4),
    (16, 4, "ip.daddr", Type::Ipv4),
];

/// RFC 8200 §3.
const IP6: [Row; 5] = [
    (4, 2, "ip6.length", Type::Network),
    (6, 1, "ip6.nexthdr", Type::Network),
    (7, 1, "ip6.hoplimit", Type::Network),
    (8, 16, "ip6.saddr", Type::Ipv6),
    (24, 16, "ip6.daddr", Type::Ipv6),
];

/// RFC 826, for IPv4 over Ethernet.
const ARP: [Row; 9] = [
    (0, 2, "arp.htype", Type::Network),
    (2, 2, "arp.ptype", Type::Network),
    (4, 1, "arp.hlen", Type::Network),
    (5, 1, "arp.plen", Type::Network),
    (6, 2, "arp.operation", Type::Network),
    (8, 6, "arp.saddr ether", Type::Mac),
    (14, 4, "arp.saddr ip", Type::Ipv4),
    (18, 6, "arp.daddr ether", Type::Mac),
    (24, 4, "arp.daddr ip", Type::Ipv4),
];

const PORTS: [Row; 2] = [(0, 2, "sport", Type::Network), (2, 2, "dport", Type::Network)];

/// RFC 9293 §3.1, after the ports.
const TCP: [Row; 6] = [
    (4, 4, "sequence", Type::Network),
    (8, 4, "ackseq", Type::Network),
    (13, 1, "flags", Type::TcpFlags),
    (14, 2, "window", Type::Network),
    (16, 2, "checksum", Type::Network),
    (18, 2, "urgptr", Type::Network),
];

/// RFC 768, after the ports.
const UDP: [Row; 2] = [(4, 2, "length", Type::Network), (6, 2, "checksum", Type::Network)];

/// RFC 792 and RFC 4443.
const ICMP: [Row; 5] = [
    (0, 1, "type", Type::Network),
    (1, 1, "code", Type::Network),
    (2, 2, "checksum", Type::Network),
    (4, 2, "id", Type::Network),
    (6, 2, "sequence", Type::Network),
];

/// The field that begins at `offset` of a header. A load of `length` bytes is it or, for an address, its beginning.
pub(super) fn payload(context: &Context, base: u32, offset: u32, length: usize) -> Loaded {
    named(context, base, offset, length).unwrap_or_else(|| raw(base, offset, length))
}

fn named(context: &Context, base: u32, offset: u32, length: usize) -> Option<Loaded> {
    let (prefix, tables) = header(context, base)?;
    let row = tables.iter().copied().flatten().find(|row| row.0 == offset)?;
    let &(_, width, name, ty) = row;
    let is_prefix = matches!(ty, Type::Ipv4 | Type::Ipv6) && length < width;
    let name = if name.contains('.') {
        name.to_owned()
    } else {
        format!("{prefix}.{name}")
    };
    (width == length || is_prefix).then_some(Loaded { name, ty, width })
}

fn header(context: &Context, base: u32) -> Option<(&'static str, [&'static [Row]; 2])> {
    Some(match base {
        LINK => ("ether", [&ETHER, &[]]),
        NETWORK => match context.network? {
            "ip" => ("ip", [&IP, &[]]),
            "ip6" => ("ip6", [&IP6, &[]]),
            _ => ("arp", [&ARP, &[]]),
        },
        TRANSPORT => match context.transport {
            Some("tcp") => ("tcp", [&PORTS, &TCP]),
            Some("udp") => ("udp", [&PORTS, &UDP]),
            Some(name @ ("udplite" | "sctp" | "dccp")) => (name, [&PORTS, &[]]),
            Some(name @ ("icmp" | "icmpv6")) => (name, [&ICMP, &[]]),
            Some(_) => return None,
            None => ("th", [&PORTS, &[]]),
        },
        _ => return None,
    })
}

/// A load that covers several fields end to end, as `nft` makes of neighbouring matches.
pub(super) fn split(context: &Context, base: u32, offset: u32, length: usize) -> Option<Vec<Loaded>> {
    let (_, tables) = header(context, base)?;
    let mut at = offset;
    let mut left = length;
    let mut out = Vec::new();
    while left > 0 {
        let &(_, width, ..) = tables.iter().copied().flatten().find(|row| row.0 == at)?;
        out.push(named(context, base, at, width)?);
        at = at.checked_add(u32::try_from(width).ok()?)?;
        left = left.checked_sub(width)?;
    }
    (out.len() > 1).then_some(out)
}

/// `@base,offset,length` in bits, as `nft` writes what it has no name for.
fn raw(base: u32, offset: u32, length: usize) -> Loaded {
    let base = match base {
        LINK => "ll",
        NETWORK => "nh",
        TRANSPORT => "th",
        INNER => "ih",
        _ => "unknown",
    };
    let bits = length.saturating_mul(8);
    Loaded {
        name: format!("@{base},{},{bits}", u64::from(offset) * 8),
        ty: Type::Network,
        width: length,
    }
}

/// `enum nft_meta_keys`.
const META: [(u32, &str, Type, usize); 36] = [
    (0, "length", Type::Host, 4),
    (1, "protocol", Type::Network, 2),
    (2, "priority", Type::Host, 4),
    (3, "mark", Type::Host, 4),
    (4, "iif", Type::IfIndex, 4),
    (5, "oif", Type::IfIndex, 4),
    (6, "iifname", Type::IfName, 16),
    (7, "oifname", Type::IfName, 16),
    (8, "iiftype", Type::Host, 2),
    (9, "oiftype", Type::Host, 2),
    (10, "skuid", Type::Host, 4),
    (11, "skgid", Type::Host, 4),
    (12, "nftrace", Type::Host, 1),
    (13, "rtclassid", Type::Host, 4),
    (14, "secmark", Type::Host, 4),
    (15, "nfproto", Type::Network, 1),
    (16, "l4proto", Type::Network, 1),
    (17, "ibrname", Type::IfName, 16),
    (18, "obrname", Type::IfName, 16),
    (19, "pkttype", Type::Network, 1),
    (20, "cpu", Type::Host, 4),
    (21, "iifgroup", Type::Host, 4),
    (22, "oifgroup", Type::Host, 4),
    (23, "cgroup", Type::Host, 4),
    (24, "random", Type::Network, 4),
    (25, "ipsec", Type::Host, 1),
    (26, "iifkind", Type::IfName, 16),
    (27, "oifkind", Type::IfName, 16),
    (28, "ibrpvid", Type::Host, 2),
    (29, "ibrvproto", Type::Network, 2),
    (30, "time", Type::Host, 8),
    (31, "day", Type::Host, 1),
    (32, "hour", Type::Host, 4),
    (33, "sdif", Type::IfIndex, 4),
    (34, "sdifname", Type::IfName, 16),
    (35, "broute", Type::Host, 1),
];

/// A `meta` field; `None` for a key that this version does not know.
pub(super) fn meta(key: u32) -> Option<Loaded> {
    let (_, name, ty, width) = *META.iter().find(|row| row.0 == key)?;
    Some(Loaded {
        name: format!("meta.{name}"),
        ty,
        width,
    })
}

/// `enum nft_ct_keys`.
const CT: [(u32, &str, Type, usize); 21] = [
    (0, "state", Type::CtState, 4),
    (1, "direction", Type::Host, 1),
    (2, "status", Type::CtStatus, 4),
    (3, "mark", Type::Host, 4),
    (4, "secmark", Type::Host, 4),
    (5, "expiration", Type::Host, 4),
    (6, "helper", Type::Text, 16),
    (7, "l3proto", Type::Network, 1),
    (10, "protocol", Type::Network, 1),
    (11, "proto-src", Type::Network, 2),
    (12, "proto-dst", Type::Network, 2),
    (13, "label", Type::Bytes, 16),
    (14, "packets", Type::Host, 8),
    (15, "bytes", Type::Host, 8),
    (16, "avgpkt", Type::Host, 8),
    (17, "zone", Type::Host, 2),
    (18, "event", Type::Host, 4),
    (19, "ip.saddr", Type::Ipv4, 4),
    (20, "ip.daddr", Type::Ipv4, 4),
    (21, "ip6.saddr", Type::Ipv6, 16),
    (22, "ip6.daddr", Type::Ipv6, 16),
];

/// A `ct` field, of one direction where the key has one.
pub(super) fn ct(key: u32, direction: Option<u8>) -> Option<Loaded> {
    let (_, name, ty, width) = *CT.iter().find(|row| row.0 == key)?;
    let name = match direction {
        None => format!("ct.{name}"),
        Some(0) => format!("ct.original.{name}"),
        Some(1) => format!("ct.reply.{name}"),
        Some(_) => return None,
    };
    Some(Loaded { name, ty, width })
}

/// A `fib` lookup: what goes in (`NFTA_FIB_F_*`), what comes out (`enum nft_fib_result`).
pub(super) fn fib(result: u32, flags: u32) -> Option<Loaded> {
    const IN: [(u32, &str); 5] = [(1, "saddr"), (2, "daddr"), (4, "mark"), (8, "iif"), (16, "oif")];
    const PRESENT: u32 = 32;
    let known = IN.iter().fold(PRESENT, |bits, (bit, _)| bits | bit);
    if flags & !known != 0 {
        return None;
    }
    let words: Vec<&str> = IN
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, word)| *word)
        .collect();
    let (out, ty, width) = match (result, flags & PRESENT != 0) {
        (1, true) => ("oif present", Type::Host, 4),
        (1, false) => ("oif", Type::IfIndex, 4),
        (2, false) => ("oifname", Type::IfName, 16),
        (3, false) => ("type", Type::Reachability, 4),
        _ => return None,
    };
    Some(Loaded {
        name: format!("fib.{}.{out}", words.join("_")),
        ty,
        width,
    })
}

/// What an equality on a protocol field says about the headers behind it.
pub(super) fn learn(context: &mut Context, field: &str, number: u32) {
    match field {
        "meta.nfproto" => match number {
            2 => context.network = Some("ip"),
            10 => context.network = Some("ip6"),
            _ => {}
        },
        "meta.protocol" | "ether.type" => match number {
            0x0800 => context.network = Some("ip"),
            0x86dd => context.network = Some("ip6"),
            0x0806 => context.network = Some("arp"),
            _ => {}
        },
        "meta.l4proto" | "ip.protocol" | "ip6.nexthdr" => context.transport = Some(transport(number)),
        _ => {}
    }
}

fn transport(number: u32) -> &'static str {
    match number {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_decides_what_bytes_mean() {
        let mut context = Context::default();
        assert_eq!(payload(&context, TRANSPORT, 2, 2).name, "th.dport");
        assert_eq!(payload(&context, NETWORK, 12, 4).name, "@nh,96,32");
        learn(&mut context, "meta.nfproto", 2);
        learn(&mut context, "meta.l4proto", 6);
        assert_eq!(payload(&context, NETWORK, 12, 4).name, "ip.saddr");
        assert_eq!(payload(&context, TRANSPORT, 13, 1).name, "tcp.flags");
        assert_eq!(payload(&context, TRANSPORT, 12, 1).name, "@th,96,8");
    }

    #[test]
    fn a_load_over_two_fields_is_both() {
        let context = Context {
            network: Some("ip"),
            transport: Some("tcp"),
        };
        let fields = split(&context, TRANSPORT, 0, 4).unwrap();
        assert_eq!(
            fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["tcp.sport", "tcp.dport"]
        );
        assert!(split(&context, TRANSPORT, 0, 3).is_none());
        assert!(split(&context, NETWORK, 16, 8).is_none(), "beyond the header");
    }
}
