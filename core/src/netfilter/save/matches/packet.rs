//! The options of matches on what stands in a packet's headers.

use crate::netfilter::model::{Family, Item, Op, Value};
use crate::netfilter::names::{TCP_FLAGS, number_of};
use crate::netfilter::save::extension::Asked;
use crate::netfilter::save::values;
use crate::netfilter::xt::forms::{self, equals, matching};

pub(super) fn tcp(asked: &Asked) -> Option<Vec<Item>> {
    let mut items = ports("tcp", asked)?;
    if let Some((inverted, word)) = asked.word("--tcp-option") {
        items.push(equals(
            "tcp.option",
            inverted,
            Value::Number(values::number(word)?),
        ));
    }
    if let Some((inverted, words)) = asked.words("--tcp-flags") {
        let [mask, compared] = words.as_slice() else {
            return None;
        };
        items.extend(forms::tcp_flags(flag_bits(mask)?, flag_bits(compared)?, inverted));
    }
    if let Some(inverted) = asked.flag("--syn") {
        // FIN, SYN, RST, ACK of which only SYN.
        items.extend(forms::tcp_flags(0x17, 0x02, inverted));
    }
    Some(items)
}

/// `SYN,ACK`, `ALL` or `NONE`; `ALL` are the six of RFC 793.
fn flag_bits(list: &str) -> Option<u8> {
    list.split(',').try_fold(0, |bits, word| {
        let bit = match word.to_ascii_lowercase().as_str() {
            "all" => 0x3f,
            "none" => 0,
            word => number_of(&TCP_FLAGS, word).filter(|bit| *bit < 0x40)?,
        };
        Some(bits | u8::try_from(bit).ok()?)
    })
}

pub(super) fn udp(asked: &Asked) -> Option<Vec<Item>> {
    ports("udp", asked)
}

fn ports(protocol: &str, asked: &Asked) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let ends = [
        ("sport", "--sport", "--source-port"),
        ("dport", "--dport", "--destination-port"),
    ];
    for (field, short, long) in ends {
        if let Some((inverted, word)) = asked.word(short).or_else(|| asked.word(long)) {
            let [from, to] = values::ports(word, ':')?;
            items.extend(forms::ports(&format!("{protocol}.{field}"), from, to, inverted));
        }
    }
    Some(items)
}

pub(super) fn icmp(protocol: &str, asked: &Asked) -> Option<Vec<Item>> {
    let Some(option) = asked.single() else {
        return asked.is_empty().then(Vec::new);
    };
    let (inverted, word) = asked.word(option)?;
    let (kind, code) = match word.split_once('/') {
        Some((kind, code)) => (kind, Some(u8::try_from(values::number(code)?).ok()?)),
        None => (word, None),
    };
    let (kind, named_code) = icmp_type(protocol, kind)?;
    let codes = code.or(named_code).map_or([0, u8::MAX], |code| [code, code]);
    Some(forms::icmp(protocol, kind, codes, inverted))
}

/// A type by number or name; some names carry a code.
fn icmp_type(protocol: &str, word: &str) -> Option<(u8, Option<u8>)> {
    if let Some(number) = values::number(word) {
        return Some((u8::try_from(number).ok()?, None));
    }
    let names: &[(&str, u8, Option<u8>)] = if protocol == "icmp" {
        &ICMP_NAMES
    } else {
        &ICMPV6_NAMES
    };
    let found = names.iter().find(|(name, ..)| *name == word)?;
    Some((found.1, found.2))
}

const ICMP_NAMES: [(&str, u8, Option<u8>); 16] = [
    ("any", 255, None),
    ("echo-reply", 0, None),
    ("pong", 0, None),
    ("destination-unreachable", 3, None),
    ("network-unreachable", 3, Some(0)),
    ("host-unreachable", 3, Some(1)),
    ("protocol-unreachable", 3, Some(2)),
    ("port-unreachable", 3, Some(3)),
    ("fragmentation-needed", 3, Some(4)),
    ("source-quench", 4, None),
    ("redirect", 5, None),
    ("echo-request", 8, None),
    ("ping", 8, None),
    ("router-advertisement", 9, None),
    ("time-exceeded", 11, None),
    ("parameter-problem", 12, None),
];

const ICMPV6_NAMES: [(&str, u8, Option<u8>); 16] = [
    ("destination-unreachable", 1, None),
    ("packet-too-big", 2, None),
    ("time-exceeded", 3, None),
    ("ttl-exceeded", 3, None),
    ("parameter-problem", 4, None),
    ("echo-request", 128, None),
    ("ping", 128, None),
    ("echo-reply", 129, None),
    ("pong", 129, None),
    ("router-solicitation", 133, None),
    ("router-advertisement", 134, None),
    ("neighbour-solicitation", 135, None),
    ("neighbor-solicitation", 135, None),
    ("neighbour-advertisement", 136, None),
    ("neighbor-advertisement", 136, None),
    ("redirect", 137, None),
];

pub(super) fn multiport(asked: &Asked) -> Option<Vec<Item>> {
    let option = asked.single()?;
    let field = match option {
        "--sports" | "--source-ports" => "th.sport",
        "--dports" | "--destination-ports" => "th.dport",
        _ => "th.port",
    };
    let (inverted, list) = asked.word(option)?;
    let ports: Option<Vec<Value>> = list
        .split(',')
        .map(|word| values::ports(word, ':').map(|[from, to]| forms::numbers(from.into(), to.into())))
        .collect();
    let op = if inverted { Op::NotIn } else { Op::In };
    Some(vec![matching(field, op, forms::set(ports?))])
}

pub(super) fn addrtype(asked: &Asked) -> Option<Vec<Item>> {
    let limit = match (asked.flag("--limit-iface-in"), asked.flag("--limit-iface-out")) {
        (None, None) => "",
        (Some(false), None) => "iif.",
        (None, Some(false)) => "oif.",
        _ => return None,
    };
    let mut items = Vec::new();
    for (option, end) in [("--src-type", "saddr"), ("--dst-type", "daddr")] {
        if let Some((inverted, list)) = asked.word(option) {
            let mask = list.split(',').try_fold(0, |bits, word| {
                Some(bits | number_of(&forms::ADDRESS_TYPES, &word.to_ascii_lowercase())?)
            })?;
            items.extend(forms::addrtype(end, limit, mask.try_into().ok()?, inverted)?);
        }
    }
    Some(items)
}

pub(super) fn iprange(family: Family, asked: &Asked) -> Option<Vec<Item>> {
    let fields = forms::address_fields(family)?;
    let mut items = Vec::new();
    for (option, field) in ["--src-range", "--dst-range"].into_iter().zip(fields) {
        if let Some((inverted, word)) = asked.word(option) {
            let (from, to) = word.split_once('-').unwrap_or((word, word));
            let from = Value::Address(values::address(family, from)?);
            let to = Value::Address(values::address(family, to)?);
            items.push(equals(field, inverted, forms::range(from, to)));
        }
    }
    Some(items)
}
