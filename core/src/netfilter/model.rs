//! The rule model: what a ruleset says, apart from the encoding that said it.
//!
//! Everything here is configuration in canonical form; what the kernel numbers or counts is in [`RulesetRuntime`].

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::bytes::{Big, Hex, Text};

mod object;
mod runtime;
mod statement;

pub use crate::raw::lift::OpaqueAttribute;
pub use object::{Definition, GeneveOption, Object, StateTimeout, Tunnel, TunnelOptions};
pub use runtime::{
    ChainRuntime, Counters, ElementRuntime, ObjectRuntime, RuleRuntime, RulesetRuntime, SetRuntime,
    TableRuntime,
};
pub use statement::{
    LimitUnit, LogFlag, NatFlag, NatKind, Opaque, RejectWith, Statement, TargetOption, Verdict,
};

/// Which of the kernel's two packet filters holds a ruleset. They run side by side; equal digests are promised per plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Legacy xtables.
    Legacy,
    /// nf_tables.
    Nft,
    /// Text that does not say which.
    Unstated,
}

/// Everything one plane holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruleset {
    /// The plane.
    pub plane: Plane,
    /// Sorted by family, then name.
    pub tables: Vec<Table>,
    /// Base chains that share a hook and a priority, where the order of registration decides; nothing else is listed.
    pub hook_order: Vec<HookOrder>,
}

/// The order of base chains at one hook and priority: the order in which the kernel lists them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HookOrder {
    /// The packet family that meets all of them: `ip` for chains of `ip` and `inet` tables.
    pub family: Family,
    /// The hook.
    pub hook: Hook,
    /// The priority they share.
    pub priority: i32,
    /// `family/table/chain`, each part as text.
    pub chains: Vec<ChainId>,
}

/// Names a chain within a plane.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainId {
    /// The table's family.
    pub family: Family,
    /// The table.
    pub table: Text,
    /// The chain.
    pub chain: Text,
}

impl std::fmt::Display for ChainId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.family, self.table, self.chain)
    }
}

/// The address family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// IPv4 and IPv6.
    Inet,
    /// ARP.
    Arp,
    /// Frames on a bridge.
    Bridge,
    /// Frames at a device.
    Netdev,
}

impl Family {
    /// The word that `nft` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Inet => "inet",
            Self::Arp => "arp",
            Self::Bridge => "bridge",
            Self::Netdev => "netdev",
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in a packet's way a base chain runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Before the routing decision.
    Prerouting,
    /// To this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// After the routing decision.
    Postrouting,
    /// As a device hands it over.
    Ingress,
    /// As it goes to a device.
    Egress,
}

impl Hook {
    /// The word that `nft` uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its family.
    pub family: Family,
    /// Its name.
    pub name: Text,
    /// `dormant`, `owner`, `persist`; sorted. A dormant table filters nothing.
    pub flags: Vec<String>,
    /// Its comment.
    pub comment: Option<Text>,
    /// Sorted by name.
    pub chains: Vec<Chain>,
    /// Named sets and maps, sorted by name. Anonymous ones are inlined where they are used.
    pub sets: Vec<Set>,
    /// Named objects and flowtables, sorted by kind and name.
    pub objects: Vec<Object>,
    /// Attributes that this version does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<OpaqueAttribute>,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its name.
    pub name: Text,
    /// Where it is hooked in; `None` for a chain that only others jump to.
    pub base: Option<BaseChain>,
    /// Its comment.
    pub comment: Option<Text>,
    /// In order.
    pub rules: Vec<Rule>,
    /// Attributes that this version does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<OpaqueAttribute>,
}

/// How a base chain is hooked in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseChain {
    /// `filter`, `nat` or `route`.
    pub chain_type: Text,
    /// The hook.
    pub hook: Hook,
    /// Lower runs first.
    pub priority: i32,
    /// What becomes of a packet that no rule decides.
    pub policy: Verdict,
    /// For `netdev` families and `inet` ingress: the devices, sorted.
    pub devices: Vec<Text>,
    /// Whether it is offloaded to hardware.
    pub offload: bool,
}

/// One rule: matches and statements in the order in which the kernel runs them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// What it does.
    pub items: Vec<Item>,
    /// Its comment. Part of the configuration, never of the effect.
    pub comment: Option<Text>,
}

/// One step of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum Item {
    /// Goes on to the next step only if the packet matches.
    Match(Match),
    /// Does something.
    Statement(Statement),
    /// A step that this version does not decode, whole.
    Opaque(Opaque),
}

/// A condition on a packet: `field op value`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Match {
    /// What is looked at.
    pub field: Field,
    /// How it is compared.
    pub op: Op,
    /// What it is compared with.
    pub value: Value,
}

