//! Statements.

use super::value::{address_for_port, duration, field_words, value};
use super::{items, map, verdict, words};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    Family, Field, Item, LimitUnit, LogFlag, NatFlag, NatKind, RejectWith, Statement, Value,
};
use crate::netfilter::names::name_of;

/// One statement; `looked_up` holds what earlier lookups put into `nat.address` and `nat.port`.
#[allow(
    clippy::too_many_lines,
    reason = "one arm for each statement; splitting it would lose the proof that none is missing"
)]
pub(super) fn statement(statement: &Statement, looked_up: &[(Field, String)]) -> String {
    match statement {
        Statement::Verdict(one) => verdict(one),
        Statement::VerdictMap {
            key,
            map: name,
            entries,
        } => {
            format!(
                "{} vmap {}",
                field_words(key),
                map(key, &Field("verdict".to_owned()), name.as_ref(), entries)
            )
        }
        Statement::Reject { with } => reject(with),
        Statement::Counter { name } => named("counter", name.as_ref()),
        Statement::Log {
            prefix,
            level,
            flags,
            group,
            snaplen,
            threshold,
        } => log(prefix.as_ref(), *level, flags, (*group, *snaplen, *threshold)),
        Statement::Limit {
            rate,
            unit,
            burst,
            bytes,
            over,
        } => limit((*rate, *unit), *burst, *bytes, *over),
        Statement::Quota { bytes, over } => format!("quota {}{bytes} bytes", over_word(*over)),
        Statement::Nat {
            nat,
            family,
            address,
            port,
            flags,
        } => translation(*nat, *family, (address.as_ref(), port.as_ref()), flags, looked_up),
        Statement::Set { field, value } => set(field, value),
        Statement::MapTo {
            key,
            field,
            map: name,
            entries,
        } => {
            let map = map(key, field, name.as_ref(), entries);
            format!("{} set {} map {map}", field_words(field), field_words(key))
        }
        Statement::Queue { from, to, flags } => queue(*from, *to, flags),
        Statement::Notrack => "notrack".to_owned(),
        Statement::Dynset {
            op,
            set,
            key,
            data,
            timeout_ms,
            statements,
        } => {
            format!(
                "{op} @{set} {{ {} }}",
                dynamic_element(key, data.as_ref(), *timeout_ms, statements)
            )
        }
        Statement::Object { object, name } => match object.strip_prefix("ct ") {
            Some(kind) => format!("ct {kind} set \"{name}\""),
            None => named(object, Some(name)),
        },
        Statement::TcpMss { mss } => {
            let size = mss.map_or_else(|| "rt mtu".to_owned(), |mss| mss.to_string());
            format!("tcp option maxseg size set {size}")
        }
        // nft itself prints no more of it.
        Statement::Target { name, .. } => format!("xt target \"{name}\""),
    }
}

fn named(kind: &str, name: Option<&Text>) -> String {
    name.map_or_else(|| kind.to_owned(), |name| format!("{kind} name \"{name}\""))
}

fn over_word(over: bool) -> &'static str {
    if over { "over " } else { "" }
}

fn limit((rate, unit): (Big, LimitUnit), burst: u32, bytes: bool, over: bool) -> String {
    let (rate_unit, burst_unit) = if bytes {
        (" bytes", "bytes")
    } else {
        ("", "packets")
    };
    // What `nft` and the kernel take where none is given.
    let default = if bytes { 0 } else { 5 };
    let burst = if burst == default {
        String::new()
    } else {
        format!(" burst {burst} {burst_unit}")
    };
    format!(
        "limit rate {}{rate}{rate_unit}/{}{burst}",
        over_word(over),
        unit_word(unit)
    )
}

/// The element that a rule puts into a set.
fn dynamic_element(key: &Field, data: Option<&Field>, timeout_ms: Option<Big>, steps: &[Item]) -> String {
    let mut element = field_words(key);
    if let Some(timeout) = timeout_ms {
        element = format!("{element} timeout {}", duration(timeout.0));
    }
    if !steps.is_empty() {
        element = format!("{element} {}", items(steps).join(" "));
    }
    match data {
        Some(data) => format!("{element} : {}", field_words(data)),
        None => element,
    }
}

fn unit_word(unit: LimitUnit) -> &'static str {
    match unit {
        LimitUnit::Second => "second",
        LimitUnit::Minute => "minute",
        LimitUnit::Hour => "hour",
        LimitUnit::Day => "day",
        LimitUnit::Week => "week",
    }
}

fn reject(with: &RejectWith) -> String {
    let (kind, words, code): (_, &[(u32, &str)], u8) = match with {
        RejectWith::Icmp { code } => ("icmp", &words::REJECT_ICMP, *code),
        RejectWith::Icmpv6 { code } => ("icmpv6", &words::REJECT_ICMPV6, *code),
        RejectWith::Icmpx { code } => ("icmpx", &words::REJECT_ICMPX, *code),
        RejectWith::TcpReset => return "reject with tcp reset".to_owned(),
        RejectWith::Legacy { with } => return format!("[reject {with}]"),
    };
    let word = words.iter().find(|(number, _)| *number == u32::from(code));
    format!(
        "reject with {kind} {}",
        word.map_or_else(|| code.to_string(), |(_, word)| (*word).to_owned())
    )
}

