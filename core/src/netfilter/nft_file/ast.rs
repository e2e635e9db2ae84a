//! What a file says, before it is compiled: the same tree for both spellings of the language.

use crate::netfilter::model::{Family, Hook};

/// A place in a text, from 1; nought where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value, a field, or what is made of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expr {
    /// A bare word or number: what it means follows from what it is compared with.
    Word(String),
    /// A quoted word.
    Quoted(String),
    Number(u64),
    Prefix(Box<Expr>, u32),
    Range(Box<Expr>, Box<Expr>),
    /// A set in place.
    Set(Vec<Element>),
    /// A named set.
    SetName(String),
    /// `a,b,c`: flags.
    List(Vec<Expr>),
    Concat(Vec<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `! flags`: none of them.
    Without(Box<Expr>),
    /// `value / mask`, both flags.
    UnderMask(Box<Expr>, Box<Expr>),
    Payload {
        protocol: String,
        field: String,
    },
    Raw {
        base: String,
        offset: u32,
        bits: u32,
    },
    /// An extension header of IPv6, an option of TCP or IPv4, a chunk of SCTP. No field: whether it is there.
    Extension {
        kind: Extension,
        name: String,
        field: Option<String>,
    },
    /// `tcp option @kind,offset,length`.
    RawTcpOption {
        number: u8,
        offset: u32,
        bits: u32,
    },
    Meta(String),
    Ct {
        direction: Option<String>,
        family: Option<String>,
        key: String,
    },
    Fib {
        flags: Vec<String>,
        result: String,
    },
    Route {
        family: Option<String>,
        key: String,
    },
    Socket {
        key: String,
        level: Option<u32>,
    },
    Fingerprint {
        ttl: Option<String>,
        key: String,
    },
    NumberGenerator {
        mode: String,
        modulus: u32,
        offset: u32,
    },
    /// Without a key, the symmetric hash.
    Hash {
        key: Option<Box<Expr>>,
        modulus: u32,
        seed: Option<u32>,
        offset: u32,
    },
    Ipsec {
        direction: String,
        number: u32,
        family: Option<String>,
        key: String,
    },
    Map {
        key: Box<Expr>,
        map: Box<Expr>,
    },
    Verdict(Judgement),
    /// `*`: what no other element matches.
    CatchAll,
}

/// The families of headers behind headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    Ip6,
    TcpOption,
    IpOption,
    SctpChunk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    And,
    Or,
    Xor,
    Left,
    Right,
}

/// How a match compares; `Implied` is what stands for no operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Implied,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    Accept,
    Drop,
    Continue,
    Return,
    Jump(Target),
    Goto(Target),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Chain(String),
    /// Written in place.
    Rules(Vec<Rule>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) key: Expr,
    pub(super) data: Option<Expr>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) comment: Option<String>,
    pub(super) statements: Vec<Statement>,
}

impl From<Expr> for Element {
    fn from(key: Expr) -> Self {
        Self {
            key,
            data: None,
            timeout_ms: None,
            comment: None,
            statements: Vec::new(),
        }
    }
}

