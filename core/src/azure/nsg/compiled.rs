//! Rules with their sets worked out once, for many questions.

use std::net::IpAddr;
use std::sync::Arc;

use super::model::{Access, Direction, Effective, Gate, GateKind, Ports, Protocol, Rule, Term};
use crate::azure::space::{Addresses, Block, Protocols, Ranges, Region};
use crate::azure::tags::{Bounds, Tags};

/// Whether something holds, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It does not.
    No,
    /// It is not known.
    Maybe,
    /// It does.
    Yes,
}

/// The gates of a network interface, ready for questions.
#[derive(Debug, Clone)]
pub struct Compiled<'a> {
    pub(super) gates: Vec<CompiledGate<'a>>,
    /// True where there are gates that were not read.
    pub(super) more: bool,
    /// The virtual network, where it is known.
    pub(super) vnet: Addresses,
}

/// One gate.
#[derive(Debug, Clone)]
pub(super) struct CompiledGate<'a> {
    pub(super) gate: &'a Gate,
    inbound: Vec<CompiledRule<'a>>,
    outbound: Vec<CompiledRule<'a>>,
    defaults: Defaults,
}

/// What the rules that every network security group has let through.
#[derive(Debug, Clone)]
struct Defaults {
    vnet: Bounds,
    internet: Bounds,
    balancer: Bounds,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct CompiledRule<'a> {
    pub(super) rule: &'a Rule,
    pub(super) sources: Bounds,
    pub(super) destinations: Bounds,
    /// True where a tag of the rule stands for services of the host itself, which other rules never stop.
    pub(super) platform: bool,
}

/// One flow of one protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) protocol: Protocols,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) source_ports: Option<(u16, u16)>,
    pub(super) ports: Option<(u16, u16)>,
}

impl<'a> Compiled<'a> {
    /// Works out the sets. `admin`: the admin rules of the virtual network, where they were read.
    pub fn new(effective: &'a Effective, admin: Option<&'a Gate>, tags: &Tags) -> Self {
        let gates = admin.into_iter().chain(&effective.gates);
        Self {
            gates: gates.map(|gate| CompiledGate::new(gate, tags)).collect(),
            more: effective.more,
            vnet: Addresses::of(&tags.vnet),
        }
    }

    /// The gates in the order in which a packet meets them.
    pub(super) fn in_order(&self, direction: Direction) -> impl Iterator<Item = &CompiledGate<'a>> {
        let order = match direction {
            Direction::Inbound => [
                GateKind::Admin,
                GateKind::Subnet,
                GateKind::Unknown,
                GateKind::Nic,
            ],
            Direction::Outbound => [
                GateKind::Admin,
                GateKind::Nic,
                GateKind::Unknown,
                GateKind::Subnet,
            ],
        };
        order
            .into_iter()
            .flat_map(|kind| self.gates.iter().filter(move |gate| gate.gate.kind == kind))
    }
}

impl<'a> CompiledGate<'a> {
    pub(super) fn new(gate: &'a Gate, tags: &Tags) -> Self {
        let of = |direction| {
            let fits = |rule: &&Rule| rule.direction.is_none_or(|its| its == direction);
            let rules = gate.rules.iter().filter(fits);
            let mut rules: Vec<CompiledRule<'a>> =
                rules.map(|rule| CompiledRule::new(rule, gate, tags)).collect();
            // Rules of unknown priority come first: they are met before any other could have decided.
            rules.sort_by_key(|rule| rule.rule.priority);
            rules
        };
        let tag = |name| tags.tag(name, &gate.tags);
        Self {
            gate,
            inbound: of(Direction::Inbound),
            outbound: of(Direction::Outbound),
            defaults: Defaults {
                vnet: tag("VirtualNetwork"),
                internet: tag("Internet"),
                balancer: tag("AzureLoadBalancer"),
            },
        }
    }

    /// The rules of a direction by priority; those of unknown priority first.
    pub(super) fn rules(&self, direction: Direction) -> &[CompiledRule<'a>] {
        match direction {
            Direction::Inbound => &self.inbound,
            Direction::Outbound => &self.outbound,
        }
    }

    /// Whether the rules that every network security group ends in let a flow through.
    pub(super) fn default_allows(&self, direction: Direction, packet: &Packet) -> Match {
        let Defaults {
            vnet,
            internet,
            balancer,
        } = &self.defaults;
        let within = member(vnet, packet.source).min(member(vnet, packet.destination));
        let other = match direction {
            Direction::Inbound => member(balancer, packet.source),
            Direction::Outbound => member(internet, packet.destination),
        };
        within.max(other)
    }
}

impl<'a> CompiledRule<'a> {
    fn new(rule: &'a Rule, gate: &Gate, tags: &Tags) -> Self {
        let terms = rule.sources.terms.iter().chain(&rule.destinations.terms);
        let platform = |term: &Term| match term {
            Term::Tag(name) => name.to_ascii_lowercase().starts_with("azureplatform"),
            _ => false,
        };
        Self {
            rule,
            sources: tags.side(&rule.sources, &gate.tags),
            destinations: tags.side(&rule.destinations, &gate.tags),
            platform: terms.into_iter().any(platform),
        }
    }

