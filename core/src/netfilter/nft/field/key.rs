//! Fields that are no part of the packet: what the kernel knows about it, by key.

use super::{Context, Loaded};
use crate::netfilter::nft::typed::Type;

/// Key, name, type, length in bytes.
type Key = (u32, &'static str, Type, usize);

/// `enum nft_meta_keys`.
const META: [Key; 37] = [
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
    (36, "ibrhwaddr", Type::Mac, 6),
];

/// `enum nft_ct_keys`. The old keys of an address, 8 and 9, take their type from the packet.
const CT: [Key; 22] = [
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
    (13, "label", Type::CtLabel, 16),
    (14, "packets", Type::Host, 8),
    (15, "bytes", Type::Host, 8),
    (16, "avgpkt", Type::Host, 8),
    (17, "zone", Type::Host, 2),
    (18, "event", Type::CtEvent, 4),
    (19, "ip.saddr", Type::Ipv4, 4),
    (20, "ip.daddr", Type::Ipv4, 4),
    (21, "ip6.saddr", Type::Ipv6, 16),
    (22, "ip6.daddr", Type::Ipv6, 16),
    (23, "id", Type::Network, 4),
];

/// `enum nft_rt_keys`.
const ROUTE: [Key; 5] = [
    (0, "classid", Type::Host, 4),
    (1, "ip.nexthop", Type::Ipv4, 4),
    (2, "ip6.nexthop", Type::Ipv6, 16),
    (3, "mtu", Type::Host, 2),
    (4, "ipsec", Type::Host, 1),
];

/// `enum nft_socket_keys`.
const SOCKET: [Key; 4] = [
    (0, "transparent", Type::Host, 1),
    (1, "mark", Type::Host, 4),
    (2, "wildcard", Type::Host, 1),
    (CGROUP, "cgroupv2", Type::Group, 8),
];

/// `NFT_SOCKET_CGROUPV2`, the only one with a level.
const CGROUP: u32 = 3;

/// `enum nft_xfrm_keys`.
const XFRM: [Key; 6] = [
    (1, "ip.daddr", Type::Ipv4, 4),
    (2, "ip6.daddr", Type::Ipv6, 16),
    (3, "ip.saddr", Type::Ipv4, 4),
    (4, "ip6.saddr", Type::Ipv6, 16),
    (5, "reqid", Type::Host, 4),
    (6, "spi", Type::Network, 4),
];

/// `enum nft_tunnel_keys`.
const TUNNEL: [Key; 2] = [(0, "path", Type::Host, 1), (1, "id", Type::Host, 4)];

fn row(table: &'static [Key], key: u32) -> Option<&'static Key> {
    table.iter().find(|row| row.0 == key)
}

fn keyed(prefix: &str, table: &'static [Key], key: u32) -> Option<Loaded> {
    let (_, name, ty, width) = *row(table, key)?;
    Some(Loaded::key([prefix, ".", name].concat(), ty, width))
}

/// A `meta` field; `None` for a key that this version does not know.
pub(crate) fn meta(key: u32) -> Option<Loaded> {
    keyed("meta", &META, key)
}

/// A `ct` field, of one direction where the key has one.
pub(crate) fn ct(context: &Context, key: u32, direction: Option<u8>) -> Option<Loaded> {
    let prefix = match direction {
        None => "ct",
        Some(0) => "ct.original",
        Some(1) => "ct.reply",
        Some(_) => return None,
    };
    let end = match key {
        8 => "saddr",
        9 => "daddr",
        _ => return keyed(prefix, &CT, key),
    };
    let (ty, width) = match context.network? {
        "ip" => (Type::Ipv4, 4),
        "ip6" => (Type::Ipv6, 16),
        _ => return None,
    };
    Some(Loaded::key(format!("{prefix}.{end}"), ty, width))
}

/// An `rt` field: what the route of the packet says.
pub(crate) fn route(key: u32) -> Option<Loaded> {
    keyed("rt", &ROUTE, key)
}

/// A `socket` field; a cgroup's number is of the ancestor at a level.
pub(crate) fn socket(key: u32, level: Option<u32>) -> Option<Loaded> {
    let mut field = keyed("socket", &SOCKET, key)?;
    match (key, level) {
        (CGROUP, Some(level)) => field.name = format!("{}.level.{level}", field.name),
        (CGROUP, None) => return None,
        (_, Some(level)) if level != 0 => return None,
        _ => {}
    }
    Some(field)
}

/// An `ipsec` field: of the transformation number `spnum` on the way in (`XFRM_POLICY_IN` 0) or out (1).
pub(crate) fn xfrm(key: u32, direction: u8, spnum: u32) -> Option<Loaded> {
    let way = match direction {
        0 => "in",
        1 => "out",
        _ => return None,
    };
    let prefix = match spnum {
        0 => format!("ipsec.{way}"),
        number => format!("ipsec.{way}.spnum.{number}"),
    };
    keyed(&prefix, &XFRM, key)
}

/// A `tunnel` field: of the tunnel that the packet came by or (`enum nft_tunnel_mode`) goes by.
pub(crate) fn tunnel(key: u32, mode: u32) -> Option<Loaded> {
    let prefix = match mode {
        0 => "tunnel",
        1 => "tunnel.rx",
        2 => "tunnel.tx",
        _ => return None,
    };
    keyed(prefix, &TUNNEL, key)
}

/// What `osf` says of the sender: with `NFT_OSF_F_VERSION` its version too, and with how the packet's TTL is judged
/// (`NF_OSF_TTL_*`).
pub(crate) fn osf(ttl: u8, flags: u32) -> Option<Loaded> {
    let ttl = match ttl {
        0 => "",
        1 => ".ttl.loose",
        2 => ".ttl.skip",
        _ => return None,
    };
    let what = match flags {
        0 => "name",
        1 => "version",
        _ => return None,
    };
    Some(Loaded::key(format!("osf{ttl}.{what}"), Type::Text, 16))
}

/// A `fib` lookup: what goes in (`NFTA_FIB_F_*`), what comes out (`enum nft_fib_result`).
pub(crate) fn fib(result: u32, flags: u32) -> Option<Loaded> {
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
        (2, true) => ("oifname present", Type::Host, 4),
        (1, false) => ("oif", Type::IfIndex, 4),
        (2, false) => ("oifname", Type::IfName, 16),
        (3, false) => ("type", Type::Reachability, 4),
        _ => return None,
    };
    Some(Loaded::key(format!("fib.{}.{out}", words.join("_")), ty, width))
}

/// The type and the length in bits of a field by its name.
pub(super) fn named(name: &str) -> Option<(Type, u32)> {
    let tables: [(&str, &'static [Key]); 6] = [
        ("meta.", &META),
        ("ct.", &CT),
        ("rt.", &ROUTE),
        ("socket.", &SOCKET),
        ("ipsec.", &XFRM),
        ("tunnel.", &TUNNEL),
    ];
    let (rest, table) = tables
        .iter()
        .find_map(|(prefix, table)| Some((name.strip_prefix(prefix)?, *table)))?;
    let ends = |word: &str| rest == word || rest.strip_suffix(word).is_some_and(|way| way.ends_with('.'));
    if rest.starts_with("cgroupv2") {
        return Some((Type::Host, 64));
    }
    let row = table.iter().find(|row| ends(row.1))?;
    Some((row.2, super::bits(row.3)))
}
