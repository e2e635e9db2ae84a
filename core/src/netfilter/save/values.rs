//! Values as save tools write them.

use std::net::IpAddr;

use crate::netfilter::model::{Family, Item};
use crate::netfilter::xt::forms;

/// A number as `strtoul` reads it with base 0: decimal, `0x` hexadecimal or `0` octal.
pub(in crate::netfilter) fn number(word: &str) -> Option<u32> {
    let lower = word.to_ascii_lowercase();
    let (digits, base) = match lower.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if lower.len() > 1 && lower.starts_with('0') => (lower.as_str(), 8),
        None => (lower.as_str(), 10),
    };
    // A sign is no digit.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, base).ok()).flatten()
}

/// A number of 16 bits.
pub(super) fn number16(word: &str) -> Option<u16> {
    number(word)?.try_into().ok()
}

/// `5`, `5:80`, `5:` or `:80`, with this separator.
pub(super) fn ports(word: &str, separator: char) -> Option<[u16; 2]> {
    let Some((from, to)) = word.split_once(separator) else {
        return number16(word).map(|port| [port, port]);
    };
    let from = if from.is_empty() { 0 } else { number16(from)? };
    let to = if to.is_empty() { u16::MAX } else { number16(to)? };
    Some([from, to])
}

/// `5` or `5:80` of 32 bits, with this separator.
pub(super) fn numbers(word: &str, separator: char) -> Option<[u32; 2]> {
    match word.split_once(separator) {
        Some((from, to)) => Some([number(from)?, number(to)?]),
        None => number(word).map(|number| [number, number]),
    }
}

/// `value` or `value/mask`; without a mask it is full.
pub(super) fn mark(word: &str) -> Option<[u32; 2]> {
    match word.split_once('/') {
        Some((value, mask)) => Some([number(value)?, number(mask)?]),
        None => Some([number(word)?, u32::MAX]),
    }
}

/// An address of this family.
pub(super) fn address(family: Family, word: &str) -> Option<IpAddr> {
    let address: IpAddr = word.parse().ok()?;
    (address.is_ipv4() == (family == Family::Ip)).then_some(address)
}

/// `-s` and the like: an address, with a prefix length or a mask. The inner `None`: every address.
pub(in crate::netfilter) fn masked_address(
    family: Family,
    field: &str,
    word: &str,
    inverted: bool,
) -> Option<Option<Item>> {
    let (address_word, mask_word) = word.split_once('/').unwrap_or((word, ""));
    let address = address(family, address_word)?;
    let mask = if mask_word.is_empty() {
        let full = if address.is_ipv4() { 32 } else { 128 };
        (!word.ends_with('/'))
            .then(|| forms::mask_of(address, full))
            .flatten()?
    } else if let Ok(length) = mask_word.parse::<u8>() {
        forms::mask_of(address, length)?
    } else {
        self::address(family, mask_word)?
    };
    Some(forms::address(field, address, mask, inverted))
}

/// `-i` and the like: `eth0`, or `eth+` for all that begin so. The inner `None`: every interface.
pub(super) fn interface(field: &str, name: &[u8], inverted: bool) -> Option<Option<Item>> {
    let value = match name.split_last()? {
        (b'+', []) if !inverted => return Some(None),
        (b'+', begin) => forms::interface_prefix(begin),
        _ => forms::interface(name),
    };
    Some(Some(forms::equals(field, inverted, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_base_and_no_sign() {
        assert_eq!(number("0x1F"), Some(31));
        assert_eq!(number("010"), Some(8));
        assert_eq!(number("0"), Some(0));
        for wrong in ["", "-1", "+1", "08", "0x", "4294967296", "1 "] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_range_may_be_open() {
        assert_eq!(ports("80:", ':'), Some([80, 65535]));
        assert_eq!(ports(":80", ':'), Some([0, 80]));
        assert_eq!(ports("65536", ':'), None);
    }
}
