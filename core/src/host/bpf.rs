//! BPF programs that packets and sockets meet: at links (XDP, tcx, netkit), at control groups, in netfilter and at the
//! network namespace. Programs of traffic control's filters are in the section `tc`.
//!
//! A program is its type, its name and its tag, which is the kernel's digest of its instructions. Ids are runtime.

use std::collections::BTreeMap;

use crate::bytes::{Hex, Text};
use crate::facts::{Fact, Facts, Lifted, Value};
use crate::raw::attr::attrs;
use crate::raw::lift::{Fault, Fields, LiftError};
use crate::raw::{HostRaw, RawMessage};

mod attachment;
mod words;

/// The part with links: `struct ifinfomsg` and the attribute `IFLA_XDP` of each that has a program.
pub const XDP: &str = "xdp";
/// The part with what is attached to links by tcx and netkit.
pub const LINKS: &str = "links";
/// The part with what is attached to control groups.
pub const CGROUPS: &str = "cgroups";
/// The part with what is attached to the network namespace.
pub const NAMESPACE: &str = "namespace";
/// The part with `struct bpf_link_info` of programs in netfilter. The kernel does not say in which namespace one stands.
pub const NETFILTER: &str = "netfilter";
/// The part with `struct bpf_prog_info` of every program that the others name.
pub const PROGRAMS: &str = "programs";

/// The attributes of a message that says what is attached where, all but the path `u32`.
pub mod attached {
    /// `enum bpf_attach_type`.
    pub const TYPE: u16 = 1;
    /// The index of the link.
    pub const LINK: u16 = 2;
    /// The path of the control group below the mount.
    pub const PATH: u16 = 3;
    /// The program's id.
    pub const PROGRAM: u16 = 4;
    /// Its place in the order in which programs run, from 1.
    pub const PLACE: u16 = 5;
    /// `attach_flags`.
    pub const FLAGS: u16 = 6;
}

/// Attach types of links, with their words.
pub const LINK_TYPES: [(u32, &str); 4] = [
    (46, "tcx-ingress"),
    (47, "tcx-egress"),
    (54, "netkit-primary"),
    (55, "netkit-peer"),
];

/// Attach types of the network namespace.
pub const NAMESPACE_TYPES: [(u32, &str); 2] = [(17, "flow_dissector"), (36, "sk_lookup")];

/// `BPF_LSM_CGROUP`, for which the kernel wants room for more.
pub const LSM: u32 = 43;

/// Attach types of control groups that decide about packets and sockets.
pub const CGROUP_TYPES: [(u32, &str); 22] = [
    (0, "inet_ingress"),
    (1, "inet_egress"),
    (2, "inet_sock_create"),
    (3, "sock_ops"),
    (8, "inet4_bind"),
    (9, "inet6_bind"),
    (10, "inet4_connect"),
    (11, "inet6_connect"),
    (12, "inet4_post_bind"),
    (13, "inet6_post_bind"),
    (14, "udp4_sendmsg"),
    (15, "udp6_sendmsg"),
    (19, "udp4_recvmsg"),
    (20, "udp6_recvmsg"),
    (21, "getsockopt"),
    (22, "setsockopt"),
    (29, "inet4_getpeername"),
    (30, "inet6_getpeername"),
    (31, "inet4_getsockname"),
    (32, "inet6_getsockname"),
    (34, "inet_sock_release"),
    (LSM, "lsm_cgroup"),
];

