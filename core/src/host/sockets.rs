//! Sockets that wait for packets: listening TCP, MPTCP, SCTP and DCCP, bound UDP and raw sockets, and packet sockets with
//! the filters attached to them, from `sock_diag` (`linux/inet_diag.h`, `linux/packet_diag.h`).
//!
//! Configuration is what a program asked for. A UDP or raw socket with a peer, and a UDP socket with a port that the kernel
//! hands out, are runtime. The kernel shows no filter of a TCP, UDP or raw socket, and no BPF program of a packet socket.

use std::collections::BTreeMap;

use crate::bytes::{Big, Text};
use crate::facts::{Fact, Facts, Lifted, Property, Value};
use crate::raw::lift::{Fault, LiftError};
use crate::raw::{HostRaw, PartRead, RawMessage};
use crate::section::Gap;

mod inet;
mod listed;
mod packet;
mod ports;

use ports::Ports;

/// The part that holds packet sockets.
pub const PACKET: &str = "packet";
/// The range from which the kernel hands out ports.
pub const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// The ports that it leaves out.
pub const RESERVED_PORTS: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

/// The part that says whether marks were shown.
pub const MARKS: &str = "marks";

/// `SOCK_DIAG_BY_FAMILY`, of requests and answers.
const BY_FAMILY: u16 = 20;

/// One request for the sockets of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The name of the part.
    pub source: &'static str,
    /// The protocol's word.
    pub protocol: &'static str,
    /// `AF_INET` or `AF_INET6`.
    pub family: u8,
    /// `IPPROTO_*`.
    pub number: u16,
    /// A bit for each state asked for: `TCP_LISTEN` is 10, `TCP_CLOSE` 7, `TCP_ESTABLISHED` 1.
    pub states: u32,
    /// The module that must be there for the protocol to be, if it is not part of every kernel.
    pub module: Option<&'static str>,
}

const LISTENING: u32 = 1 << 10;
const BOUND: u32 = 1 << 7 | 1 << 1;

const fn asked(
    source: &'static str,
    protocol: &'static str,
    family: u8,
    number: u16,
    states: u32,
    module: Option<&'static str>,
) -> Asked {
    Asked {
        source,
        protocol,
        family,
        number,
        states,
        module,
    }
}

/// All requests, in order.
pub const ASKED: [Asked; 14] = [
    asked("tcp/ipv4", "tcp", 2, 6, LISTENING, None),
    asked("tcp/ipv6", "tcp", 10, 6, LISTENING, None),
    asked("udp/ipv4", "udp", 2, 17, BOUND, None),
    asked("udp/ipv6", "udp", 10, 17, BOUND, None),
    asked("udplite/ipv4", "udplite", 2, 136, BOUND, None),
    asked("udplite/ipv6", "udplite", 10, 136, BOUND, None),
    asked("raw/ipv4", "raw", 2, 255, BOUND, None),
    asked("raw/ipv6", "raw", 10, 255, BOUND, None),
    asked("mptcp/ipv4", "mptcp", 2, 262, LISTENING, None),
    asked("mptcp/ipv6", "mptcp", 10, 262, LISTENING, None),
    asked("sctp/ipv4", "sctp", 2, 132, LISTENING, Some("sctp")),
    asked("sctp/ipv6", "sctp", 10, 132, LISTENING, Some("sctp")),
    asked("dccp/ipv4", "dccp", 2, 33, LISTENING, Some("dccp")),
    asked("dccp/ipv6", "dccp", 10, 33, LISTENING, Some("dccp")),
];

/// Blanks the keys by which segments are signed (RFC 2385): nothing that is kept holds them.
pub fn blank_keys(message: &mut RawMessage) {
    inet::blank_keys(&mut message.payload.0);
}

/// A socket as decoded.
struct Socket {
    config: Fact,
    runtime: Fact,
    /// Not something that somebody set up: it has a peer, or a port that was handed out.
    passing: bool,
    /// What was kept from the reader.
    gap: Option<&'static str>,
}

/// Decodes the answers.
///
/// # Errors
/// Where a message is malformed, of another type, or names a link that is not there.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut gaps = Vec::new();
    let ports = Ports::read(raw, &mut gaps)?;
    raw.messages(MARKS, "socket", &mut gaps)?;
    let mut sockets = Vec::new();
    for asked in &ASKED {
        let path = format!("socket/{}", asked.protocol);
        if let Some(PartRead::File { content }) = raw.part(asked.source) {
            sockets.extend(listed::sockets(asked, content, &ports)?);
            continue;
        }
        decode(raw, asked.source, &path, &mut gaps, &mut sockets, |payload| {
            inet::socket(raw, asked, payload, &ports)
        })?;
    }
    decode(raw, PACKET, "socket/packet", &mut gaps, &mut sockets, |payload| {
        packet::socket(raw, payload)
    })?;
    gaps.sort();
    gaps.dedup();
    Ok(gathered(sockets, gaps))
}

fn decode(
    raw: &HostRaw,
    source: &str,
    path: &str,
    gaps: &mut Vec<Gap>,
    sockets: &mut Vec<Socket>,
    one: impl Fn(&[u8]) -> Result<Socket, Fault>,
) -> Result<(), LiftError> {
    for (position, message) in raw.messages(source, path, gaps)?.iter().enumerate() {
        if message.message_type != BY_FAMILY {
            let message_type = message.message_type;
            return Err(LiftError::Type {
                position,
                message_type,
            });
        }
        let socket = one(&message.payload.0).map_err(|fault| fault.at(position))?;
        gaps.extend(socket.gap.map(|why| Gap {
            path: path.to_owned(),
            why: why.to_owned(),
        }));
        sockets.push(socket);
    }
    Ok(())
}

/// Sockets alike in everything that was set are one fact with their number: the workers of one server.
fn gathered(sockets: Vec<Socket>, gaps: Vec<Gap>) -> Lifted {
    let mut alike: BTreeMap<Fact, u64> = BTreeMap::new();
    let mut runtime = Vec::new();
    for socket in sockets {
        let mut state = socket.runtime;
        if socket.passing {
            state.properties.extend(socket.config.properties);
            state.other.extend(socket.config.other);
        } else {
            *alike.entry(socket.config).or_default() += 1;
        }
        runtime.push(state);
    }
    let counted = |(fact, count): (Fact, u64)| match count {
        1 => fact,
        several => fact.with("count", Value::Number(Big(several))),
    };
    Lifted {
        config: Facts::new(alike.into_iter().map(counted).collect()),
        runtime: Facts::new(runtime),
        gaps,
        warnings: Vec::new(),
    }
}

/// The key that both facts of a socket have.
fn facts(protocol: &str, address: String, port: String, device: Option<&Text>) -> (Fact, Fact) {
    let mut key = vec![Text::from(protocol), Text::from(address), Text::from(port)];
    key.extend(device.cloned());
    (Fact::new("socket", key.clone()), Fact::new("socket", key))
}

/// A property if the number is not zero, which is what it is when nobody sets it.
fn unless_zero(name: &str, number: impl Into<u64>) -> Option<Property> {
    let number: u64 = number.into();
    (number != 0).then(|| Property::new(name, Value::Number(Big(number))))
}

#[cfg(test)]
mod tests;
