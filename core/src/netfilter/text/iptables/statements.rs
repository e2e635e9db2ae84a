//! Targets.

mod options;

use super::matches::opaque_words;
use super::words::{address_range, masked, save_string, span};
use crate::netfilter::model::{
    Family, Field, Item, LogFlag, NatFlag, NatKind, RejectWith, Statement, Value, Verdict,
};
use crate::netfilter::xt::forms::{REJECT_WORDS, REJECT_WORDS6};

/// What stands after the matches; `None` if iptables can't say it.
pub(in crate::netfilter::text) fn target(family: Family, item: &Item) -> Option<Vec<u8>> {
    let statement = match item {
        Item::Statement(statement) => statement,
        Item::Opaque(opaque) => return Some(opaque_words("-j", opaque)),
        Item::Match(_) => return None,
    };
    let words = match statement {
        Statement::Verdict(verdict) => return self::verdict(verdict),
        Statement::Reject { with } => reject(family, with)?,
        Statement::Log { .. } => return log(statement),
        Statement::Nat {
            nat,
            address,
            port,
            flags,
            ..
        } => self::nat(*nat, address, port, flags)?,
        Statement::Set { field, value } => match set(field, value) {
            Some(words) => words,
            None => return options::words(family, statement),
        },
        Statement::Target { .. } => return options::words(family, statement),
        Statement::Notrack => "-j CT --notrack".to_owned(),
        Statement::TcpMss { mss: None } => "-j TCPMSS --clamp-mss-to-pmtu".to_owned(),
        Statement::TcpMss { mss: Some(mss) } => format!("-j TCPMSS --set-mss {mss}"),
        Statement::Queue { from, to, flags } => queue(*from, *to, flags)?,
        _ => return None,
    };
    Some(words.into_bytes())
}

fn verdict(verdict: &Verdict) -> Option<Vec<u8>> {
    let (word, chain) = match verdict {
        Verdict::Accept => ("-j ACCEPT", None),
        Verdict::Drop => ("-j DROP", None),
        Verdict::Return => ("-j RETURN", None),
        Verdict::Queue => ("-j QUEUE", None),
        Verdict::Jump { chain } => ("-j ", Some(chain)),
        Verdict::Goto { chain } => ("-g ", Some(chain)),
        Verdict::Continue => return None,
    };
    let mut words = word.as_bytes().to_vec();
    words.extend(chain.iter().flat_map(|chain| chain.as_bytes()));
    Some(words)
}

fn reject(family: Family, with: &RejectWith) -> Option<String> {
    let word = match (with, family) {
        (RejectWith::TcpReset, _) => "tcp-reset",
        (RejectWith::Icmp { code }, Family::Ip) => word_of(&REJECT_WORDS, *code)?,
        (RejectWith::Icmpv6 { code }, Family::Ip6) => word_of(&REJECT_WORDS6, *code)?,
        _ => return None,
    };
    Some(format!("-j REJECT --reject-with {word}"))
}

fn word_of<'a>(table: &[(&'a str, u8)], number: u8) -> Option<&'a str> {
    table
        .iter()
        .find(|(_, known)| *known == number)
        .map(|(word, _)| *word)
}

fn log(statement: &Statement) -> Option<Vec<u8>> {
    let Statement::Log {
        prefix,
        level,
        flags,
        group,
        snaplen,
        threshold,
    } = statement
    else {
        return None;
    };
    let kind = if group.is_some() { "nflog" } else { "log" };
    let mut words = format!("-j {}", kind.to_ascii_uppercase()).into_bytes();
    if let Some(prefix) = prefix {
        words.extend_from_slice(format!(" --{kind}-prefix ").as_bytes());
        save_string(&mut words, prefix.as_bytes());
    }
    let mut more = String::new();
    let mut number = |option: &str, value: Option<u32>| {
        if let Some(value) = value {
            more.push_str(&format!(" --{kind}-{option} {value}"));
        }
    };
    match level {
        // The default goes unsaid; audit has no word.
        None | Some(4) => {}
        Some(level @ 0..=7) if group.is_none() => number("level", Some((*level).into())),
        Some(_) => return None,
    }
    number("group", group.filter(|group| *group != 0).map(u32::from));
    number("size", *snaplen);
    number("threshold", threshold.map(u32::from));
    words.extend(more.into_bytes());
    for flag in flags {
        words.extend_from_slice(b" --log-");
        words.extend_from_slice(match flag {
            LogFlag::TcpSequence => b"tcp-sequence",
            LogFlag::TcpOptions => b"tcp-options",
            LogFlag::IpOptions => b"ip-options",
            LogFlag::Uid => b"uid",
            LogFlag::Macdecode => b"macdecode",
        });
    }
    let fits = if group.is_some() {
        flags.is_empty()
    } else {
        snaplen.is_none() && threshold.is_none()
    };
    fits.then_some(words)
}

