//! Objects, with their keys sorted.

use serde::ser::{self, Serialize};
use smallvec::SmallVec;

use super::string::{check_key, write_string, write_word};
use super::{Canonical, CanonicalError, form};

/// An object that is being written: each field goes to its place among the keys, with a comma behind it.
pub(in crate::artifact::json) struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// Each key, rising, and where its field begins.
    fields: SmallVec<[(&'static str, usize); 4]>,
    wrapped: bool,
}

impl<'a> Object<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self {
            out,
            fields: SmallVec::new(),
            wrapped: false,
        }
    }

    pub(super) fn field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
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

    /// An object of one variant's fields, within one whose key is the variant's name.
    pub(super) fn of_variant(out: &'a mut Vec<u8>, variant: &str) -> Result<Self, CanonicalError> {
        check_key(variant)?;
        out.push(b'{');
        write_string(out, variant);
        out.push(b':');
        Ok(Self {
            wrapped: true,
            ..Self::new(out)
        })
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

    pub(super) fn finish(self) -> Result<(), CanonicalError> {
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
