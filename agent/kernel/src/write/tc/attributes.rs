//! Attributes as bytes: taken apart with the flags of their types, and put together again.

use super::{WriteError, unsupported};

/// `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER` stand above this.
const TYPE: u16 = 0x3fff;
/// `NLA_F_NESTED`, which younger kinds insist on.
pub(super) const NESTED: u16 = 0x8000;
const HEADER: usize = 4;

/// One attribute with its type as it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    typed: u16,
    pub(super) value: &'a [u8],
}

impl Attribute<'_> {
    /// Its number.
    pub(super) fn number(&self) -> u16 {
        self.typed & TYPE
    }

    /// Its first four bytes as a number.
    pub(super) fn u32(&self) -> Option<u32> {
        word(self.value, 0)
    }
}

/// The number in the four bytes at a place.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let taken = bytes.get(at..at.checked_add(4)?)?;
    taken.try_into().ok().map(u32::from_ne_bytes)
}

/// Puts a number into the four bytes at a place.
pub(super) fn put_word(bytes: &mut [u8], at: usize, value: u32) -> Option<()> {
    let taken = bytes.get_mut(at..at.checked_add(4)?)?;
    taken.copy_from_slice(&value.to_ne_bytes());
    Some(())
}

/// All attributes of some bytes.
pub(super) fn split(bytes: &[u8]) -> Result<Vec<Attribute<'_>>, WriteError> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let [l0, l1, t0, t1, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = rest.get(HEADER..length).ok_or_else(malformed)?;
        all.push(Attribute {
            typed: u16::from_ne_bytes([t0, t1]),
            value,
        });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    match rest.is_empty() {
        true => Ok(all),
        false => Err(malformed()),
    }
}

fn malformed() -> WriteError {
    unsupported("attributes that end in the middle of one".to_owned())
}

/// The attribute with this number.
pub(super) fn find<'a>(all: &[Attribute<'a>], number: u16) -> Option<Attribute<'a>> {
    all.iter().copied().find(|attribute| attribute.number() == number)
}

/// Attributes as they grow.
#[derive(Debug, Default)]
pub(super) struct Out(pub(super) Vec<u8>);

impl Out {
    /// Adds one; a value that no attribute can hold is an error.
    pub(super) fn push(&mut self, typed: u16, value: &[u8]) -> Result<(), WriteError> {
        let length = value.len().saturating_add(HEADER);
        let length = u16::try_from(length)
            .map_err(|_| unsupported("an attribute that is longer than 65535 bytes".to_owned()))?;
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&typed.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        Ok(())
    }

    /// Adds one as it stood.
    pub(super) fn keep(&mut self, attribute: Attribute<'_>) -> Result<(), WriteError> {
        self.push(attribute.typed, attribute.value)
    }
}
