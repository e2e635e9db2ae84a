//! `struct rtmsg` and `RTA_*`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::nexthop::{self, AF_INET, AF_INET6, PER_NEXTHOP};
use super::{IpFamily, Metric, Prefix, Route, RouteRuntime, words};
use crate::bytes::{Hex, Text};
use crate::raw::attr::{Attr, Malformed, attrs, take_at};
use crate::raw::lift::{Fault, Fields, LiftError, whole};
use crate::raw::{NetlinkRaw, RawMessage};

const NEW_ROUTE: u16 = 24;
/// `RTM_F_CLONED`.
const CLONED: u32 = 0x200;

// RTA_*.
const DST: u16 = 1;
const SRC: u16 = 2;
const PRIORITY: u16 = 6;
const PREFSRC: u16 = 7;
const METRICS: u16 = 8;
const MULTIPATH: u16 = 9;
const CACHEINFO: u16 = 12;
const TABLE: u16 = 15;
const PREF: u16 = 20;
const PAD: u16 = 24;
const NH_ID: u16 = 30;

/// Routes with their runtime, and how many cached entries there were.
pub(super) fn messages(raw: &NetlinkRaw) -> Result<(Vec<(Route, RouteRuntime)>, u32), LiftError> {
    let mut routes = Vec::new();
    let mut cloned = 0u32;
    for (position, message) in raw.messages.iter().enumerate() {
        if message.message_type != NEW_ROUTE {
            let message_type = message.message_type;
            return Err(LiftError::Type {
                position,
                message_type,
            });
        }
        match route(raw, message).map_err(|fault| fault.at(position))? {
            Some(route) => routes.push(route),
            None => cloned = cloned.saturating_add(1),
        }
    }
    Ok((routes, cloned))
}

/// `struct rtmsg`.
struct Header {
    family: u8,
    destination_length: u8,
    source_length: u8,
    tos: u8,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
    flags: u32,
}

