//! Machines as next hops.

use std::net::IpAddr;

use super::leg::Leg;
use super::network::peered;
use super::row::{Layer, Object, Row, Status};
use super::{End, Nic};
use crate::section::SectionName;

/// Adds the rows of next hops that must forward. True where the next hop is the other end itself.
pub(super) fn rows(leg: &mut Leg<'_, '_>, hops: &[String]) -> bool {
    let to = leg.to.address();
    let is_end = |hop: &String| {
        let its = |hop: IpAddr| leg.to.nic().is_some_and(|nic| nic.configuration(hop).is_some());
        hop.parse().is_ok_and(|hop| hop == to || its(hop))
    };
    if !hops.is_empty() && hops.iter().all(is_end) {
        for hop in hops.iter().filter_map(|hop| hop.parse().ok()) {
            let (status, why) = end_itself(leg, hop);
            if status == Status::Unknown {
                leg.lacks(Layer::NextHop, None, why.clone());
            }
            leg.rows
                .push(Row::new(Layer::NextHop, leg.place, leg.way, status, why));
        }
        return true;
    }
    if hops.is_empty() {
        leg.unknown(
            Layer::NextHop,
            None,
            "the route names no address of its next hop".to_owned(),
        );
        return false;
    }
    let mut each: Vec<(Status, Row)> = hops.iter().map(|hop| forwards(leg, hop)).collect();
    let blocks = each.iter().filter(|(status, _)| *status == Status::Block).count();
    if blocks > 0 && blocks < each.len() {
        // Flows are shared among the next hops: which one takes this flow can't be told.
        for (status, row) in each.iter_mut().filter(|(status, _)| *status == Status::Block) {
            *status = Status::Unknown;
            row.status = Status::Unknown;
            row.why
                .push_str("; whether this flow goes by it is not known, since several next hops share them");
        }
    }
    let all = blocks == each.len();
    for (status, row) in each {
        if status == Status::Unknown {
            leg.lacks(Layer::NextHop, Some(SectionName::Nic), row.why.clone());
        }
        leg.rows.push(row);
    }
    if !all {
        let why = format!(
            "what {} does with the flow was not read: its own rules, routes and system",
            hops.join(", ")
        );
        leg.unknown(Layer::NextHop, None, why);
    }
    false
}

/// Whether the other end, which is the next hop, is where that leads: an address of a network that is not reached is another
/// machine's, or nobody's.
fn end_itself(leg: &Leg<'_, '_>, hop: IpAddr) -> (Status, String) {
    let pass = (Status::Pass, "the next hop is the other end itself".to_owned());
    let Some(interface) = leg.to.interface() else {
        return pass;
    };
    let nic = interface.nic.captured();
    match nic.and_then(|nic| reached(leg, nic, hop)) {
        Some(Status::Pass) => pass,
        Some(Status::Block) => (
            Status::Block,
            format!("{hop} is the other end's address, and its virtual network is not reached"),
        ),
        _ => (
            Status::Unknown,
            format!(
                "{hop} is the other end's address, and whether its virtual network is reached was not read"
            ),
        ),
    }
}

/// Whether the interface's network is the sender's or one that is peered with it.
fn reached(leg: &Leg<'_, '_>, nic: &Nic, address: IpAddr) -> Option<Status> {
    let sender = leg.from.nic.captured()?.network(leg.from.address)?;
    let there = nic.network(address)?;
    if sender == there {
        return Some(Status::Pass);
    }
    let known = leg.question.around.networks.get(&sender);
    Some(peered(known, (&sender, &there), address).0)
}

/// Whether the interface of this address forwards. Another network may have the address too: only an interface that is reached
/// counts.
fn forwards(leg: &Leg<'_, '_>, hop: &str) -> (Status, Row) {
    let ends = [leg.question.source, leg.question.destination];
    let known = leg
        .question
        .around
        .appliances
        .iter()
        .chain(ends.into_iter().filter_map(End::nic));
    let has = |nic: &&Nic| {
        let is_it = |address| {
            nic.configuration(address).is_some() && reached(leg, nic, address) == Some(Status::Pass)
        };
        hop.parse().is_ok_and(is_it)
    };
    let nic = known.into_iter().find(has);
    let (status, why) = match nic.map(|nic| nic.forwards) {
        None => (Status::Unknown, format!("the interface of {hop} was not read")),
        Some(None) => (
            Status::Unknown,
            format!("whether IP forwarding is on at the interface of {hop} is not known"),
        ),
        Some(Some(true)) => (
            Status::Pass,
            format!("IP forwarding is on at the interface of {hop}"),
        ),
        Some(Some(false)) => (
            Status::Block,
            format!("IP forwarding is off at the interface of {hop}: Azure drops what is not to it"),
        ),
    };
    let mut row = Row::new(Layer::NextHop, leg.place, leg.way, status, why);
    row.object = nic.map(|nic| Object {
        kind: "network-interface",
        id: Some(nic.id.to_string()),
        text: format!("the network interface of {hop}"),
    });
    (status, row)
}