/// A program at its place.
struct Attached {
    key: Vec<Text>,
    flags: Option<(&'static str, Value)>,
    program: u32,
}

/// Decodes what was read.
///
/// # Errors
/// Where a message is malformed, names a link that is not there, or a program that no part describes.
pub fn lift(raw: &HostRaw) -> Result<Lifted, LiftError> {
    let mut gaps = Vec::new();
    let mut all = Vec::new();
    for (part, decode) in attachment::PARTS {
        let path = format!("bpf/{part}");
        for (position, message) in raw.messages(part, &path, &mut gaps)?.iter().enumerate() {
            all.extend(decode(raw, &message.payload.0).map_err(|fault| fault.at(position))?);
        }
    }
    let named = gaps.len();
    let programs = raw.messages(PROGRAMS, "bpf", &mut gaps)?;
    let programs = if gaps.len() == named {
        Some(described(programs)?)
    } else {
        None
    };
    let (mut config, mut runtime) = (Vec::new(), Vec::new());
    for attached in all {
        let mut fact = Fact::new("bpf", attached.key.clone());
        if let Some(programs) = &programs {
            let program = programs.get(&attached.program).ok_or_else(|| LiftError::Part {
                part: PROGRAMS.to_owned(),
                why: format!("no program has the id {}", attached.program),
            })?;
            fact = fact
                .with("type", Value::word(&program.kind))
                .with_some(
                    "name",
                    (!program.name.is_empty()).then(|| Value::Text(program.name.clone())),
                )
                .with("tag", Value::Bytes(program.tag.clone()));
        }
        if let Some((name, value)) = attached.flags {
            fact = fact.with(name, value);
        }
        config.push(fact);
        runtime.push(Fact::new("bpf", attached.key).with("id", Value::number(attached.program)));
    }
    Ok(Lifted {
        config: Facts::new(config),
        runtime: Facts::new(runtime),
        gaps,
        warnings: Vec::new(),
    })
}

/// What `struct bpf_prog_info` says that does not change from load to load.
struct Program {
    kind: String,
    name: Text,
    tag: Hex,
}

fn described(messages: &[RawMessage]) -> Result<BTreeMap<u32, Program>, LiftError> {
    let each = messages.iter().enumerate();
    each.map(|(position, message)| program(&message.payload.0).map_err(|fault| fault.at(position)))
        .collect()
}

fn program(bytes: &[u8]) -> Result<(u32, Program), Fault> {
    const WHAT: &str = "struct bpf_prog_info";
    let mut fields = Fields::new(bytes, WHAT);
    let (kind, id) = (fields.u32()?, fields.u32()?);
    let tag: [u8; 8] = crate::raw::attr::take_at(bytes, 8, WHAT)?;
    let name: [u8; 16] = crate::raw::attr::take_at(bytes, 64, WHAT)?;
    let program = Program {
        kind: words::program(kind),
        name: Text::from_nul_padded(&name),
        tag: Hex(tag.to_vec()),
    };
    Ok((id, program))
}

/// The ids of the programs that messages of a part other than [`PROGRAMS`] name: those that must be described.
///
/// # Errors
/// Where a message is malformed.
pub fn programs(part: &str, messages: &[RawMessage]) -> Result<Vec<u32>, LiftError> {
    let mut ids = Vec::new();
    for (position, message) in messages.iter().enumerate() {
        let named = attachment::programs(part, &message.payload.0).map_err(|fault| fault.at(position))?;
        ids.extend(named);
    }
    Ok(ids)
}

/// A link's message cut down to its header and `IFLA_XDP`; `None` if no program is there.
///
/// # Errors
/// Where the message is malformed.
pub fn xdp_only(message: &RawMessage) -> Result<Option<RawMessage>, LiftError> {
    let cut = || -> Result<Option<RawMessage>, Fault> {
        let payload = &message.payload.0;
        let header: [u8; attachment::LINK_HEADER] = crate::raw::attr::take(payload, "struct ifinfomsg")?;
        for attr in attrs(payload.get(attachment::LINK_HEADER..).unwrap_or_default()) {
            let attr = attr?;
            if attr.kind == attachment::XDP_ATTRIBUTE && !attachment::xdp_programs(attr)?.is_empty() {
                let mut kept = header.to_vec();
                let length = u16::try_from(attr.value.len().saturating_add(4)).unwrap_or(u16::MAX);
                kept.extend(length.to_ne_bytes());
                kept.extend(attr.kind.to_ne_bytes());
                kept.extend_from_slice(attr.value);
                return Ok(Some(RawMessage {
                    payload: Hex(kept),
                    ..message.clone()
                }));
            }
        }
        Ok(None)
    };
    cut().map_err(|fault| fault.at(0))
}

#[cfg(test)]
mod tests;
