//! Words and their quotes.

use crate::netfilter::model::Value;

/// A line as it grows.
#[derive(Default)]
pub(in crate::netfilter::text) struct Words(pub(super) Vec<u8>);

impl Words {
    pub(in crate::netfilter::text) fn push(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(in crate::netfilter::text) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// A string as `xtables_save_string` prints it: in quotes unless it is letters, digits, `_` and `-` only.
pub(in crate::netfilter) fn save_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !bytes.is_empty() && bytes.iter().all(plain) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for byte in bytes {
        if matches!(byte, b'"' | b'\\' | b'\'') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// A word that stands without quotes if it can; a sign of negation can't.
pub(in crate::netfilter) fn bare(out: &mut Vec<u8>, bytes: &[u8]) {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'\'');
    let is_value = !matches!(bytes, [] | [b'!']);
    if is_value && bytes.iter().all(plain) {
        out.extend_from_slice(bytes);
    } else {
        save_string(out, bytes);
    }
}

/// `5`, or a range with this separator.
pub(in crate::netfilter::text) fn span(value: &Value, separator: char) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Range { from, to } => match (from.as_ref(), to.as_ref()) {
            (Value::Number(from), Value::Number(to)) => Some(format!("{from}{separator}{to}")),
            _ => None,
        },
        _ => None,
    }
}

/// `1.2.3.4-1.2.3.9`.
pub(in crate::netfilter::text) fn address_range(value: &Value) -> Option<String> {
    let Value::Range { from, to } = value else {
        return None;
    };
    match (from.as_ref(), to.as_ref()) {
        (Value::Address(from), Value::Address(to)) => Some(format!("{from}-{to}")),
        _ => None,
    }
}

/// A number under a mask: `(value, mask)`.
pub(in crate::netfilter::text) fn masked(value: &Value) -> Option<(u32, u32)> {
    match value {
        Value::Number(number) => Some((*number, u32::MAX)),
        Value::Masked { mask, value } => match (mask.as_ref(), value.as_ref()) {
            (Value::Number(mask), Value::Number(value)) => Some((*value, *mask)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_negation_is_quoted_where_it_is_a_value() {
        for (word, shown) in [
            ("eth0", "eth0"),
            ("!", "\"!\""),
            ("-j", "-j"),
            ("", "\"\""),
            ("a b", "\"a b\""),
        ] {
            let mut out = Vec::new();
            bare(&mut out, word.as_bytes());
            assert_eq!(out, shown.as_bytes());
        }
    }
}
