//! Rules that let much through.

use serde::Serialize;

use super::super::compiled::CompiledRule;
use super::super::model::{Access, Direction, Protocol, Side, Term};
use super::{Permissive, Place};
use crate::azure::space::{Addresses, Ranges};
use crate::azure::tags::{Bounds, public};

/// A dimension in which a rule lets everything through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wildcard {
    /// From anywhere, or from the whole Internet.
    Source,
    /// To anywhere, or to the whole Internet.
    Destination,
    /// To every port.
    Port,
    /// Of every protocol.
    Protocol,
}

impl Wildcard {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Port => "port",
            Self::Protocol => "protocol",
        }
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Ordinary, but wider than it need be.
    Low,
    /// Something to act on.
    Medium,
    /// Something to act on soon.
    High,
    /// Something to act on now.
    Critical,
}

impl Severity {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Ports by which a machine is administered or its data read: SSH, Telnet, RPC, SMB, SQL Server, Oracle, NFS, MySQL, RDP,
/// PostgreSQL, VNC, WinRM, Redis, etcd, Kubernetes, Elasticsearch, memcached, MongoDB, Docker.
const SENSITIVE: [u16; 23] = [
    22, 23, 135, 139, 445, 1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 5985, 5986, 6379,
    6443, 9200, 10250, 11211, 27017,
];

/// The rule, where it is no default rule and lets everything through in a dimension.
pub(super) fn permissive<'a>(rule: &CompiledRule<'a>, place: Place<'a>) -> Option<Permissive<'a>> {
    let its = rule.rule;
    if its.is_default() || !matches!(its.access, Some(Access::Allow | Access::AlwaysAllow)) {
        return None;
    }
    let ports = its.ports.as_ref().is_some_and(Ranges::is_full);
    let wide = [
        (Wildcard::Source, is_wide(&its.sources, &rule.sources)),
        (
            Wildcard::Destination,
            is_wide(&its.destinations, &rule.destinations),
        ),
        (Wildcard::Port, ports && its.protocol.is_none_or(has_ports)),
        (Wildcard::Protocol, its.protocol == Some(Protocol::Any)),
    ];
    let wildcards: Vec<Wildcard> = wide
        .into_iter()
        .filter(|(_, wide)| *wide)
        .map(|(wildcard, _)| wildcard)
        .collect();
    (!wildcards.is_empty()).then(|| Permissive {
        severity: severity(rule, place.direction, &wildcards),
        place,
        wildcards,
    })
}

fn has_ports(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Any | Protocol::Tcp | Protocol::Udp)
}

/// True for anywhere of a family, and for the Internet, by its tag or by its addresses.
fn is_wide(side: &Side, bounds: &Bounds) -> bool {
    let internet = |term: &Term| matches!(term, Term::Tag(name) if name.eq_ignore_ascii_case("Internet"));
    let v4_public = Addresses {
        v6: Ranges::empty(),
        ..public()
    };
    let all = bounds.inner.v4.is_full() || bounds.inner.v6.is_full();
    all || side.terms.iter().any(internet) || bounds.inner.covers(&v4_public)
}

/// From outside counts most, and more with every port or with one by which a machine is administered.
fn severity(rule: &CompiledRule<'_>, direction: Direction, wildcards: &[Wildcard]) -> Severity {
    let is = |wildcard| wildcards.contains(&wildcard);
    let sensitive = |port: &u16| {
        rule.rule
            .ports
            .as_ref()
            .is_some_and(|ports| ports.contains(*port))
    };
    match (direction, is(Wildcard::Source), is(Wildcard::Port)) {
        (Direction::Inbound, true, true) if is(Wildcard::Protocol) => Severity::Critical,
        (Direction::Inbound, true, true) => Severity::High,
        (Direction::Inbound, true, false) if SENSITIVE.iter().any(sensitive) => Severity::High,
        (Direction::Inbound, true, false) => Severity::Low,
        (Direction::Inbound, false, true) => Severity::Low,
        (Direction::Outbound, _, true) if is(Wildcard::Destination) => Severity::Low,
        _ => Severity::Info,
    }
}
