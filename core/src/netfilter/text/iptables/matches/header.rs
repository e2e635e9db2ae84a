//! What stands before the first `-m`: addresses, interfaces, protocol, fragments.

use super::not;
use crate::bytes::Text;
use crate::netfilter::model::{Item, Match, Op, Value};
use crate::netfilter::text::iptables::words::{bare, masked};

/// The words of the header in the order in which iptables prints them, and the items that are not of the header.
pub(in crate::netfilter::text::iptables) fn header(items: &[Item]) -> (Vec<Vec<u8>>, Vec<&Item>) {
    let mut words: [Option<Vec<u8>>; 6] = Default::default();
    let mut rest = Vec::new();
    for item in items {
        let found = match item {
            Item::Match(step) => place(step).zip(option(step)),
            _ => None,
        };
        match found.and_then(|(place, option)| Some((words.get_mut(place)?, option))) {
            // A second match on one field has no place in a header.
            Some((slot @ None, option)) => *slot = Some(option),
            _ => rest.push(item),
        }
    }
    (words.into_iter().flatten().collect(), rest)
}

fn place(step: &Match) -> Option<usize> {
    const FIELDS: [(&str, usize); 8] = [
        ("ip.saddr", 0),
        ("ip6.saddr", 0),
        ("ip.daddr", 1),
        ("ip6.daddr", 1),
        ("meta.iifname", 2),
        ("meta.oifname", 3),
        ("meta.l4proto", 4),
        ("ip.frag-off", 5),
    ];
    FIELDS
        .iter()
        .find(|(field, _)| *field == step.field.0)
        .map(|(_, place)| *place)
}

fn option(step: &Match) -> Option<Vec<u8>> {
    let mut words = match step.op {
        Op::Eq | Op::Ne => not(step.op)?.as_bytes().to_vec(),
        _ => return None,
    };
    let option = match place(step)? {
        0 => format!("-s {}", address(&step.value)?),
        1 => format!("-d {}", address(&step.value)?),
        2 => return interface(words, "-i ", &step.value),
        3 => return interface(words, "-o ", &step.value),
        4 => format!("-p {}", protocol(&step.value)?),
        _ => return fragment(step),
    };
    words.extend_from_slice(option.as_bytes());
    Some(words)
}

/// `-f` asks for an offset that is not 0.
fn fragment(step: &Match) -> Option<Vec<u8>> {
    let words = if step.op == Op::Ne { "-f" } else { "! -f" };
    (masked(&step.value)? == (0, 0x1fff)).then(|| words.as_bytes().to_vec())
}

/// An address with its length or mask.
pub(in crate::netfilter::text) fn address(value: &Value) -> Option<String> {
    match value {
        Value::Address(address) if address.is_ipv4() => Some(format!("{address}/32")),
        Value::Address(address) => Some(format!("{address}/128")),
        Value::Prefix { address, length } => Some(format!("{address}/{length}")),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Address(mask), Value::Address(value)) => Some(format!("{value}/{mask}")),
            _ => None,
        },
        _ => None,
    }
}

/// The names that iptables has built in; all others are printed as numbers, which load on every host.
fn protocol(value: &Value) -> Option<String> {
    let Value::Number(number) = value else { return None };
    Some(match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        50 => "esp".to_owned(),
        51 => "ah".to_owned(),
        58 => "ipv6-icmp".to_owned(),
        132 => "sctp".to_owned(),
        136 => "udplite".to_owned(),
        number => number.to_string(),
    })
}

/// `eth0`, or `eth+` for all that begin so. A name that ends in a plain `+` can't be said.
pub(in crate::netfilter::text) fn interface(
    mut words: Vec<u8>,
    option: &str,
    value: &Value,
) -> Option<Vec<u8>> {
    let Value::Text(name) = value else { return None };
    words.extend_from_slice(option.as_bytes());
    bare(&mut words, &interface_name(name)?);
    Some(words)
}

fn interface_name(name: &Text) -> Option<Vec<u8>> {
    let (begin, last) = match name.as_bytes() {
        [begin @ .., b'\\', b'*'] => (begin, b'*'),
        [begin @ .., b'*'] => (begin, b'+'),
        [.., b'+'] | [] => return None,
        [begin @ .., last] => (begin, *last),
    };
    let mut said = begin.to_vec();
    said.push(last);
    Some(said)
}
