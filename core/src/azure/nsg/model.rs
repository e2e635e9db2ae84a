//! What a body of effective security rules says.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::azure::body::BadField;
use crate::azure::net::Net;
use crate::azure::space::{Protocols, Ranges};

/// The effective security rules of a network interface.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effective {
    /// The gates, in the order of the body. None: no network security group is in effect.
    pub gates: Vec<Gate>,
    /// True where the body says that there is more than it holds (`nextLink`).
    pub more: bool,
    /// What was not understood, or is worth saying.
    pub warnings: Vec<Warning>,
}

/// One network security group at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Where it stands.
    pub kind: GateKind,
    /// The resource id of the network security group.
    pub nsg: Option<String>,
    /// The resource id of what it is associated with; none where that is not known.
    pub association: Option<String>,
    /// The rules, in the order of the body.
    pub rules: Vec<Rule>,
    /// Why the rules are not all there; none where they are.
    pub cut: Option<String>,
    /// What tags stand for, where the body says so: names in lower case.
    pub tags: BTreeMap<String, Vec<Net>>,
}

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateKind {
    /// Admin rules of Azure Virtual Network Manager: before every network security group.
    Admin,
    /// The network security group of the subnet.
    Subnet,
    /// The network security group of the network interface.
    Nic,
    /// The association names neither or both.
    Unknown,
}

impl GateKind {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Subnet => "subnet",
            Self::Nic => "nic",
            Self::Unknown => "unknown",
        }
    }
}

/// What a packet's way is relative to the network interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the virtual machine.
    Inbound,
    /// From the virtual machine.
    Outbound,
}

impl Direction {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// What a rule does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Access {
    /// Lets it through this gate.
    Allow,
    /// Lets it through every gate behind too; admin rules only.
    AlwaysAllow,
    /// Ends it.
    Deny,
}

impl Access {
    /// As Azure writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::AlwaysAllow => "AlwaysAllow",
            Self::Deny => "Deny",
        }
    }
}

/// A protocol of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Protocol {
    /// Every protocol.
    Any,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// The encapsulating security payload of IPsec.
    Esp,
    /// The authentication header of IPsec.
    Ah,
}

impl Protocol {
    /// The words that Azure, `az` and people use, in any letter case.
    pub fn read(word: &str) -> Option<Self> {
        let known = match word.to_ascii_lowercase().as_str() {
            "*" | "all" | "any" => Self::Any,
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "icmp" => Self::Icmp,
            "esp" => Self::Esp,
            "ah" => Self::Ah,
            _ => return None,
        };
        Some(known)
    }

    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "*",
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
            Self::Icmp => "Icmp",
            Self::Esp => "Esp",
            Self::Ah => "Ah",
        }
    }

    /// As a set.
    pub fn set(self) -> Protocols {
        match self {
            Self::Any => Protocols::ALL,
            Self::Tcp => Protocols::TCP,
            Self::Udp => Protocols::UDP,
            Self::Icmp => Protocols::ICMP,
            Self::Esp => Protocols::ESP,
            Self::Ah => Protocols::AH,
        }
    }
}

/// Port numbers.
pub type Ports = Ranges<u16>;

/// One member of a rule's addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// Every address of both families.
    Any,
    /// A prefix.
    Net(Net),
    /// A service tag, by its name.
    Tag(String),
    /// An application security group or a network group, by its resource id.
    Group(String),
    /// A text of no known form.
    Unreadable(String),
}

impl Term {
    /// Reads one; `*`, a prefix, the name of a tag, the id of a group.
    pub fn read(text: &str) -> Self {
        let mut letters = text.bytes();
        let name = letters.next().is_some_and(|first| first.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if text == "*" || text.eq_ignore_ascii_case("any") {
            Self::Any
        } else if let Ok(net) = text.parse() {
            Self::Net(net)
        } else if text.starts_with("/subscriptions/") {
            Self::Group(text.to_owned())
        } else if name {
            Self::Tag(text.to_owned())
        } else {
            Self::Unreadable(text.to_owned())
        }
    }

    /// As Azure writes it.
    pub fn text(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::Net(net) => net.to_string(),
            Self::Tag(name) | Self::Group(name) | Self::Unreadable(name) => name.clone(),
        }
    }

    /// What tells two apart: letter case makes no other tag or group.
    #[must_use]
    pub fn key(&self) -> Self {
        match self {
            Self::Tag(name) => Self::Tag(name.to_lowercase()),
            Self::Group(name) => Self::Group(name.to_lowercase()),
            other => other.clone(),
        }
    }
}

/// The addresses of one side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    /// The members; an address is in it if it is in any of them. Empty: the rule doesn't say.
    pub terms: Vec<Term>,
    /// What Azure made of the tags and groups among them.
    pub expanded: Vec<Net>,
    /// True where two fields of the rule contradict each other: nothing is certain about this side.
    pub contradicts: bool,
}

/// A rule. A part that is none was not understood, or not given; [`Rule::faults`] says which.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The name, without the collection.
    pub name: String,
    /// The collection that stood before the name: `securityRules`, `defaultSecurityRules`.
    pub collection: Option<String>,
    /// The lower is asked first.
    pub priority: Option<u32>,
    /// For which way of a packet it is.
    pub direction: Option<Direction>,
    /// What it does.
    pub access: Option<Access>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// Where the packet comes from.
    pub sources: Side,
    /// Where it goes.
    pub destinations: Side,
    /// The ports that it comes from.
    pub source_ports: Option<Ports>,
    /// The ports that it goes to.
    pub ports: Option<Ports>,
    /// What was not understood of it.
    pub faults: Vec<BadField>,
    /// The rule as it stands in the body.
    pub raw: Value,
}

/// The first priority of the rules that every network security group has of its own.
const FIRST_DEFAULT: u32 = 65_000;

impl Rule {
    /// True where all of it was understood.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    /// True for a rule that every network security group has of its own.
    pub fn is_default(&self) -> bool {
        match &self.collection {
            Some(collection) => collection.eq_ignore_ascii_case("defaultSecurityRules"),
            None => self.priority.is_some_and(|priority| priority >= FIRST_DEFAULT),
        }
    }
}

/// Something that a body of Azure says unclearly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A fixed word.
    pub code: WarningCode,
    /// Where in the body: `value.0.effectiveSecurityRules.3`.
    pub at: String,
    /// In words.
    pub message: String,
}

/// The fixed words of [`Warning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningCode {
    /// The association names neither a subnet nor a network interface, or both.
    AssociationUnknown,
    /// An entry of the body is not understood.
    EntryNotUnderstood,
    /// A rule is not understood.
    RuleNotUnderstood,
    /// What the body says about tags is not understood.
    TagsNotUnderstood,
    /// The body says that there is more than it holds.
    More,
}
