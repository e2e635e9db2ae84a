//! Which module asks for a field, and in which words.

use super::header::{address, interface};
use super::{Asked, comment_words, mark_words, not, tcp_flag_words};
use crate::netfilter::model::{Item, Match, Op, Value};
use crate::netfilter::names::number_of;
use crate::netfilter::text::iptables::words::{address_range, span};
use crate::netfilter::xt::forms::{ADDRESS_TYPES, range};
use crate::netfilter::xt::modules as tables;

/// The option that asks for this match.
pub(super) fn of_match(step: &Match) -> Option<Asked> {
    if let Some(range) = port_range(step) {
        return of_match(&range);
    }
    own(step).or_else(|| {
        let (module, rank, words) = tables::words(step)?;
        Some(option(module, rank, words))
    })
}

/// The option of a module that is in no table.
fn own(step: &Match) -> Option<Asked> {
    let sign = not(step.op)?;
    let field = step.field.0.as_str();
    if let Some(words) = comment_words(step) {
        return Some(option("comment", 0, words));
    }
    match field {
        _ if field.starts_with("ct.") && field != "ct.mark" => conntrack(step, sign),
        _ if field.starts_with("fib.") => addrtype(step, sign),
        _ if field.starts_with("physdev.") => physdev(step, sign),
        "tcp.flags" => tcp_flags(step),
        "th.sport" | "th.dport" | "th.port" => multiport(step, sign),
        "socket.exists" | "meta.skuid" | "meta.skgid" | "meta.skgroups" => owner(step, sign),
        _ => {
            let (module, rank, words) = packet(step)?;
            Some(option(module, rank, format!("{sign}{words}").into_bytes()))
        }
    }
}

/// A port compared by size, as the range that iptables has for it.
fn port_range(step: &Match) -> Option<Match> {
    let (op, low) = match step.op {
        Op::Le => (Op::Eq, true),
        Op::Gt => (Op::Ne, true),
        Op::Ge => (Op::Eq, false),
        Op::Lt => (Op::Ne, false),
        _ => return None,
    };
    let Value::Number(port) = step.value else {
        return None;
    };
    let (from, to) = if low { (0, port) } else { (port, u16::MAX.into()) };
    let is_port = matches!(
        step.field.0.as_str(),
        "tcp.sport"
            | "tcp.dport"
            | "udp.sport"
            | "udp.dport"
            | "sctp.sport"
            | "sctp.dport"
            | "dccp.sport"
            | "dccp.dport"
    );
    is_port.then(|| Match {
        field: step.field.clone(),
        op,
        value: range(Value::Number(from), Value::Number(to)),
    })
}

fn packet(step: &Match) -> Option<(&'static str, u8, String)> {
    let value = &step.value;
    Some(match step.field.0.as_str() {
        "tcp.sport" => ("tcp", 0, format!("--sport {}", span(value, ':')?)),
        "tcp.dport" => ("tcp", 1, format!("--dport {}", span(value, ':')?)),
        "tcp.option" => ("tcp", 2, format!("--tcp-option {}", span(value, ':')?)),
        "udp.sport" => ("udp", 0, format!("--sport {}", span(value, ':')?)),
        "udp.dport" => ("udp", 1, format!("--dport {}", span(value, ':')?)),
        "meta.mark" => ("mark", 0, format!("--mark {}", mark_words(value)?)),
        "ct.mark" => ("connmark", 0, format!("--mark {}", mark_words(value)?)),
        "ip.saddr" | "ip6.saddr" => ("iprange", 0, format!("--src-range {}", address_range(value)?)),
        "ip.daddr" | "ip6.daddr" => ("iprange", 1, format!("--dst-range {}", address_range(value)?)),
        "ether.saddr" => match value {
            Value::Mac(address) => ("mac", 0, format!("--mac-source {address}")),
            _ => return None,
        },
        "meta.pkttype" => match value {
            Value::Symbol(word) if word == "host" => ("pkttype", 0, "--pkt-type unicast".to_owned()),
            Value::Symbol(word) if word != "other" => ("pkttype", 0, format!("--pkt-type {word}")),
            _ => return None,
        },
        _ => return None,
    })
}