/// What a match looks at, in `nft`'s words joined by a dot: `ip.saddr`, `tcp.dport`, `meta.iifname`, `ct.state`;
/// `@nh,96,32` (base, offset and length in bits) where no name exists. A concatenation joins fields by ` . `. What is computed
/// is written out: `meta.mark & 0x000000ff`, `numgen inc mod 2`, `jhash(ip.saddr . tcp.dport) mod 4`, with parentheses around
/// whatever another operation takes; a constant is its value in `nft`'s words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Field(pub String);

impl From<&str> for Field {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a field is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Equal; for a range or prefix: within.
    Eq,
    /// Not equal; for a range or prefix: outside.
    Ne,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// One of a set.
    In,
    /// None of a set.
    NotIn,
    /// At least one of these flags or bits is set.
    Any,
    /// None of these flags or bits is set.
    None,
}

impl Op {
    /// The opposite comparison.
    pub fn negated(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Lt => Self::Ge,
            Self::Le => Self::Gt,
            Self::Gt => Self::Le,
            Self::Ge => Self::Lt,
            Self::In => Self::NotIn,
            Self::NotIn => Self::In,
            Self::Any => Self::None,
            Self::None => Self::Any,
        }
    }
}

/// What a field is compared with or set to. Sets are sorted and without repetition, so that one meaning has one form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// A number of at most 32 bits: ports, protocols, marks, types.
    Number(u32),
    /// A larger number.
    Wide(Big),
    /// An address.
    Address(IpAddr),
    /// An address and the number of its leading bits that count; the others are zero.
    Prefix {
        /// The network.
        address: IpAddr,
        /// Leading bits.
        length: u8,
    },
    /// Six bytes of hardware address, `00:11:22:33:44:55`.
    Mac(String),
    /// A name from the kernel or a person; a trailing `*` matches what begins like it.
    Text(Text),
    /// A word of the field's own: an ICMP code name, a packet type.
    Symbol(String),
    /// Flags, sorted by name; with [`Op::Any`] and [`Op::None`].
    Flags(Vec<String>),
    /// The bits of the field under a mask.
    Masked {
        /// Which bits.
        mask: Box<Value>,
        /// What they are; no bit outside the mask.
        value: Box<Value>,
    },
    /// From, to, both within.
    Range {
        /// The lower end.
        from: Box<Value>,
        /// The upper end.
        to: Box<Value>,
    },
    /// A set without a name.
    Set(Vec<Value>),
    /// The name of a set in the same table.
    SetName(Text),
    /// Several values at once.
    Concat(Vec<Value>),
    /// Bytes in network order with no better reading.
    Bytes(Hex),
    /// Another field's value.
    Field(Field),
    /// What a match of several inseparable parts asks (`recent`, `hashlimit`): each part with its name, in the order in
    /// which the tool prints them.
    Parts(Vec<Match>),
}

/// A named set or map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// Its name.
    pub name: Text,
    /// What its keys are, in `nft`'s words: `ipv4_addr`, `inet_service`; `ipv4_addr . inet_service`.
    pub key_type: String,
    /// For a map, what its values are; `verdict` for a verdict map.
    pub data_type: Option<String>,
    /// `constant`, `interval`, `timeout`, `dynamic`; sorted.
    pub flags: Vec<String>,
    /// How long an element stays, in milliseconds.
    pub timeout_ms: Option<Big>,
    /// How often expired elements are collected, in milliseconds.
    pub gc_interval_ms: Option<u32>,
    /// The largest number of elements.
    pub size: Option<u32>,
    /// `performance` or `memory`, where stated.
    pub policy: Option<String>,
    /// Its comment.
    pub comment: Option<Text>,
    /// Sorted. For a set that packets fill (`dynamic`) this is empty and the elements are runtime.
    pub elements: Vec<Element>,
    /// Steps that each new element carries, such as a counter.
    pub statements: Vec<Item>,
    /// Attributes that this version does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<OpaqueAttribute>,
}

/// An element of a set or map.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Element {
    /// The key; an interval is a prefix or range.
    pub key: Value,
    /// The value of a map.
    pub data: Option<ElementData>,
    /// Its own time to live in milliseconds, where it differs from the set's.
    pub timeout_ms: Option<Big>,
    /// Its comment.
    pub comment: Option<Text>,
    /// Steps that the element carries.
    pub statements: Vec<Item>,
    /// Attributes that this version does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opaque: Vec<OpaqueAttribute>,
}

/// What a map holds for a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ElementData {
    /// A value.
    Value {
        /// The value.
        value: Value,
    },
    /// A verdict.
    Verdict {
        /// The verdict.
        verdict: Verdict,
    },
    /// The name of an object.
    Object {
        /// The object's name.
        name: Text,
    },
}
