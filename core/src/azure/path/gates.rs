//! Admin rules and network security groups of one end.

use super::ports::runs;
use super::row::{Layer, Missing, Object, Part, Place, Row, Status, Way};
use super::{Interface, Question, known, unread_admin_rules};
use crate::azure::nsg::{
    self, Access, Compiled, Direction, Effective, Evaluation, Gate, GateKind, GateVerdict, PublicAddress,
    Rule, Verdict,
};
use crate::azure::route::{Hop, Shown, lookup};
use crate::section::SectionName;

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
        let internet = |shown: &Shown| shown.next_hop_type.as_ref().map(Hop::of) == Some(Hop::Internet);
        let table = self.interface.routes.captured();
        let back = table.and_then(|table| lookup(table, question.source.address()).winner);
        let outside = question.source.interface().is_none();
        if outside && open && back.as_ref().is_some_and(internet) {
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

    fn row(
        &self,
        gate: &GateVerdict<'_>,
        found: &Evaluation<'_>,
        past: bool,
        missing: &mut Vec<Missing>,
    ) -> Row {
        let layer = layer(gate.gate);
        let new = |status, why: String| Row::new(layer, self.place, Way::Forward, status, why);
        if past {
            return new(Status::NotApplicable, PAST.to_owned());
        }
        if let (None, Some(id)) = (gate.nsg, self.named(gate)) {
            let why = format!("{id} is associated here, and the effective rules do not have it");
            missing.push(self.missing(layer, SectionName::EffectiveNsg, why.clone()));
            return new(Status::Unknown, why);
        }
        let closed = found.verdict == Verdict::Deny && found.deciding.is_none();
        let mut why = gate.why();
        let mut status = match gate.verdict {
            Verdict::Allow => Status::Pass,
            Verdict::Unknown => Status::Unknown,
            Verdict::Deny => Status::Block,
        };
        if closed && gate.gate != GateKind::Admin {
            status = Status::Block;
            why = found.why.unwrap_or_default().to_owned();
        }
        if status == Status::Block && found.verdict != Verdict::Deny {
            status = Status::Unknown;
            why.push_str(", unless an admin rule always allows it, which is not known");
        }
        if gate.verdict == Verdict::Unknown {
            self.doubts(gate, layer, missing);
        }
        let section = section(layer);
        let mut row = new(status, why).evidence(section, gate.rule.map(|rule| rule.name.clone()));
        row.object = self.object(gate, closed);
        row
    }

    /// The group that the resources have here, where the effective rules have none.
    fn named(&self, gate: &GateVerdict<'_>) -> Option<&str> {
        let nic = self.interface.nic.captured()?;
        match (gate.gate, gate.reason) {
            (GateKind::Nic, nsg::Reason::NoGroup) => nic.nsg.as_deref(),
            (GateKind::Subnet, nsg::Reason::NoGroup) => nic.subnet(self.interface.address)?.nsg.as_deref(),
            _ => None,
        }
    }

    /// What would make a gate certain.
    fn doubts(&self, gate: &GateVerdict<'_>, layer: Layer, missing: &mut Vec<Missing>) {
        let section = section(layer);
        if gate.gate == GateKind::Admin
            && let Some(why) = &self.admin.cut
        {
            missing.push(self.missing(layer, section, why.clone()));
        }
        let of = |one: &nsg::Undecided<'_>| format!("rule {}: {}", one.rule.name, one.why());
        let whys: Vec<String> = gate.undecided.iter().map(of).collect();
        if whys.is_empty() && gate.gate != GateKind::Admin {
            missing.push(self.missing(layer, section, gate.why()));
        }
        missing.extend(whys.into_iter().map(|why| self.missing(layer, section, why)));
    }

    /// The places of which it is not known whether there is a group.
    fn unread(&self, past: bool, rows: &mut Vec<Row>, missing: &mut Vec<Missing>) {
        let why = match self.interface.rules.as_result() {
            Ok(_) => "the effective rules are one page of several",
            Err(why) => why,
        };
        let mut layers = [Layer::NicNsg, Layer::SubnetNsg];
        if self.place == Place::Destination {
            layers.reverse();
        }
        for layer in layers {
            if rows.iter().any(|row| row.layer == layer) {
                continue;
            }
            let (status, said) = if past {
                (Status::NotApplicable, PAST)
            } else {
                missing.push(self.missing(layer, SectionName::EffectiveNsg, why.to_owned()));
                (Status::Unknown, why)
            };
            rows.push(Row::new(layer, self.place, Way::Forward, status, said));
        }
    }

    fn missing(&self, layer: Layer, section: SectionName, why: String) -> Missing {
        Missing {
            place: self.place,
            layer,
            section: Some(section),
            why,
        }
    }

    fn object(&self, gate: &GateVerdict<'_>, closed: bool) -> Option<Object> {
        if closed && gate.nsg.is_none() && gate.gate == GateKind::Nic {
            let nic = self.interface.nic.captured();
            return Some(Object {
                kind: "network-interface",
                id: nic.map(|nic| nic.id.to_string()),
                text: "the network interface, which has no network security group".to_owned(),
            });
        }
        let group = |kind, text: String| Object {
            kind,
            id: gate.nsg.map(str::to_owned),
            text,
        };
        let undecided = || gate.undecided.first().map(|one| one.rule);
        match gate.rule.or_else(undecided) {
            Some(rule) => Some(Object {
                id: rule_id(rule, gate),
                ..group("rule", rule_text(rule))
            }),
            None if gate.nsg.is_some() => Some(group(
                "network-security-group",
                "the network security group".to_owned(),
            )),
            None => None,
        }
    }
}

