//! Reading fixed structures without panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::netfilter::model::Family;
use crate::raw::attr::take_at;

/// A structure of known size.
#[derive(Clone, Copy)]
pub(super) struct Struct<'a>(&'a [u8]);

impl<'a> Struct<'a> {
    /// `payload` as a structure of `size` bytes; it may carry the padding of `XT_ALIGN` (8 bytes), nothing else.
    pub(super) fn new(payload: &'a [u8], size: usize) -> Option<Self> {
        let fits = payload.len() == size || payload.len() == size.next_multiple_of(8);
        fits.then_some(Self(payload.get(..size)?))
    }

    pub(super) fn bytes<const N: usize>(self, offset: usize) -> Option<[u8; N]> {
        take_at(self.0, offset, "xtables structure").ok()
    }

    pub(super) fn u8(self, offset: usize) -> Option<u8> {
        self.bytes::<1>(offset).map(|[byte]| byte)
    }

    pub(super) fn u16(self, offset: usize) -> Option<u16> {
        self.bytes(offset).map(u16::from_ne_bytes)
    }

    pub(super) fn be16(self, offset: usize) -> Option<u16> {
        self.bytes(offset).map(u16::from_be_bytes)
    }

    pub(super) fn u32(self, offset: usize) -> Option<u32> {
        self.bytes(offset).map(u32::from_ne_bytes)
    }

    pub(super) fn u64(self, offset: usize) -> Option<u64> {
        self.bytes(offset).map(u64::from_ne_bytes)
    }

    /// A `u8` that stands for yes or no.
    pub(super) fn flag8(self, offset: usize) -> Option<bool> {
        truth(u32::from(self.u8(offset)?))
    }

    /// A 32-bit number that stands for yes or no.
    pub(super) fn flag32(self, offset: usize) -> Option<bool> {
        truth(self.u32(offset)?)
    }

    /// A `union nf_inet_addr`: 16 bytes of which IPv4 uses the first four.
    pub(super) fn address(self, family: Family, offset: usize) -> Option<IpAddr> {
        match family {
            Family::Ip => self.bytes::<4>(offset).map(|b| Ipv4Addr::from(b).into()),
            Family::Ip6 => self.bytes::<16>(offset).map(|b| Ipv6Addr::from(b).into()),
            _ => None,
        }
    }
}

fn truth(number: u32) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
