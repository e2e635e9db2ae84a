//! What single statements do to a packet's way.

use serde::Serialize;

use crate::netfilter::model::Statement;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Leaves this base chain; later chains still see it.
    Accept,
    /// Gone, for good: no later chain sees it.
    Drop,
    /// Gone, with an answer.
    Reject,
    /// A program decides.
    Queue,
    /// Taken out of its way: sent to a device, or answered here.
    Taken,
    /// Something that is not decoded, or a chain that is not there, decides.
    Unknown,
}

impl Fate {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Queue => "queue",
            Self::Taken => "taken",
            Self::Unknown => "unknown",
        }
    }
}

/// What a statement other than a verdict does to the packet's way.
pub(super) enum Effect {
    /// Nothing.
    None,
    /// It lets only some packets on.
    Asks,
    /// It ends the way of every packet that comes to it.
    Ends(Fate),
    /// It ends that of some.
    MayEnd(Fate),
}

/// Targets after which xtables goes on with the next rule.
const GOING_ON: [&str; 27] = [
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "NFLOG",
    "NOTRACK",
    "RATEEST",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TRACE",
    "TTL",
    "ULOG",
    "log",
];

/// That of one statement.
pub(super) fn effect(of: &Statement) -> Effect {
    match of {
        Statement::Reject { .. } => Effect::Ends(Fate::Reject),
        Statement::Queue { .. } | Statement::QueueBy { .. } => Effect::Ends(Fate::Queue),
        Statement::Fwd { .. } => Effect::Ends(Fate::Taken),
        Statement::Nat { family: None, .. } => Effect::Ends(Fate::Accept),
        // In a table of both families, packets of the other one go on.
        Statement::Nat { .. } => Effect::MayEnd(Fate::Accept),
        Statement::Synproxy { .. } => Effect::MayEnd(Fate::Taken),
        Statement::Limit { .. }
        | Statement::Quota { .. }
        | Statement::ConnLimit { .. }
        | Statement::MapTo { .. }
        | Statement::Dynset { .. }
        | Statement::Object { .. }
        | Statement::FlowOffload { .. }
        | Statement::Tproxy { .. } => Effect::Asks,
        Statement::Target { name, .. } if !GOING_ON.contains(&name.as_str()) => Effect::MayEnd(Fate::Unknown),
        _ => Effect::None,
    }
}
