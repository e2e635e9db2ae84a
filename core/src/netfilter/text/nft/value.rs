//! Fields and values.

use std::net::IpAddr;

use super::words;
use crate::netfilter::model::{Field, Value};
use crate::netfilter::names::name_of;

/// A field as `nft` writes it.
pub(super) fn field_words(field: &Field) -> String {
    field
        .0
        .split(" . ")
        .map(one_field)
        .collect::<Vec<_>>()
        .join(" . ")
}

fn one_field(name: &str) -> String {
    if name.starts_with('@') {
        return name.to_owned();
    }
    match name.split_once('.') {
        Some(("meta", key)) if words::UNQUALIFIED.contains(&key) => key.to_owned(),
        // `fib.saddr_iif.oif`: inputs joined, then the result.
        Some(("fib", rest)) => format!("fib {}", rest.replace('.', " ").replace('_', " . ")),
        _ => name.replace('.', " "),
    }
}

/// A value as `nft` reads it for this field; `field` may also be the type of a set's key.
pub(super) fn value(field: &Field, value: &Value) -> String {
    match value {
        Value::Number(number) => print_number(&field.0, *number),
        Value::Wide(number) => number.to_string(),
        Value::Address(address) => address.to_string(),
        Value::Prefix { address, length } => format!("{address}/{length}"),
        Value::Mac(mac) => mac.clone(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Symbol(word) => word.clone(),
        Value::Flags(words) => flags(&field.0, words),
        Value::Masked { mask, value: bits } => {
            format!("{} & {}", self::value(field, bits), self::value(field, mask))
        }
        Value::Range { from, to } => format!("{}-{}", self::value(field, from), self::value(field, to)),
        Value::Set(all) => {
            let all: Vec<String> = all.iter().map(|one| self::value(field, one)).collect();
            format!("{{ {} }}", all.join(", "))
        }
        Value::SetName(name) => format!("@{name}"),
        Value::Concat(all) => concat(field, all),
        Value::Bytes(bytes) => format!("0x{bytes}"),
        Value::Field(other) => field_words(other),
        // nftables has no words for these: they are for people.
        Value::Parts(parts) => {
            let parts: Vec<String> = parts.iter().map(super::matched).collect();
            format!("({})", parts.join(", "))
        }
    }
}

fn concat(field: &Field, all: &[Value]) -> String {
    let mut fields = field.0.split(" . ");
    let parts: Vec<String> = all
        .iter()
        .map(|one| value(&Field(fields.next().unwrap_or_default().to_owned()), one))
        .collect();
    parts.join(" . ")
}

fn print_number(field: &str, number: u32) -> String {
    match words::words_of(field).and_then(|words| name_of(words, number)) {
        Some(word) => word.to_owned(),
        None if words::is_mark(field) => format!("{number:#010x}"),
        None if words::is_hexadecimal(field) => format!("{number:#x}"),
        // A handle of traffic control: major and minor, in hexadecimal.
        None if field == "meta.priority" => format!("{:x}:{:x}", number >> 16, number & 0xffff),
        None => number.to_string(),
    }
}

fn flags(field: &str, given: &[String]) -> String {
    let order = words::flags_of(field);
    let place = |word: &String| order.iter().position(|(_, name)| name == word);
    let mut sorted: Vec<&String> = given.iter().collect();
    sorted.sort_by_key(|word| place(word));
    sorted
        .into_iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(",")
}

/// A time as `nft` prints it: `1d2h3m4s5ms` without the parts that are zero.
pub(super) fn duration(milliseconds: u64) -> String {
    const PARTS: [(u64, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
        (1, "ms"),
    ];
    let mut rest = milliseconds;
    let mut out = String::new();
    for (length, unit) in PARTS {
        if rest >= length {
            out = format!("{out}{}{unit}", rest / length);
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Flags as one operand: `(syn | ack)`.
pub(super) fn grouped(flags: &str) -> String {
    if flags.contains(',') {
        format!("({})", either(flags))
    } else {
        flags.to_owned()
    }
}

/// `syn | ack`.
pub(super) fn either(flags: &str) -> String {
    flags.replace(',', " | ")
}

/// An address in front of a port: IPv6 in brackets.
pub(super) fn address_for_port(value: &Value) -> String {
    match value {
        Value::Address(address @ IpAddr::V6(_)) => format!("[{address}]"),
        Value::Range { from, to } => format!("{}-{}", address_for_port(from), address_for_port(to)),
        other => self::value(&Field(String::new()), other),
    }
}
