//! The ways of a route.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::words;
use crate::bytes::{Hex, Text};
use crate::raw::NetlinkRaw;
use crate::raw::attr::{Attr, Malformed, attrs, take_at};
use crate::raw::lift::{Fault, Fields, OpaqueAttribute, exact, whole};

/// One way of a route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Nexthop {
    /// The device.
    pub device: Option<Text>,
    /// The next router, of either family.
    pub gateway: Option<IpAddr>,
    /// Its share of the traffic; 1 for the only one.
    pub weight: u16,
    /// `onlink`, `pervasive`; sorted.
    pub flags: Vec<String>,
    /// What packets are wrapped in.
    pub encapsulation: Option<Encapsulation>,
    /// Its realm (`RTA_FLOW`).
    pub realm: Option<u32>,
    /// Attributes that this version does not know, sorted.
    pub other: Vec<OpaqueAttribute>,
}

/// A lightweight tunnel, not decoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Encapsulation {
    /// `LWTUNNEL_ENCAP_*` of `linux/lwtunnel.h`: 1 MPLS, 2 IPv4, 4 IPv6, 5 SRv6, 6 BPF.
    pub kind: u16,
    /// `RTA_ENCAP` as the kernel gave it.
    pub payload: Hex,
}

// RTA_*.
const OIF: u16 = 4;
const GATEWAY: u16 = 5;
const FLOW: u16 = 11;
const VIA: u16 = 18;
const ENCAP_TYPE: u16 = 21;
const ENCAP: u16 = 22;
const PAD: u16 = 24;

/// `AF_INET`.
pub(super) const AF_INET: u8 = 2;
/// `AF_INET6`.
pub(super) const AF_INET6: u8 = 10;

/// An address of the length that its bytes have.
pub(super) fn address(bytes: &[u8], family: u8, what: &'static str) -> Result<IpAddr, Malformed> {
    match family {
        AF_INET => Ok(IpAddr::from(exact::<4>(bytes, what)?)),
        AF_INET6 => Ok(IpAddr::from(exact::<16>(bytes, what)?)),
        other => Err(Malformed::Value {
            what: "an address family",
            value: other.into(),
        }),
    }
}

/// The way that a route's own attributes describe; `None` if they describe none.
pub(super) fn single(
    raw: &NetlinkRaw,
    family: u8,
    flags: u32,
    all: &[Attr<'_>],
) -> Result<Option<Nexthop>, Fault> {
    let mut nexthop = Nexthop {
        weight: 1,
        ..Nexthop::default()
    };
    let mut found = false;
    for attr in all {
        found |= take(&mut nexthop, raw, family, *attr)? && attr.kind != FLOW;
    }
    nexthop.encapsulation = encapsulation(all)?;
    if !found {
        return Ok(None);
    }
    nexthop.flags = words::config_flags(flags & PER_NEXTHOP);
    Ok(Some(nexthop))
}

/// The flags of `rtm_flags` that are those of the only nexthop: `RTNH_F_*`, the low byte.
pub(super) const PER_NEXTHOP: u32 = 0xff;

/// True for the attributes that [`single`] takes.
pub(super) fn is_of_nexthop(kind: u16) -> bool {
    matches!(kind, OIF | GATEWAY | FLOW | VIA | ENCAP_TYPE | ENCAP)
}

fn take(nexthop: &mut Nexthop, raw: &NetlinkRaw, family: u8, attr: Attr<'_>) -> Result<bool, Fault> {
    match attr.kind {
        OIF => nexthop.device = Some(raw.named(attr.ne32("RTA_OIF")?)?),
        GATEWAY => nexthop.gateway = Some(address(attr.value, family, "RTA_GATEWAY")?),
        FLOW => nexthop.realm = Some(attr.ne32("RTA_FLOW")?),
        VIA => match via(attr)? {
            Some(gateway) => nexthop.gateway = Some(gateway),
            None => nexthop.other.push(attr.into()),
        },
        ENCAP | ENCAP_TYPE => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// `struct rtvia`: a family and an address; `None` for a family without IP addresses.
fn via(attr: Attr<'_>) -> Result<Option<IpAddr>, Malformed> {
    let family = attr.ne16("RTA_VIA")?;
    let bytes = attr.value.get(2..).unwrap_or_default();
    match u8::try_from(family) {
        Ok(family @ (AF_INET | AF_INET6)) => address(bytes, family, "RTA_VIA").map(Some),
        _ => Ok(None),
    }
}

fn encapsulation(all: &[Attr<'_>]) -> Result<Option<Encapsulation>, Malformed> {
    let find = |kind| all.iter().find(|attr| attr.kind == kind);
    match (find(ENCAP_TYPE), find(ENCAP)) {
        (None, None) => Ok(None),
        (Some(kind), Some(payload)) => Ok(Some(Encapsulation {
            kind: kind.ne16("RTA_ENCAP_TYPE")?,
            payload: Hex(payload.value.to_vec()),
        })),
        _ => Err(Malformed::Missing {
            what: "RTA_ENCAP or RTA_ENCAP_TYPE",
        }),
    }
}

/// `RTA_MULTIPATH`: `struct rtnexthop` (length, flags, weight less one, index), each with attributes. Also the words of the
/// runtime flags of each.
pub(super) fn multipath(
    raw: &NetlinkRaw,
    family: u8,
    value: &[u8],
) -> Result<(Vec<Nexthop>, Vec<String>), Fault> {
    let mut rest = value;
    let mut nexthops = Vec::new();
    let mut runtime = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(u16::from_ne_bytes(take_at(rest, 0, "struct rtnexthop")?));
        let entry = rest.get(..length).filter(|entry| entry.len() >= HEADER);
        let entry = entry.ok_or(Malformed::Length {
            length,
            left: rest.len(),
        })?;
        let (nexthop, flags) = one_of_many(raw, family, entry)?;
        nexthops.push(nexthop);
        runtime.extend(flags);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok((nexthops, runtime))
}

const HEADER: usize = 8;

fn one_of_many(raw: &NetlinkRaw, family: u8, entry: &[u8]) -> Result<(Nexthop, Vec<String>), Fault> {
    let mut fields = Fields::new(entry, "struct rtnexthop");
    let _length = fields.u16()?;
    let flags = u32::from(fields.u8()?);
    let weight = u16::from(fields.u8()?).saturating_add(1);
    let index = fields.u32()?;
    let all = whole(attrs(fields.rest()))?;
    let mut nexthop = Nexthop {
        weight,
        flags: words::config_flags(flags),
        encapsulation: encapsulation(&all)?,
        ..Nexthop::default()
    };
    if index != 0 {
        nexthop.device = Some(raw.named(index)?);
    }
    for attr in all {
        if !take(&mut nexthop, raw, family, attr)? && attr.kind != PAD {
            nexthop.other.push(attr.into());
        }
    }
    nexthop.other.sort();
    Ok((nexthop, words::runtime_flags(flags)))
}
