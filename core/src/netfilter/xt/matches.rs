//! Matches.

use super::forms::{self, equals, matching};
use super::modules;
use super::read::Struct;
use crate::bytes::{Text, to_hex};
use crate::netfilter::model::{Family, Item, Match, Op, Value};
use crate::netfilter::names::{self, CT_STATES};

mod conntrack;
mod content;
pub(super) mod device;
mod extension_headers;
mod fields;
mod obsolete;
mod packet;
pub(super) mod set;
mod state;
mod transport;

/// What a match asks; `None` if that can't be said exactly.
pub(super) fn decode(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    match (name, revision) {
        (b"tcp", 0) => packet::tcp(payload),
        (b"udp", 0) => packet::udp(payload),
        (b"icmp", 0) if family == Family::Ip => packet::icmp("icmp", payload),
        (b"icmp6", 0) if family == Family::Ip6 => packet::icmp("icmpv6", payload),
        (b"multiport", 0) => packet::multiport0(payload),
        (b"multiport", 1) => packet::multiport1(payload),
        (b"conntrack", 1..=3) => conntrack::decode(family, revision, payload),
        (b"state", 0) => state(payload),
        (b"comment", 0) => comment(payload),
        (b"limit", 0) => limit(payload),
        (b"mark", 1) => mark("meta.mark", payload),
        (b"connmark", 1) => mark("ct.mark", payload),
        (b"addrtype", 0) => packet::addrtype0(payload),
        (b"addrtype", 1) => packet::addrtype1(payload),
        (b"owner", 1) => owner(payload),
        (b"iprange", 1) => packet::iprange(family, payload),
        (b"mac", 0) => mac(payload),
        (b"pkttype", 0) => pkttype(payload),
        (b"physdev", 0) => device::physdev(payload),
        _ if family == Family::Ip6 => {
            ip6(name, revision, payload).or_else(|| both(family, name, revision, payload))
        }
        _ => ip(name, revision, payload).or_else(|| both(family, name, revision, payload)),
    }
}

/// What only IPv4 has, or names after its fields.
fn ip(name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    match (name, revision) {
        (b"ah", 0) => transport::spi("ah.spi", false, payload),
        (b"ttl", 0) => transport::ttl("ip.ttl", payload),
        (b"realm", 0) => fields::realm(payload),
        (b"iprange", 0) => obsolete::iprange(payload),
        _ => None,
    }
}

/// What only IPv6 has.
fn ip6(name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    match (name, revision) {
        (b"ah", 0) => extension_headers::ah(payload),
        (b"frag", 0) => extension_headers::frag(payload),
        (b"hbh", 0) => extension_headers::options("hbh", payload),
        (b"dst", 0) => extension_headers::options("dst", payload),
        (b"rt", 0) => extension_headers::routing(payload),
        (b"eui64", 0) => extension_headers::eui64(payload),
        (b"ipv6header", 0) => extension_headers::headers(payload),
        (b"hl", 0) => transport::ttl("ip6.hoplimit", payload),
        (b"mh", 0) => transport::mobility(payload),
        _ => None,
    }
}

/// What both have.
fn both(family: Family, name: &[u8], revision: u8, payload: &[u8]) -> Option<Vec<Item>> {
    match (name, revision) {
        (b"sctp", 0) => transport::sctp(payload),
        (b"dccp", 0) => transport::dccp(payload),
        (b"owner", 0) => obsolete::owner(family, payload),
        (b"mark", 0) => obsolete::mark("meta.mark", payload),
        (b"connmark", 0) => obsolete::mark("ct.mark", payload),
        (b"esp", 0) => transport::spi("esp.spi", false, payload),
        (b"ipcomp", 0) => transport::spi("comp.cpi", true, payload),
        (b"ecn", 0) => transport::ecn(family, payload),
        (b"l2tp", 0) => transport::l2tp(payload),
        (b"length", 0) => transport::span16("length", payload),
        (b"tcpmss", 0) => transport::span16("tcp.mss", payload),
        (b"dscp", 0) => fields::dscp(family, payload),
        (b"tos", 0 | 1) => fields::tos(family, revision, payload),
        (b"cpu", 0) => fields::number("meta.cpu", payload),
        (b"cgroup", 0) => fields::number("meta.cgroup", payload),
        (b"cgroup", 1 | 2) => fields::cgroup(revision, payload),
        (b"devgroup", 0) => fields::devgroup(payload),
        (b"helper", 0) => fields::helper(payload),
        (b"nfacct", 0 | 1) => fields::nfacct(payload),
        (b"quota", 0) => fields::quota(payload),
        (b"u32", 0) => fields::u32(payload),
        (b"bpf", 0 | 1) => fields::bpf(revision, payload),
        (b"string", 0 | 1) => content::string(revision, payload),
        (b"time", 0) => content::time(payload),
        (b"statistic", 0) => content::statistic(payload),
        (b"cluster", 0) => content::cluster(payload),
        (b"osf", 0) => content::osf(payload),
        (b"socket", 0..=3) => state::socket(revision, payload),
        (b"rpfilter", 0) => state::rpfilter(payload),
        (b"connlabel", 0) => state::connlabel(payload),
        (b"connlimit", 0 | 1) => state::connlimit(family, revision, payload),
        (b"connbytes", 0) => state::connbytes(payload),
        (b"recent", 0 | 1) => state::recent(family, revision, payload),
        (b"hashlimit", 1..=3) => state::hashlimit(family, revision, payload),
        (b"policy", 0) => state::policy(family, payload),
        (b"ipvs", 0) => state::ipvs(family, payload),
        _ => None,
    }
}