fn tcp_flags(step: &Match) -> Option<Asked> {
    let (sign, mask, compared) = match (step.op, &step.value) {
        (Op::Eq | Op::Ne, Value::Masked { mask, value }) => {
            (not(step.op)?, tcp_flag_words(mask)?, tcp_flag_words(value)?)
        }
        // None of these flags is `NONE` of them under the mask, any of them is not `NONE`.
        (Op::None, mask) => ("", tcp_flag_words(mask)?, "NONE".to_owned()),
        (Op::Any, mask) => ("! ", tcp_flag_words(mask)?, "NONE".to_owned()),
        _ => return None,
    };
    let words = format!("{sign}--tcp-flags {mask} {compared}").into_bytes();
    Some(option("tcp", 3, words))
}

fn option(module: &'static str, rank: u8, words: Vec<u8>) -> Asked {
    Asked {
        module,
        rank,
        words,
        tail: "",
    }
}

/// A type and the code that may follow it: one option for two matches. Also how many steps it takes.
pub(super) fn icmp(steps: &[&Item]) -> Option<(Asked, usize)> {
    let (first, rest) = steps.split_first()?;
    let Item::Match(first) = first else { return None };
    let (module, word, code_field) = match first.field.0.as_str() {
        "icmp.type" | "icmp.type . icmp.code" => ("icmp", "--icmp-type", "icmp.code"),
        "icmpv6.type" | "icmpv6.type . icmpv6.code" => ("icmp6", "--icmpv6-type", "icmpv6.code"),
        _ => return None,
    };
    let sign = not(first.op)?;
    let made = |shown: String, used| {
        Some((
            option(module, 0, format!("{sign}{word} {shown}").into_bytes()),
            used,
        ))
    };
    let code = rest.first().and_then(|item| match item {
        Item::Match(Match {
            field,
            op: Op::Eq,
            value: Value::Number(code),
        }) if field.0 == code_field => Some(code),
        _ => None,
    });
    match (&first.value, code) {
        (Value::Number(kind), Some(code)) if first.op == Op::Eq => made(format!("{kind}/{code}"), 2),
        (Value::Number(kind), _) => made(kind.to_string(), 1),
        (any @ Value::Range { .. }, _) if span(any, '-')? == "0-255" && module == "icmp" => {
            made("any".to_owned(), 1)
        }
        (Value::Concat(both), _) => match both.as_slice() {
            [Value::Number(kind), Value::Number(code)] => made(format!("{kind}/{code}"), 1),
            _ => None,
        },
        _ => None,
    }
}

fn multiport(step: &Match, sign: &str) -> Option<Asked> {
    let Value::Set(values) = &step.value else {
        return None;
    };
    let ports: Option<Vec<String>> = values.iter().map(|value| span(value, ':')).collect();
    let slots: usize = values
        .iter()
        .map(|value| 1 + usize::from(matches!(value, Value::Range { .. })))
        .sum();
    let word = match step.field.0.as_str() {
        "th.sport" => "--sports",
        "th.dport" => "--dports",
        _ => "--ports",
    };
    let words = format!("{sign}{word} {}", ports?.join(","));
    // A multiport structure holds fifteen ports, two for a range.
    (1..=15)
        .contains(&slots)
        .then(|| option("multiport", 0, words.into_bytes()))
}

/// Fields of `-m conntrack` with the options that ask for them, in the order in which iptables prints them.
const CONNTRACK: [(&str, &str); 13] = [
    ("ct.state", "--ctstate"),
    ("ct.protocol", "--ctproto"),
    ("ct.original.saddr", "--ctorigsrc"),
    ("ct.original.daddr", "--ctorigdst"),
    ("ct.reply.saddr", "--ctreplsrc"),
    ("ct.reply.daddr", "--ctrepldst"),
    ("ct.original.proto-src", "--ctorigsrcport"),
    ("ct.original.proto-dst", "--ctorigdstport"),
    ("ct.reply.proto-src", "--ctreplsrcport"),
    ("ct.reply.proto-dst", "--ctrepldstport"),
    ("ct.status", "--ctstatus"),
    ("ct.expiration-seconds", "--ctexpire"),
    ("ct.direction", "--ctdir"),
];

