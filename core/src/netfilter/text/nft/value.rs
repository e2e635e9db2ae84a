//! Fields and values.

use std::net::IpAddr;

use super::action::Before;
use super::{time, words};
use crate::netfilter::model::{Field, Value};
use crate::netfilter::names::name_of;

/// A field as `nft` writes it; what is computed is written the same way, operand by operand.
pub(super) fn field_words(field: &Field) -> String {
    // The keys of a hash stand in parentheses in the model only: a concatenation can't.
    let name = match field.0.split_once("jhash(") {
        Some((before, rest)) => format!("{before}jhash {}", rest.replacen(')', "", 1)),
        None => field.0.clone(),
    };
    name.split(' ').map(one_word).collect::<Vec<_>>().join(" ")
}

/// The fields of a concatenation. What is in parentheses is one, whatever it holds.
pub(super) fn parts(field: &str) -> Vec<&str> {
    let (mut depth, mut start, mut out) = (0_usize, 0, Vec::new());
    for (at, one) in field.char_indices() {
        match one {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                let (before, after) = (at.checked_sub(1), at.saturating_add(1));
                let around = (
                    before.and_then(|before| field.get(before..at)),
                    field.get(after..after + 1),
                );
                if around == (Some(" "), Some(" ")) {
                    out.push(field.get(start..at).unwrap_or_default().trim());
                    start = after;
                }
            }
            _ => {}
        }
    }
    out.push(field.get(start..).unwrap_or_default().trim());
    out
}

fn one_word(word: &str) -> String {
    let name = word.trim_start_matches('(');
    let (open, name) = (word.len() - name.len(), name.trim_end_matches(')'));
    let close = word.len() - open - name.len();
    let (open, close) = ("(".repeat(open), ")".repeat(close));
    // A constant, a sign between operands, or a place in the packet: as it is.
    let is_field = name.starts_with(|first: char| first.is_ascii_lowercase()) && !name.contains(':');
    if is_field {
        format!("{open}{}{close}", one_field(name))
    } else {
        word.to_owned()
    }
}

fn one_field(name: &str) -> String {
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
        Value::Wide(number) if field.0 == "meta.time" => time::date(number.0),
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
            let parts: Vec<String> = parts
                .iter()
                .map(|part| super::matched(part, &Before::default()))
                .collect();
            format!("({})", parts.join(", "))
        }
    }
}

fn concat(field: &Field, all: &[Value]) -> String {
    let mut fields = parts(&field.0).into_iter();
    let texts: Vec<String> = all
        .iter()
        .map(|one| value(&Field(fields.next().unwrap_or_default().to_owned()), one))
        .collect();
    texts.join(" . ")
}

fn print_number(field: &str, number: u32) -> String {
    match field {
        "meta.day" | "day" => {
            let word = words::words_of(field).and_then(|words| name_of(words, number));
            return word.map_or_else(|| number.to_string(), |word| format!("\"{word}\""));
        }
        "meta.hour" | "hour" => return time::hour(number),
        "ct.expiration" | "ct.original.expiration" | "ct.reply.expiration" | "time" => {
            return time::duration(number.into());
        }
        _ => {}
    }
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