/// Said of what is behind an admin rule that always allows.
const PAST: &str = "an admin rule lets the flow past the network security groups";

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

/// The resource to edit: the rule; of one that every group has of its own, the group.
fn rule_id(rule: &Rule, gate: &GateVerdict<'_>) -> Option<String> {
    if gate.gate == GateKind::Admin {
        let id = rule.raw.as_object().and_then(|fields| fields.get("id"));
        return id.and_then(serde_json::Value::as_str).map(str::to_owned);
    }
    let group = gate.nsg?;
    if rule.is_default() {
        return Some(group.to_owned());
    }
    Some(format!("{group}/securityRules/{}", rule.name))
}

fn rule_text(rule: &Rule) -> String {
    let priority = rule.priority.map(|priority| format!(", priority {priority}"));
    let access = rule.access.map(|access| format!(", {}", access.word()));
    format!(
        "rule {}{}{}",
        rule.name,
        priority.unwrap_or_default(),
        access.unwrap_or_default()
    )
}

/// The rows of all parts of the ports as one row for each gate.
fn together(each: &[Vec<Row>], parts: &[Option<(u16, u16)>]) -> Vec<Row> {
    let Some((first, rest)) = each.split_first() else {
        return Vec::new();
    };
    let merge = |(at, row): (usize, &Row)| {
        let all: Vec<&Row> = each.iter().filter_map(|rows| rows.get(at)).collect();
        let mut merged = row.clone();
        if rest.is_empty() || all.iter().all(|other| alike(row, other)) {
            return merged;
        }
        merged.each = all.iter().map(|row| row.status).collect();
        let same = |one: usize, other: usize| match (all.get(one), all.get(other)) {
            (Some(one), Some(other)) => alike(one, other),
            _ => false,
        };
        for (ports, first) in runs(parts, same) {
            merged.parts.extend(all.get(first).map(|row| Part {
                ports,
                status: row.status,
                object: row.object.clone(),
                why: row.why.clone(),
            }));
        }
        if all.iter().any(|other| other.status != row.status) {
            let part = |part: &Part| format!("{} {}", part.ports, part.status.word());
            let shown: Vec<String> = merged.parts.iter().map(part).collect();
            merged.status = Status::Unknown;
            merged.why = format!("the ports come to different ends: {}", shown.join(", "));
            merged.object = None;
        }
        merged
    };
    first.iter().enumerate().map(merge).collect()
}

fn alike(one: &Row, other: &Row) -> bool {
    one.status == other.status && one.object == other.object && one.why == other.why
}
