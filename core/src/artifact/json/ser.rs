//! The serialiser behind [`super::to_vec`].

use std::io::Write as _;

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::CanonicalError;

/// 2^53−1, the largest integer that every JSON reader keeps exact (RFC 8785, appendix D).
const MAX_EXACT: u64 = (1 << 53) - 1;

/// Writes one value to `out`.
pub(super) struct Canonical<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Canonical<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    fn integer(self, magnitude: u64, negative: bool) -> Result<(), CanonicalError> {
        if magnitude > MAX_EXACT {
            return Err(form("an integer beyond 2^53-1: use Big"));
        }
        if negative && magnitude != 0 {
            self.out.push(b'-');
        }
        write_digits(self.out, magnitude);
        Ok(())
    }
}

/// A number in decimal digits.
fn write_digits(out: &mut Vec<u8>, mut number: u64) {
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

impl ser::Error for CanonicalError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        CanonicalError::Form(message.to_string())
    }
}

fn form(message: &str) -> CanonicalError {
    CanonicalError::Form(message.to_owned())
}

/// A byte that stands for itself in a string.
fn plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// True if every byte stands for itself. Eight at a time; most strings are short.
fn all_plain(bytes: &[u8]) -> bool {
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
fn write_word(out: &mut Vec<u8>, word: &str) {
    out.reserve(word.len().saturating_add(4));
    out.push(b'"');
    out.extend_from_slice(word.as_bytes());
    out.push(b'"');
}

/// RFC 8785 §3.2.2.2: the two-character escapes where JSON has them, `\u00xx` for other controls, else as is.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
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

impl<'a> ser::Serializer for Canonical<'a> {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Array<'a>;
    type SerializeTuple = Array<'a>;
    type SerializeTupleStruct = Array<'a>;
    type SerializeTupleVariant = ser::Impossible<(), CanonicalError>;
    type SerializeMap = ser::Impossible<(), CanonicalError>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), CanonicalError> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), CanonicalError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), CanonicalError> {
        self.integer(value.unsigned_abs(), value < 0)
    }

    fn serialize_u8(self, value: u8) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), CanonicalError> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), CanonicalError> {
        self.integer(value, false)
    }

    fn serialize_f32(self, _: f32) -> Result<(), CanonicalError> {
        Err(form("floating point"))
    }

    fn serialize_f64(self, _: f64) -> Result<(), CanonicalError> {
        Err(form("floating point"))
    }

    fn serialize_char(self, value: char) -> Result<(), CanonicalError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), CanonicalError> {
        write_string(self.out, value);
        Ok(())
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        self.out.push(b'"');
        let start = self.out.len();
        let _ok = write!(self.out, "{value}");
        if self.out.get(start..).is_some_and(all_plain) {
            self.out.push(b'"');
            return Ok(());
        }
        self.out.truncate(start.saturating_sub(1));
        self.serialize_str(&value.to_string())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), CanonicalError> {
        Err(form("raw bytes: use Hex or Text"))
    }

    fn serialize_none(self) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CanonicalError> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        let mut object = Object::new(self.out);
        object.field(variant, value)?;
        object.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Array<'a>, CanonicalError> {
        Ok(Array::new(self.out))
    }

    fn serialize_tuple(self, _: usize) -> Result<Array<'a>, CanonicalError> {
        Ok(Array::new(self.out))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Array<'a>, CanonicalError> {
        Ok(Array::new(self.out))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, CanonicalError> {
        Err(form("a tuple variant: give its fields names"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CanonicalError> {
        Err(form(
            "a map with keys from data: names from outside are values in arrays",
        ))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, CanonicalError> {
        Ok(Object::new(self.out))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, CanonicalError> {
        let mut object = Object::new(open_variant(self.out, variant)?);
        object.wrapped = true;
        Ok(object)
    }
}

pub(super) fn check_key(key: &str) -> Result<(), CanonicalError> {
    let fixed = key
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if fixed {
        Ok(())
    } else {
        Err(form("a key that is not plain ASCII"))
    }
}

fn open_variant<'a>(out: &'a mut Vec<u8>, variant: &str) -> Result<&'a mut Vec<u8>, CanonicalError> {
    check_key(variant)?;
    out.push(b'{');
    write_string(out, variant);
    out.push(b':');
    Ok(out)
}

/// An array that is being written.
pub(super) struct Array<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Array<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, first: true }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        value.serialize(Canonical::new(self.out))
    }
}

impl ser::SerializeSeq for Array<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.element(value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.out.push(b']');
        Ok(())
    }
}

impl ser::SerializeTuple for Array<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.element(value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        ser::SerializeSeq::end(self)
    }
}

impl ser::SerializeTupleStruct for Array<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.element(value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        ser::SerializeSeq::end(self)
    }
}

/// An object that is being written: each field goes to its place among the keys, with a comma behind it.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// Each key, rising, and where its field begins.
    fields: SmallVec<[(&'static str, usize); 4]>,
    wrapped: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            fields: SmallVec::new(),
            wrapped: false,
        }
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), CanonicalError> {
        if cfg!(debug_assertions) {
            // Keys are written in this program; its tests run with this.
            check_key(key)?;
        }
        let start = self.out.len();
        write_word(self.out, key);
        self.out.push(b':');
        value.serialize(Canonical::new(self.out))?;
        self.out.push(b',');
        match self.fields.last() {
            Some((last, _)) if *last >= key => self.put(key, start),
            _ => {
                self.fields.push((key, start));
                Ok(())
            }
        }
    }

    /// Moves the last field, which begins at `start`, to its place: ASCII keys sort by byte as they do by UTF-16 code unit, which
    /// RFC 8785 §3.2.3 asks for.
    fn put(&mut self, key: &'static str, start: usize) -> Result<(), CanonicalError> {
        let place = self.fields.partition_point(|(other, _)| *other < key);
        let Some((other, at)) = self.fields.get(place).copied() else {
            return Ok(());
        };
        if other == key {
            return Err(form("a key that stands twice"));
        }
        let length = self.out.len().saturating_sub(start);
        if let Some(moving) = self.out.get_mut(at..) {
            moving.rotate_right(length);
        }
        for (_, later) in self.fields.iter_mut().skip(place) {
            *later += length;
        }
        self.fields.insert(place, (key, at));
        Ok(())
    }

    fn finish(self) -> Result<(), CanonicalError> {
        if !self.fields.is_empty() {
            // The comma behind the last field.
            self.out.pop();
        }
        self.out
            .extend_from_slice(if self.wrapped { b"}}" } else { b"}" });
        Ok(())
    }
}

impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.finish()
    }
}

impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.field(key, value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.finish()
    }
}
