//! Values whose JSON form must not lose anything: names that may not be UTF-8, raw bytes, 64-bit numbers.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name or comment as the kernel holds it: bytes that are usually, not always, UTF-8.
///
/// In JSON it is a string when it is UTF-8, and `{"hex": "…"}` when it is not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// The bytes as they are, without a terminating NUL.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// True when there are no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A fixed-size kernel string field: the bytes up to the first NUL, or all of them.
    pub fn from_nul_padded(field: &[u8]) -> Self {
        let end = field.iter().position(|byte| *byte == 0);
        Self(
            field
                .get(..end.unwrap_or(field.len()))
                .unwrap_or_default()
                .to_vec(),
        )
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// For people: what is not printable ASCII or other UTF-8 text is shown as `\xNN`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    write!(f, "\\x{:02x}", u32::from(c))?
                } else {
                    write!(f, "{c}")?
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[derive(Serialize)]
struct HexForm {
    hex: String,
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_str() {
            Some(text) => serializer.serialize_str(text),
            None => HexForm { hex: to_hex(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or {\"hex\": \"…\"}")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text::from(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                let (key, hex): (String, String) =
                    map.next_entry()?.ok_or_else(|| de::Error::missing_field("hex"))?;
                if key != "hex" || map.next_key::<String>()?.is_some() {
                    return Err(de::Error::unknown_field(&key, &["hex"]));
                }
                let bytes = from_hex(&hex).ok_or_else(|| de::Error::custom("not hexadecimal"))?;
                if std::str::from_utf8(&bytes).is_ok() {
                    return Err(de::Error::custom(
                        "text that is UTF-8 must be a string, not hexadecimal",
                    ));
                }
                Ok(Text(bytes))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Raw bytes; in JSON a string of lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hex(pub Vec<u8>);

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex({})", to_hex(&self.0))
    }
}

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text)
            .map(Hex)
            .ok_or_else(|| de::Error::custom("not lower-case hexadecimal"))
    }
}

/// A number that can exceed 2^53−1; in JSON always a decimal string, whatever its size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Big(pub u64);

impl fmt::Debug for Big {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Big {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Big {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Big {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value: u64 = text.parse().map_err(de::Error::custom)?;
        if value.to_string() != text {
            return Err(de::Error::custom(
                "a decimal number without sign or leading zeros",
            ));
        }
        Ok(Big(value))
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| {
        char::from(if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        })
    };
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out
}

/// The bytes that `text` spells in lower-case hexadecimal digits; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.last()?)?))
        .collect()
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_not_utf8_survives_json() {
        let text = Text::from(&b"eth\xff0"[..]);
        let json = serde_json::to_string(&text).unwrap();
        assert_eq!(json, r#"{"hex":"657468ff30"}"#);
        assert_eq!(serde_json::from_str::<Text>(&json).unwrap(), text);
        assert_eq!(text.to_string(), "eth\\xff0");
    }

    #[test]
    fn one_text_has_one_spelling() {
        assert!(
            serde_json::from_str::<Text>(r#"{"hex":"6574"}"#).is_err(),
            "UTF-8 spelt in hex"
        );
        assert!(
            serde_json::from_str::<Text>(r#"{"hex":"FF"}"#).is_err(),
            "upper case"
        );
        assert!(serde_json::from_str::<Text>(r#"{"hex":"ff","more":1}"#).is_err());
    }

    #[test]
    fn big_numbers_keep_every_digit() {
        let big = Big(9_007_199_254_740_993);
        let json = serde_json::to_string(&big).unwrap();
        assert_eq!(json, r#""9007199254740993""#);
        assert_eq!(serde_json::from_str::<Big>(&json).unwrap(), big);
        assert!(serde_json::from_str::<Big>(r#""007""#).is_err());
    }
}
