//! Strings, keys and numbers as they are written.

use super::{CanonicalError, form};

/// A number in decimal digits.
#[inline]
pub(super) fn write_digits(out: &mut Vec<u8>, mut number: u64) {
    // 2^64−1 has twenty digits.
    let mut digits = [b'0'; 20];
    let mut count = 0;
    for place in digits.iter_mut().rev() {
        // Below ten, so nothing is cut.
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        count += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
}

/// A byte that stands for itself in a string.
fn plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// True if every byte stands for itself. Eight at a time; most strings are short.
#[inline]
pub(super) fn all_plain(bytes: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| plain_word(u64::from_ne_bytes(*bytes));
    if let Some(last) = bytes.last_chunk::<8>() {
        // The last word overlaps the one before it where the length is no multiple of eight.
        return bytes.as_chunks::<8>().0.iter().all(word) && word(last);
    }
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => word(&[*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => bytes.iter().copied().all(plain),
    }
}

/// [`plain`] for eight bytes at once: for each byte the highest bit is set if it is below 0x20, `"` or `\`. Borrows of a byte that is so may
/// set that of others, but then one is.
fn plain_word(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | is(b'"') | is(b'\\')) & HIGHEST == 0
}

/// A key: written in this program, so it needs no escapes.
#[inline]
pub(super) fn write_word(out: &mut Vec<u8>, word: &str) {
    out.reserve(word.len().saturating_add(4));
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

/// RFC 8785 §3.2.2.2: the two-character escapes where JSON has them, `\u00xx` for other controls, else as is.
#[inline]
pub(in crate::artifact::json) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if all_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

pub(in crate::artifact::json) fn check_key(key: &str) -> Result<(), CanonicalError> {
    let fixed = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if fixed {
        Ok(())
    } else {
        Err(form("a key that is not plain ASCII"))
    }
}
