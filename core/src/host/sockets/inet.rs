//! One `struct inet_diag_msg` with its attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs, take, take_at};
use crate::raw::lift::{Fault, Fields, OpaqueAttribute};

use super::{Asked, Ports, Socket, facts, unless_zero};

/// `sizeof(struct inet_diag_msg)`.
const HEADER: usize = 72;
const INET: u8 = 2;
const INET6: u8 = 10;
/// `TCP_LISTEN`.
const LISTEN: u8 = 10;

// Attributes, `INET_DIAG_*`.
const CONGESTION: u16 = 4;
const TOS: u16 = 5;
const TRAFFIC_CLASS: u16 = 6;
const MEMORY: u16 = 7;
const SHUTDOWN: u16 = 8;
const PROTOCOL: u16 = 10;
const V6_ONLY: u16 = 11;
const LOCALS: u16 = 12;
const PEERS: u16 = 13;
const MARK: u16 = 15;
const CLASS: u16 = 17;
/// `struct tcp_diag_md5sig` for each peer whose segments must be signed.
const SIGNED: u16 = 18;
const UPPER: u16 = 19;
const CGROUP: u16 = 21;
const OPTIONS: u16 = 22;

/// Where `SK_MEMINFO_DROPS` stands in the array of `INET_DIAG_SKMEMINFO` (`linux/sock_diag.h`).
const DROPS_AT: usize = 32;
/// `sizeof(struct sockaddr_storage)`.
const STORAGE: usize = 128;
/// `sizeof(struct tcp_diag_md5sig)` (`linux/tcp.h`).
const SIGNATURE: usize = 100;

/// Bits of the two bytes of `struct inet_diag_sockopt`; those with `no_` are set unless a program clears them, on IPv4
/// sockets.
const OPTION_BITS: [(u16, &str); 8] = [
    (0x01, "recverr"),
    (0x04, "freebind"),
    (0x08, "hdrincl"),
    (0x20, "transparent"),
    (0x80, "nodefrag"),
    (0x100, "bind_address_no_port"),
    (0x200, "recverr_rfc4884"),
    (0x400, "defer_connect"),
];
const SET_UNLESS_CLEARED: [(u16, &str); 2] = [(0x10, "no_mc_loop"), (0x40, "no_mc_all")];
/// `is_icsk`, which follows from the protocol.
const CONNECTIONS: u16 = 0x02;

/// What stands in the header.
struct Header {
    state: u8,
    source: (IpAddr, u16),
    peer: (IpAddr, u16),
    device: u32,
    receive_queue: u32,
    send_queue: u32,
    user: u32,
    inode: u32,
}

pub(super) fn socket(raw: &HostRaw, asked: &Asked, payload: &[u8], ports: &Ports) -> Result<Socket, Fault> {
    let header = Header::read(payload)?;
    let device = match header.device {
        0 => None,
        index => Some(raw.named(index)?),
    };
    let ((address, port), peer) = (header.source, header.peer);
    let raw_socket = asked.protocol == "raw";
    let (mut config, mut runtime) = facts(
        asked.protocol,
        address.to_string(),
        if port == 0 {
            "*".to_owned()
        } else {
            port.to_string()
        },
        device.as_ref(),
    );
    let connected = !peer.0.is_unspecified() || (peer.1 != 0 && !raw_socket);
    let listening = header.state == LISTEN;
    config = config.with_some("uid", (header.user != 0).then(|| Value::number(header.user)));
    runtime = runtime
        .with_some(
            "peer",
            connected.then(|| Value::word(format!("{} {}", peer.0, peer.1))),
        )
        .with_some("inode", (header.inode != 0).then(|| Value::number(header.inode)))
        .with("recv_q", Value::number(header.receive_queue));
    if listening {
        config = config.with("backlog", Value::number(header.send_queue));
    } else {
        runtime = runtime.with("send_q", Value::number(header.send_queue));
    }
    for attr in attrs(payload.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        if !set(&mut config, attr, asked.family)? && !state(&mut runtime, attr)? {
            config.other.push(attr.into());
        }
    }
    // SCTP has its own addresses in `INET_DIAG_LOCALS`; a handed out port is only UDP's: what listens was meant to.
    let handed_out = !listening && !raw_socket && ports.handed_out(port);
    Ok(Socket {
        config,
        runtime,
        passing: connected || handed_out,
        gap: None,
    })
}

impl Header {
    fn read(payload: &[u8]) -> Result<Self, Malformed> {
        const WHAT: &str = "struct inet_diag_msg";
        let mut fields = Fields::new(payload, WHAT);
        let (family, state) = (fields.u8()?, fields.u8()?);
        let port = |at| take_at(payload, at, WHAT).map(u16::from_be_bytes);
        let address = |at| address(family, take_at(payload, at, WHAT)?);
        let mut behind = Fields::new(payload.get(40..).unwrap_or_default(), WHAT);
        let device = behind.u32()?;
        // The cookie, then when the timer ends.
        let (_cookie, _expires) = (behind.u64()?, behind.u32()?);
        Ok(Self {
            state,
            source: (address(8)?, port(4)?),
            peer: (address(24)?, port(6)?),
            device,
            receive_queue: behind.u32()?,
            send_queue: behind.u32()?,
            user: behind.u32()?,
            inode: behind.u32()?,
        })
    }
}

fn address(family: u8, bytes: [u8; 16]) -> Result<IpAddr, Malformed> {
    match family {
        INET => take::<4>(&bytes, "idiag_src").map(|four| Ipv4Addr::from(four).into()),
        INET6 => Ok(Ipv6Addr::from(bytes).into()),
        other => Err(Malformed::Value {
            what: "idiag_family",
            value: other.into(),
        }),
    }
}

