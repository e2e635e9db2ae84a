//! Sets of addresses of both families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ranges::Ranges;
use crate::azure::net::Net;

/// A set of addresses. An IPv4 address is never taken for an IPv6 one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Addresses {
    /// Of IPv4.
    pub v4: Ranges<u32>,
    /// Of IPv6.
    pub v6: Ranges<u128>,
}

impl Addresses {
    /// No address.
    pub fn empty() -> Self {
        Self {
            v4: Ranges::empty(),
            v6: Ranges::empty(),
        }
    }

    /// Every address of both families.
    pub fn full() -> Self {
        Self {
            v4: Ranges::full(),
            v6: Ranges::full(),
        }
    }

    /// The addresses of these prefixes.
    pub fn of<'a>(nets: impl IntoIterator<Item = &'a Net>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            let (low, high) = net.bounds();
            match (net.is_ipv4(), u32::try_from(low), u32::try_from(high)) {
                (true, Ok(low), Ok(high)) => v4.push((low, high)),
                _ => v6.push((low, high)),
            }
        }
        Self {
            v4: Ranges::of(v4),
            v6: Ranges::of(v6),
        }
    }

    /// True where the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => self.v6.contains(address.to_bits()),
        }
    }

    /// True where it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// True where it holds every address of both families.
    pub fn is_full(&self) -> bool {
        self.v4.is_full() && self.v6.is_full()
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.union(&other.v4),
            v6: self.v6.union(&other.v6),
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.intersect(&other.v4),
            v6: self.v6.intersect(&other.v6),
        }
    }

    /// What is in it and not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        Self {
            v4: self.v4.subtract(&other.v4),
            v6: self.v6.subtract(&other.v6),
        }
    }

    /// True where every member of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.v4.covers(&other.v4) && self.v6.covers(&other.v6)
    }

    /// True where an address is in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.v4.overlaps(&other.v4) || self.v6.overlaps(&other.v6)
    }

    /// The ranges as people write them: a prefix where one fits, else `first-last`.
    pub fn words(&self) -> Vec<String> {
        let v4 = self.v4.ranges().iter().map(|(low, high)| {
            let ends = [*low, *high].map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
            word(ends, 32 - (low ^ high).count_ones())
        });
        let v6 = self.v6.ranges().iter().map(|(low, high)| {
            let ends = [*low, *high].map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits)));
            word(ends, 128 - (low ^ high).count_ones())
        });
        v4.chain(v6).collect()
    }
}

/// A range as a prefix of `length` bits where it is one.
fn word([first, last]: [IpAddr; 2], length: u32) -> String {
    let length = u8::try_from(length).ok();
    let net = length.and_then(|length| Net::new(first, length));
    match net.filter(|net| net.address() == first && net.bounds().1 == crate::azure::net::bits(last)) {
        Some(_) if first == last => first.to_string(),
        Some(net) => net.to_string(),
        None => format!("{first}-{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nets: &[&str]) -> Addresses {
        let nets: Vec<Net> = nets.iter().map(|net| net.parse().unwrap()).collect();
        Addresses::of(&nets)
    }

    #[test]
    fn families_stay_apart() {
        let all = of(&["0.0.0.0/0"]);
        assert!(!all.contains("::1".parse().unwrap()) && all.contains("9.9.9.9".parse().unwrap()));
        assert!(!all.is_full() && of(&["0.0.0.0/0", "::/0"]).is_full());
        // An IPv6 prefix whose bounds fit 32 bits.
        assert!(of(&["::5"]).v4.is_empty() && of(&["::5"]).contains("::5".parse().unwrap()));
    }

    #[test]
    fn a_range_is_shown_as_a_prefix_where_it_is_one() {
        assert_eq!(of(&["10.0.0.0/9", "10.128.0.0/9"]).words(), ["10.0.0.0/8"]);
        assert_eq!(of(&["10.0.0.1/32"]).words(), ["10.0.0.1"]);
        assert_eq!(of(&["10.0.0.0/31", "10.0.0.2/32"]).words(), ["10.0.0.0-10.0.0.2"]);
        assert_eq!(of(&["10.0.0.1/32", "10.0.0.2/32"]).words(), ["10.0.0.1-10.0.0.2"]);
        assert_eq!(Addresses::full().words(), ["0.0.0.0/0", "::/0"]);
    }
}
