//! An end for itself: whether the address is one of its own, and what there is where it is no interface.

use super::{Side, endpoint::endpoint_row, lacks};
use crate::azure::path::Interface;
use crate::azure::path::leg::Reach;
use crate::azure::path::row::{Layer, Missing, Object, Place, Row, Status, Way};
use crate::section::SectionName;

/// Whether the address is one of the interface's. Azure drops packets from another, unless the interface forwards.
pub(super) fn own(interface: &Interface, place: Place, missing: &mut Vec<Missing>) -> Row {
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
pub(super) fn outside(place: Place, reach: &Reach, missing: &mut Vec<Missing>) -> Side {
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
