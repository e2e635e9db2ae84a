//! Address prefixes and sets of them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address prefix; bits behind its length are cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    v6: bool,
    /// The address, its first bit the highest of all 128, whatever the family.
    bits: u128,
    length: u8,
}

/// A text that is no address prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address prefix")]
pub struct NotAPrefix(String);

fn aligned(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (false, u128::from(v4.to_bits()) << 96),
        IpAddr::V6(v6) => (true, v6.to_bits()),
    }
}

/// The first `length` bits set.
fn mask(length: u8) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(u32::from(length)))
        .unwrap_or(0)
}

impl Prefix {
    /// All addresses of IPv4.
    pub const ALL_V4: Self = Self {
        v6: false,
        bits: 0,
        length: 0,
    };

    /// All addresses of IPv6.
    pub const ALL_V6: Self = Self {
        v6: true,
        bits: 0,
        length: 0,
    };

    /// The prefix that this address is in; `None` where the length is more than the address has.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let (v6, bits) = aligned(address);
        let most = if v6 { 128 } else { 32 };
        (length <= most).then(|| Self {
            v6,
            bits: bits & mask(length),
            length,
        })
    }

    /// One address alone.
    pub fn host(address: IpAddr) -> Self {
        let (v6, bits) = aligned(address);
        let length = if v6 { 128 } else { 32 };
        Self { v6, bits, length }
    }

    /// Its first address.
    pub fn address(&self) -> IpAddr {
        if self.v6 {
            return IpAddr::V6(Ipv6Addr::from_bits(self.bits));
        }
        let high = u32::try_from(self.bits >> 96).unwrap_or_default();
        IpAddr::V4(Ipv4Addr::from_bits(high))
    }

    /// The number of bits that are fixed.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Of IPv6.
    pub fn is_v6(&self) -> bool {
        self.v6
    }

    /// One address and no more.
    pub fn is_host(&self) -> bool {
        self.length == if self.v6 { 128 } else { 32 }
    }

    /// The address is in it. One of IPv4 is in none of IPv6, nor the other way round.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.covers(&Self::host(address))
    }

    /// All of the other's addresses are in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.length <= other.length && other.bits & mask(self.length) == self.bits
    }

    /// Both halves; nothing of a single address.
    fn halves(&self) -> Option<[Self; 2]> {
        if self.is_host() {
            return None;
        }
        let length = self.length.checked_add(1)?;
        let half = |bits| Self {
            v6: self.v6,
            bits,
            length,
        };
        Some([
            half(self.bits),
            half(self.bits | (mask(length) ^ mask(self.length))),
        ])
    }

    fn without(self, removed: &[Self], left: &mut Vec<Self>) {
        let inside: Vec<Self> = removed
            .iter()
            .copied()
            .filter(|other| self.covers(other))
            .collect();
        if inside.is_empty() {
            left.push(self);
        } else if let (false, Some(halves)) = (inside.contains(&self), self.halves()) {
            for half in halves {
                half.without(&inside, left);
            }
        }
    }
}

/// What is in one of these prefixes and in none of the others, as few prefixes as that takes.
pub fn difference(from: &[Prefix], removed: &[Prefix]) -> Vec<Prefix> {
    let mut left = Vec::new();
    for prefix in merged(from) {
        if !removed.iter().any(|other| other.covers(&prefix)) {
            prefix.without(removed, &mut left);
        }
    }
    left
}

/// The same addresses without a prefix that another one covers, in order.
pub fn merged(prefixes: &[Prefix]) -> Vec<Prefix> {
    let mut kept: Vec<Prefix> = prefixes
        .iter()
        .filter(|one| !prefixes.iter().any(|other| other != *one && other.covers(one)))
        .copied()
        .collect();
    kept.sort();
    kept.dedup();
    kept
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length)
    }
}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    /// `10.0.0.0/8`, or an address alone.
    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let bad = || NotAPrefix(text.to_owned());
        let (address, length) = text
            .split_once('/')
            .map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let Some(length) = length else {
            return Ok(Self::host(address));
        };
        if !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        length
            .parse()
            .ok()
            .and_then(|length| Self::new(address, length))
            .ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(texts: &[&str]) -> Vec<Prefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_prefix_is_read_and_written() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("fd00::1/64", "fd00::/64"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(text.parse::<Prefix>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0/8",
            "Internet",
            "::/129",
            "10.0.0.0/",
        ] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn families_never_meet() {
        assert!(!Prefix::ALL_V4.contains("::1".parse().unwrap()));
        assert!(!Prefix::ALL_V6.contains("0.0.0.0".parse().unwrap()));
        assert!(Prefix::ALL_V4.contains("255.255.255.255".parse().unwrap()));
    }

    #[test]
    fn a_difference_holds_what_is_left_and_no_more() {
        let left = difference(
            &list(&["10.0.0.0/8", "10.2.0.0/16"]),
            &list(&["10.128.0.0/9", "10.0.0.0/10"]),
        );
        assert_eq!(left, list(&["10.64.0.0/10"]));
        assert_eq!(
            difference(&list(&["10.0.0.0/30"]), &list(&["10.0.0.2/32"])),
            list(&["10.0.0.0/31", "10.0.0.3/32"])
        );
        assert_eq!(difference(&list(&["10.0.0.0/30"]), &list(&["0.0.0.0/0"])), []);
        assert_eq!(
            difference(&list(&["10.0.0.0/30"]), &list(&["::/0"])),
            list(&["10.0.0.0/30"])
        );
    }
}