impl Header {
    fn new(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            family: fields.u8()?,
            destination_length: fields.u8()?,
            source_length: fields.u8()?,
            tos: fields.u8()?,
            table: fields.u8()?,
            protocol: fields.u8()?,
            scope: fields.u8()?,
            kind: fields.u8()?,
            flags: fields.u32()?,
        })
    }

    fn route(&self) -> Result<Route, Malformed> {
        let (family, unspecified) = match self.family {
            AF_INET => (IpFamily::Ipv4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            AF_INET6 => (IpFamily::Ipv6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            other => {
                let what = "rtm_family";
                let value = other.into();
                return Err(Malformed::Value { what, value });
            }
        };
        Ok(Route {
            table: self.table.into(),
            family,
            destination: Prefix {
                address: unspecified,
                length: self.destination_length,
            },
            source: None,
            tos: self.tos,
            priority: 0,
            kind: words::kind(self.kind),
            protocol: words::protocol(self.protocol),
            scope: words::scope(self.scope),
            preferred_source: None,
            nexthops: Vec::new(),
            nexthop_object: None,
            metrics: Vec::new(),
            congestion_control: None,
            preference: None,
            flags: words::config_flags(self.flags & !PER_NEXTHOP),
            other: Vec::new(),
        })
    }
}

fn route(raw: &NetlinkRaw, message: &RawMessage) -> Result<Option<(Route, RouteRuntime)>, Fault> {
    let mut fields = Fields::new(&message.payload.0, "struct rtmsg");
    let header = Header::new(&mut fields)?;
    let all = whole(attrs(fields.rest()))?;
    if header.flags & CLONED != 0 {
        return Ok(None);
    }
    let mut route = header.route()?;
    let mut runtime = RouteRuntime {
        flags: words::runtime_flags(header.flags),
        ..RouteRuntime::default()
    };
    addresses(&mut route, &header, &all)?;
    for attr in &all {
        match attr.kind {
            CACHEINFO => cache(&mut runtime, *attr)?,
            MULTIPATH => {
                let (nexthops, flags) = nexthop::multipath(raw, header.family, attr.value)?;
                route.nexthops.extend(nexthops);
                runtime.flags.extend(flags);
            }
            DST | SRC | PREFSRC | PAD => {}
            kind if nexthop::is_of_nexthop(kind) => {}
            _ => attribute(&mut route, *attr)?,
        }
    }
    let single = nexthop::single(raw, header.family, header.flags, &all)?;
    match (single, route.nexthops.is_empty()) {
        (Some(single), _) => route.nexthops.push(single),
        // A route without any way still has flags, and a realm.
        (None, true) => bare(&mut route, &header, &all),
        (None, false) => {}
    }
    route.nexthops.sort();
    route.metrics.sort();
    route.other.sort();
    Ok(Some((route, runtime)))
}

fn bare(route: &mut Route, header: &Header, all: &[Attr<'_>]) {
    route
        .flags
        .extend(words::config_flags(header.flags & PER_NEXTHOP));
    route.flags.sort();
    let left = all.iter().filter(|attr| nexthop::is_of_nexthop(attr.kind));
    route.other.extend(left.map(|attr| (*attr).into()));
}

fn addresses(route: &mut Route, header: &Header, all: &[Attr<'_>]) -> Result<(), Malformed> {
    let find = |kind| all.iter().find(|attr| attr.kind == kind);
    let address = |attr: &Attr<'_>, what| nexthop::address(attr.value, header.family, what);
    check_length(route.family, header.destination_length)?;
    check_length(route.family, header.source_length)?;
    match find(DST) {
        Some(attr) => route.destination.address = address(attr, "RTA_DST")?,
        None if header.destination_length == 0 => {}
        None => return Err(Malformed::Missing { what: "RTA_DST" }),
    }
    match find(SRC) {
        Some(attr) => {
            route.source = Some(Prefix {
                address: address(attr, "RTA_SRC")?,
                length: header.source_length,
            });
        }
        None if header.source_length == 0 => {}
        None => return Err(Malformed::Missing { what: "RTA_SRC" }),
    }
    if let Some(attr) = find(PREFSRC) {
        route.preferred_source = Some(address(attr, "RTA_PREFSRC")?);
    }
    Ok(())
}

fn check_length(family: IpFamily, length: u8) -> Result<(), Malformed> {
    let most = match family {
        IpFamily::Ipv4 => 32,
        IpFamily::Ipv6 => 128,
    };
    if length <= most {
        return Ok(());
    }
    Err(Malformed::Value {
        what: "a prefix length",
        value: length.into(),
    })
}

fn attribute(route: &mut Route, attr: Attr<'_>) -> Result<(), Malformed> {
    match attr.kind {
        PRIORITY => route.priority = attr.ne32("RTA_PRIORITY")?,
        // The header's own field holds a table number of at most 255.
        TABLE => route.table = attr.ne32("RTA_TABLE")?,
        PREF => route.preference = Some(words::preference(attr.u8("RTA_PREF")?)),
        NH_ID => route.nexthop_object = Some(attr.ne32("RTA_NH_ID")?),
        METRICS => (route.metrics, route.congestion_control) = metrics(attr)?,
        _ => route.other.push(attr.into()),
    }
    Ok(())
}

/// `RTAX_*`: 1 is a mask of the locked ones, 16 the name of a congestion control, the others numbers.
fn metrics(attr: Attr<'_>) -> Result<(Vec<Metric>, Option<Text>), Malformed> {
    let all = whole(attr.nested())?;
    let locked = match all.iter().find(|attr| attr.kind == 1) {
        Some(attr) => attr.ne32("RTAX_LOCK")?,
        None => 0,
    };
    let congestion = all.iter().find(|attr| attr.kind == 16).map(Attr::text);
    let metrics = all
        .iter()
        .filter(|attr| !matches!(attr.kind, 1 | 16))
        .map(|attr| {
            Ok(Metric {
                name: words::metric(attr.kind),
                value: attr.ne32("RTA_METRICS")?,
                locked: locked.checked_shr(attr.kind.into()).unwrap_or(0) & 1 != 0,
            })
        })
        .collect::<Result<_, Malformed>>()?;
    Ok((metrics, congestion))
}

/// `struct rta_cacheinfo`: references, last use, expiry, error, uses. Expiry is in hundredths of a second (`USER_HZ`); 0 is
/// never.
fn cache(runtime: &mut RouteRuntime, attr: Attr<'_>) -> Result<(), Malformed> {
    let expires = i32::from_ne_bytes(take_at(attr.value, 8, "struct rta_cacheinfo")?);
    runtime.expires_cs = (expires != 0).then_some(expires);
    runtime.cache = Some(Hex(attr.value.to_vec()));
    Ok(())
}
