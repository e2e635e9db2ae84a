//! What one gate says about one packet.

use super::super::compiled::{CompiledGate, CompiledRule, Match, Packet};
use super::super::model::{Access, Direction, GateKind, Rule};
use super::{GateVerdict, Reason, Undecided, Verdict};
use crate::azure::net::Net;
use crate::azure::tags::{HOST, METADATA};

/// How it can end at this gate, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// It goes on to the next gate.
    pub(super) allow: bool,
    /// It goes through every gate.
    pub(super) always: bool,
    /// It ends here.
    pub(super) deny: bool,
}

impl Ends {
    fn add(&mut self, access: Option<Access>, kind: GateKind) {
        match access {
            Some(Access::Allow) => self.allow = true,
            Some(Access::AlwaysAllow) => self.always = true,
            Some(Access::Deny) => self.deny = true,
            None => {
                self.allow = true;
                self.deny = true;
                self.always |= kind == GateKind::Admin;
            }
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            Self {
                deny: false,
                allow,
                always,
            } if allow != always => Verdict::Allow,
            Self {
                deny: true,
                allow: false,
                always: false,
            } => Verdict::Deny,
            _ => Verdict::Unknown,
        }
    }
}

/// What a gate says, with what that means for those behind it.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) ends: Ends,
    pub(super) shown: GateVerdict<'a>,
}

/// What the rules of a gate came to.
#[derive(Debug, Default)]
struct Walk<'a> {
    ends: Ends,
    /// The first that certainly matches.
    rule: Option<&'a Rule>,
    undecided: Vec<Undecided<'a>>,
}

/// True for packets to the services of the Azure host. Health probes come *from* the host and are subject to rules, as the
/// default rule for them shows.
fn is_platform(direction: Direction, packet: &Packet) -> bool {
    let is = |address, text: &str| text.parse::<Net>().is_ok_and(|net| net.contains(address));
    match direction {
        Direction::Outbound => is(packet.destination, HOST) || is(packet.destination, METADATA),
        Direction::Inbound => is(packet.source, METADATA),
    }
}

impl<'a> CompiledGate<'a> {
    /// What the gate says about this packet.
    pub(super) fn answer(&self, direction: Direction, packet: &Packet) -> Answer<'a> {
        let platform = is_platform(direction, packet);
        let kind = self.gate.kind;
        let mut walk = self.walk(direction, packet, platform);
        let mut reason = Reason::Rule;
        if walk.rule.is_none() {
            reason = self.run_out(direction, packet, platform, &mut walk.ends);
        }
        if self.gate.cut.is_some() {
            walk.ends.add(None, kind);
            reason = Reason::Cut;
        }
        let mut verdict = walk.ends.verdict();
        let known = verdict != Verdict::Unknown;
        if !known && reason != Reason::Cut {
            reason = match (walk.undecided.is_empty(), reason) {
                (true, Reason::Rule) => Reason::SamePriority,
                (true, reason) => reason,
                (false, _) => Reason::Undecided,
            };
        }
        if kind == GateKind::Unknown && verdict == Verdict::Allow {
            verdict = Verdict::Unknown;
            reason = Reason::PlaceUnknown;
        }
        // A rule that may match first does not change a verdict that it shares.
        let rule = walk.rule.filter(|_| known);
        Answer {
            ends: walk.ends,
            shown: GateVerdict {
                gate: kind,
                nsg: self.gate.nsg.as_deref(),
                verdict,
                rule,
                reason,
                undecided: if known { Vec::new() } else { walk.undecided },
            },
        }
    }

    /// Asks the rules in their order until one certainly matches.
    fn walk(&self, direction: Direction, packet: &Packet, platform: bool) -> Walk<'a> {
        let mut walk = Walk::default();
        // The priority at which a rule certainly matches: others of the same one may come first.
        let mut last = None;
        for rule in self.rules(direction) {
            if platform && !rule.platform {
                continue;
            }
            let priority = rule.rule.priority;
            if last.is_some() && last != priority {
                break;
            }
            let placed = priority.is_some();
            match rule.matches(packet) {
                Match::No => {}
                Match::Yes if placed => {
                    walk.certain(rule, self.gate.kind);
                    last = priority;
                }
                Match::Yes | Match::Maybe => walk.possible(rule, self.gate.kind, packet),
            }
        }
        walk
    }

    /// No rule certainly matches: what is behind the listed ones.
    fn run_out(&self, direction: Direction, packet: &Packet, platform: bool, ends: &mut Ends) -> Reason {
        if self.gate.kind == GateKind::Admin {
            ends.allow = true;
            return Reason::NoAdminRule;
        }
        if platform {
            ends.allow = true;
            return Reason::Platform;
        }
        ends.deny = true;
        match self.default_allows(direction, packet) {
            Match::No => Reason::DefaultDeny,
            Match::Maybe | Match::Yes => {
                ends.allow = true;
                Reason::DefaultUnlisted
            }
        }
    }
}

impl<'a> Walk<'a> {
    fn certain(&mut self, rule: &CompiledRule<'a>, kind: GateKind) {
        let access = rule.access(kind);
        self.ends.add(access, kind);
        self.rule = self.rule.or(Some(rule.rule));
        if access.is_none() {
            self.undecided.push(Undecided::access(rule.rule));
        }
    }

    fn possible(&mut self, rule: &CompiledRule<'a>, kind: GateKind, packet: &Packet) {
        self.ends.add(rule.access(kind), kind);
        self.undecided.push(Undecided::of(rule, packet));
    }
}
