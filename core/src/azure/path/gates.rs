//! Admin rules and network security groups of one end.

use super::row::{Layer, Missing, Place, Row};
use super::{Interface, Question, known, unread_admin_rules};
use crate::azure::net::Net;
use crate::azure::nsg::{
    self, Access, Compiled, Direction, Effective, Evaluation, Gate, GateKind, PublicAddress, Rule, Verdict,
};
use crate::azure::route::{Hop, Lookup, Shown, lookup};
use crate::section::SectionName;

mod decided;
mod object;
mod parts;

use parts::together;

/// The gates of one end, as far as they were read.
#[derive(Debug)]
pub(super) struct Gates<'a> {
    interface: &'a Interface,
    place: Place,
    rules: Effective,
    admin: Gate,
}

impl<'a> Gates<'a> {
    pub(super) fn of(interface: &'a Interface, place: Place) -> Self {
        let unread = || Effective {
            more: true,
            ..Effective::default()
        };
        Self {
            interface,
            place,
            rules: interface.rules.captured().cloned().unwrap_or_else(unread),
            admin: match interface.admin.as_result() {
                Ok(gate) => gate.clone(),
                Err(why) => unread_admin_rules(why),
            },
        }
    }

    fn direction(&self) -> Direction {
        match self.place {
            Place::Destination => Direction::Inbound,
            Place::Source | Place::Between => Direction::Outbound,
        }
    }

    /// The rules that could be asked.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let gates = self.rules.gates.iter().chain([&self.admin]);
        let direction = self.direction();
        let fits = move |rule: &&Rule| rule.direction.is_none_or(|its| its == direction);
        gates.flat_map(|gate| &gate.rules).filter(fits)
    }

    /// The prefixes that the readings say tags stand for.
    pub(super) fn tags(&self) -> impl Iterator<Item = Net> {
        let gates = self.rules.gates.iter().chain([&self.admin]);
        gates.flat_map(|gate| gate.tags.values().flatten().copied())
    }

    /// One row for each gate, in the order in which the flow meets them, and what would have to be read.
    pub(super) fn rows(
        &self,
        question: &Question<'_>,
        parts: &[Option<(u16, u16)>],
    ) -> (Vec<Row>, Vec<Missing>) {
        let tags = known::tags(question, self.interface, &self.rules, &self.admin);
        let compiled = Compiled::new(&self.rules, Some(&self.admin), &tags);
        let mut missing = Vec::new();
        let mut each: Vec<Vec<Row>> = Vec::with_capacity(parts.len());
        for part in parts {
            let flow = nsg::Flow {
                direction: self.direction(),
                protocol: question.flow.protocol,
                source: question.source.address(),
                destination: question.destination.address(),
                source_ports: question.flow.source_ports,
                ports: *part,
            };
            // The families were compared before.
            if let Ok(found) = compiled.evaluate(&flow, self.public(question)) {
                each.push(self.shown(&found, &mut missing));
            }
        }
        missing.sort();
        missing.dedup();
        (together(&each, parts), missing)
    }

    /// By which kind of public address the flow would come: by none, unless it certainly comes from the Internet to one.
    fn public(&self, question: &Question<'_>) -> PublicAddress {
        let nic = self.interface.nic.captured();
        let own = nic.and_then(|nic| nic.configuration(self.interface.address));
        let open = own.is_some_and(|own| own.public.is_some() || !own.balancers.is_empty());
        let table = self.interface.routes.captured();
        let back = table.is_some_and(|table| leaves(&lookup(table, question.source.address())));
        let outside = question.source.interface().is_none();
        if outside && open && back {
            PublicAddress::Standard
        } else {
            PublicAddress::None
        }
    }

    fn shown(&self, found: &Evaluation<'_>, missing: &mut Vec<Missing>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut past = false;
        for gate in &found.gates {
            rows.push(self.row(gate, found, past, missing));
            let always = gate
                .rule
                .is_some_and(|rule| rule.access == Some(Access::AlwaysAllow));
            past |= gate.gate == GateKind::Admin && gate.verdict == Verdict::Allow && always;
        }
        if self.rules.more {
            self.unread(past, &mut rows, missing);
        }
        rows
    }
}

/// True where the reply certainly leaves by the Internet or by a service's endpoint, by which of its routes ever.
fn leaves(back: &Lookup) -> bool {
    let open = |shown: &Shown| {
        let hop = shown.next_hop_type.as_ref().map(Hop::of);
        matches!(hop, Some(Hop::Internet | Hop::ServiceEndpoint))
    };
    let mut all = back.winner.iter().chain(&back.tied).peekable();
    all.peek().is_some() && all.all(open)
}

fn layer(kind: GateKind) -> Layer {
    match kind {
        GateKind::Admin => Layer::AdminRules,
        GateKind::Subnet => Layer::SubnetNsg,
        GateKind::Nic => Layer::NicNsg,
        GateKind::Unknown => Layer::Nsg,
    }
}

fn section(layer: Layer) -> SectionName {
    if layer == Layer::AdminRules {
        SectionName::AdminRules
    } else {
        SectionName::EffectiveNsg
    }
}
