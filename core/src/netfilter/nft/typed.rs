//! From bytes in a register to a value, by the type of the field that was loaded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::{Big, Hex, Text};
use crate::netfilter::model::Value;
use crate::netfilter::names;
use crate::raw::NetlinkRaw;

/// How the bytes of a field read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Ipv4,
    Ipv6,
    Mac,
    /// A number in network order.
    Network,
    /// A number in host order.
    Host,
    IfName,
    /// The kernel's index of a link: resolved to the name, never kept.
    IfIndex,
    /// The kernel's number of a control group: resolved to the path, never kept as if it meant something elsewhere.
    Group,
    CtState,
    CtStatus,
    /// `IPCT_*`: what a change of a connection is reported for.
    CtEvent,
    /// Bits of a connection's label, by number.
    CtLabel,
    TcpFlags,
    /// A number of network order that stands this many bits above the lowest.
    Shifted(u32),
    /// Another type with its bytes in the other order.
    Reversed(&'static Type),
    /// What `fib` says of an address: `RTN_*`.
    Reachability,
    /// A NUL-padded string.
    Text,
    Bytes,
}

/// `RTN_*` of `linux/rtnetlink.h`, in `nft`'s words.
pub(crate) const ROUTE_TYPES: [(u32, &str); 9] = [
    (0, "unspec"),
    (1, "unicast"),
    (2, "local"),
    (3, "broadcast"),
    (4, "anycast"),
    (5, "multicast"),
    (6, "blackhole"),
    (7, "unreachable"),
    (8, "prohibit"),
];

/// `IPCT_*` (`linux/netfilter/nf_conntrack_common.h`) by bit, in `nft`'s words.
pub(crate) const CT_EVENTS: [(u32, &str); 11] = [
    (1, "new"),
    (2, "related"),
    (4, "destroy"),
    (8, "reply"),
    (16, "assured"),
    (32, "protoinfo"),
    (64, "helper"),
    (128, "mark"),
    (256, "seqadj"),
    (512, "secmark"),
    (1024, "label"),
];

/// The places in two bytes that a part of a field is shifted by.
static SHIFTED: [Type; 15] = {
    let mut all = [Type::Shifted(1); 15];
    let mut at = 0;
    while at < all.len() {
        // Never cut: fifteen is the most.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "computed at compile time"
        )]
        {
            all[at] = Type::Shifted(at as u32 + 1);
        }
        at += 1;
    }
    all
};

impl Type {
    /// The words of this type's bits, for types that are sets of flags.
    pub(crate) fn flag_words(self) -> Option<&'static [(u32, &'static str)]> {
        match self {
            Self::CtState => Some(&names::CT_STATES),
            Self::CtStatus => Some(&names::CT_STATUS),
            Self::CtEvent => Some(&CT_EVENTS),
            Self::TcpFlags => Some(&names::TCP_FLAGS),
            _ => None,
        }
    }

    /// True for sets of flags.
    pub(crate) fn is_flags(self) -> bool {
        self == Self::CtLabel || self.flag_words().is_some()
    }

    /// The type of the same bytes in the other order; `None` where an order means nothing.
    pub(crate) fn swapped(self) -> Option<Self> {
        Some(match self {
            Self::Host => Self::Network,
            Self::Network => Self::Host,
            Self::IfIndex => Self::Reversed(&Self::IfIndex),
            Self::Group => Self::Reversed(&Self::Group),
            Self::CtState => Self::Reversed(&Self::CtState),
            Self::CtStatus => Self::Reversed(&Self::CtStatus),
            Self::CtEvent => Self::Reversed(&Self::CtEvent),
            Self::CtLabel => Self::Reversed(&Self::CtLabel),
            Self::Reachability => Self::Reversed(&Self::Reachability),
            Self::Shifted(bits) => SHIFTED
                .iter()
                .find(|ty| **ty == Self::Shifted(bits))
                .map(Self::Reversed)?,
            Self::Reversed(ty) => *ty,
            _ => return None,
        })
    }

    /// True if the bytes of greater values compare greater, as ranges in sets need.
    pub(crate) fn is_network_order(self) -> bool {
        !matches!(
            self,
            Self::Host
                | Self::IfIndex
                | Self::Group
                | Self::CtState
                | Self::CtStatus
                | Self::CtEvent
                | Self::CtLabel
                | Self::Reachability
                | Self::Reversed(Self::Shifted(_))
        )
    }

    /// The value that `bytes` stand for. What does not fit the type stays [`Value::Bytes`].
    pub(crate) fn value(self, bytes: &[u8], links: &NetlinkRaw) -> Value {
        self.read(bytes, links)
            .unwrap_or_else(|| Value::Bytes(Hex(bytes.to_vec())))
    }

    fn read(self, bytes: &[u8], links: &NetlinkRaw) -> Option<Value> {
        Some(match self {
            Self::Ipv4 => Value::Address(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?))),
            Self::Ipv6 => Value::Address(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))),
            Self::Mac => Value::Mac(mac(bytes)?),
            Self::Network => number(network(bytes)?),
            Self::Host => number(host(bytes)?),
            // A beginning that ends in a backslash would read like an exact name that ends in a star.
            Self::IfName | Self::Text if bytes.last() == Some(&b'\\') => return None,
            Self::IfName | Self::Text => Value::Text(name(bytes)),
            Self::IfIndex => index(bytes, links)?,
            Self::Group => group(bytes, links)?,
            Self::Reachability => {
                Value::Symbol(names::name_of(&ROUTE_TYPES, small(host(bytes)?)?)?.to_owned())
            }
            Self::CtState | Self::CtStatus | Self::CtEvent => self.flags(small(host(bytes)?)?)?,
            Self::CtLabel => labels(bytes)?,
            Self::Shifted(bits) => number(unshifted(network(bytes)?, bits)?),
            Self::Reversed(ty) => ty.read(&bytes.iter().rev().copied().collect::<Vec<_>>(), links)?,
            Self::TcpFlags => self.flags(small(network(bytes)?)?)?,
            Self::Bytes => return None,
        })
    }

    fn flags(self, bits: u32) -> Option<Value> {
        names::flag_names(self.flag_words()?, bits).map(Value::Flags)
    }
}

