//! What one gate of an end does to the flow, or why that is not known.

use super::object::object;
use super::{Gates, layer, section};
use crate::azure::nsg::{self, Evaluation, GateKind, GateVerdict, Verdict};
use crate::azure::path::row::{Layer, Missing, Place, Row, Status, Way};
use crate::section::SectionName;

/// Said of what is behind an admin rule that always allows.
const PAST: &str = "an admin rule lets the flow past the network security groups";

impl Gates<'_> {
    pub(super) fn row(
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
        row.object = object(self.interface, gate, closed);
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
    pub(super) fn unread(&self, past: bool, rows: &mut Vec<Row>, missing: &mut Vec<Missing>) {
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
}
