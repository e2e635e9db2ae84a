//! Netlink attributes (`struct nlattr`, `linux/netlink.h`): type-length-value, padded to four bytes.
//!
//! The walk is tolerant of types it does not know and strict about lengths: bytes that are not a whole attribute are an
//! error, never the end of the list.

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr<'a> {
    /// `nla_type` without the flags `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    pub kind: u16,
    /// The payload, without padding.
    pub value: &'a [u8],
}

/// Why bytes could not be read as what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than the structure has.
    #[error("{what}: {have} bytes where at least {need} belong")]
    Short {
        /// The structure or attribute.
        what: &'static str,
        /// How many bytes there are.
        have: usize,
        /// How many there should be.
        need: usize,
    },
    /// An attribute whose length does not fit its surroundings.
    #[error("an attribute of length {length} with {left} bytes left")]
    Length {
        /// `nla_len` as given.
        length: usize,
        /// The bytes left from its start.
        left: usize,
    },
    /// A value that must be there is not.
    #[error("{what} is missing")]
    Missing {
        /// The attribute's name.
        what: &'static str,
    },
    /// A value that has no meaning where it stands.
    #[error("{what} has the value {value}, which has no meaning")]
    Value {
        /// The field.
        what: &'static str,
        /// The value as found.
        value: u64,
    },
}

const HEADER: usize = 4;
const TYPE_MASK: u16 = 0x3fff;

/// The attributes in `bytes`.
pub fn attrs(bytes: &[u8]) -> Attrs<'_> {
    Attrs { rest: bytes }
}

/// Iterator over attributes; after an error it ends.
#[derive(Debug, Clone)]
pub struct Attrs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attrs<'a> {
    type Item = Result<Attr<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.rest);
        let [l0, l1, t0, t1, ..] = *bytes else {
            return Some(Err(Malformed::Length {
                length: 0,
                left: bytes.len(),
            }));
        };
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(value) = bytes.get(HEADER..length) else {
            return Some(Err(Malformed::Length {
                length,
                left: bytes.len(),
            }));
        };
        // The last attribute may come without its padding.
        self.rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(Attr {
            kind: u16::from_ne_bytes([t0, t1]) & TYPE_MASK,
            value,
        }))
    }
}

impl<'a> Attr<'a> {
    /// The payload as attributes.
    pub fn nested(&self) -> Attrs<'a> {
        attrs(self.value)
    }

    /// A `u8` payload.
    pub fn u8(&self, what: &'static str) -> Result<u8, Malformed> {
        take::<1>(self.value, what).map(|[byte]| byte)
    }

    /// A big-endian `u16` payload, as nf_tables writes them.
    pub fn be16(&self, what: &'static str) -> Result<u16, Malformed> {
        take(self.value, what).map(u16::from_be_bytes)
    }

    /// A big-endian `u32` payload, as nf_tables writes them.
    pub fn be32(&self, what: &'static str) -> Result<u32, Malformed> {
        take(self.value, what).map(u32::from_be_bytes)
    }

    /// A big-endian `u64` payload, as nf_tables writes them.
    pub fn be64(&self, what: &'static str) -> Result<u64, Malformed> {
        take(self.value, what).map(u64::from_be_bytes)
    }

    /// A `u16` payload in host order, as rtnetlink writes them.
    pub fn ne16(&self, what: &'static str) -> Result<u16, Malformed> {
        take(self.value, what).map(u16::from_ne_bytes)
    }

    /// A `u32` payload in host order, as rtnetlink writes them.
    pub fn ne32(&self, what: &'static str) -> Result<u32, Malformed> {
        take(self.value, what).map(u32::from_ne_bytes)
    }

    /// A `u64` payload in host order, as rtnetlink writes them.
    pub fn ne64(&self, what: &'static str) -> Result<u64, Malformed> {
        take(self.value, what).map(u64::from_ne_bytes)
    }

    /// An IPv4 or IPv6 address, told apart by their length.
    pub fn ip(&self, what: &'static str) -> Result<std::net::IpAddr, Malformed> {
        match self.value.len() {
            4 => take::<4>(self.value, what).map(Into::into),
            _ => take::<16>(self.value, what).map(Into::into),
        }
    }

    /// A string payload, up to its NUL.
    pub fn text(&self) -> crate::bytes::Text {
        crate::bytes::Text::from_nul_padded(self.value)
    }
}

/// The first `N` bytes.
pub fn take<const N: usize>(bytes: &[u8], what: &'static str) -> Result<[u8; N], Malformed> {
    bytes.first_chunk::<N>().copied().ok_or(Malformed::Short {
        what,
        have: bytes.len(),
        need: N,
    })
}

/// The `N` bytes from `offset` on.
pub fn take_at<const N: usize>(
    bytes: &[u8],
    offset: usize,
    what: &'static str,
) -> Result<[u8; N], Malformed> {
    let short = Malformed::Short {
        what,
        have: bytes.len(),
        need: offset.saturating_add(N),
    };
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .ok_or(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_attribute_is_an_error() {
        let whole = [8, 0, 1, 0, 1, 2, 3, 4, 5, 0, 2, 0x80, 9, 0, 0, 0];
        let read: Result<Vec<_>, _> = attrs(&whole).collect();
        let read = read.unwrap();
        assert_eq!(
            read[0],
            Attr {
                kind: 1,
                value: &[1, 2, 3, 4]
            }
        );
        assert_eq!(read[1], Attr { kind: 2, value: &[9] });
        for cut in [1, 3, 4, 7, 9, 12] {
            assert!(attrs(&whole[..cut]).any(|attr| attr.is_err()), "cut at {cut}");
        }
    }

    #[test]
    fn a_length_below_the_header_ends_the_walk() {
        assert_eq!(attrs(&[3, 0, 1, 0, 0, 0, 0, 0]).filter(Result::is_err).count(), 1);
        assert_eq!(attrs(&[0, 0, 0, 0]).count(), 1);
    }
}
