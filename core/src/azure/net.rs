//! Address prefixes of both families, as Azure writes them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An address prefix. The bits behind its length are always zero. The two families never contain each other: `0.0.0.0/0`
/// is every IPv4 address and no IPv6 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Net {
    address: IpAddr,
    length: u8,
}

/// A text that is no address prefix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address prefix")]
pub struct NotAPrefix(String);

impl Net {
    /// All IPv4 addresses.
    pub const ALL_IPV4: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        length: 0,
    };
    /// All IPv6 addresses.
    pub const ALL_IPV6: Self = Self {
        address: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        length: 0,
    };

    /// The prefix of `length` bits around `address`; `None` where the family has fewer bits.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let width = width(address);
        let kept = u32::from(width).checked_sub(u32::from(length)).map(|host| {
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            from_bits(bits(address) & mask, address)
        });
        kept.map(|address| Self { address, length })
    }

    /// The prefix that holds this address alone.
    pub fn host(address: IpAddr) -> Self {
        Self {
            address,
            length: width(address),
        }
    }

    /// The first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The number of leading bits that are fixed.
    pub fn length(self) -> u8 {
        self.length
    }

    /// True for an IPv4 prefix.
    pub fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    /// True for `0.0.0.0/0` and `::/0`.
    pub fn is_default(self) -> bool {
        self.length == 0
    }

    /// True where the address lies inside.
    pub fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && Self::new(address, self.length).is_some_and(|around| around == self)
    }

    /// True where every address of `other` lies inside.
    pub fn covers(self, other: Self) -> bool {
        self.length <= other.length && self.contains(other.address)
    }

    /// The first and the last address as numbers of the family's width: IPv4 in the low 32 bits.
    pub fn bounds(self) -> (u128, u128) {
        let first = bits(self.address);
        let host = u32::from(width(self.address).saturating_sub(self.length));
        let ones = 1u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
        (first, first | ones)
    }
}

/// The number of bits of the address's family.
fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address as a number of its family's width.
pub fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address of `like`'s family with these bits; an IPv4 one takes the low 32.
pub(super) fn from_bits(bits: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => {
            let low = u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(u32::MAX);
            IpAddr::V4(Ipv4Addr::from_bits(low))
        }
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

impl FromStr for Net {
    type Err = NotAPrefix;

    /// Reads `10.0.0.0/8`, `fd00::/8` or a bare address. Bits behind the length are cleared, as Azure does.
    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let not = || NotAPrefix(text.to_owned());
        let Some((address, length)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| not());
        };
        let plain =
            !length.is_empty() && length.len() <= 3 && length.bytes().all(|byte| byte.is_ascii_digit());
        let length = if plain { length.parse().ok() } else { None };
        let address = address.parse().ok();
        address
            .zip(length)
            .and_then(|(address, length)| Self::new(address, length))
            .ok_or_else(not)
    }
}

impl TryFrom<String> for Net {
    type Error = NotAPrefix;

    fn try_from(text: String) -> Result<Self, NotAPrefix> {
        text.parse()
    }
}

impl From<Net> for String {
    fn from(net: Net) -> Self {
        net.to_string()
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    #[test]
    fn bits_behind_the_length_are_cleared() {
        assert_eq!(net("10.1.2.3/16").to_string(), "10.1.0.0/16");
        assert_eq!(net("10.1.2.3").to_string(), "10.1.2.3/32");
        assert_eq!(net("fd00::1/7").to_string(), "fc00::/7");
        assert_eq!(net("1.2.3.4/0"), Net::ALL_IPV4);
        assert_eq!(net("ff::/0"), Net::ALL_IPV6);
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0/8",
            "Internet",
            "10.0.0.0/8/8",
            " 10.0.0.0/8",
        ] {
            assert!(text.parse::<Net>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn families_never_contain_each_other() {
        assert!(!Net::ALL_IPV4.contains("::1".parse().unwrap()));
        assert!(!Net::ALL_IPV6.contains("1.1.1.1".parse().unwrap()));
        assert!(!Net::ALL_IPV4.covers(Net::ALL_IPV6));
    }

    #[test]
    fn containment_ends_at_the_last_address() {
        let net = net("10.0.1.0/24");
        for (address, inside) in [
            ("10.0.1.0", true),
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("10.0.0.255", false),
        ] {
            assert_eq!(net.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(Net::ALL_IPV4.covers(net) && net.covers(net) && !net.covers(Net::ALL_IPV4));
        assert_eq!(net.bounds(), (0x0a00_0100, 0x0a00_01ff));
        assert_eq!(Net::ALL_IPV6.bounds(), (0, u128::MAX));
    }
}
