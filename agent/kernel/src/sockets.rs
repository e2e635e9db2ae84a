//! Sockets, from `sock_diag`.
//!
//! The modules that answer (`tcp_diag`, `udp_diag` …) are loaded by the kernel when they are asked; they only tell, and that
//! they came is said. A protocol whose own module is not there is not asked for: that would bring the protocol.

use std::fs;

use netghost_core::host::sockets::{self, ASKED, Asked, MARKS, PACKET, PORT_RANGE, RESERVED_PORTS};
use netghost_core::raw::{PartRead, RawMessage};
use netghost_core::section::{Section, SectionName};

use crate::facts::{Parts, Source, always_there, part, read as read_facts};
use crate::modules::{Modules, Presence};
use crate::netlink::{DumpError, Protocol, Socket};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `INET_DIAG_CONG`, `TOS`, `TCLASS` and `SKMEMINFO`, each as the bit of its number less one.
const EXTENSIONS: u8 = 0x78;
/// The numbers above what fits into the request go into an attribute, `INET_DIAG_REQ_PROTOCOL`.
const REQUEST_PROTOCOL: u16 = 3;
/// `IPPROTO_RAW`: what a kernel without that attribute takes the request for; no socket of it listens.
const RAW: u8 = 255;
/// `PACKET_SHOW_*`: information, memberships, rings, fanout, memory, filter.
const SHOW_ALL: u32 = 0x3f;
/// `CAP_NET_ADMIN`.
const NET_ADMIN: u32 = 12;

/// Reads the sockets. `now_us` gives microseconds since 1970 UTC.
pub(crate) fn read(now_us: &dyn Fn() -> u64) -> Section {
    let source = Source {
        name: SectionName::Sockets,
        absent: always_there,
        pass,
        lift: sockets::lift,
    };
    read_facts(&source, now_us)
}

fn pass(parts: &mut Parts) -> Result<(), DumpError> {
    parts.file(PORT_RANGE);
    parts.file(RESERVED_PORTS);
    parts.push(MARKS, marks());
    let modules = Modules::of_this_kernel();
    for asked in &ASKED {
        inet(parts, &modules, asked)?;
    }
    let read = diag(&packet_request())?;
    parts.push(PACKET, named(read, "packet", true));
    Ok(())
}

fn inet(parts: &mut Parts, modules: &Modules, asked: &Asked) -> Result<(), DumpError> {
    if let Some(module) = asked.module
        && modules.presence(module) == Presence::Absent
    {
        let why = format!("{module} is neither loaded nor built in (/proc/modules, modules.builtin)");
        parts.push(asked.source, PartRead::Absent { why });
        return Ok(());
    }
    if modules.presence("ipv6") == Presence::Absent {
        // udp_diag and raw_diag are bound to ipv6: asking would load it, on a host that has none.
        if asked.family == 10 {
            let why = "ipv6 is neither loaded nor built in (/proc/modules, modules.builtin)".to_owned();
            parts.push(asked.source, PartRead::Absent { why });
            return Ok(());
        }
        if matches!(asked.protocol, "udp" | "udplite" | "raw") {
            let list = format!("/proc/thread-self/net/{}", asked.protocol);
            parts.file_as(asked.source, list.as_ref());
            return Ok(());
        }
    }
    let read = diag(&inet_request(asked))?;
    let unanswered = matches!(read, Err(DumpError::Refused { errno: libc::ENOENT }));
    if asked.protocol == "raw" && unanswered {
        let list = if asked.family == 2 { "raw" } else { "raw6" };
        parts.file_as(asked.source, format!("/proc/thread-self/net/{list}").as_ref());
    } else {
        parts.push(
            asked.source,
            named(read, asked.protocol, matches!(asked.protocol, "tcp" | "udp")),
        );
    }
    Ok(())
}

type Read = Result<Vec<RawMessage>, DumpError>;

/// A dump on a socket of its own: one that was refused may still have an answer to come. An error that a further try may mend
/// ends the pass.
fn diag(body: &[u8]) -> Result<Read, DumpError> {
    match Socket::open(Protocol::SockDiag)?.dump(BY_FAMILY, body) {
        Err(error) if error.is_transient() => Err(error),
        Ok(mut messages) => {
            messages.iter_mut().for_each(sockets::blank_keys);
            Ok(Ok(messages))
        }
        refused => Ok(refused),
    }
}

/// `ENOENT` says that nothing answers for the protocol. Where every kernel has it, its sockets stay unknown.
fn named(read: Read, protocol: &str, always: bool) -> PartRead {
    match read {
        Err(DumpError::Refused { errno: libc::ENOENT }) if always => PartRead::Unreadable {
            why: format!(
                "the kernel does not tell of {protocol} sockets: load the module {protocol}_diag or af_{protocol}_diag"
            ),
        },
        Err(DumpError::Refused { errno: libc::ENOENT }) => PartRead::Absent {
            why: format!("the kernel knows no {protocol} sockets"),
        },
        read => part(read).unwrap_or_else(|error| PartRead::Unreadable { why: error.chain() }),
    }
}

/// `struct inet_diag_req_v2`.
fn inet_request(asked: &Asked) -> Vec<u8> {
    let short = u8::try_from(asked.number);
    let mut body = vec![asked.family, short.unwrap_or(RAW), EXTENSIONS, 0];
    body.extend(asked.states.to_ne_bytes());
    // `struct inet_diag_sockid`, of which a dump obeys nothing.
    body.extend([0; 48]);
    if short.is_err() {
        body.extend(8u16.to_ne_bytes());
        body.extend(REQUEST_PROTOCOL.to_ne_bytes());
        body.extend(u32::from(asked.number).to_ne_bytes());
    }
    body
}

/// `struct packet_diag_req` for `AF_PACKET`.
fn packet_request() -> Vec<u8> {
    let mut body = vec![17, 0, 0, 0, 0, 0, 0, 0];
    body.extend(SHOW_ALL.to_ne_bytes());
    body.extend([0; 8]);
    body
}

/// Marks are shown to `CAP_NET_ADMIN`; to others a mark looks like none.
fn marks() -> PartRead {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    if effective.is_some_and(|bits| bits >> NET_ADMIN & 1 == 1) {
        return PartRead::Messages { messages: Vec::new() };
    }
    PartRead::Unreadable {
        why: "marks of sockets are shown to CAP_NET_ADMIN: run as root or grant it".to_owned(),
    }
}
