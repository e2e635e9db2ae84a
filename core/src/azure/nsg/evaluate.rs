//! What becomes of a flow.
//!
//! Inbound: admin rules, the subnet's network security group, the network interface's; outbound the last two the other way
//! round (Microsoft: "How network security groups filter network traffic"). All must let the flow through.

use std::net::IpAddr;

use serde::Serialize;

use super::compiled::{Compiled, Packet};
use super::model::{Direction, GateKind, Protocol, Rule};
use crate::azure::space::Protocols;
use crate::azure::tags::public;

mod gate;
mod reason;

pub use reason::Undecided;

/// A question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flow {
    /// Relative to the network interface.
    pub direction: Direction,
    /// `Any` asks for all protocols at once.
    pub protocol: Protocol,
    /// Where it comes from.
    pub source: IpAddr,
    /// Where it goes. Inbound it is the private address, outbound the source is: Azure translates before the first gate and
    /// behind the last.
    pub destination: IpAddr,
    /// The ports that it comes from, first and last; none: not known.
    pub source_ports: Option<(u16, u16)>,
    /// The ports that it goes to, first and last; none: not known.
    pub ports: Option<(u16, u16)>,
}

/// A question that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// A packet has addresses of one family.
    #[error("the source and the destination are of different IP versions")]
    Families,
}

/// The public address by which a flow from the Internet would come, which matters where there is no network security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublicAddress {
    /// Of the standard SKU: closed to what no network security group allows. The only kind since 30 September 2025.
    #[default]
    Standard,
    /// Of the basic SKU: open.
    Basic,
    /// None: a public source reaches the interface from a connected network.
    None,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// It goes through.
    Allow,
    /// It does not.
    Deny,
    /// What was read does not tell.
    Unknown,
}

impl Verdict {
    /// As it stands in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Deny => "DENY",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// What one gate says.
#[derive(Debug, Clone, PartialEq)]
pub struct GateVerdict<'a> {
    /// Which gate.
    pub gate: GateKind,
    /// Its network security group.
    pub nsg: Option<&'a str>,
    /// What comes of it.
    pub verdict: Verdict,
    /// The rule that decides, where one does.
    pub rule: Option<&'a Rule>,
    /// Why.
    pub reason: Reason,
    /// The rules that may decide, where it is not known whether they match.
    pub undecided: Vec<Undecided<'a>>,
}

/// Why a gate says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A rule matches.
    Rule,
    /// Rules that may match lead to different ends.
    Undecided,
    /// Rules of one priority that match lead to different ends.
    SamePriority,
    /// No listed rule matches; the default rules that every group has, and that are not listed, deny.
    DefaultDeny,
    /// No listed rule matches, and the default rules are not listed.
    DefaultUnlisted,
    /// No admin rule matches: what is behind decides.
    NoAdminRule,
    /// There is no network security group here.
    NoGroup,
    /// The rules let it through, but where they stand is not known.
    PlaceUnknown,
    /// Not all rules were read.
    Cut,
    /// A service of the Azure host, which is not subject to rules without a tag of its own.
    Platform,
    /// Protocols differ.
    Protocols,
}

/// What becomes of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<'a> {
    /// What comes of it.
    pub verdict: Verdict,
    /// Each gate, in the order in which a packet meets them.
    pub gates: Vec<GateVerdict<'a>>,
    /// Which of the gates decides; none where no gate does.
    pub deciding: Option<usize>,
    /// Why, where no gate decides.
    pub why: Option<&'static str>,
    /// For a question about all protocols: what comes of each.
    pub protocols: Vec<(&'static str, Verdict)>,
}

impl<'a> Evaluation<'a> {
    /// The gate that decides.
    pub fn deciding_gate(&self) -> Option<&GateVerdict<'a>> {
        self.deciding.and_then(|at| self.gates.get(at))
    }

    /// The rule that decides.
    pub fn deciding_rule(&self) -> Option<&'a Rule> {
        let gate = self.deciding_gate();
        gate.filter(|gate| gate.verdict != Verdict::Unknown)?.rule
    }
}

/// Said where an interface has no network security group and a standard public address.
const CLOSED: &str = "no network security group is in effect, and a public address of the standard SKU lets nothing in without one";
/// Said where a page was not the last.
const MORE: &str = "the body is one page of several: there are network security groups that were not read";

