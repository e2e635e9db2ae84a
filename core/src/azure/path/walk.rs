//! All layers in their order.

use super::gates::Gates;
use super::leg::{Leg, Reach};
use super::ports::{parts, runs};
use super::row::{Layer, Missing, Object, PartVerdict, Path, Place, Row, Status, Way};
use super::{End, Interface, Nic, Question, back, internet};
use crate::azure::nsg::{FlowError, Verdict};
use crate::azure::tags::public;
use crate::section::SectionName;

/// What becomes of a flow.
///
/// # Errors
/// Where the addresses of the two ends are of two families.
pub fn walk(question: &Question<'_>) -> Result<Path, FlowError> {
    let ends = [question.source, question.destination];
    if question.source.address().is_ipv4() != question.destination.address().is_ipv4() {
        return Err(FlowError::Families);
    }
    let none = vec![question.flow.ports];
    if is_local(question) {
        let why = "both addresses are of one machine, which the flow does not leave";
        let row = Row::new(
            Layer::Nic,
            Place::Between,
            Way::Forward,
            Status::NotApplicable,
            why,
        );
        return Ok(finish(vec![row], Vec::new(), &none));
    }
    if ends.iter().all(|end| end.interface().is_none()) {
        let why = "neither end is a network interface: there is nothing that could be read";
        let row = Row::new(Layer::Nic, Place::Between, Way::Forward, Status::Unknown, why);
        let missing = lacks(Place::Between, Layer::Nic, None, why);
        return Ok(finish(vec![row], vec![missing], &none));
    }
    Ok(Walk::of(question).path())
}

/// True where the flow never leaves the machine.
fn is_local(question: &Question<'_>) -> bool {
    let machine = |nic: &Nic| nic.machine.as_ref().map(|id| id.to_lowercase());
    question.source.address() == question.destination.address()
        || match (question.source.nic(), question.destination.nic()) {
            (Some(one), Some(other)) => {
                one.id == other.id || (machine(one).is_some() && machine(one) == machine(other))
            }
            _ => false,
        }
}

fn lacks(place: Place, layer: Layer, section: Option<SectionName>, why: &str) -> Missing {
    Missing {
        place,
        layer,
        section,
        why: why.to_owned(),
    }
}

/// What each end says, before it is put in order.
struct Walk {
    parts: Vec<Option<(u16, u16)>>,
    source: Side,
    destination: Side,
    /// Rows between the ends.
    between: Vec<Row>,
    symmetry: Option<Row>,
    missing: Vec<Missing>,
}

/// One end.
#[derive(Default)]
struct Side {
    /// Whether the address is one of the interface's.
    nic: Vec<Row>,
    gates: Vec<Row>,
    /// The route to the other end.
    route: Vec<Row>,
}

impl Walk {
    fn of(question: &Question<'_>) -> Self {
        let mut missing = Vec::new();
        let source = gates_of(question.source, Place::Source);
        let destination = gates_of(question.destination, Place::Destination);
        let rules = source.iter().chain(&destination).flat_map(Gates::rules);
        let parts = parts(question.flow.ports, rules);
        let (mut one, there) = side(question, Place::Source, source.as_ref(), &parts, &mut missing);
        let (mut other, here) = side(
            question,
            Place::Destination,
            destination.as_ref(),
            &parts,
            &mut missing,
        );
        if let Some(reach) = &there
            && question.destination.interface().is_none()
        {
            other = outside(Place::Destination, reach, &mut missing);
        }
        if let Some(reach) = &here
            && question.source.interface().is_none()
        {
            one = outside(Place::Source, reach, &mut missing);
        }
        if there.as_ref().is_some_and(Reach::may_translate) {
            let rows = other
                .nic
                .iter_mut()
                .chain(&mut other.gates)
                .chain(&mut other.route);
            rows.for_each(assume);
        }
        let mut between = Vec::new();
        let internet = here == Some(Reach::Internet) && public().contains(question.source.address());
        if let Some(row) = internet
            .then(|| internet::ingress(question.destination))
            .flatten()
        {
            if row.status == Status::Unknown {
                missing.push(lacks(row.place, row.layer, Some(SectionName::Nic), &row.why));
            }
            between.push(row);
        }
        let symmetry = there
            .zip(here)
            .and_then(|(there, here)| back::symmetry(&there, &here));
        Self {
            parts,
            source: one,
            destination: other,
            between,
            symmetry,
            missing,
        }
    }

