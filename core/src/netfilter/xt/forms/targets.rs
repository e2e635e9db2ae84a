//! The canonical form of targets.

mod canon;
pub(crate) mod spec;

pub(crate) use canon::{as_target, given, target};

use std::net::IpAddr;

use super::{masked, under};
use crate::bytes::{Text, to_hex};
use crate::netfilter::model::{Family, Item, LogFlag, RejectWith, Statement, Value};

/// The answers of `REJECT` for IPv4 by the enumerators of `linux/netfilter_ipv4/ipt_REJECT.h`: ICMP codes.
const REJECT_CODES: [Option<u8>; 9] = [
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    None,
    Some(9),
    Some(10),
    None,
    Some(13),
];

/// The same for IPv6 (`linux/netfilter_ipv6/ip6t_REJECT.h`): ICMPv6 codes.
const REJECT_CODES6: [Option<u8>; 9] = [
    Some(0),
    Some(1),
    Some(2),
    Some(3),
    Some(4),
    None,
    None,
    Some(5),
    Some(6),
];

/// The enumerators that mean a TCP reset.
const TCP_RESET: u32 = 7;
const TCP_RESET6: u32 = 6;

/// What `REJECT` answers, from the family's enumerator.
pub(crate) fn reject(family: Family, with: u32) -> Option<RejectWith> {
    let (codes, reset) = match family {
        Family::Ip => (REJECT_CODES, TCP_RESET),
        Family::Ip6 => (REJECT_CODES6, TCP_RESET6),
        _ => return None,
    };
    if with == reset {
        return Some(RejectWith::TcpReset);
    }
    Some(match *codes.get(usize::try_from(with).ok()?)? {
        None => RejectWith::Legacy { with },
        Some(code) if family == Family::Ip => RejectWith::Icmp { code },
        Some(code) => RejectWith::Icmpv6 { code },
    })
}

/// `LOG`. The level is always there: the structure can't tell the default, 4, from a stated one.
pub(crate) fn log(prefix: &[u8], level: u8, flags: Vec<LogFlag>) -> Statement {
    Statement::Log {
        prefix: text(prefix),
        level: Some(level),
        flags,
        group: None,
        snaplen: None,
        threshold: None,
    }
}

/// `NFLOG`.
pub(crate) fn nflog(prefix: &[u8], group: u16, threshold: u16, snaplen: Option<u32>) -> Statement {
    Statement::Log {
        prefix: text(prefix),
        level: None,
        flags: Vec::new(),
        group: Some(group),
        snaplen,
        threshold: (threshold != 0).then_some(threshold),
    }
}

/// `--set-xmark`: the bits of the mask are cleared, then the value is xor-ed.
pub(crate) fn set_mark(field: &str, value: u32, mask: u32) -> Statement {
    Statement::Set {
        field: field.into(),
        value: masked(value, mask),
    }
}

/// `--save-mark` and `--restore-mark`: the bits of `to_mask` are cleared, then `from & from_mask` is xor-ed.
pub(crate) fn copy_mark(from: &str, from_mask: u32, to: &str, to_mask: u32) -> Statement {
    let source = Value::Field(from.into());
    let value = if from_mask == u32::MAX && to_mask == u32::MAX {
        source
    } else {
        let read = under(Value::Number(from_mask), source);
        under(Value::Number(to_mask), read)
    };
    Statement::Set {
        field: to.into(),
        value,
    }
}

/// `NFQUEUE`; `None` if there is no queue, or one above the highest number.
pub(crate) fn queue(from: u16, total: u16, bypass: bool, fanout: bool) -> Option<Statement> {
    let flags = [("bypass", bypass), ("fanout", fanout)];
    let set = flags.iter().filter(|(_, set)| *set);
    Some(Statement::Queue {
        from,
        to: from.checked_add(total.checked_sub(1)?)?,
        flags: set.map(|(word, _)| (*word).to_owned()).collect(),
    })
}

/// A hardware address.
pub(crate) fn mac(octets: [u8; 6]) -> Value {
    let octets = octets.map(|octet| to_hex(&[octet]));
    Value::Mac(octets.join(":"))
}

/// A hardware address under a mask, where a full mask goes without saying.
pub(crate) fn masked_mac(address: [u8; 6], mask: [u8; 6]) -> Value {
    if mask == [0xff; 6] {
        return mac(address);
    }
    under(mac(mask), mac(address))
}

/// The addresses under a mask.
pub(crate) fn network(address: IpAddr, mask: IpAddr) -> Option<Value> {
    match super::address("", address, mask, true)? {
        Item::Match(found) => Some(found.value),
        _ => None,
    }
}

/// The words of `--reject-with` for IPv4, the one that is printed first, with their ICMP codes.
pub(crate) const REJECT_WORDS: [(&str, u8); 14] = [
    ("icmp-net-unreachable", 0),
    ("net-unreach", 0),
    ("icmp-host-unreachable", 1),
    ("host-unreach", 1),
    ("icmp-proto-unreachable", 2),
    ("proto-unreach", 2),
    ("icmp-port-unreachable", 3),
    ("port-unreach", 3),
    ("icmp-net-prohibited", 9),
    ("net-prohib", 9),
    ("icmp-host-prohibited", 10),
    ("host-prohib", 10),
    ("icmp-admin-prohibited", 13),
    ("admin-prohib", 13),
];

/// The same for IPv6, with ICMPv6 codes.
pub(crate) const REJECT_WORDS6: [(&str, u8); 12] = [
    ("icmp6-no-route", 0),
    ("no-route", 0),
    ("icmp6-adm-prohibited", 1),
    ("adm-prohibited", 1),
    ("icmp6-addr-unreachable", 3),
    ("addr-unreach", 3),
    ("icmp6-port-unreachable", 4),
    ("port-unreach", 4),
    ("icmp6-policy-fail", 5),
    ("policy-fail", 5),
    ("icmp6-reject-route", 6),
    ("reject-route", 6),
];

/// The number beside a word.
pub(crate) fn named(table: &[(&str, u8)], word: &str) -> Option<u8> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, number)| *number)
}

/// Nothing where it is empty.
fn text(field: &[u8]) -> Option<Text> {
    let text = Text::from_nul_padded(field);
    (!text.is_empty()).then_some(text)
}
