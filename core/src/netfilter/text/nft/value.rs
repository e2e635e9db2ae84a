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
        Value::Flags(words) => words.join(","),
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
    if let Some(word) = words::words_of(field).and_then(|words| name_of(words, number)) {
        return word.to_owned();
    }
    if words::is_hexadecimal(field) {
        format!("{number:#x}")
    } else {
        number.to_string()
    }
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