    /// The rows in the order in which the flow and then its reply meet them.
    fn path(self) -> Path {
        let back_there = back::gates(&self.destination.gates);
        let back_here = back::gates(&self.source.gates);
        let rows = [
            self.source.nic,
            self.source.gates,
            self.source.route,
            self.between,
            self.destination.nic,
            self.destination.gates,
            back_there,
            self.destination.route,
            back_here,
            self.symmetry.into_iter().collect(),
        ];
        finish(rows.into_iter().flatten().collect(), self.missing, &self.parts)
    }
}

fn gates_of(end: &End, place: Place) -> Option<Gates<'_>> {
    let interface = end.interface()?;
    Some(Gates::of(interface, place))
}

/// Said of what is decided behind something that could translate addresses.
const KEPT: &str = "nothing on the way translates the source address";

fn assume(row: &mut Row) {
    row.assumes = Some(KEPT);
}

/// What an end says; where it is an interface, also where its route leads.
fn side(
    question: &Question<'_>,
    place: Place,
    gates: Option<&Gates<'_>>,
    parts: &[Option<(u16, u16)>],
    missing: &mut Vec<Missing>,
) -> (Side, Option<Reach>) {
    let end = if place == Place::Source {
        question.source
    } else {
        question.destination
    };
    let (Some(interface), Some(gates)) = (end.interface(), gates) else {
        return (Side::default(), None);
    };
    let endpoint = end.nic().filter(|nic| nic.private_endpoint.is_some());
    if let Some(nic) = endpoint.filter(|_| place == Place::Destination) {
        return (
            private_endpoint(interface, nic, gates, question, parts, missing),
            None,
        );
    }
    let (rows, more) = gates.rows(question, parts);
    missing.extend(more);
    let mut leg = Leg::new(question, interface, place);
    let reach = leg.walk();
    let route = leg.rows;
    missing.extend(leg.missing);
    let side = Side {
        nic: vec![own(interface, place, missing)],
        gates: rows,
        route,
    };
    (side, Some(reach))
}

/// Whether the address is one of the interface's. Azure drops packets from another, unless the interface forwards.
fn own(interface: &Interface, place: Place, missing: &mut Vec<Missing>) -> Row {
    let new = |status, why: &str| Row::new(Layer::Nic, place, Way::Forward, status, why);
    let nic = match interface.nic.as_result() {
        Ok(nic) => nic,
        Err(why) => {
            missing.push(lacks(place, Layer::Nic, Some(SectionName::Nic), why));
            return new(Status::Unknown, why);
        }
    };
    let address = interface.address;
    let (status, why) = match (nic.configuration(address), place, nic.forwards) {
        (Some(_), _, _) => (Status::Pass, format!("{address} is an address of the interface")),
        (None, Place::Source, Some(true)) => (
            Status::Pass,
            format!("{address} is none of the interface's, which forwards"),
        ),
        (None, Place::Source, Some(false)) => (
            Status::Block,
            format!(
                "{address} is no address of the interface, and IP forwarding is off: Azure drops its packets"
            ),
        ),
        _ => (
            Status::Unknown,
            format!("{address} is no address of the interface"),
        ),
    };
    if status == Status::Unknown {
        missing.push(lacks(place, Layer::Nic, Some(SectionName::Nic), &why));
    }
    let object = Object {
        kind: "network-interface",
        id: Some(nic.id.to_string()),
        text: nic.id.name().to_owned(),
    };
    new(status, &why).object(object).evidence(SectionName::Nic, None)
}