fn nat(kind: NatKind, address: &Option<Value>, port: &Option<Value>, flags: &[NatFlag]) -> Option<String> {
    let (target, option) = match kind {
        NatKind::Snat => ("SNAT", "--to-source"),
        NatKind::Dnat => ("DNAT", "--to-destination"),
        NatKind::Masquerade => ("MASQUERADE", "--to-ports"),
        NatKind::Redirect => ("REDIRECT", "--to-ports"),
    };
    let mut words = format!("-j {target}");
    let port = port
        .as_ref()
        .map(ports)
        .map_or(Some(None), |port| port.map(Some))?;
    let names_address = matches!(kind, NatKind::Snat | NatKind::Dnat);
    let to = match (address, port) {
        (None, None) => None,
        (None, Some(port)) if names_address => Some(format!(":{port}")),
        (None, Some(port)) => Some(port),
        (Some(_), _) if !names_address => return None,
        (Some(address), port) => Some(addresses(address, port)?),
    };
    if let Some(to) = to {
        words.push_str(&format!(" {option} {to}"));
    }
    for flag in flags {
        words.push_str(match flag {
            NatFlag::Random => " --random",
            NatFlag::FullyRandom => " --random-fully",
            NatFlag::Persistent => " --persistent",
            NatFlag::Netmap => return None,
        });
    }
    Some(words)
}

/// `80`, `80-90`, `80-90/100` where ports are shifted from a base.
fn ports(value: &Value) -> Option<String> {
    match value {
        Value::Concat(parts) => match parts.as_slice() {
            [ports, base] => Some(format!("{}/{}", span(ports, '-')?, span(base, '-')?)),
            _ => None,
        },
        plain => span(plain, '-'),
    }
}

/// `1.2.3.4-1.2.3.9:80`, `[2001:db8::1]:80`.
fn addresses(value: &Value, port: Option<String>) -> Option<String> {
    let (shown, is_v6) = match value {
        Value::Address(address) => (address.to_string(), address.is_ipv6()),
        range => (
            address_range(range)?,
            matches!(range, Value::Range { from, .. } if is_v6(from)),
        ),
    };
    Some(match port {
        None => shown,
        Some(port) if is_v6 => format!("[{shown}]:{port}"),
        Some(port) => format!("{shown}:{port}"),
    })
}

fn is_v6(value: &Value) -> bool {
    matches!(value, Value::Address(address) if address.is_ipv6())
}

fn set(field: &Field, value: &Value) -> Option<String> {
    let target = match field.0.as_str() {
        "meta.mark" => "MARK",
        "ct.mark" => "CONNMARK",
        _ => return None,
    };
    if let Some((value, mask)) = masked(value) {
        return Some(format!("-j {target} --set-xmark {value:#x}/{mask:#x}"));
    }
    let (from, from_mask, to_mask) = copied(value)?;
    match (from, field.0.as_str()) {
        ("meta.mark", "ct.mark") => Some(format!(
            "-j CONNMARK --save-mark --nfmask {from_mask:#x} --ctmask {to_mask:#x}"
        )),
        ("ct.mark", "meta.mark") => Some(format!(
            "-j CONNMARK --restore-mark --nfmask {to_mask:#x} --ctmask {from_mask:#x}"
        )),
        _ => None,
    }
}

/// A field that is copied: its name, its mask, and the mask of the bits that it replaces.
fn copied(value: &Value) -> Option<(&str, u32, u32)> {
    match value {
        Value::Field(from) => Some((&from.0, u32::MAX, u32::MAX)),
        Value::Masked { mask: to, value } => match (to.as_ref(), value.as_ref()) {
            (Value::Number(to), Value::Masked { mask, value }) => match (mask.as_ref(), value.as_ref()) {
                (Value::Number(mask), Value::Field(from)) => Some((&from.0, *mask, *to)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn queue(from: u16, to: u16, flags: &[String]) -> Option<String> {
    let mut words = if from == to {
        format!("-j NFQUEUE --queue-num {from}")
    } else {
        format!("-j NFQUEUE --queue-balance {from}:{to}")
    };
    for flag in flags {
        words.push_str(match flag.as_str() {
            "bypass" => " --queue-bypass",
            "fanout" => " --queue-cpu-fanout",
            _ => return None,
        });
    }
    Some(words)
}
