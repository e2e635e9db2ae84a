//! Attributes as the kernel wrote them, and writing others.

use netghost_core::bytes::Text;
use netghost_core::raw::attr::Malformed;

/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;
const HEADER: usize = 4;

/// One attribute, with the bytes that it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    /// Header and value, without padding.
    pub(super) whole: &'a [u8],
}

/// The attributes in `bytes`.
pub(super) fn pieces(mut bytes: &[u8]) -> Result<Vec<Piece<'_>>, Malformed> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let cut = |length| Malformed::Length {
            length,
            left: bytes.len(),
        };
        let [l0, l1, t0, t1, ..] = *bytes else {
            return Err(cut(0));
        };
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = bytes.get(HEADER..length).ok_or_else(|| cut(length))?;
        out.push(Piece {
            kind: u16::from_ne_bytes([t0, t1]) & TYPE_MASK,
            value,
            whole: bytes.get(..length).unwrap_or_default(),
        });
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(out)
}

/// The attributes of a message behind its `struct nfgenmsg`.
pub(super) fn of_message(payload: &[u8]) -> Result<Vec<Piece<'_>>, Malformed> {
    pieces(payload.get(HEADER..).unwrap_or_default())
}

/// The value of the first attribute of this kind.
pub(super) fn value<'a>(pieces: &[Piece<'a>], kind: u16) -> Option<&'a [u8]> {
    let mut found = pieces.iter().filter(|piece| piece.kind == kind);
    found.next().map(|piece| piece.value)
}

/// A name in the first attribute of this kind.
pub(super) fn name(pieces: &[Piece<'_>], kind: u16) -> Option<Text> {
    value(pieces, kind).map(Text::from_nul_padded)
}

/// A number of 32 bits in the first attribute of this kind.
pub(super) fn be32(pieces: &[Piece<'_>], kind: u16) -> Option<u32> {
    let bytes = value(pieces, kind)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// A list of attributes as it is built.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    bytes: Vec<u8>,
    too_large: bool,
}

impl Attributes {
    /// Behind the header of a message of this family (`struct nfgenmsg`).
    pub(super) fn message(family: u8) -> Self {
        Self {
            bytes: vec![family, 0, 0, 0],
            too_large: false,
        }
    }

    pub(super) fn put(&mut self, kind: u16, value: &[u8]) {
        let Ok(length) = u16::try_from(value.len().saturating_add(HEADER)) else {
            self.too_large = true;
            return;
        };
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.raw(value);
    }

    pub(super) fn be32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    pub(super) fn be64(&mut self, kind: u16, value: u64) {
        self.put(kind, &value.to_be_bytes());
    }

    /// A name with its NUL.
    pub(super) fn text(&mut self, kind: u16, value: &Text) {
        self.put(kind, &[value.as_bytes(), b"\0"].concat());
    }

    pub(super) fn nest(&mut self, kind: u16, inner: &Self) {
        self.too_large |= inner.too_large;
        self.put(kind | NESTED, &inner.bytes);
    }

    /// Attributes that are there already.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes.
    ///
    /// # Errors
    /// If an attribute was longer than one can be.
    pub(super) fn finish(self) -> Result<Vec<u8>, Malformed> {
        match self.too_large {
            true => Err(Malformed::Length {
                length: usize::from(u16::MAX),
                left: self.bytes.len(),
            }),
            false => Ok(self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut inner = Attributes::default();
        inner.be32(1, 7);
        let mut out = Attributes::default();
        out.text(2, &"abc".into());
        out.nest(3, &inner);
        let bytes = out.finish().unwrap();
        let read = pieces(&bytes).unwrap();
        assert_eq!(name(&read, 2), Some("abc".into()));
        assert_eq!(be32(&pieces(value(&read, 3).unwrap()).unwrap(), 1), Some(7));
        assert_eq!(read[1].whole, &bytes[8..]);
        for cut in [1, 7, 9, 12, 15] {
            assert!(pieces(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn an_attribute_beyond_its_length_is_an_error() {
        let mut out = Attributes::default();
        out.put(1, &vec![0; 65_532]);
        assert!(out.finish().is_err());
    }
}