/// How much, and of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) rate: u64,
    /// Bytes in a unit of the rate; nought for packets.
    pub(super) bytes: bool,
    /// Seconds.
    pub(super) per: u64,
    pub(super) burst: Option<u64>,
    pub(super) over: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) prefix: Option<String>,
    pub(super) level: Option<String>,
    pub(super) flags: Vec<String>,
    pub(super) group: Option<u16>,
    pub(super) snaplen: Option<u32>,
    pub(super) threshold: Option<u16>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Synproxy {
    pub(super) mss: Option<u16>,
    pub(super) wscale: Option<u8>,
    pub(super) timestamp: bool,
    pub(super) sack: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nat {
    /// `snat`, `dnat`, `masquerade`, `redirect`.
    pub(super) kind: String,
    pub(super) family: Option<String>,
    pub(super) address: Option<Expr>,
    pub(super) port: Option<Expr>,
    pub(super) flags: Vec<String>,
    /// `prefix`: networks to networks.
    pub(super) prefix: bool,
    /// A map gives address and port (or an interval), and it was said so.
    pub(super) pair: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    Match(Expr, Relation, Expr),
    Verdict(Judgement),
    VerdictMap(Expr, Expr),
    /// Packets and bytes, where they are said.
    Counter(Option<(u64, u64)>),
    Quota {
        bytes: u64,
        used: u64,
        over: bool,
    },
    Limit(Rate),
    Log(Log),
    Reject {
        with: Option<String>,
        code: Option<Expr>,
    },
    Nat(Nat),
    Set(Expr, Expr),
    Queue {
        number: Option<Expr>,
        flags: Vec<String>,
    },
    Notrack,
    Dup {
        address: Option<Expr>,
        device: Option<Expr>,
    },
    Fwd {
        family: Option<String>,
        address: Option<Expr>,
        device: Expr,
    },
    Tproxy {
        family: Option<String>,
        address: Option<Expr>,
        port: Option<Expr>,
    },
    Synproxy(Synproxy),
    ConnLimit {
        count: u32,
        over: bool,
    },
    Dynset {
        op: String,
        set: String,
        element: Element,
    },
    /// A named object: its kind, and its name or the map that gives it.
    Object(String, Expr),
    Offload(String),
    ResetOption(String),
    /// What is not understood, in its own words; the first says what it is.
    Unknown {
        name: String,
        words: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Rule {
    pub(super) place: Place,
    pub(super) handle: Option<u64>,
    pub(super) statements: Vec<Sourced>,
    pub(super) comment: Option<String>,
}

/// A statement, and the words that said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sourced {
    pub(super) statement: Statement,
    pub(super) words: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) kind: String,
    pub(super) hook: Hook,
    pub(super) priority: i32,
    pub(super) policy: Option<String>,
    pub(super) devices: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) handle: Option<u64>,
    pub(super) base: Option<Base>,
    pub(super) offload: bool,
    pub(super) comment: Option<String>,
    pub(super) rules: Vec<Rule>,
}

/// What the keys or values of a set are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// `type a . b`.
    Named(Vec<String>),
    /// `typeof …`.
    Of(Expr),
    Verdict,
    /// A named object of this kind.
    Object(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Set {
    pub(super) name: String,
    pub(super) handle: Option<u64>,
    pub(super) key: Option<Kind>,
    pub(super) data: Option<Kind>,
    pub(super) is_map: bool,
    pub(super) flags: Vec<String>,
    pub(super) auto_merge: bool,
    pub(super) timeout_ms: Option<u64>,
    pub(super) gc_interval_ms: Option<u32>,
    pub(super) size: Option<u32>,
    pub(super) policy: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) elements: Vec<Element>,
    pub(super) statements: Vec<Statement>,
}

/// A named object, by what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Counter(Option<(u64, u64)>),
    Quota {
        bytes: u64,
        used: u64,
        over: bool,
    },
    Limit(Rate),
    Helper {
        kind: String,
        protocol: String,
        l3proto: Option<String>,
    },
    Timeout {
        protocol: String,
        l3proto: Option<String>,
        policy: Vec<(String, u64)>,
    },
    Expectation {
        protocol: String,
        l3proto: Option<String>,
        port: u16,
        timeout_ms: u64,
        size: u8,
    },
    Secmark(String),
    Synproxy(Synproxy),
    Unknown {
        kind: String,
        words: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) handle: Option<u64>,
    pub(super) comment: Option<String>,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Flowtable {
    pub(super) name: String,
    pub(super) handle: Option<u64>,
    pub(super) priority: i32,
    pub(super) devices: Vec<String>,
    pub(super) flags: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) family: Family,
    pub(super) name: String,
    pub(super) handle: Option<u64>,
    pub(super) flags: Vec<String>,
    pub(super) comment: Option<String>,
    pub(super) chains: Vec<Chain>,
    pub(super) sets: Vec<Set>,
    pub(super) objects: Vec<Object>,
    pub(super) flowtables: Vec<Flowtable>,
}

impl Table {
    pub(super) fn new(family: Family, name: &str) -> Self {
        Self {
            family,
            name: name.to_owned(),
            handle: None,
            flags: Vec::new(),
            comment: None,
            chains: Vec::new(),
            sets: Vec::new(),
            objects: Vec::new(),
            flowtables: Vec::new(),
        }
    }
}
