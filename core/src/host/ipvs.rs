//! Virtual services of the kernel's load balancer, from the generic netlink family `IPVS` (`linux/ip_vs.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bytes::Text;
use crate::facts::attributes::{Form, Spec, Width, Words, apart, decode, moves, set, word};
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs, take};
use crate::raw::lift::{Fault, Fields, LiftError, whole};

/// The part that holds the services.
pub const SERVICES: &str = "ipvs services";
/// The part that holds the synchronisation daemons.
pub const DAEMONS: &str = "ipvs daemons";
/// The part that holds the timeouts.
pub const TIMEOUTS: &str = "ipvs timeouts";
/// The generic netlink family.
pub const FAMILY: &str = "IPVS";

/// The part that holds the destinations of the service at this place among the services.
pub fn destinations(place: usize) -> String {
    format!("ipvs destinations {place}")
}

/// `struct genlmsghdr`.
const HEADER: usize = 4;
// IPVS_CMD_ATTR_*.
const SERVICE: u16 = 1;
const DESTINATION: u16 = 2;
const DAEMON: u16 = 3;

/// `IPVS_SVC_ATTR_*`.
const SERVICE_TABLE: &[Spec] = &[
    apart(1),
    apart(2),
    apart(3),
    apart(4),
    apart(5),
    apart(9),
    set(6, "scheduler", Form::Text),
    set(7, "flags", Form::Other(flags)),
    set(8, "timeout", Form::U32).unless(0),
    set(11, "pe", Form::Text),
    moves(10, "stats", Form::Bytes),
    moves(12, "stats64", Form::Bytes),
];

const METHODS: Words = &[
    (0, "masq"),
    (1, "local"),
    (2, "tunnel"),
    (3, "route"),
    (4, "bypass"),
];

/// `IPVS_DEST_ATTR_*`.
const DESTINATION_TABLE: &[Spec] = &[
    apart(1),
    apart(2),
    apart(11),
    set(3, "method", Form::Other(method)),
    set(4, "weight", Form::I32),
    set(5, "u_thresh", Form::U32).unless(0),
    set(6, "l_thresh", Form::U32).unless(0),
    set(13, "tun_type", Form::Word(Width::One, &[(1, "gue"), (2, "gre")])).unless(0),
    set(14, "tun_port", Form::Be16).unless(0),
    set(15, "tun_flags", Form::Mask(Width::Two)).unless(0),
    moves(7, "active", Form::U32),
    moves(8, "inactive", Form::U32),
    moves(9, "persistent", Form::U32),
    moves(10, "stats", Form::Bytes),
    moves(12, "stats64", Form::Bytes),
];

/// `IPVS_DAEMON_ATTR_*`.
const DAEMON_TABLE: &[Spec] = &[
    apart(1),
    set(2, "dev", Form::Text),
    set(3, "syncid", Form::U32),
    set(4, "sync_maxlen", Form::U16),
    set(5, "group", Form::Ip),
    set(6, "group6", Form::Ip),
    set(7, "port", Form::U16),
    set(8, "ttl", Form::U8),
];

/// `IPVS_CMD_ATTR_TIMEOUT_*`, in seconds.
const TIMEOUT_TABLE: &[Spec] = &[
    set(4, "tcp", Form::U32),
    set(5, "tcp_fin", Form::U32),
    set(6, "udp", Form::U32),
];

/// Decodes services, their destinations, daemons and timeouts.
///
/// # Errors
/// Where a message is malformed.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let (mut config, mut runtime, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    let mut services = Vec::new();
    raw.each((SERVICES, "service"), &[0], &mut gaps, |payload| {
        let all = nested(payload, SERVICE)?;
        let (key, family) = service_key(&all)?;
        push(
            "service",
            key.clone(),
            service(raw, &all, family)?,
            &mut config,
            &mut runtime,
        );
        services.push((key, family));
        Ok(())
    })?;
    for (place, (service, family)) in services.iter().enumerate() {
        let path = Fact::new("destination", service.clone()).path();
        raw.each((&destinations(place), &path), &[0], &mut gaps, |payload| {
            let all = nested(payload, DESTINATION)?;
            let mut key = service.clone();
            key.push(destination_key(&all, *family)?);
            let decoded = decode(raw, DESTINATION_TABLE, &all)?;
            push("destination", key, both(decoded), &mut config, &mut runtime);
            Ok(())
        })?;
    }
    raw.each((DAEMONS, "daemon"), &[0], &mut gaps, |payload| {
        let all = nested(payload, DAEMON)?;
        let state = needed(&all, 1, "IPVS_DAEMON_ATTR_STATE")?.ne32("IPVS_DAEMON_ATTR_STATE")?;
        let role = word(state.into(), &[(1, "master"), (2, "backup")]);
        let decoded = decode(raw, DAEMON_TABLE, &all)?;
        push(
            "daemon",
            vec![role.into()],
            both(decoded),
            &mut config,
            &mut runtime,
        );
        Ok(())
    })?;
    raw.each((TIMEOUTS, "timeouts"), &[0], &mut gaps, |payload| {
        let decoded = decode(raw, TIMEOUT_TABLE, &body(payload)?)?;
        push("timeouts", Vec::new(), both(decoded), &mut config, &mut runtime);
        Ok(())
    })?;
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        ..Lifted::default()
    })
}

type Both = (Fact, Fact);

fn both(decoded: crate::facts::attributes::Decoded) -> Both {
    let config = Fact {
        properties: decoded.config,
        other: decoded.other,
        ..Fact::new("", Vec::new())
    };
    let runtime = Fact {
        properties: decoded.runtime,
        ..Fact::new("", Vec::new())
    };
    (config, runtime)
}