impl<'a> Compiled<'a> {
    /// What becomes of a flow.
    ///
    /// # Errors
    /// Where the addresses are of two families.
    pub fn evaluate(&self, flow: &Flow, address: PublicAddress) -> Result<Evaluation<'_>, FlowError> {
        if flow.source.is_ipv4() != flow.destination.is_ipv4() {
            return Err(FlowError::Families);
        }
        if flow.protocol != Protocol::Any {
            return Ok(self.one(flow, flow.protocol.set(), address));
        }
        let each: Vec<Evaluation<'_>> = Protocols::EACH
            .iter()
            .map(|(protocol, _)| self.one(flow, *protocol, address))
            .collect();
        Ok(merge(each))
    }

    /// One protocol.
    fn one(&self, flow: &Flow, protocol: Protocols, address: PublicAddress) -> Evaluation<'_> {
        let packet = Packet {
            protocol,
            source: flow.source,
            destination: flow.destination,
            source_ports: flow.source_ports,
            ports: flow.ports,
        };
        let mut answers = Vec::with_capacity(3);
        for gate in self.in_order(flow.direction) {
            answers.push(gate.answer(flow.direction, &packet));
        }
        let verdict = self.whole(&answers);
        let mut found = Evaluation {
            verdict,
            deciding: deciding(&answers, verdict),
            why: None,
            gates: answers.into_iter().map(|answer| answer.shown).collect(),
            protocols: Vec::new(),
        };
        let groups = self.gates.iter().any(|gate| gate.gate.kind != GateKind::Admin);
        let inbound = flow.direction == Direction::Inbound;
        let public = inbound && public().contains(flow.source) && !self.vnet.contains(flow.source);
        if self.more {
            let certain = found.verdict == Verdict::Deny;
            found.why = (!certain).then_some(MORE);
        } else if !groups && public && address == PublicAddress::Standard && found.verdict == Verdict::Allow {
            let admitted = found
                .deciding_gate()
                .is_some_and(|gate| gate.gate == GateKind::Admin);
            if !admitted {
                found.verdict = Verdict::Deny;
                found.deciding = None;
            }
            found.why = (!admitted).then_some(CLOSED);
        }
        self.fill(&mut found, flow.direction);
        if found.verdict == Verdict::Allow && found.deciding.is_none() {
            found.why = Some("no network security group is in effect");
        }
        found
    }

    /// The gates that have no group let everything through. They are shown, in their place.
    fn fill(&self, found: &mut Evaluation<'_>, direction: Direction) {
        let gates = &mut found.gates;
        let unclear = self.more || self.gates.iter().any(|gate| gate.gate.kind == GateKind::Unknown);
        for kind in [GateKind::Subnet, GateKind::Nic] {
            if unclear || gates.iter().any(|gate| gate.gate == kind) {
                continue;
            }
            let first = (kind == GateKind::Subnet) == (direction == Direction::Inbound);
            let behind_admin = gates.iter().filter(|gate| gate.gate == GateKind::Admin).count();
            let at = if first { behind_admin } else { gates.len() };
            found.deciding = found
                .deciding
                .map(|deciding| deciding + usize::from(at <= deciding));
            gates.insert(
                at,
                GateVerdict {
                    gate: kind,
                    nsg: None,
                    verdict: Verdict::Allow,
                    rule: None,
                    reason: Reason::NoGroup,
                    undecided: Vec::new(),
                },
            );
        }
    }

    /// What all gates together say.
    fn whole(&self, answers: &[gate::Answer<'_>]) -> Verdict {
        let mut ends = Vec::new();
        let mut goes_on = true;
        let (admin, groups): (Vec<_>, Vec<_>) = answers
            .iter()
            .partition(|answer| answer.shown.gate == GateKind::Admin);
        for answer in admin {
            if goes_on {
                ends.extend(answer.ends.deny.then_some(Verdict::Deny));
                ends.extend(answer.ends.always.then_some(Verdict::Allow));
                goes_on = answer.ends.allow;
            }
        }
        if goes_on {
            let denied = groups.iter().any(|answer| answer.shown.verdict == Verdict::Deny);
            let allowed = groups.iter().all(|answer| answer.shown.verdict == Verdict::Allow);
            ends.push(match (denied, allowed && !self.more) {
                (true, _) => Verdict::Deny,
                (false, true) => Verdict::Allow,
                (false, false) => Verdict::Unknown,
            });
        }
        let first = ends.first().copied().unwrap_or(Verdict::Unknown);
        if ends.iter().all(|end| *end == first) {
            first
        } else {
            Verdict::Unknown
        }
    }
}

/// Which gate decides: the first that certainly denies, the last that had to let it through, the first that is not known.
fn deciding(answers: &[gate::Answer<'_>], verdict: Verdict) -> Option<usize> {
    let always = |answer: &gate::Answer<'_>| answer.ends.always && !answer.ends.allow && !answer.ends.deny;
    match verdict {
        Verdict::Deny => answers
            .iter()
            .position(|answer| answer.shown.verdict == Verdict::Deny),
        Verdict::Unknown => answers
            .iter()
            .position(|answer| answer.shown.verdict == Verdict::Unknown),
        Verdict::Allow => answers.iter().position(always).or_else(|| {
            answers
                .iter()
                .rposition(|answer| answer.shown.gate != GateKind::Admin)
        }),
    }
}

/// The answers for each protocol as one.
fn merge(each: Vec<Evaluation<'_>>) -> Evaluation<'_> {
    let names = Protocols::EACH.iter().map(|(_, name)| *name);
    let protocols: Vec<(&'static str, Verdict)> = names.zip(each.iter().map(|one| one.verdict)).collect();
    let mut all = each.into_iter();
    let Some(mut merged) = all.next() else {
        return Evaluation {
            verdict: Verdict::Unknown,
            gates: Vec::new(),
            deciding: None,
            why: None,
            protocols,
        };
    };
    for one in all {
        if merged.verdict != one.verdict {
            merged.verdict = Verdict::Unknown;
            merged.why = Some("protocols differ");
        }
        if merged.deciding != one.deciding {
            merged.deciding = None;
        }
        for (gate, other) in merged.gates.iter_mut().zip(one.gates) {
            if gate.verdict != other.verdict {
                gate.verdict = Verdict::Unknown;
                gate.reason = Reason::Protocols;
            }
            if gate.rule.map(std::ptr::from_ref) != other.rule.map(std::ptr::from_ref) {
                gate.rule = None;
            }
            gate.undecided.extend(other.undecided);
            gate.undecided.dedup();
        }
    }
    merged.protocols = protocols;
    merged
}

#[cfg(test)]
mod tests;