/// Group, bytes of the packet, packets gathered.
type Logger = (Option<u16>, Option<u32>, Option<u16>);

fn log(prefix: Option<&Text>, level: Option<u8>, flags: &[LogFlag], logger: Logger) -> String {
    let mut out = "log".to_owned();
    if let Some(prefix) = prefix {
        out = format!("{out} prefix \"{prefix}\"");
    }
    let (group, snaplen, threshold) = logger;
    if let Some(group) = group {
        out = format!("{out} group {group}");
    }
    if let Some(bytes) = snaplen {
        out = format!("{out} snaplen {bytes}");
    }
    if let Some(packets) = threshold {
        out = format!("{out} queue-threshold {packets}");
    }
    if let Some(level) = level.filter(|level| *level != 4) {
        let word = name_of(&words::LEVELS, level.into());
        out = format!(
            "{out} level {}",
            word.map_or_else(|| level.to_string(), str::to_owned)
        );
    }
    format!("{out}{}", log_flags(flags))
}

fn log_flags(flags: &[LogFlag]) -> String {
    let all = LogFlag::ALL.iter().all(|flag| flags.contains(flag));
    if all {
        return " flags all".to_owned();
    }
    let word = |flag: &LogFlag| match flag {
        LogFlag::TcpSequence => " flags tcp sequence",
        LogFlag::TcpOptions => " flags tcp options",
        LogFlag::IpOptions => " flags ip options",
        LogFlag::Uid => " flags skuid",
        LogFlag::Macdecode => " flags ether",
    };
    flags.iter().map(word).collect()
}

fn nat_flag(flag: NatFlag) -> &'static str {
    match flag {
        NatFlag::Random => "random",
        NatFlag::FullyRandom => "fully-random",
        NatFlag::Persistent => "persistent",
        NatFlag::Netmap => "",
    }
}

fn translation(
    nat: NatKind,
    family: Option<Family>,
    (address, port): (Option<&Value>, Option<&Value>),
    flags: &[NatFlag],
    looked_up: &[(Field, String)],
) -> String {
    let word = match nat {
        NatKind::Snat => "snat",
        NatKind::Dnat => "dnat",
        NatKind::Masquerade => "masquerade",
        NatKind::Redirect => "redirect",
    };
    let family = family.map(|family| format!(" {family}")).unwrap_or_default();
    let prefix = if flags.contains(&NatFlag::Netmap) {
        " prefix"
    } else {
        ""
    };
    let resolve = |value: &Value| match value {
        Value::Field(field) => looked_up
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, text)| text.clone()),
        _ => None,
    };
    let plain = |value: &Value| resolve(value).unwrap_or_else(|| self::value(&Field(String::new()), value));
    let to = match (address, port) {
        (None, None) => String::new(),
        (Some(address), None) => format!(" to {}", plain(address)),
        (None, Some(port)) => format!(" to :{}", plain(port)),
        (Some(address), Some(port)) => {
            let address = resolve(address).unwrap_or_else(|| address_for_port(address));
            format!(" to {address}:{}", plain(port))
        }
    };
    let flags: Vec<&str> = flags
        .iter()
        .map(|flag| nat_flag(*flag))
        .filter(|word| !word.is_empty())
        .collect();
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(" {}", flags.join(","))
    };
    format!("{word}{family}{prefix}{to}{flags}")
}

/// `meta mark set 0x1`; with a mask the field is read, cut and flipped.
fn set(field: &Field, new: &Value) -> String {
    let words = field_words(field);
    match new {
        Value::Masked { mask, value: flipped } => match (mask.as_ref(), flipped.as_ref()) {
            (Value::Number(mask), Value::Number(flipped)) => {
                let keep = !mask;
                // `& a | b` clears what is not in `a` and sets `b`; only flipping kept bits needs `^`.
                if flipped & keep == 0 && *mask != 0 {
                    format!("{words} set {words} & {:#010x} | {flipped:#010x}", keep | flipped)
                } else {
                    format!("{words} set {words} & {keep:#010x} ^ {flipped:#010x}")
                }
            }
            (mask, flipped) => {
                format!(
                    "{words} set {words} [cleared {} flipped {}]",
                    value(field, mask),
                    value(field, flipped)
                )
            }
        },
        new => format!("{words} set {}", value(field, new)),
    }
}

fn queue(from: u16, to: u16, flags: &[String]) -> String {
    let numbers = if from == to {
        from.to_string()
    } else {
        format!("{from}-{to}")
    };
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(" {}", flags.join(","))
    };
    format!("queue num {numbers}{flags}")
}