fn push(kind: &str, key: Vec<Text>, told: Both, config: &mut Vec<Fact>, runtime: &mut Vec<Fact>) {
    let named = |fact: Fact, key: Vec<Text>| Fact {
        kind: kind.to_owned(),
        key,
        ..fact
    };
    if !told.1.properties.is_empty() {
        runtime.push(named(told.1, key.clone()));
    }
    config.push(named(told.0, key));
}

fn body(payload: &[u8]) -> Result<Vec<Attr<'_>>, Malformed> {
    let body = payload.get(HEADER..).ok_or(Malformed::Short {
        what: "struct genlmsghdr",
        have: payload.len(),
        need: HEADER,
    })?;
    whole(attrs(body))
}

fn nested(payload: &[u8], kind: u16) -> Result<Vec<Attr<'_>>, Malformed> {
    let all = body(payload)?;
    whole(needed(&all, kind, "a service, a destination or a daemon")?.nested())
}

fn find<'a>(all: &[Attr<'a>], kind: u16) -> Option<Attr<'a>> {
    all.iter().copied().find(|attr| attr.kind == kind)
}

fn needed<'a>(all: &[Attr<'a>], kind: u16, what: &'static str) -> Result<Attr<'a>, Malformed> {
    find(all, kind).ok_or(Malformed::Missing { what })
}

/// `union nf_inet_addr`: sixteen bytes, of which IPv4 uses four.
fn address(attr: Attr<'_>, family: u16) -> Result<IpAddr, Malformed> {
    match family {
        2 => Ok(Ipv4Addr::from(take::<4>(attr.value, "an address")?).into()),
        10 => Ok(Ipv6Addr::from(take::<16>(attr.value, "an address")?).into()),
        other => Err(Malformed::Value {
            what: "the family of an address",
            value: other.into(),
        }),
    }
}

/// What `ipvsadm` calls a service by: `tcp 10.0.0.1:80`, or `fwmark 5` and its family.
fn service_key(all: &[Attr<'_>]) -> Result<(Vec<Text>, u16), Malformed> {
    let family = needed(all, 1, "IPVS_SVC_ATTR_AF")?.ne16("IPVS_SVC_ATTR_AF")?;
    if let Some(mark) = find(all, 5) {
        let mark = mark.ne32("IPVS_SVC_ATTR_FWMARK")?;
        let family_word = word(family.into(), &[(2, "ipv4"), (10, "ipv6")]);
        return Ok((
            vec!["fwmark".into(), mark.to_string().into(), family_word.into()],
            family,
        ));
    }
    let protocol = needed(all, 2, "IPVS_SVC_ATTR_PROTOCOL")?.ne16("IPVS_SVC_ATTR_PROTOCOL")?;
    let protocol = word(protocol.into(), &[(6, "tcp"), (17, "udp"), (132, "sctp")]);
    let far = endpoint(all, [3, 4], family)?;
    Ok((vec![protocol.into(), far], family))
}

fn endpoint(all: &[Attr<'_>], [at, port]: [u16; 2], family: u16) -> Result<Text, Malformed> {
    let address = address(needed(all, at, "an address")?, family)?;
    let port = needed(all, port, "a port")?.be16("a port")?;
    Ok(std::net::SocketAddr::new(address, port).to_string().into())
}

fn destination_key(all: &[Attr<'_>], family: u16) -> Result<Text, Malformed> {
    let own = find(all, 11)
        .map(|attr| attr.ne16("IPVS_DEST_ATTR_ADDR_FAMILY"))
        .transpose()?;
    endpoint(all, [1, 2], own.unwrap_or(family))
}

fn service(raw: &HostRaw, all: &[Attr<'_>], family: u16) -> Result<Both, Fault> {
    let (mut config, runtime) = both(decode(raw, SERVICE_TABLE, all)?);
    // The addresses that are kept together: a mask for IPv4, a length for IPv6; the whole address is as good as none.
    if let Some(attr) = find(all, 9) {
        let netmask = match family {
            2 => Ipv4Addr::from(take::<4>(attr.value, "IPVS_SVC_ATTR_NETMASK")?).to_string(),
            _ => attr.ne32("IPVS_SVC_ATTR_NETMASK")?.to_string(),
        };
        let whole = matches!(netmask.as_str(), "255.255.255.255" | "128");
        config = config.with_some("netmask", (!whole).then_some(Value::Word(netmask)));
    }
    Ok((config, runtime))
}

/// `struct ip_vs_flags`: what is set, and a mask that says that all is told. That the kernel found the service a place is no
/// setting (`IP_VS_SVC_F_HASHED`).
fn flags(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    const WORDS: Words = &[
        (0x01, "persistent"),
        (0x04, "ops"),
        (0x08, "flag-1"),
        (0x10, "flag-2"),
        (0x20, "flag-3"),
    ];
    let mut fields = Fields::new(bytes, "struct ip_vs_flags");
    let (flags, _mask) = (fields.u32()? & !0x02, fields.u32()?);
    let value = crate::facts::attributes::bits(flags.into(), WORDS);
    Ok(fields.rest().is_empty().then_some(value))
}

/// How packets are passed on: the low bits of the flags of a connection.
fn method(_: &HostRaw, bytes: &[u8]) -> Result<Option<Value>, Fault> {
    let mut fields = Fields::new(bytes, "IPVS_DEST_ATTR_FWD_METHOD");
    let method = fields.u32()? & 0x07;
    Ok(fields
        .rest()
        .is_empty()
        .then(|| Value::Word(word(method.into(), METHODS))))
}

#[cfg(test)]
mod tests;