/// A label by the numbers of its bits; one without any has no words.
fn labels(bytes: &[u8]) -> Option<Value> {
    let mut numbers: Vec<String> = bytes
        .iter()
        .enumerate()
        .flat_map(|(place, byte)| {
            (0..8)
                .filter(move |bit| byte >> bit & 1 == 1)
                .map(move |bit| place * 8 + bit)
        })
        .map(|number| number.to_string())
        .collect();
    numbers.sort();
    (!numbers.is_empty()).then_some(Value::Flags(numbers))
}

/// The number whose lowest bit is bit `bits`; `None` if there is something below it.
fn unshifted(value: u64, bits: u32) -> Option<u64> {
    let out = value.checked_shr(bits)?;
    (out.checked_shl(bits)? == value).then_some(out)
}

/// An index that no link has any more is kept as such: the rule can't match until the index is given out again.
fn index(bytes: &[u8], links: &NetlinkRaw) -> Option<Value> {
    let index = small(host(bytes)?)?;
    match links.link_name(index) {
        Some(name) => Some(Value::Text(name.clone())),
        None => Some(Value::Symbol(format!("no link {index}"))),
    }
}

/// What begins the word for a control group whose path is not known.
pub(crate) const NO_GROUP: &str = "control group ";

/// One whose path was not read, or that is no more, is kept by its number, which two hosts can't share.
fn group(bytes: &[u8], links: &NetlinkRaw) -> Option<Value> {
    let number = host(bytes).filter(|_| bytes.len() == 8)?;
    Some(match links.group_path(number) {
        Some(path) => Value::Text(path.clone()),
        None => Value::Symbol(format!("{NO_GROUP}{number}")),
    })
}

/// A number of network order.
pub(crate) fn network(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// A number of host order. Snapshots are little-endian: so is every Azure VM.
pub(crate) fn host(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| {
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte))
    })
}

fn small(value: u64) -> Option<u32> {
    u32::try_from(value).ok()
}

/// The smallest form of a number.
pub(crate) fn number(value: u64) -> Value {
    u32::try_from(value).map_or(Value::Wide(Big(value)), Value::Number)
}

fn mac(bytes: &[u8]) -> Option<String> {
    (bytes.len() == 6).then(|| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(":")
    })
}

/// An interface name: padded with NUL it is exact, without NUL it is the beginning of one and gets a `*`. A `*` that is part
/// of an exact name is written `\*`.
fn name(bytes: &[u8]) -> Text {
    match bytes.iter().position(|byte| *byte == 0) {
        None => Text::from([bytes, b"*"].concat()),
        Some(end) => {
            let exact = bytes.get(..end).unwrap_or_default();
            match exact.strip_suffix(b"*") {
                Some(stem) => Text::from([stem, br"\*"].concat()),
                None => Text::from(exact),
            }
        }
    }
}

/// The number of leading one bits, if no other bits are set.
pub(crate) fn prefix_length(mask: &[u8]) -> Option<u8> {
    let ones: u32 = mask.iter().map(|byte| byte.count_ones()).sum();
    let mut expected = ones;
    for byte in mask {
        let here = expected.min(8);
        if byte.leading_ones() < here || byte.count_ones() != here {
            return None;
        }
        expected -= here;
    }
    u8::try_from(ones).ok()
}

/// An address whose first `bytes` are given and count for `length` bits.
pub(crate) fn prefix(ty: Type, bytes: &[u8], length: u8) -> Option<Value> {
    let address = match ty {
        Type::Ipv4 => IpAddr::V4(Ipv4Addr::from(padded::<4>(bytes)?)),
        Type::Ipv6 => IpAddr::V6(Ipv6Addr::from(padded::<16>(bytes)?)),
        _ => return None,
    };
    let full = if address.is_ipv4() { 32 } else { 128 };
    Some(if length == full {
        Value::Address(address)
    } else {
        Value::Prefix { address, length }
    })
}

fn padded<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    out.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_with_holes_are_no_prefix() {
        assert_eq!(prefix_length(&[255, 240, 0, 0]), Some(12));
        assert_eq!(prefix_length(&[0, 0, 0, 0]), Some(0));
        assert_eq!(prefix_length(&[255, 0, 255, 0]), None);
        assert_eq!(prefix_length(&[127, 0, 0, 0]), None);
    }

    #[test]
    fn interface_names_tell_wildcards_from_stars() {
        let links = NetlinkRaw::default();
        let read = |bytes: &[u8]| Type::IfName.value(bytes, &links);
        assert_eq!(read(b"eth"), Value::Text("eth*".into()));
        assert_eq!(read(b"eth\0\0\0\0\0"), Value::Text("eth".into()));
        assert_eq!(read(b"eth*\0\0\0\0"), Value::Text("eth\\*".into()));
    }
}
