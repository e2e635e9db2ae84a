//! Statements that send a packet or its copy somewhere, and the places that they name.

use super::value::{address_for_port, field_words, value};
use crate::netfilter::model::{Element, Family, Field, Value};
use crate::netfilter::nft::field::named;
use crate::netfilter::nft::typed::Type;

/// What earlier steps left for the one that takes it.
#[derive(Debug, Default)]
pub(super) struct Before<'a> {
    /// Fields that a lookup gives to the statement behind it, and how that statement prints them.
    pub(super) looked_up: Vec<(Field, String)>,
    /// What elements of the next set in place carry.
    pub(super) elements: Vec<&'a Element>,
}

/// True for a field that only carries the result of a lookup to the statement that takes it.
pub(super) fn is_taken(field: &Field) -> bool {
    let holders = ["nat", "tproxy", "dup", "fwd", "queue"];
    holders.contains(&field.0.split('.').next().unwrap_or_default())
}

/// What an earlier lookup gave, as that lookup.
fn resolve(value: &Value, before: &Before<'_>) -> Option<String> {
    let Value::Field(field) = value else {
        return None;
    };
    let found = before.looked_up.iter().rev().find(|(name, _)| name == field);
    found.map(|(_, text)| text.clone())
}

fn operand(what: &Value, before: &Before<'_>) -> String {
    resolve(what, before).unwrap_or_else(|| value(&Field(String::new()), what))
}

/// ` to ADDRESS:PORT`, what of it there is.
pub(super) fn destination(address: Option<&Value>, port: Option<&Value>, before: &Before<'_>) -> String {
    match (address, port) {
        (None, None) => String::new(),
        (Some(address), None) => format!(" to {}", operand(address, before)),
        (None, Some(port)) => format!(" to :{}", operand(port, before)),
        (Some(address), Some(port)) => {
            let address = resolve(address, before).unwrap_or_else(|| address_for_port(address));
            format!(" to {address}:{}", operand(port, before))
        }
    }
}

fn family_word(family: Option<Family>) -> String {
    family.map(|family| format!(" {family}")).unwrap_or_default()
}

/// `tproxy ip to 127.0.0.1:80`.
pub(super) fn tproxy(
    family: Option<Family>,
    (address, port): (Option<&Value>, Option<&Value>),
    before: &Before<'_>,
) -> String {
    format!(
        "tproxy{}{}",
        family_word(family),
        destination(address, port, before)
    )
}

/// `synproxy mss 1460 wscale 7 timestamp sack-perm`.
pub(super) fn synproxy(mss: Option<u16>, wscale: Option<u8>, flags: &[String]) -> String {
    let number = |word: &str, number: Option<u16>| {
        number
            .map(|number| format!(" {word} {number}"))
            .unwrap_or_default()
    };
    // As `nft` orders them: by bit from the highest.
    let flags: String = flags.iter().rev().map(|flag| format!(" {flag}")).collect();
    format!(
        "synproxy{}{}{flags}",
        number("mss", mss),
        number("wscale", wscale.map(u16::from))
    )
}

/// `dup to 10.0.0.1 device "eth0"`; at a device, `dup to "eth0"`.
pub(super) fn dup(address: Option<&Value>, device: Option<&Value>, before: &Before<'_>) -> String {
    let text = |what: &Value| operand(what, before);
    match (address, device) {
        (Some(address), Some(device)) => format!("dup to {} device {}", text(address), text(device)),
        (Some(one), None) | (None, Some(one)) => format!("dup to {}", text(one)),
        (None, None) => "dup".to_owned(),
    }
}

/// `fwd to "eth0"`, `fwd ip to 10.0.0.1 device "eth0"`.
pub(super) fn fwd(
    family: Option<Family>,
    address: Option<&Value>,
    device: &Value,
    before: &Before<'_>,
) -> String {
    let device = operand(device, before);
    match address {
        Some(address) => format!(
            "fwd{} to {} device {device}",
            family_word(family),
            operand(address, before)
        ),
        None => format!("fwd{} to {device}", family_word(family)),
    }
}

/// `queue flags bypass to numgen inc mod 4`.
pub(super) fn queue_by(number: &Value, flags: &[String], before: &Before<'_>) -> String {
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(" flags {}", flags.join(","))
    };
    let number = match number {
        Value::Field(field) => resolve(number, before).unwrap_or_else(|| field_words(field)),
        other => value(&Field(String::new()), other),
    };
    format!("queue{flags} to {number}")
}

/// A constant in what is computed of a field: an address as such, else a hexadecimal number.
pub(super) fn constant(field: &Field, number: u128, bits: u32) -> String {
    let ty = named(&field.0).map(|(ty, _)| ty);
    match (ty, u32::try_from(number)) {
        (Some(Type::Ipv6), _) => std::net::Ipv6Addr::from_bits(number).to_string(),
        (Some(Type::Ipv4), Ok(number)) => std::net::Ipv4Addr::from_bits(number).to_string(),
        _ if bits == 32 => format!("{number:#010x}"),
        _ => format!("{number:#x}"),
    }
}
