//! What a rule does.

use serde::{Deserialize, Serialize};

use super::{Element, ElementData, Field, Item, Value};
use crate::bytes::{Big, Hex, Text};

/// The fate of a packet, or where its way through the chains goes on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Leaves this base chain; later hooks still see the packet.
    Accept,
    /// Gone, silently.
    Drop,
    /// On with the next rule.
    Continue,
    /// Back to the chain that jumped here; the policy in a base chain.
    Return,
    /// Into a chain, and back here at its end.
    Jump {
        /// The chain.
        chain: Text,
    },
    /// Into a chain, and not back.
    Goto {
        /// The chain.
        chain: Text,
    },
    /// To a program in user space (legacy `QUEUE`).
    Queue,
}

impl Verdict {
    /// The word, without a chain.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Continue => "continue",
            Self::Return => "return",
            Self::Jump { .. } => "jump",
            Self::Goto { .. } => "goto",
            Self::Queue => "queue",
        }
    }
}

/// A step that does something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "statement", rename_all = "snake_case")]
pub enum Statement {
    /// Decides.
    Verdict(Verdict),
    /// Decides by looking a field up in a map of verdicts.
    VerdictMap {
        /// The field or concatenation.
        key: Field,
        /// The name of the map; `None` when it is written in place.
        map: Option<Text>,
        /// The pairs of a map written in place, sorted.
        entries: Vec<(Value, ElementData)>,
    },
    /// What elements of the set or map written in place in the next step carry besides their key and data.
    Elements {
        /// These elements whole, in the order of their keys.
        elements: Vec<Element>,
    },
    /// Refuses with an answer.
    Reject {
        /// The answer.
        with: RejectWith,
    },
    /// Counts; the numbers are runtime. Every xtables rule counts, so there it is left out.
    Counter {
        /// The name of a counter object, if it is one.
        name: Option<Text>,
    },
    /// Writes a line to the kernel's log or hands the packet to a logger.
    Log {
        /// Text before the line.
        prefix: Option<Text>,
        /// syslog level 0–7, where stated; 8 is audit.
        level: Option<u8>,
        /// What else to log, sorted.
        flags: Vec<LogFlag>,
        /// The NFLOG group; `None` for the kernel's log.
        group: Option<u16>,
        /// Bytes of the packet handed over.
        snaplen: Option<u32>,
        /// Packets gathered before they are handed over.
        threshold: Option<u16>,
    },
    /// Goes on only while (or, inverted, only once) a rate is exceeded or not.
    Limit {
        /// Units per period.
        rate: Big,
        /// The period.
        unit: LimitUnit,
        /// How far above the rate a burst may go; in packets, or bytes.
        burst: u32,
        /// Counts bytes, not packets.
        bytes: bool,
        /// `over`: goes on only above the rate.
        over: bool,
    },
    /// Goes on only while (or, inverted, once) an amount has not been used up.
    Quota {
        /// Bytes.
        bytes: Big,
        /// Goes on only above.
        over: bool,
    },
    /// Translates addresses.
    Nat {
        /// Which end.
        nat: NatKind,
        /// The family named, for `inet` tables.
        family: Option<super::Family>,
        /// New address, range, or map lookup.
        address: Option<Value>,
        /// New port or range.
        port: Option<Value>,
        /// How, sorted.
        flags: Vec<NatFlag>,
    },
    /// Writes a field: a mark, a DSCP.
    Set {
        /// The field.
        field: Field,
        /// Its new value. [`Value::Masked`]: the bits of `mask` are cleared, then those of `value` flipped.
        value: Value,
    },
    /// Looks a field up in a map and writes the result into another.
    MapTo {
        /// The field looked up.
        key: Field,
        /// The field written.
        field: Field,
        /// The name of the map; `None` when it is written in place.
        map: Option<Text>,
        /// The pairs of a map written in place, sorted.
        entries: Vec<(Value, ElementData)>,
    },
    /// Hands the packet to a program in user space.
    Queue {
        /// The first queue.
        from: u16,
        /// The last queue.
        to: u16,
        /// `bypass`, `fanout`; sorted.
        flags: Vec<String>,
    },
    /// Hands the packet to the program of a queue that is chosen for each packet.
    QueueBy {
        /// What gives the queue's number.
        number: Value,
        /// `bypass`, `fanout`; sorted.
        flags: Vec<String>,
    },
    /// Leaves the connection untracked.
    Notrack,
    /// Hands the packet to a listening socket of this host without translating it.
    Tproxy {
        /// The family named, where the table leaves it open.
        family: Option<super::Family>,
        /// The address listened on.
        address: Option<Value>,
        /// The port listened on.
        port: Option<Value>,
    },
    /// Answers the handshake of a TCP connection in the server's place.
    Synproxy {
        /// The maximum segment size that it states.
        mss: Option<u16>,
        /// The window scale that it states.
        wscale: Option<u8>,
        /// `ecn`, `sack-perm`, `timestamp`; sorted.
        flags: Vec<String>,
    },
    /// Sends a copy elsewhere; the packet itself goes on.
    Dup {
        /// The neighbour that gets the copy.
        address: Option<Value>,
        /// The device that it leaves by.
        device: Option<Value>,
    },
    /// Sends the packet out of a device, past everything that follows.
    Fwd {
        /// The family of the address.
        family: Option<super::Family>,
        /// The neighbour that gets it.
        address: Option<Value>,
        /// The device.
        device: Value,
    },
    /// Lets the rest of the connection go by a flowtable, past the rules.
    FlowOffload {
        /// The flowtable.
        flowtable: Text,
    },
    /// Goes on only while (or, inverted, only once) more than a number of connections exist.
    ConnLimit {
        /// The number.
        count: u32,
        /// Goes on only above.
        over: bool,
    },
    /// Notes when a packet last came by; the time is runtime.
    Last,
    /// Takes an option out of a header.
    ResetOption {
        /// The option: `tcp.option.sack-perm`.
        option: Field,
    },
    /// Adds to, updates in or deletes from a set.
    Dynset {
        /// `add`, `update` or `delete`.
        op: String,
        /// The set.
        set: Text,
        /// The key.
        key: Field,
        /// What a map gets for the key.
        data: Option<Field>,
        /// The element's time to live in milliseconds.
        timeout_ms: Option<Big>,
        /// Steps that each element carries.
        statements: Vec<Item>,
    },
    /// Uses a named object.
    Object {
        /// Its kind: `counter`, `quota`, `limit`, `ct helper` ….
        object: String,
        /// Its name.
        name: Text,
    },
    /// Clamps the TCP maximum segment size (xtables `TCPMSS`).
    TcpMss {
        /// The size; `None`: to the path's MTU.
        mss: Option<u16>,
    },
    /// A target of xtables, arptables or ebtables that no other statement says.
    Target {
        /// Its name: `TPROXY`, `arpreply`.
        name: String,
        /// What was asked of it, in the order in which its save tool prints it.
        options: Vec<TargetOption>,
    },
}

