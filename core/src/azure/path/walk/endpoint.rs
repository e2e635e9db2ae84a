//! Private endpoints.

use super::end::own;
use super::{Side, lacks};
use crate::azure::path::gates::Gates;
use crate::azure::path::row::{Layer, Missing, Place, Row, Status, Way};
use crate::azure::path::{Interface, Nic, Question};

pub(super) fn endpoint_row(place: Place, missing: &mut Vec<Missing>) -> Row {
    let why = "whether the connection of the private endpoint is approved was not read";
    missing.push(lacks(place, Layer::PrivateEndpoint, None, why));
    Row::new(Layer::PrivateEndpoint, place, Way::Forward, Status::Unknown, why)
}

/// A private endpoint as the destination: groups hold for it only where the subnet's policies say so, and its reply takes the
/// way back that the flow came.
pub(super) fn private_endpoint(
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