    /// Whether the rule is for this packet. Its priority is left aside.
    pub(super) fn matches(&self, packet: &Packet) -> Match {
        let mut least = if self.rule.direction.is_none() {
            Match::Maybe
        } else {
            Match::Yes
        };
        for dimension in [Self::protocol, Self::port, Self::destination, Self::source] {
            least = least.min(dimension(self, packet));
            if least == Match::No {
                break;
            }
        }
        least
    }

    pub(super) fn protocol(&self, packet: &Packet) -> Match {
        match self.rule.protocol {
            None => Match::Maybe,
            // Microsoft does not say whether a rule on ICMP is one on ICMPv6.
            Some(Protocol::Icmp) if packet.protocol == Protocols::ICMP && packet.source.is_ipv6() => {
                Match::Maybe
            }
            Some(protocol) if protocol.set().covers(packet.protocol) => Match::Yes,
            Some(_) => Match::No,
        }
    }

    pub(super) fn source(&self, packet: &Packet) -> Match {
        member(&self.sources, packet.source)
    }

    pub(super) fn destination(&self, packet: &Packet) -> Match {
        member(&self.destinations, packet.destination)
    }

    /// Both ports. A packet without ports is none of a rule on certain ports of every protocol; what a rule on ports of a
    /// protocol without any means is not known.
    pub(super) fn port(&self, packet: &Packet) -> Match {
        let (from, to) = (self.rule.source_ports.as_ref(), self.rule.ports.as_ref());
        if Protocols::WITH_PORTS.covers(packet.protocol) {
            return within(from, packet.source_ports).min(within(to, packet.ports));
        }
        let certain = [from, to].into_iter().flatten().any(|ports| !ports.is_full());
        match self.rule.protocol {
            Some(Protocol::Any) if certain => Match::No,
            _ if certain || from.is_none() || to.is_none() => Match::Maybe,
            _ => Match::Yes,
        }
    }

    /// What the rule may do: one access where it is known. `AlwaysAllow` is a word of admin rules only.
    pub(super) fn access(&self, kind: GateKind) -> Option<Access> {
        let always = |access: &Access| *access == Access::AlwaysAllow && kind != GateKind::Admin;
        self.rule.access.filter(|access| !always(access))
    }

    /// The flows that the rule certainly matches.
    pub(super) fn inner(&self) -> Region {
        let rule = self.rule;
        let (Some(_), Some(protocol), Some(from), Some(to)) =
            (rule.direction, rule.protocol, &rule.source_ports, &rule.ports)
        else {
            return Region::empty();
        };
        let whole = from.is_full() && to.is_full();
        let block = |protocols, from: &Ports, to: &Ports| self.block(protocols, from, to, |side| &side.inner);
        let with_ports = block(protocol.set().intersect(Protocols::WITH_PORTS), from, to);
        let without = protocol.set().subtract(Protocols::WITH_PORTS);
        let mut plain = block(if whole { without } else { Protocols::NONE }, from, to);
        if protocol == Protocol::Icmp {
            let v4 = Addresses {
                v6: Ranges::empty(),
                ..Addresses::full()
            };
            plain.sources = Arc::new(plain.sources.intersect(&v4));
        }
        Region::of([with_ports, plain])
    }

    /// The flows that the rule may match; it matches no other.
    pub(super) fn outer(&self) -> Region {
        let rule = self.rule;
        let full = Ranges::full();
        let from = rule.source_ports.as_ref().unwrap_or(&full);
        let to = rule.ports.as_ref().unwrap_or(&full);
        let protocols = rule.protocol.map_or(Protocols::ALL, Protocol::set);
        let certain = !(from.is_full() && to.is_full());
        let block = |protocols, from: &Ports, to: &Ports| self.block(protocols, from, to, |side| &side.outer);
        let without = protocols.subtract(Protocols::WITH_PORTS);
        let without = if rule.protocol == Some(Protocol::Any) && certain {
            Protocols::NONE
        } else {
            without
        };
        Region::of([
            block(protocols.intersect(Protocols::WITH_PORTS), from, to),
            block(without, &full, &full),
        ])
    }

    fn block(
        &self,
        protocols: Protocols,
        from: &Ports,
        to: &Ports,
        side: impl Fn(&Bounds) -> &Addresses,
    ) -> Block {
        Block {
            protocols,
            sources: Arc::new(side(&self.sources).clone()),
            destinations: Arc::new(side(&self.destinations).clone()),
            source_ports: Arc::new(from.clone()),
            ports: Arc::new(to.clone()),
        }
    }
}

fn member(bounds: &Bounds, address: IpAddr) -> Match {
    if bounds.inner.contains(address) {
        Match::Yes
    } else if bounds.outer.contains(address) {
        Match::Maybe
    } else {
        Match::No
    }
}

/// Whether ports lie in those of a rule. Ports that are not known may be any.
fn within(rule: Option<&Ports>, ports: Option<(u16, u16)>) -> Match {
    let Some(rule) = rule else {
        return Match::Maybe;
    };
    let (low, high) = ports.unwrap_or((u16::MIN, u16::MAX));
    if rule.holds_all(low, high) {
        Match::Yes
    } else if rule.holds_any(low, high) {
        Match::Maybe
    } else {
        Match::No
    }
}
