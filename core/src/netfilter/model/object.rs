//! Named objects and flowtables: what rules and maps use by name.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Family, Hook, LimitUnit, OpaqueAttribute};
use crate::bytes::{Big, Hex, Text};

/// A named object or flowtable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Object {
    /// `counter`, `quota`, `limit`, `ct helper`, `ct timeout`, `ct expectation`, `ct count`, `secmark`, `synproxy`, `tunnel`,
    /// `flowtable`, or `object:N` with the kernel's number of a type that is not known.
    pub kind: String,
    /// Its name.
    pub name: Text,
    /// Its comment.
    pub comment: Option<Text>,
    /// Its attributes as the kernel gave them, without those that are runtime, where `definition` does not say them; else
    /// empty.
    pub payload: Hex,
    /// What it says; `None` where it is not decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
    /// Attributes beside the definition that this version does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<OpaqueAttribute>,
}

/// What an object says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Definition {
    /// Counts; the numbers are runtime.
    Counter,
    /// An amount that may be used up; how much of it is used is runtime.
    Quota {
        /// Bytes.
        bytes: Big,
        /// Matches only above.
        over: bool,
    },
    /// A rate, as in [`super::Statement::Limit`].
    Limit {
        /// Units per period.
        rate: Big,
        /// The period.
        unit: LimitUnit,
        /// How far above the rate a burst may go; in packets, or bytes.
        burst: u32,
        /// Counts bytes, not packets.
        bytes: bool,
        /// Matches only above the rate.
        over: bool,
    },
    /// A helper that expects the further connections of a protocol.
    CtHelper {
        /// The kernel's name for it: `ftp`, `sip`.
        helper: Text,
        /// `ip`, `ip6`, or `inet` for both.
        family: Family,
        /// The transport protocol's number.
        protocol: u8,
    },
    /// How long connections stay known in each state.
    CtTimeout {
        /// `ip`, `ip6`, or `inet` for both.
        family: Family,
        /// The transport protocol's number.
        protocol: u8,
        /// One for each state, in the kernel's order.
        policy: Vec<StateTimeout>,
    },
    /// A further connection that is expected.
    CtExpectation {
        /// `ip`, `ip6`, or `inet` for both.
        family: Family,
        /// The transport protocol's number.
        protocol: u8,
        /// Its destination port.
        port: u16,
        /// How long it is expected, in milliseconds.
        timeout_ms: u32,
        /// How many at once.
        size: u8,
    },
    /// A security label for packets.
    Secmark {
        /// The context, as the security module writes it.
        context: Text,
    },
    /// Answers handshakes in the place of a server.
    Synproxy {
        /// The maximum segment size announced, where one is.
        mss: Option<u16>,
        /// The window scale announced, where one is.
        window_scale: Option<u8>,
        /// `timestamp`, `sack-perm`; sorted.
        flags: Vec<String>,
    },
    /// A number of connections at once.
    CtCount {
        /// How many.
        count: u32,
        /// Matches only above.
        over: bool,
    },
    /// What a packet is told about the tunnel that it is to take.
    Tunnel(Box<Tunnel>),
    /// Connections that pass the rules by.
    Flowtable {
        /// The hook.
        hook: Hook,
        /// Lower runs first.
        priority: i32,
        /// The devices, sorted; `eth*` for all whose name begins like it.
        devices: Vec<Text>,
        /// `offload`, `counter`; sorted.
        flags: Vec<String>,
    },
}

/// How long a connection stays in a state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StateTimeout {
    /// The state in `nft`'s words: `established`, `replied`.
    pub state: String,
    /// Seconds.
    pub seconds: u32,
}

/// A tunnel's metadata (`enum nft_tunnel_key_attributes`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tunnel {
    /// The virtual network's number.
    pub id: u32,
    /// The outer source address.
    pub source: Option<IpAddr>,
    /// The outer destination address.
    pub destination: Option<IpAddr>,
    /// The outer flow label (IPv6).
    pub flow_label: Option<u32>,
    /// The outer source port, where one is given.
    pub source_port: Option<u16>,
    /// The outer destination port, where one is given.
    pub destination_port: Option<u16>,
    /// The outer type of service.
    pub tos: Option<u8>,
    /// The outer time to live.
    pub ttl: Option<u8>,
    /// `dont-fragment`, `sequence`, `zero-checksum`; sorted.
    pub flags: Vec<String>,
    /// What the tunnel's own header says.
    pub options: Option<TunnelOptions>,
}

/// What a tunnel's own header says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "tunnel", rename_all = "snake_case")]
pub enum TunnelOptions {
    /// VXLAN with a group policy.
    Vxlan {
        /// The group policy.
        gbp: u32,
    },
    /// ERSPAN, version 1.
    Erspan1 {
        /// The index.
        index: u32,
    },
    /// ERSPAN, version 2.
    Erspan2 {
        /// The hardware id.
        hardware: u8,
        /// 0 ingress, 1 egress.
        direction: u8,
    },
    /// Geneve options (RFC 8926 §3.5), in order.
    Geneve {
        /// Each of them.
        options: Vec<GeneveOption>,
    },
}

/// One option of a Geneve header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GeneveOption {
    /// Whose option it is.
    pub class: u16,
    /// Its type.
    pub option_type: u8,
    /// Its data.
    pub data: Hex,
}
