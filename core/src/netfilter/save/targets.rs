//! Targets from their options, into the same form as their structures.

mod options;

use super::extension::{Asked, Extension};
use super::values;
use crate::netfilter::model::{Family, LogFlag, NatFlag, NatKind, RejectWith, Statement, Value};
use crate::netfilter::xt::forms;

/// What a target does; `None` if its options say something that this version does not decode.
pub(super) fn decode(family: Family, extension: &Extension) -> Option<Statement> {
    let asked = &extension.asked;
    if asked.has_inverted() {
        return None;
    }
    match extension.name.as_bytes() {
        b"REJECT" => reject(family, asked),
        b"LOG" => log(asked),
        b"NFLOG" => nflog(asked),
        b"SNAT" => nat(family, NatKind::Snat, asked),
        b"DNAT" => nat(family, NatKind::Dnat, asked),
        b"MASQUERADE" => nat(family, NatKind::Masquerade, asked),
        b"REDIRECT" => nat(family, NatKind::Redirect, asked),
        b"MARK" => set_mark("meta.mark", asked),
        b"CONNMARK" => connmark(asked),
        b"TCPMSS" => tcpmss(asked),
        b"NOTRACK" => asked.is_empty().then_some(Statement::Notrack),
        b"NFQUEUE" => nfqueue(asked),
        _ => options::decode(family, extension),
    }
}

fn reject(family: Family, asked: &Asked) -> Option<Statement> {
    let word = match (asked.word("--reject-with"), family) {
        (Some((_, word)), _) => word,
        (None, Family::Ip6) => "icmp6-port-unreachable",
        (None, _) => "icmp-port-unreachable",
    };
    let with = if matches!(word, "tcp-reset" | "tcp-rst") {
        RejectWith::TcpReset
    } else if family == Family::Ip {
        RejectWith::Icmp {
            code: forms::named(&forms::REJECT_WORDS, word)?,
        }
    } else {
        RejectWith::Icmpv6 {
            code: forms::named(&forms::REJECT_WORDS6, word)?,
        }
    };
    Some(Statement::Reject { with })
}

fn log(asked: &Asked) -> Option<Statement> {
    const DEFAULT_LEVEL: u8 = 4;
    let level = match asked.word("--log-level") {
        Some((_, word)) => log_level(word)?,
        None => DEFAULT_LEVEL,
    };
    let known = [
        ("--log-tcp-sequence", LogFlag::TcpSequence),
        ("--log-tcp-options", LogFlag::TcpOptions),
        ("--log-ip-options", LogFlag::IpOptions),
        ("--log-uid", LogFlag::Uid),
        ("--log-macdecode", LogFlag::Macdecode),
    ];
    let flags = known.iter().filter(|(option, _)| asked.flag(option).is_some());
    let prefix = asked.bytes("--log-prefix").map_or(&[][..], |(_, bytes)| bytes);
    Some(forms::log(prefix, level, flags.map(|(_, flag)| *flag).collect()))
}

/// A syslog level by number or name.
fn log_level(word: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 11] = [
        ("emerg", 0),
        ("panic", 0),
        ("alert", 1),
        ("crit", 2),
        ("error", 3),
        ("err", 3),
        ("warning", 4),
        ("warn", 4),
        ("notice", 5),
        ("info", 6),
        ("debug", 7),
    ];
    match values::number(word) {
        Some(number) => u8::try_from(number).ok(),
        None => forms::named(&NAMES, word),
    }
}

fn nflog(asked: &Asked) -> Option<Statement> {
    let number = |option| match asked.word(option) {
        Some((_, word)) => values::number(word).map(Some),
        None => Some(None),
    };
    let small = |option| Some(u16::try_from(number(option)?.unwrap_or(0)).ok());
    let prefix = asked.bytes("--nflog-prefix").map_or(&[][..], |(_, bytes)| bytes);
    let (group, threshold) = (small("--nflog-group")??, small("--nflog-threshold")??);
    Some(forms::nflog(prefix, group, threshold, number("--nflog-size")?))
}

fn nat(family: Family, nat: NatKind, asked: &Asked) -> Option<Statement> {
    let (mut address, mut port) = (None, None);
    let to = ["--to-source", "--to-destination"]
        .iter()
        .find_map(|option| asked.word(option));
    if let Some((_, word)) = to {
        let (addresses, ports) = split_port(family, word);
        if !addresses.is_empty() {
            let (from, to) = addresses.split_once('-').unwrap_or((addresses, addresses));
            let [from, to] = [from, to].map(|word| values::address(family, word));
            address = Some(forms::addresses(from?, to?));
        }
        port = ports.map(ports_value).map_or(Some(None), |port| port.map(Some))?;
    }
    if let Some((_, word)) = asked.word("--to-ports") {
        port = Some(ports_value(word)?);
    }
    let known = [
        ("--random", NatFlag::Random),
        ("--random-fully", NatFlag::FullyRandom),
        ("--persistent", NatFlag::Persistent),
    ];
    let flags = known.iter().filter(|(option, _)| asked.flag(option).is_some());
    Some(Statement::Nat {
        nat,
        family: None,
        address,
        port,
        flags: flags.map(|(_, flag)| *flag).collect(),
    })
}