/// A part of a condition.
fn part(field: &str, op: Op, value: Value) -> Match {
    Match {
        field: field.into(),
        op,
        value,
    }
}

/// A part that has no value.
fn flag(field: &str) -> Match {
    part(field, Op::Eq, Value::Number(1))
}

/// The parts of a module's condition in canonical form.
fn build(family: Family, module: &str, parts: Vec<Match>) -> Option<Vec<Item>> {
    modules::of_name(family, module.as_bytes())?.items(family, parts)
}

/// `struct xt_state_info` (`linux/netfilter/xt_state.h`).
fn state(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 4)?;
    let words = names::flag_names(&CT_STATES, info.u32(0)?)?;
    Some(vec![forms::flags("ct.state", words, false)])
}

/// `struct xt_comment_info` (`linux/netfilter/xt_comment.h`).
fn comment(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 256)?;
    let text = Text::from_nul_padded(&info.bytes::<256>(0)?);
    Some(vec![matching("comment", Op::Eq, Value::Text(text))])
}

/// `struct xt_rateinfo` (`linux/netfilter/xt_limit.h`); all after `burst` is the kernel's own.
fn limit(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 40)?;
    Some(vec![forms::limit(info.u32(0)?, info.u32(4)?)?])
}

/// `struct xt_mark_mtinfo1` (`linux/netfilter/xt_mark.h`); `xt_connmark_mtinfo1` is laid out alike.
fn mark(field: &str, payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let value = forms::masked(info.u32(0)?, info.u32(4)?);
    Some(vec![equals(field, info.flag8(8)?, value)])
}

/// `struct xt_owner_match_info` (`linux/netfilter/xt_owner.h`).
fn owner(payload: &[u8]) -> Option<Vec<Item>> {
    const UID: u8 = 1;
    const GID: u8 = 2;
    const SOCKET: u8 = 4;
    const SUPPLEMENTARY: u8 = 8;
    let info = Struct::new(payload, 20)?;
    let (asked, inverted) = (info.u8(16)?, info.u8(17)?);
    if (asked | inverted) & !(UID | GID | SOCKET | SUPPLEMENTARY) != 0 {
        return None;
    }
    let group = if asked & SUPPLEMENTARY == 0 {
        "meta.skgid"
    } else {
        "meta.skgroups"
    };
    let mut items = Vec::new();
    if asked & SOCKET != 0 {
        items.push(equals("socket.exists", inverted & SOCKET != 0, Value::Number(1)));
    }
    if asked & UID != 0 {
        let who = forms::numbers(info.u32(0)?, info.u32(4)?);
        items.push(equals("meta.skuid", inverted & UID != 0, who));
    }
    if asked & GID != 0 {
        let who = forms::numbers(info.u32(8)?, info.u32(12)?);
        items.push(equals(group, inverted & GID != 0, who));
    }
    Some(items)
}

/// `struct xt_mac_info` (`linux/netfilter/xt_mac.h`).
fn mac(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 12)?;
    let octets: Vec<String> = info
        .bytes::<6>(0)?
        .iter()
        .map(|octet| to_hex(&[*octet]))
        .collect();
    let value = Value::Mac(octets.join(":"));
    Some(vec![equals("ether.saddr", info.flag32(8)?, value)])
}

/// `struct xt_pkttype_info` (`linux/netfilter/xt_pkttype.h`) with the `PACKET_*` numbers of `linux/if_packet.h`.
fn pkttype(payload: &[u8]) -> Option<Vec<Item>> {
    let info = Struct::new(payload, 8)?;
    let word = names::name_of(&PACKET_TYPES, info.u32(0)?)?;
    Some(vec![equals(
        "meta.pkttype",
        info.flag32(4)?,
        Value::Symbol(word.to_owned()),
    )])
}

/// How a frame was addressed (`linux/if_packet.h`), in `nft`'s words.
const PACKET_TYPES: [(u32, &str); 4] = [(0, "host"), (1, "broadcast"), (2, "multicast"), (3, "other")];
