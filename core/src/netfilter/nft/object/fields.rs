//! Attributes by number, each of exactly its size.

use std::collections::BTreeMap;

use crate::bytes::Text;
use crate::netfilter::names;
use crate::raw::attr::attrs;

/// The attributes of an object, all of them known to the caller and none twice.
#[derive(Debug)]
pub(super) struct Fields<'a>(BTreeMap<u16, &'a [u8]>);

impl<'a> Fields<'a> {
    /// `None` where there is one that is not known, for it may change what the object means.
    pub(super) fn read(data: &'a [u8], known: &[u16]) -> Option<Self> {
        let mut out = BTreeMap::new();
        for attr in attrs(data) {
            let attr = attr.ok()?;
            if !known.contains(&attr.kind) || out.insert(attr.kind, attr.value).is_some() {
                return None;
            }
        }
        Some(Self(out))
    }

    pub(super) fn bytes(&self, kind: u16) -> Option<&'a [u8]> {
        self.0.get(&kind).copied()
    }

    fn exact<const N: usize>(&self, kind: u16) -> Option<[u8; N]> {
        self.bytes(kind)?.try_into().ok()
    }

    /// `Some(None)` where the attribute is not there, `None` where it has another size.
    pub(super) fn maybe<T>(&self, kind: u16, read: impl Fn(&Self, u16) -> Option<T>) -> Option<Option<T>> {
        match self.0.contains_key(&kind) {
            false => Some(None),
            true => read(self, kind).map(Some),
        }
    }

    pub(super) fn u8(&self, kind: u16) -> Option<u8> {
        self.exact::<1>(kind).map(|[byte]| byte)
    }

    pub(super) fn be16(&self, kind: u16) -> Option<u16> {
        self.exact(kind).map(u16::from_be_bytes)
    }

    pub(super) fn be32(&self, kind: u16) -> Option<u32> {
        self.exact(kind).map(u32::from_be_bytes)
    }

    /// Host order, where the kernel writes no other.
    pub(super) fn ne32(&self, kind: u16) -> Option<u32> {
        self.exact(kind).map(u32::from_ne_bytes)
    }

    pub(super) fn be64(&self, kind: u16) -> Option<u64> {
        self.exact(kind).map(u64::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&self, kind: u16) -> Option<[u8; N]> {
        self.exact(kind)
    }

    pub(super) fn text(&self, kind: u16) -> Option<Text> {
        self.bytes(kind).map(Text::from_nul_padded)
    }
}

/// The words of these bits, sorted; `None` where one has none.
pub(super) fn words(table: &[(u32, &'static str)], bits: u32) -> Option<Vec<String>> {
    names::flag_names(table, bits)
}
