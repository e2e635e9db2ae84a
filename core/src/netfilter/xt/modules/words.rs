//! Numbers, addresses and text as the tools write them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Form;
use crate::bytes::Text;
use crate::netfilter::model::{Family, Item, Value};
use crate::netfilter::xt::forms;

pub(super) use crate::netfilter::save::number;
pub(super) use crate::netfilter::text::iptables::{bare, save_string};

/// The word, if it is text.
pub(super) fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

/// A number of 64 bits, in decimal or with `0x` in hexadecimal.
pub(super) fn number64(word: &str) -> Option<u64> {
    if let Some(digits) = word.strip_prefix("0x") {
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        return plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten();
    }
    decimal(word)
}

/// A number without sign, in decimal.
pub(super) fn decimal(word: &str) -> Option<u64> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| word.parse().ok()).flatten()
}

/// `--tos`: a value and a mask of eight bits, or the name of one.
pub(super) const TOS: Form = Form::Other {
    words: 1,
    read: read_tos,
    print: print_tos,
};

/// Names of `--tos` with their bits (RFC 1349); they are compared under 0x3f.
const TOS_NAMES: [(u32, &str); 5] = [
    (0x10, "Minimize-Delay"),
    (0x08, "Maximize-Throughput"),
    (0x04, "Maximize-Reliability"),
    (0x02, "Minimize-Cost"),
    (0x00, "Normal-Service"),
];

/// The bits of a type of service under a mask, as one number where all eight count.
pub(in crate::netfilter::xt) fn tos(value: u32, mask: u32) -> Value {
    if mask == 0xff {
        return Value::Number(value);
    }
    forms::under(Value::Number(mask), Value::Number(value))
}

fn read_tos(_: Family, words: &[&[u8]]) -> Option<Value> {
    let word = text(words.first()?)?;
    let named = TOS_NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(word));
    let (value, mask) = match (named, word.split_once('/')) {
        (Some((bits, _)), _) => (*bits, 0x3f),
        (None, Some((value, mask))) => (number(value)?, number(mask)?),
        (None, None) => (number(word)?, 0xff),
    };
    (value <= 0xff && mask <= 0xff).then(|| tos(value, mask))
}

fn print_tos(value: &Value) -> Option<Vec<u8>> {
    let (value, mask) = match value {
        Value::Number(number) => (*number, 0xff),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Number(mask), Value::Number(value)) => (*value, *mask),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("{value:#04x}/{mask:#04x}").into_bytes())
}

/// An address with the length of its network, which goes without saying where it is one address.
pub(super) const ADDRESS: Form = Form::Other {
    words: 1,
    read: read_address,
    print: print_address,
};

fn read_address(family: Family, words: &[&[u8]]) -> Option<Value> {
    let item = crate::netfilter::save::masked_address(family, "", text(words.first()?)?, false)?;
    match item {
        Some(Item::Match(found)) => Some(found.value),
        // Every address.
        _ if family == Family::Ip6 => Some(everything(Ipv6Addr::UNSPECIFIED.into())),
        _ => Some(everything(Ipv4Addr::UNSPECIFIED.into())),
    }
}

fn everything(address: IpAddr) -> Value {
    Value::Prefix { address, length: 0 }
}

/// An address under a mask, in the same form.
pub(in crate::netfilter::xt) fn network(address: IpAddr, mask: IpAddr) -> Option<Value> {
    match forms::address("", address, mask, false) {
        Some(Item::Match(found)) => Some(found.value),
        _ if address.is_ipv6() => Some(everything(Ipv6Addr::UNSPECIFIED.into())),
        _ => Some(everything(Ipv4Addr::UNSPECIFIED.into())),
    }
}

fn print_address(value: &Value) -> Option<Vec<u8>> {
    let words = match value {
        Value::Address(address) => address.to_string(),
        Value::Prefix { address, length } => format!("{address}/{length}"),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Address(mask), Value::Address(value)) => format!("{value}/{mask}"),
            _ => return None,
        },
        _ => return None,
    };
    Some(words.into_bytes())
}

/// An address and nothing else.
pub(super) const PLAIN_ADDRESS: Form = Form::Other {
    words: 1,
    read: |family, words| {
        let address: IpAddr = text(words.first()?)?.parse().ok()?;
        (address.is_ipv6() == (family == Family::Ip6)).then_some(Value::Address(address))
    },
    print: |value| match value {
        Value::Address(address) => Some(address.to_string().into_bytes()),
        _ => None,
    },
};

/// The mask under which every bit of an address counts.
pub(super) fn full_mask(family: Family) -> IpAddr {
    if family == Family::Ip6 {
        Ipv6Addr::from([0xff; 16]).into()
    } else {
        Ipv4Addr::BROADCAST.into()
    }
}

/// How many dimensions a set has at most (`IPSET_DIM_MAX`), as far as the tools say them.
const DIRECTIONS_MAX: usize = 6;

/// The name of an ipset, then `src` or `dst` for each of its dimensions.
pub(super) const SET: Form = Form::Other {
    words: 2,
    read: read_set,
    print: print_set,
};

/// A set and the ends of the packet that are looked up in it: true for the source.
pub(in crate::netfilter::xt) fn ipset(name: Text, sources: &[bool]) -> Value {
    let ends = sources.iter().map(|source| {
        let word = if *source { "src" } else { "dst" };
        Value::Symbol(word.to_owned())
    });
    Value::Concat(std::iter::once(Value::Text(name)).chain(ends).collect())
}

fn read_set(_: Family, words: &[&[u8]]) -> Option<Value> {
    let [name, ends] = words else { return None };
    let sources: Option<Vec<bool>> = text(ends)?
        .split(',')
        .map(|end| match end {
            "src" => Some(true),
            "dst" => Some(false),
            _ => None,
        })
        .collect();
    let sources = sources.filter(|sources| sources.len() <= DIRECTIONS_MAX)?;
    Some(ipset(Text::from(*name), &sources))
}

fn print_set(value: &Value) -> Option<Vec<u8>> {
    let Value::Concat(all) = value else { return None };
    let (Value::Text(name), ends) = all.split_first()? else {
        return None;
    };
    let mut words = Vec::new();
    bare(&mut words, name.as_bytes());
    for (place, end) in ends.iter().enumerate() {
        let Value::Symbol(end) = end else { return None };
        words.push(if place == 0 { b' ' } else { b',' });
        words.extend_from_slice(end.as_bytes());
    }
    Some(words)
}
