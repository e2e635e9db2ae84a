//! Matches.

use super::forms::{self, equals, matching};
use super::read::Struct;
use crate::bytes::{Text, to_hex};
use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::names::{self, CT_STATES};

mod conntrack;
pub(super) mod device;
mod packet;

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
        _ => None,
    }
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
