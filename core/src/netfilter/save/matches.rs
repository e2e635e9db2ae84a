//! Matches from their options, into the same form as their structures.

use super::extension::{Asked, Extension};
use super::{protocols, values};
use crate::bytes::{Text, to_hex};
use crate::netfilter::model::{Family, Item, LimitUnit, Op, Value};
use crate::netfilter::names::{CT_STATES_XT, CT_STATUS, number_of};
use crate::netfilter::xt::forms::{self, equals, matching};
use crate::netfilter::xt::modules;

mod conntrack;
mod packet;
mod policy;

/// What a match asks; `None` if its options say something that this version does not decode.
pub(super) fn decode(family: Family, extension: &Extension) -> Option<Vec<Item>> {
    let asked = &extension.asked;
    match extension.name.as_bytes() {
        b"tcp" => packet::tcp(asked),
        b"udp" => packet::udp(asked),
        b"icmp" if family == Family::Ip => packet::icmp("icmp", asked),
        b"icmp6" | b"icmpv6" | b"ipv6-icmp" if family == Family::Ip6 => packet::icmp("icmpv6", asked),
        b"multiport" => packet::multiport(asked),
        b"conntrack" => conntrack::decode(family, asked),
        b"state" => state(asked),
        b"comment" => comment(asked),
        b"limit" => limit(asked),
        b"mark" => mark("meta.mark", asked),
        b"connmark" => mark("ct.mark", asked),
        b"addrtype" => packet::addrtype(asked),
        b"owner" => owner(asked),
        b"iprange" => packet::iprange(family, asked),
        b"mac" => mac(asked),
        b"pkttype" => pkttype(asked),
        b"physdev" => physdev(asked),
        b"policy" => policy::decode(family, asked),
        b"quota" => quota(asked),
        name => of_table(family, name, asked),
    }
}

/// A match whose options are in a table.
fn of_table(family: Family, name: &[u8], asked: &Asked) -> Option<Vec<Item>> {
    let module = modules::of_name(family, name)?;
    let mut parts = Vec::new();
    for (inverted, option, tokens) in &asked.0 {
        let words: Vec<&[u8]> = tokens.iter().map(|token| token.bytes.as_slice()).collect();
        parts.push(module.read(family, *inverted, option, &words)?);
    }
    module.items(family, parts)
}

fn quota(asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, word) = only(asked)?;
    Some(vec![forms::quota(word.parse().ok()?, inverted)])
}

/// The only option there is, and it must be there.
fn only(asked: &Asked) -> Option<(bool, &str)> {
    let (inverted, word) = asked.word(asked.single()?)?;
    Some((inverted, word))
}

fn state(asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, word) = only(asked)?;
    Some(vec![forms::flags("ct.state", ct_states(word)?, inverted)])
}

/// `NEW,ESTABLISHED`.
fn ct_states(word: &str) -> Option<Vec<String>> {
    words(word, |state| number_of(&CT_STATES_XT, state).is_some())
}

/// `SEEN_REPLY,ASSURED`, or `NONE` for no flag at all. The tools can say only the first four.
fn ct_status(word: &str) -> Option<Vec<String>> {
    if word == "NONE" {
        return Some(Vec::new());
    }
    let known = |status: &str| number_of(&CT_STATUS, status).is_some_and(|bit| bit < 16);
    words(&word.replace('_', "-"), known)
}

/// A comma-separated list of words in lower case, sorted, each once.
fn words(list: &str, known: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let mut words: Vec<String> = list.split(',').map(str::to_ascii_lowercase).collect();
    words.sort();
    words.dedup();
    words.iter().all(|word| known(word)).then_some(words)
}

fn comment(asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, bytes) = asked.bytes("--comment")?;
    let text = Value::Text(Text::from(bytes));
    (!inverted).then(|| vec![matching("comment", Op::Eq, text)])
}

fn limit(asked: &Asked) -> Option<Vec<Item>> {
    const DEFAULT: &str = "3/hour";
    const DEFAULT_BURST: u32 = 5;
    let plain = |option| match asked.word(option) {
        Some((false, word)) => Some(Some(word)),
        None => Some(None),
        Some((true, _)) => None,
    };
    let (rate, unit) = plain("--limit")?
        .unwrap_or(DEFAULT)
        .split_once('/')
        .unwrap_or((DEFAULT, ""));
    let burst = plain("--limit-burst")?.map_or(Some(DEFAULT_BURST), values::number)?;
    let unit = match unit {
        "s" | "sec" | "second" => LimitUnit::Second,
        "m" | "min" | "minute" => LimitUnit::Minute,
        "h" | "hour" => LimitUnit::Hour,
        "d" | "day" => LimitUnit::Day,
        _ => return None,
    };
    let interval = forms::limit_interval(values::number(rate)?, unit)?;
    Some(vec![forms::limit(interval, burst)?])
}

fn mark(field: &str, asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, word) = only(asked)?;
    let [value, mask] = values::mark(word)?;
    Some(vec![equals(field, inverted, forms::masked(value, mask))])
}

fn owner(asked: &Asked) -> Option<Vec<Item>> {
    let group = match asked.flag("--suppl-groups") {
        None => "meta.skgid",
        Some(false) => "meta.skgroups",
        Some(true) => return None,
    };
    let mut items = Vec::new();
    if let Some(inverted) = asked.flag("--socket-exists") {
        items.push(equals("socket.exists", inverted, Value::Number(1)));
    }
    for (option, field) in [("--uid-owner", "meta.skuid"), ("--gid-owner", group)] {
        if let Some((inverted, word)) = asked.word(option) {
            let [from, to] = values::numbers(word, '-')?;
            items.push(equals(field, inverted, forms::numbers(from, to)));
        }
    }
    Some(items)
}

fn mac(asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, word) = only(asked)?;
    let octets: Option<Vec<String>> = word
        .split(':')
        .map(|octet| Some(to_hex(&[u8::from_str_radix(octet, 16).ok()?])))
        .collect();
    let octets = octets.filter(|octets| octets.len() == 6)?;
    Some(vec![equals(
        "ether.saddr",
        inverted,
        Value::Mac(octets.join(":")),
    )])
}

fn pkttype(asked: &Asked) -> Option<Vec<Item>> {
    let (inverted, word) = only(asked)?;
    let word = match word.to_ascii_lowercase().as_str() {
        "unicast" | "host" => "host",
        "broadcast" | "bcast" => "broadcast",
        "multicast" | "mcast" => "multicast",
        _ => return None,
    };
    Some(vec![equals(
        "meta.pkttype",
        inverted,
        Value::Symbol(word.to_owned()),
    )])
}

fn physdev(asked: &Asked) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    for (option, field, is_name) in [
        ("--physdev-is-in", "physdev.is-in", false),
        ("--physdev-in", "physdev.iifname", true),
        ("--physdev-is-out", "physdev.is-out", false),
        ("--physdev-out", "physdev.oifname", true),
        ("--physdev-is-bridged", "physdev.is-bridged", false),
    ] {
        if !is_name {
            let flag = asked.flag(option);
            items.extend(flag.map(|inverted| equals(field, inverted, Value::Number(1))));
        } else if let Some((inverted, name)) = asked.bytes(option) {
            items.extend(values::interface(field, name, inverted)?);
        }
    }
    Some(items)
}

/// A protocol's number by name or number.
fn protocol(word: &str) -> Option<Value> {
    protocols::number(word).map(Value::Number)
}
