//! Machines as next hops.

use std::net::IpAddr;

use super::leg::Leg;
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
        let why = "the next hop is the other end itself";
        leg.rows
            .push(Row::new(Layer::NextHop, leg.place, leg.way, Status::Pass, why));
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

/// Whether the interface of this address forwards.
fn forwards(leg: &Leg<'_, '_>, hop: &str) -> (Status, Row) {
    let ends = [leg.question.source, leg.question.destination];
    let known = leg
        .question
        .around
        .appliances
        .iter()
        .chain(ends.into_iter().filter_map(End::nic));
    let has = |nic: &&Nic| {
        hop.parse()
            .is_ok_and(|address| nic.configuration(address).is_some())
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