fn conntrack(step: &Match, sign: &str) -> Option<Asked> {
    let place = CONNTRACK.iter().position(|(field, _)| *field == step.field.0)?;
    let (field, word) = CONNTRACK.get(place)?;
    let value = match (*field, &step.value) {
        ("ct.state", Value::Flags(flags)) => listed(flags, &STATES)?,
        ("ct.status", Value::Flags(flags)) if flags.is_empty() => "NONE".to_owned(),
        ("ct.status", Value::Flags(flags)) => listed(flags, &STATUS)?,
        ("ct.direction", Value::Symbol(word)) => word.to_ascii_uppercase(),
        (field, value) if field.ends_with("addr") => address(value)?,
        (_, value) => span(value, ':')?,
    };
    let rank = u8::try_from(place).ok()?;
    Some(option(
        "conntrack",
        rank,
        format!("{sign}{word} {value}").into_bytes(),
    ))
}

/// In the order in which iptables prints them.
const STATES: [(&str, &str); 7] = [
    ("invalid", "INVALID"),
    ("new", "NEW"),
    ("related", "RELATED"),
    ("established", "ESTABLISHED"),
    ("untracked", "UNTRACKED"),
    ("snat", "SNAT"),
    ("dnat", "DNAT"),
];

const STATUS: [(&str, &str); 4] = [
    ("expected", "EXPECTED"),
    ("seen-reply", "SEEN_REPLY"),
    ("assured", "ASSURED"),
    ("confirmed", "CONFIRMED"),
];

/// The words for these flags; `None` if one has none, or if there is no flag.
fn listed(flags: &[String], known: &[(&str, &str)]) -> Option<String> {
    let set: Vec<&str> = known
        .iter()
        .filter(|(flag, _)| flags.iter().any(|given| given == flag))
        .map(|(_, word)| *word)
        .collect();
    (set.len() == flags.len() && !set.is_empty()).then(|| set.join(","))
}

fn addrtype(step: &Match, sign: &str) -> Option<Asked> {
    let (rank, word, rest) = match step.field.0.strip_prefix("fib.")?.split_once('.')? {
        ("saddr", rest) => (0, "--src-type", rest),
        ("daddr", rest) => (1, "--dst-type", rest),
        _ => return None,
    };
    let tail = match rest {
        "type" => "",
        "iif.type" => "--limit-iface-in",
        "oif.type" => "--limit-iface-out",
        _ => return None,
    };
    let bit = |value: &Value| match value {
        Value::Symbol(word) => number_of(&ADDRESS_TYPES, word),
        _ => None,
    };
    let bits: u32 = match &step.value {
        Value::Set(values) => values
            .iter()
            .try_fold(0, |bits, value| Some(bits | bit(value)?))?,
        one => bit(one)?,
    };
    let set = ADDRESS_TYPES.iter().filter(|(bit, _)| bits & bit != 0);
    let types: Vec<String> = set.map(|(_, name)| name.to_ascii_uppercase()).collect();
    let words = format!("{sign}{word} {}", types.join(",")).into_bytes();
    Some(Asked {
        module: "addrtype",
        rank,
        words,
        tail,
    })
}

fn owner(step: &Match, sign: &str) -> Option<Asked> {
    let (rank, words, tail) = match (step.field.0.as_str(), &step.value) {
        ("socket.exists", Value::Number(1)) => (0, "--socket-exists".to_owned(), ""),
        ("meta.skuid", value) => (1, format!("--uid-owner {}", span(value, '-')?), ""),
        ("meta.skgid", value) => (2, format!("--gid-owner {}", span(value, '-')?), ""),
        ("meta.skgroups", value) => (2, format!("--gid-owner {}", span(value, '-')?), "--suppl-groups"),
        _ => return None,
    };
    let words = format!("{sign}{words}").into_bytes();
    Some(Asked {
        module: "owner",
        rank,
        words,
        tail,
    })
}

fn physdev(step: &Match, sign: &str) -> Option<Asked> {
    let begin = sign.as_bytes().to_vec();
    let flag = |words: &str| format!("{sign}{words}").into_bytes();
    let (rank, words) = match step.field.0.as_str() {
        "physdev.iifname" => (1, interface(begin, "--physdev-in ", &step.value)?),
        "physdev.oifname" => (3, interface(begin, "--physdev-out ", &step.value)?),
        "physdev.is-in" => (0, flag("--physdev-is-in")),
        "physdev.is-out" => (2, flag("--physdev-is-out")),
        "physdev.is-bridged" => (4, flag("--physdev-is-bridged")),
        _ => return None,
    };
    Some(option("physdev", rank, words))
}