/// `1.2.3.4-1.2.3.9:80-90` or `[2001:db8::1]:80` cut before the port.
fn split_port(family: Family, word: &str) -> (&str, Option<&str>) {
    if family != Family::Ip6 {
        return word
            .split_once(':')
            .map_or((word, None), |(address, port)| (address, Some(port)));
    }
    let Some((address, rest)) = word.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        // Without brackets there is an address, or a port alone.
        let port = word
            .strip_prefix(':')
            .filter(|port| !port.contains(':') && !port.is_empty());
        return port.map_or((word, None), |port| ("", Some(port)));
    };
    match rest.strip_prefix(':') {
        Some(port) => (address, Some(port)),
        None if rest.is_empty() => (address, None),
        None => (word, None),
    }
}

/// `80`, `80-90`, `80-90/100` where ports are shifted from a base.
fn ports_value(word: &str) -> Option<Value> {
    if let Some((ports, base)) = word.split_once('/') {
        let base = values::number16(base)?;
        return Some(Value::Concat(vec![
            ports_value(ports)?,
            Value::Number(base.into()),
        ]));
    }
    let ports = |word| values::number16(word).map(u32::from);
    match word.split_once('-') {
        Some((from, to)) => Some(forms::numbers(ports(from)?, ports(to)?)),
        None => Some(Value::Number(ports(word)?)),
    }
}

/// `--set-xmark` and its kin, as what they are to the kernel: clear the mask's bits, then xor the value.
fn set_mark(field: &str, asked: &Asked) -> Option<Statement> {
    let option = asked.single()?;
    let (_, word) = asked.word(option)?;
    let [value, mask] = match option {
        "--set-xmark" => values::mark(word)?,
        "--set-mark" => {
            let [value, mask] = values::mark(word)?;
            [value, mask | value]
        }
        "--and-mark" => [0, !values::number(word)?],
        "--or-mark" => [values::number(word)?; 2],
        "--xor-mark" => [values::number(word)?, 0],
        _ => return None,
    };
    Some(forms::set_mark(field, value, mask))
}

fn connmark(asked: &Asked) -> Option<Statement> {
    let (save, restore) = (asked.flag("--save-mark"), asked.flag("--restore-mark"));
    if let Some(shift) = shift(asked)? {
        return shifted(asked, shift);
    }
    if save.is_none() && restore.is_none() {
        return set_mark("ct.mark", asked);
    }
    let mask = |option| match asked.word(option).or_else(|| asked.word("--mask")) {
        Some((_, word)) => values::number(word),
        None => Some(u32::MAX),
    };
    let (nf_mask, ct_mask) = (mask("--nfmask")?, mask("--ctmask")?);
    match (save, restore) {
        (Some(_), None) => Some(forms::copy_mark("meta.mark", nf_mask, "ct.mark", ct_mask)),
        (None, Some(_)) => Some(forms::copy_mark("ct.mark", ct_mask, "meta.mark", nf_mask)),
        _ => None,
    }
}

/// Which way a mark is shifted, and by how much; not at all is the inner `None`.
fn shift(asked: &Asked) -> Option<Option<(&'static str, u32)>> {
    let given = SHIFTS
        .iter()
        .find_map(|option| Some((*option, asked.word(option)?.1)));
    Some(match given {
        None => None,
        Some((option, word)) => {
            Some((option.trim_start_matches('-'), values::number(word)?)).filter(|(_, bits)| *bits != 0)
        }
    })
}

const SHIFTS: [&str; 2] = ["--left-shift-mark", "--right-shift-mark"];

/// `CONNMARK` that shifts: what it would do without, and the shift.
fn shifted(asked: &Asked, (direction, bits): (&str, u32)) -> Option<Statement> {
    let rest = asked
        .0
        .iter()
        .filter(|(_, option, _)| !SHIFTS.contains(&option.as_str()));
    let rest = Asked(rest.cloned().collect());
    let mask = |option| match rest.word(option).or_else(|| rest.word("--mask")) {
        Some((_, word)) => values::number(word),
        None => Some(u32::MAX),
    };
    let mut options = Vec::new();
    match (rest.flag("--save-mark"), rest.flag("--restore-mark")) {
        (None, None) => match set_mark("ct.mark", &rest)? {
            Statement::Set { value, .. } => options.push(forms::given("set-xmark", value)),
            _ => return None,
        },
        (Some(_), Some(_)) => return None,
        (save, _) => {
            let way = if save.is_some() {
                "save-mark"
            } else {
                "restore-mark"
            };
            options.push(forms::given(way, None));
            options.push(forms::given("nfmask", Value::Number(mask("--nfmask")?)));
            options.push(forms::given("ctmask", Value::Number(mask("--ctmask")?)));
        }
    }
    options.push(forms::given(direction, Value::Number(bits)));
    Some(Statement::Target {
        name: "CONNMARK".to_owned(),
        options,
    })
}

fn tcpmss(asked: &Asked) -> Option<Statement> {
    let mss = match asked.single()? {
        "--clamp-mss-to-pmtu" => None,
        option => Some(values::number16(asked.word(option)?.1)?),
    };
    Some(Statement::TcpMss { mss })
}

fn nfqueue(asked: &Asked) -> Option<Statement> {
    let [from, to] = match (asked.word("--queue-num"), asked.word("--queue-balance")) {
        (None, None) => [0, 0],
        (Some((_, word)), None) => [values::number16(word)?; 2],
        (None, Some((_, word))) => values::ports(word, ':')?,
        _ => return None,
    };
    let total = to.checked_sub(from)?.checked_add(1)?;
    let set = |option| asked.flag(option).is_some();
    forms::queue(from, total, set("--queue-bypass"), set("--queue-cpu-fanout"))
}
