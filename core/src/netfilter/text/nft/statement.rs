//! Statements.

use super::action::Before;
use super::time::duration;
use super::value::{field_words, value};
use super::{action, items, map, verdict, words};
use crate::bytes::{Big, Text};
use crate::netfilter::model::{
    Family, Field, Item, LimitUnit, LogFlag, NatFlag, NatKind, RejectWith, Statement, Value,
};
use crate::netfilter::names::{flag_bits, name_of};
use crate::netfilter::nft::field::named;
use std::net::IpAddr;

/// One statement; `before` holds what the steps in front of it left for it.
#[allow(
    clippy::too_many_lines,
    reason = "one arm for each statement; splitting it would lose the proof that none is missing"
)]
pub(super) fn statement(statement: &Statement, before: &Before<'_>) -> String {
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
                map(
                    (key, &Field("verdict".to_owned())),
                    name.as_ref(),
                    entries,
                    before
                )
            )
        }
        // Said by the step that has the set.
        Statement::Elements { .. } => String::new(),
        Statement::Reject { with } => reject(with),
        Statement::Counter { name: None } => "counter".to_owned(),
        Statement::Counter { name: Some(name) } => object("counter", &format!("\"{name}\"")),
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
        Statement::Quota { bytes, over } => format!("quota {}{}", over_word(*over), amount(bytes.0)),
        Statement::Nat {
            nat,
            family,
            address,
            port,
            flags,
        } => translation(*nat, *family, (address.as_ref(), port.as_ref()), flags, before),
        Statement::Set { field, value } => set(field, value),
        Statement::MapTo {
            key,
            field,
            map: name,
            entries,
        } => {
            let map = map((key, field), name.as_ref(), entries, before);
            let key = field_words(key);
            match field.0.strip_prefix("object.") {
                Some(kind) => object(kind, &format!("{key} map {map}")),
                None => format!("{} set {key} map {map}", field_words(field)),
            }
        }
        Statement::Queue { from, to, flags } => queue(*from, *to, flags),
        Statement::QueueBy { number, flags } => action::queue_by(number, flags, before),
        Statement::Notrack => "notrack".to_owned(),
        Statement::Tproxy {
            family,
            address,
            port,
        } => action::tproxy(*family, (address.as_ref(), port.as_ref()), before),
        Statement::Synproxy { mss, wscale, flags } => action::synproxy(*mss, *wscale, flags),
        Statement::Dup { address, device } => action::dup(address.as_ref(), device.as_ref(), before),
        Statement::Fwd {
            family,
            address,
            device,
        } => action::fwd(*family, address.as_ref(), device, before),
        Statement::FlowOffload { flowtable } => format!("flow add @{flowtable}"),
        Statement::ConnLimit { count, over } => format!("ct count {}{count}", over_word(*over)),
        Statement::Last => "last used never".to_owned(),
        Statement::ResetOption { option } => format!("reset {}", field_words(option)),
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
        Statement::Object { object: kind, name } => object(kind, &format!("\"{name}\"")),
        Statement::TcpMss { mss } => {
            let size = mss.map_or_else(|| "rt mtu".to_owned(), |mss| mss.to_string());
            format!("tcp option maxseg size set {size}")
        }
        // nft itself prints no more of it.
        Statement::Target { name, .. } => format!("xt target \"{name}\""),
    }
}

/// The use of a named object, or of the one that a map gives.
fn object(kind: &str, which: &str) -> String {
    match kind {
        "secmark" => format!("meta secmark set {which}"),
        kind if kind.starts_with("ct ") => format!("{kind} set {which}"),
        kind => format!("{kind} name {which}"),
    }
}

fn over_word(over: bool) -> &'static str {
    if over { "over " } else { "" }
}

/// An amount of bytes in the largest unit that says it exactly, as `nft` prints it.
fn amount(bytes: u64) -> String {
    let units = [(1 << 20, "mbytes"), (1 << 10, "kbytes")];
    let exact = units
        .into_iter()
        .find(|(size, _)| bytes != 0 && bytes.is_multiple_of(*size));
    let (size, word) = exact.unwrap_or((1, "bytes"));
    format!("{} {word}", bytes / size)
}

/// `limit rate …`; also what a limit object says.
pub(super) fn limit((rate, unit): (Big, LimitUnit), burst: u32, bytes: bool, over: bool) -> String {
    let text = |count: u64| {
        if bytes {
            amount(count)
        } else {
            format!("{count} packets")
        }
    };
    // What `nft` and the kernel take where none is given.
    let default = if bytes { 0 } else { 5 };
    let burst = if burst == default {
        String::new()
    } else {
        format!(" burst {}", text(burst.into()))
    };
    let rate = text(rate.0);
    let rate = rate.trim_end_matches(" packets");
    format!("limit rate {}{rate}/{}{burst}", over_word(over), unit_word(unit))
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
    before: &Before<'_>,
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
    let to = action::destination(address, port, before);
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
    let Value::Masked { mask, value: flipped } = new else {
        return format!("{words} set {}", value(field, new));
    };
    let (Some((mask, bits)), Some((flipped, _))) = (number(field, mask), number(field, flipped)) else {
        return format!(
            "{words} set [{words} cleared {} flipped {}]",
            value(field, mask),
            value(field, flipped)
        );
    };
    let all = u128::MAX
        .checked_shr(128 - bits.clamp(1, 128))
        .unwrap_or(u128::MAX);
    let keep = all & !mask;
    let literal = |number: u128| action::constant(field, number, bits);
    // `& a | b` clears what is not in `a` and sets `b`; only flipping kept bits needs `^`.
    let computed = match (keep, flipped) {
        (keep, 0) => format!("& {}", literal(keep)),
        (keep, flipped) if keep == all => format!("^ {}", literal(flipped)),
        (keep, flipped) if flipped & keep != 0 => format!("& {} ^ {}", literal(keep), literal(flipped)),
        (keep, flipped) if keep | flipped == all => format!("| {}", literal(flipped)),
        (keep, flipped) => format!("& {} | {}", literal(keep | flipped), literal(flipped)),
    };
    format!("{words} set {words} {computed}")
}

/// A value as a number of as many bits as the field has.
fn number(field: &Field, value: &Value) -> Option<(u128, u32)> {
    let bits = || named(&field.0).map_or(32, |(_, bits)| bits);
    Some(match value {
        Value::Number(number) => (u128::from(*number), bits()),
        Value::Wide(number) => (u128::from(number.0), bits()),
        Value::Address(IpAddr::V4(address)) => (u128::from(address.to_bits()), 32),
        Value::Address(IpAddr::V6(address)) => (address.to_bits(), 128),
        Value::Flags(words) => (u128::from(flag_bits(words::flags_of(&field.0), words)?), bits()),
        _ => return None,
    })
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