/// The layers of an end that is no interface of a machine. An address inside virtual networks is one that was not read.
fn outside(place: Place, reach: &Reach, missing: &mut Vec<Missing>) -> Side {
    let new = |layer, status, why: &str| Row::new(layer, place, Way::Forward, status, why);
    let gates = [Layer::AdminRules, Layer::NicNsg, Layer::SubnetNsg];
    let why = "the address is in a virtual network, and its network interface was not read";
    let status = match reach {
        Reach::Direct => {
            missing.push(lacks(place, Layer::Nic, Some(SectionName::Nic), why));
            Status::Unknown
        }
        _ => Status::NotApplicable,
    };
    let nic = match reach {
        Reach::Direct => vec![new(Layer::Nic, status, why)],
        Reach::PrivateEndpoint => vec![endpoint_row(place, missing)],
        _ => Vec::new(),
    };
    let why = if status == Status::Unknown {
        why
    } else {
        "this end is no network interface of a virtual machine"
    };
    let mut gates: Vec<Row> = gates.into_iter().map(|layer| new(layer, status, why)).collect();
    if place == Place::Destination {
        gates.sort_by_key(|row| std::cmp::Reverse((row.layer == Layer::AdminRules, row.layer)));
    }
    let way = if place == Place::Source {
        Way::Forward
    } else {
        Way::Back
    };
    let route = vec![Row::new(Layer::Route, place, way, status, why)];
    Side { nic, gates, route }
}

fn endpoint_row(place: Place, missing: &mut Vec<Missing>) -> Row {
    let why = "whether the connection of the private endpoint is approved was not read";
    missing.push(lacks(place, Layer::PrivateEndpoint, None, why));
    Row::new(Layer::PrivateEndpoint, place, Way::Forward, Status::Unknown, why)
}

/// A private endpoint as the destination: groups hold for it only where the subnet's policies say so, and its reply takes the
/// way back that the flow came.
fn private_endpoint(
    interface: &Interface,
    nic: &Nic,
    gates: &Gates<'_>,
    question: &Question<'_>,
    parts: &[Option<(u16, u16)>],
    missing: &mut Vec<Missing>,
) -> Side {
    let place = Place::Destination;
    let policies = nic
        .subnet(interface.address)
        .and_then(|subnet| subnet.endpoint_policies.as_deref());
    let exempt = policies.is_some_and(|word| {
        ["Disabled", "RouteTableEnabled"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word))
    });
    let (mut rows, more) = gates.rows(question, parts);
    if exempt {
        for row in &mut rows {
            let why = "network security groups do not hold for private endpoints of this subnet";
            *row = Row::new(row.layer, place, Way::Forward, Status::NotApplicable, why);
        }
    } else {
        missing.extend(more);
    }
    let why = "a private endpoint answers the way that the flow came";
    Side {
        nic: vec![own(interface, place, missing), endpoint_row(place, missing)],
        gates: rows,
        route: vec![Row::new(
            Layer::Route,
            place,
            Way::Back,
            Status::NotApplicable,
            why,
        )],
    }
}

/// The whole.
fn finish(layers: Vec<Row>, mut missing: Vec<Missing>, ports: &[Option<(u16, u16)>]) -> Path {
    let verdict = |part: usize| {
        let certain = |row: &Row| row.status_of(part) == Status::Block && row.assumes.is_none();
        let open = |row: &Row| matches!(row.status_of(part), Status::Block | Status::Unknown);
        if layers.iter().any(certain) {
            Verdict::Deny
        } else if layers.iter().any(open) {
            Verdict::Unknown
        } else {
            Verdict::Allow
        }
    };
    let each: Vec<Verdict> = (0..ports.len()).map(verdict).collect();
    let whole = each.first().copied().unwrap_or(Verdict::Unknown);
    let mixed = each.iter().any(|other| *other != whole);
    let split = |(ports, at): (String, usize)| PartVerdict {
        ports,
        verdict: each.get(at).copied().unwrap_or(Verdict::Unknown),
    };
    let all = if mixed {
        runs(ports, |one, other| each.get(one) == each.get(other))
    } else {
        Vec::new()
    };
    missing.sort();
    missing.dedup();
    Path {
        verdict: if mixed { Verdict::Unknown } else { whole },
        degraded: layers.iter().any(|row| row.status == Status::Degrade),
        missing,
        parts: all.into_iter().map(split).collect(),
        layers,
    }
}
