//! All layers in their order.

use super::gates::Gates;
use super::leg::{Leg, Reach};
use super::ports::parts;
use super::row::{Layer, Missing, Path, Place, Row, Status, Way};
use super::{End, Nic, Question, back, internet};
use crate::azure::nsg::FlowError;
use crate::azure::tags::public;
use crate::section::SectionName;

mod end;
mod endpoint;
mod verdict;

use end::{outside, own};
use endpoint::private_endpoint;
use verdict::finish;

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
    if question.source.address() == question.destination.address()
        && ends.iter().all(|end| end.interface().is_some())
    {
        let why = "both ends have one address, and are not known to be one machine: which of them the flow reaches can't be told";
        let row = Row::new(Layer::Nic, Place::Between, Way::Forward, Status::Unknown, why);
        let missing = lacks(Place::Between, Layer::Nic, None, why);
        return Ok(finish(vec![row], vec![missing], &none));
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
    match (question.source.nic(), question.destination.nic()) {
        (Some(one), Some(other)) => {
            one.id == other.id || (machine(one).is_some() && machine(one) == machine(other))
        }
        // Networks that are not joined may have one address twice: of two interfaces it tells nothing.
        _ if question.source.interface().is_some() && question.destination.interface().is_some() => false,
        _ => question.source.address() == question.destination.address(),
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
        // By a service's endpoint only the reply has another way; the flow comes as from anywhere on the Internet.
        let open = matches!(here, Some(Reach::Internet | Reach::Service));
        let from_internet = open && public().contains(question.source.address());
        if let Some(row) = from_internet
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
