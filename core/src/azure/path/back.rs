//! The reply: what keeps state lets it pass.

use super::leg::Reach;
use super::row::{Layer, Place, Row, Status, Way};

/// The rows of the gates of one end for the reply, in the order in which it meets them.
pub(super) fn gates(forward: &[Row]) -> Vec<Row> {
    let admin = forward.iter().filter(|row| row.layer == Layer::AdminRules);
    let groups = forward.iter().rev().filter(|row| row.layer != Layer::AdminRules);
    admin.chain(groups).map(gate).collect()
}

fn gate(forward: &Row) -> Row {
    let (status, why) = match forward.status {
        Status::Pass | Status::Degrade => (
            Status::Pass,
            "it keeps state: replies of a flow that it let through pass",
        ),
        Status::Unknown => (
            Status::Pass,
            "it keeps state: replies pass if it lets the flow through, which is not known",
        ),
        Status::Block => (
            Status::NotApplicable,
            "it lets no flow through that could be replied to",
        ),
        Status::NotApplicable => (Status::NotApplicable, "it has no part in the flow"),
    };
    Row::new(forward.layer, forward.place, Way::Back, status, why)
}

/// Whether both ways lead through the same machines. One that keeps state and sees only half of a flow drops it.
pub(super) fn symmetry(forward: &Reach, back: &Reach) -> Option<Row> {
    let why = match (forward, back) {
        (Reach::Appliance(there), Reach::Appliance(here)) => {
            let sorted = |hops: &[String]| {
                let mut hops = hops.to_vec();
                hops.sort();
                hops
            };
            (sorted(there) != sorted(here)).then(|| {
                format!(
                    "the flow goes by {}, its reply by {}",
                    there.join(", "),
                    here.join(", ")
                )
            })
        }
        (Reach::Appliance(there), Reach::Direct) => Some(format!(
            "the flow goes by {}, its reply does not",
            there.join(", ")
        )),
        (Reach::Direct, Reach::Appliance(here)) => Some(format!(
            "the reply goes by {}, the flow does not",
            here.join(", ")
        )),
        _ => None,
    };
    let why = format!("{}: a machine that keeps state sees half of it", why?);
    Some(Row::new(
        Layer::Symmetry,
        Place::Between,
        Way::Back,
        Status::Degrade,
        why,
    ))
}
