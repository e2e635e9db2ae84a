//! The attributes of one expression by number.

use smallvec::SmallVec;

use super::NotUnderstood;
use crate::bytes::Text;
use crate::raw::attr::{Attr, Attrs, attrs};

/// Attributes, all of them known to the caller: one that is not may change what the expression means.
#[derive(Debug)]
pub(super) struct Attributes<'a>(SmallVec<[Attr<'a>; 4]>);

/// The name in errors, which end as "not understood" anyway.
const WHAT: &str = "an expression's attribute";

impl<'a> Attributes<'a> {
    pub(super) fn read(data: &'a [u8], known: &[u16]) -> Result<Self, NotUnderstood> {
        let mut all = SmallVec::new();
        for attr in attrs(data) {
            let attr = attr?;
            if !known.contains(&attr.kind) {
                return Err(NotUnderstood);
            }
            all.push(attr);
        }
        Ok(Self(all))
    }

    pub(super) fn has(&self, kind: u16) -> bool {
        self.find(kind).is_some()
    }

    fn find(&self, kind: u16) -> Option<&Attr<'a>> {
        self.0.iter().find(|attr| attr.kind == kind)
    }

    pub(super) fn attr(&self, kind: u16) -> Result<&Attr<'a>, NotUnderstood> {
        self.find(kind).ok_or(NotUnderstood)
    }

    pub(super) fn be32(&self, kind: u16) -> Result<u32, NotUnderstood> {
        Ok(self.attr(kind)?.be32(WHAT)?)
    }

    pub(super) fn opt_be32(&self, kind: u16) -> Result<Option<u32>, NotUnderstood> {
        self.find(kind)
            .map(|attr| attr.be32(WHAT))
            .transpose()
            .map_err(NotUnderstood::from)
    }

    pub(super) fn opt_be16(&self, kind: u16) -> Result<Option<u16>, NotUnderstood> {
        self.find(kind)
            .map(|attr| attr.be16(WHAT))
            .transpose()
            .map_err(NotUnderstood::from)
    }

    pub(super) fn be64(&self, kind: u16) -> Result<u64, NotUnderstood> {
        Ok(self.attr(kind)?.be64(WHAT)?)
    }

    pub(super) fn opt_be64(&self, kind: u16) -> Result<Option<u64>, NotUnderstood> {
        self.find(kind)
            .map(|attr| attr.be64(WHAT))
            .transpose()
            .map_err(NotUnderstood::from)
    }

    pub(super) fn opt_u8(&self, kind: u16) -> Result<Option<u8>, NotUnderstood> {
        self.find(kind)
            .map(|attr| attr.u8(WHAT))
            .transpose()
            .map_err(NotUnderstood::from)
    }

    pub(super) fn text(&self, kind: u16) -> Result<Text, NotUnderstood> {
        Ok(self.attr(kind)?.text())
    }

    pub(super) fn opt_text(&self, kind: u16) -> Option<Text> {
        self.find(kind).map(Attr::text)
    }

    pub(super) fn bytes(&self, kind: u16) -> Result<&'a [u8], NotUnderstood> {
        Ok(self.attr(kind)?.value)
    }

    pub(super) fn nested(&self, kind: u16) -> Result<Attrs<'a>, NotUnderstood> {
        Ok(self.attr(kind)?.nested())
    }

    /// A length in bytes.
    pub(super) fn length(&self, kind: u16) -> Result<usize, NotUnderstood> {
        usize::try_from(self.be32(kind)?).map_err(|_| NotUnderstood)
    }
}