/// One option of a [`Statement::Target`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetOption {
    /// The option's word without dashes: `on-port`.
    pub name: String,
    /// Its value; `None` for an option that is a word alone.
    pub value: Option<Value>,
}

/// What is decoded by no version yet: kept whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Opaque {
    /// `expression` (nf_tables), `match` or `target` (xtables).
    pub kind: String,
    /// The kernel's name for it.
    pub name: Text,
    /// The revision of an xtables extension.
    pub revision: Option<u8>,
    /// The bytes, without what is known to be runtime.
    pub payload: Hex,
    /// The words, where it was read from text.
    pub text: Option<Text>,
}

/// How a packet is refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum RejectWith {
    /// ICMPv4 destination unreachable with this code (RFC 792).
    Icmp {
        /// The code.
        code: u8,
    },
    /// ICMPv6 destination unreachable with this code (RFC 4443).
    Icmpv6 {
        /// The code.
        code: u8,
    },
    /// Either, by the packet's family, with an `NFT_REJECT_ICMPX_*` code.
    Icmpx {
        /// The code.
        code: u8,
    },
    /// A TCP reset.
    TcpReset,
    /// `icmp-proto-unreachable` and others of the legacy enum that no ICMP code names.
    Legacy {
        /// The enumerator of `linux/netfilter_ipv4/ipt_REJECT.h`.
        with: u32,
    },
}

/// The period of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// 1 s.
    Second,
    /// 60 s.
    Minute,
    /// 3,600 s.
    Hour,
    /// 86,400 s.
    Day,
    /// 604,800 s.
    Week,
}

/// What else a log line holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFlag {
    /// TCP sequence numbers.
    TcpSequence,
    /// TCP options.
    TcpOptions,
    /// IP options.
    IpOptions,
    /// The user id of the sending process.
    Uid,
    /// Hardware addresses.
    Macdecode,
}

impl LogFlag {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TcpSequence,
        Self::TcpOptions,
        Self::IpOptions,
        Self::Uid,
        Self::Macdecode,
    ];
}

/// Which end of a connection is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatKind {
    /// Source.
    Snat,
    /// Destination.
    Dnat,
    /// Source, to the address of the outgoing link.
    Masquerade,
    /// Destination, to this host.
    Redirect,
}

/// How a translation chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NatFlag {
    /// Ports by a hash.
    Random,
    /// Ports at random.
    FullyRandom,
    /// One client, one address.
    Persistent,
    /// Networks mapped one to one.
    Netmap,
}
