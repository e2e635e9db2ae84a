//! Why, in words.

use std::net::IpAddr;

use super::super::compiled::{CompiledRule, Match, Packet};
use super::super::model::{GateKind, Rule, Side, Term};
use super::{GateVerdict, Reason, Verdict};

/// A rule of which it is not known whether it matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Undecided<'a> {
    /// The rule.
    pub rule: &'a Rule,
    doubts: Doubts,
}

/// What is not known of a rule that may match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Doubts {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    port: bool,
    protocol: bool,
}

impl<'a> Undecided<'a> {
    pub(super) fn of(rule: &CompiledRule<'a>, packet: &Packet) -> Self {
        let unsure = |is: Match| is == Match::Maybe;
        Self {
            rule: rule.rule,
            doubts: Doubts {
                source: unsure(rule.source(packet)).then_some(packet.source),
                destination: unsure(rule.destination(packet)).then_some(packet.destination),
                port: unsure(rule.port(packet)),
                protocol: unsure(rule.protocol(packet)),
            },
        }
    }

    /// A rule that matches, but of which it is not known what it does.
    pub(super) fn access(rule: &'a Rule) -> Self {
        Self {
            rule,
            doubts: Doubts::default(),
        }
    }

    /// The tags and groups whose addresses would tell whether the rule matches.
    pub fn needs(&self) -> Vec<String> {
        let source = self.doubts.source.map(|_| named(&self.rule.sources));
        let destination = self.doubts.destination.map(|_| named(&self.rule.destinations));
        source.into_iter().chain(destination).flatten().collect()
    }

    /// What is not known, in words.
    pub fn why(&self) -> String {
        let Doubts {
            source,
            destination,
            port,
            protocol,
        } = self.doubts;
        let mut parts: Vec<String> = self.rule.faults.iter().map(ToString::to_string).collect();
        let side = |address: Option<IpAddr>, side: &Side| {
            let names = named(side);
            address
                .filter(|_| !names.is_empty())
                .map(|address| format!("whether {address} is in {} is not known", names.join(", ")))
        };
        parts.extend(side(source, &self.rule.sources));
        parts.extend(side(destination, &self.rule.destinations));
        if self.rule.faults.is_empty() {
            parts.extend(port.then(|| "the rule is on some of the ports asked for".to_owned()));
            parts.extend(protocol.then(|| "whether the rule is on this protocol is not known".to_owned()));
        }
        parts.join("; ")
    }
}

/// The tags and groups of one side.
fn named(side: &Side) -> Vec<String> {
    let named = |term: &&Term| matches!(term, Term::Tag(_) | Term::Group(_));
    side.terms.iter().filter(named).map(Term::text).collect()
}

impl GateVerdict<'_> {
    /// Why the gate says what it says, in words.
    pub fn why(&self) -> String {
        match self.reason {
            Reason::Rule => self.rule.map_or_else(String::new, |rule| self.by_rule(rule)),
            Reason::Undecided => {
                let each = self.undecided.iter().map(|one| format!("rule {}: {}", one.rule.name, one.why()));
                format!("it is not known which rule decides: {}", each.collect::<Vec<_>>().join("; "))
            }
            Reason::SamePriority => "rules of one priority decide differently".to_owned(),
            Reason::DefaultDeny => {
                "no listed rule matches, and the default rules of every network security group deny it".to_owned()
            }
            Reason::DefaultUnlisted => {
                "no listed rule matches, and the default rules are not listed".to_owned()
            }
            Reason::NoAdminRule => "no admin rule matches; the network security groups decide".to_owned(),
            Reason::NoGroup => "no network security group is associated here".to_owned(),
            Reason::PlaceUnknown => {
                "its rules let the flow through, but what it is associated with is not known".to_owned()
            }
            Reason::Cut => "not all of its rules were read".to_owned(),
            Reason::Platform => {
                "services of the Azure host are not subject to rules, unless those name them by an AzurePlatform tag"
                    .to_owned()
            }
            Reason::Protocols => "protocols differ".to_owned(),
        }
    }

    fn by_rule(&self, rule: &Rule) -> String {
        let priority = rule
            .priority
            .map_or_else(String::new, |priority| format!(", priority {priority}"));
        let what = match (
            self.gate,
            self.verdict,
            rule.access.map(super::super::Access::word),
        ) {
            (GateKind::Admin, Verdict::Allow, Some("Allow")) => "goes on to the network security groups",
            (GateKind::Admin, Verdict::Allow, _) => "lets it through every gate",
            (_, Verdict::Allow, _) => "allows it",
            (_, _, _) => "denies it",
        };
        format!("rule {}{priority} {what}", rule.name)
    }
}
