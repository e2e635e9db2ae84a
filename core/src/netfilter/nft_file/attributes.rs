//! Writing netlink attributes, the counterpart of [`crate::raw::attr`].

/// A list of attributes as it is built.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    bytes: Vec<u8>,
    /// An attribute did not fit its 16-bit length.
    too_large: bool,
}

impl Attributes {
    pub(super) fn put(&mut self, kind: u16, value: &[u8]) {
        let Ok(length) = u16::try_from(value.len().saturating_add(4)) else {
            self.too_large = true;
            return;
        };
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    pub(super) fn byte(&mut self, kind: u16, value: u8) {
        self.put(kind, &[value]);
    }

    pub(super) fn be16(&mut self, kind: u16, value: u16) {
        self.put(kind, &value.to_be_bytes());
    }

    pub(super) fn be32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    pub(super) fn be64(&mut self, kind: u16, value: u64) {
        self.put(kind, &value.to_be_bytes());
    }

    /// A string with its NUL.
    pub(super) fn text(&mut self, kind: u16, value: &str) {
        self.put(kind, &[value.as_bytes(), b"\0"].concat());
    }

    pub(super) fn nest(&mut self, kind: u16, inner: &Self) {
        self.too_large |= inner.too_large;
        self.put(kind, &inner.bytes);
    }

    /// `NFTA_DATA_VALUE` within `kind`.
    pub(super) fn data(&mut self, kind: u16, value: &[u8]) {
        let mut inner = Self::default();
        inner.put(1, value);
        self.nest(kind, &inner);
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// One item of user data: type, length, value.
pub(super) fn user_data(kind: u8, value: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(value.len()).ok()?;
    Some([&[kind, length], value].concat())
}