/// Takes an attribute that a program sets; false if it is another.
fn set(config: &mut Fact, attr: Attr<'_>, family: u8) -> Result<bool, Malformed> {
    let mut add = |property: Option<Property>| config.properties.extend(property);
    match attr.kind {
        CONGESTION => add(Some(Property::new("congestion", Value::Text(attr.text())))),
        TOS => add(unless_zero("tos", attr.u8("INET_DIAG_TOS")?)),
        TRAFFIC_CLASS => add(unless_zero("tclass", attr.u8("INET_DIAG_TCLASS")?)),
        // Told of raw sockets, whose port is the protocol already.
        PROTOCOL => {}
        V6_ONLY => add((attr.u8("INET_DIAG_SKV6ONLY")? != 0).then(|| Property::new("v6only", Value::Flag))),
        LOCALS => add(Some(Property::new("addresses", storages(attr.value)?))),
        MARK => add(unless_zero("mark", attr.ne32("INET_DIAG_MARK")?)),
        CLASS => add(unless_zero("class_id", attr.ne32("INET_DIAG_CLASS_ID")?)),
        SIGNED => add(Some(Property::new("md5_signed", signed(attr.value)?))),
        UPPER => {
            for inner in attr.nested() {
                let inner = inner?;
                match inner.kind {
                    // The others are the state of the protocol above.
                    1 => add(Some(Property::new("ulp", Value::Text(inner.text())))),
                    2 | 3 => {}
                    _ => config.other.push(OpaqueAttribute::from(inner)),
                }
            }
        }
        OPTIONS => {
            let bits = u16::from_le_bytes(take(attr.value, "INET_DIAG_SOCKOPT")?);
            config.properties.extend(options(bits, family));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Takes an attribute that says how it goes; false if it is another.
fn state(runtime: &mut Fact, attr: Attr<'_>) -> Result<bool, Malformed> {
    match attr.kind {
        MEMORY => {
            // Older kernels do not count drops here.
            let drops = attr.value.get(DROPS_AT..).unwrap_or_default();
            if !drops.is_empty() {
                let drops = u32::from_ne_bytes(take(drops, "INET_DIAG_SKMEMINFO")?);
                runtime
                    .properties
                    .push(Property::new("drops", Value::number(drops)));
            }
        }
        SHUTDOWN => runtime
            .properties
            .extend(unless_zero("shutdown", attr.u8("INET_DIAG_SHUTDOWN")?)),
        PEERS => runtime
            .properties
            .push(Property::new("peers", storages(attr.value)?)),
        CGROUP => runtime.properties.push(Property::new(
            "cgroup",
            Value::number(attr.ne64("INET_DIAG_CGROUP_ID")?),
        )),
        _ => return Ok(false),
    }
    Ok(true)
}

fn options(bits: u16, family: u8) -> impl Iterator<Item = Property> {
    let on = OPTION_BITS.iter().filter(move |(bit, _)| bits & bit != 0);
    let off = SET_UNLESS_CLEARED
        .iter()
        .filter(move |(bit, _)| family == INET && bits & bit == 0);
    let known = OPTION_BITS
        .iter()
        .chain(&SET_UNLESS_CLEARED)
        .fold(CONNECTIONS, |all, (bit, _)| all | bit);
    let flags = on.chain(off).map(|(_, word)| Property::new(word, Value::Flag));
    flags.chain(unless_zero("options", bits & !known))
}

/// See [`super::blank_keys`]. What is malformed is left for the decoder to refuse.
pub(super) fn blank_keys(payload: &mut [u8]) {
    let mut at = HEADER;
    while let Some(Ok(attr)) = attrs(payload.get(at..).unwrap_or_default()).next() {
        let length = attr.value.len().saturating_add(4);
        let (kind, value) = (attr.kind, at.saturating_add(4)..at.saturating_add(length));
        at = at.saturating_add(length.next_multiple_of(4));
        if kind == SIGNED {
            // Family, prefix, length of the key and address stay.
            for one in payload.get_mut(value).unwrap_or_default().chunks_mut(SIGNATURE) {
                one.iter_mut().skip(20).for_each(|byte| *byte = 0);
            }
        }
    }
}

/// Peers whose segments must be signed, without the keys.
fn signed(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut peers = Vec::new();
    for one in bytes.chunks(SIGNATURE) {
        if one.len() < SIGNATURE {
            return Err(Malformed::Short {
                what: "struct tcp_diag_md5sig",
                have: one.len(),
                need: SIGNATURE,
            });
        }
        let mut fields = Fields::new(one, "struct tcp_diag_md5sig");
        let (family, length) = (fields.u8()?, fields.u8()?);
        let peer = address(family, take_at(one, 4, "tcpm_addr")?)?;
        peers.push(Value::word(format!("{peer}/{length}")));
    }
    peers.sort();
    Ok(Value::List(peers))
}

/// An array of `struct sockaddr_storage`.
fn storages(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut all = Vec::new();
    for one in bytes.chunks(STORAGE) {
        let family = u16::from_ne_bytes(take(one, "struct sockaddr_storage")?);
        let family = u8::try_from(family).unwrap_or(u8::MAX);
        // `sin_addr` is the fifth byte on, `sin6_addr` the ninth.
        all.push(Value::word(match family {
            INET => IpAddr::from(take_at::<4>(one, 4, "struct sockaddr_in")?),
            family => address(family, take_at(one, 8, "struct sockaddr_in6")?)?,
        }));
    }
    all.sort();
    Ok(Value::List(all))
}
