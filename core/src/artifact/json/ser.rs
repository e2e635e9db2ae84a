//! The serialiser behind [`super::to_vec`].

use std::io::Write as _;
use std::ops::Range;

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
        // Writing to memory has no failure.
        let _ok = write!(self.out, "{magnitude}");
        Ok(())
    }
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

/// RFC 8785 §3.2.2.2: the two-character escapes where JSON has them, `\u00xx` for other controls, else as is.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().all(plain) {
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
        if self.out.iter().skip(start).copied().all(plain) {
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

/// An object that is being written: fields go to the output as they come, each with a comma behind it; where that is not the
/// order of their keys they are put in order at the end.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// Each key, and the bytes of its field.
    fields: SmallVec<[(&'static str, Range<usize>); 8]>,
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
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Canonical::new(self.out))?;
        self.out.push(b',');
        self.fields.push((key, start..self.out.len()));
        Ok(())
    }

    /// ASCII keys sort by byte as they do by UTF-16 code unit, which RFC 8785 §3.2.3 asks for.
    fn finish(mut self) -> Result<(), CanonicalError> {
        if !self.fields.is_sorted_by(|one, other| one.0 < other.0) {
            self.sort()?;
        }
        if !self.fields.is_empty() {
            // The comma behind the last field.
            self.out.pop();
        }
        self.out
            .extend_from_slice(if self.wrapped { b"}}" } else { b"}" });
        Ok(())
    }

    fn sort(&mut self) -> Result<(), CanonicalError> {
        let Some((_, Range { start, .. })) = self.fields.first().cloned() else {
            return Ok(());
        };
        self.fields.sort_unstable_by_key(|(key, _)| *key);
        if !self.fields.is_sorted_by(|one, other| one.0 < other.0) {
            return Err(form("a key that stands twice"));
        }
        let end = self.out.len();
        for (_, field) in &self.fields {
            self.out.extend_from_within(field.clone());
        }
        self.out.copy_within(end.., start);
        self.out.truncate(end);
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
