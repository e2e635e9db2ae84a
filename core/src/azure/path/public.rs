//! A flow to the public address of an interface: out by the Internet, and in from there.
//!
//! Azure does not shorten such a flow to the private addresses of its ends: the source needs a way out, the destination sees the
//! public address of that way out, and both their groups see the Internet (Microsoft: "Public IP addresses").

use std::net::IpAddr;

use super::anywhere::walk_internet;
use super::internet::leaves_by;
use super::leg::Leg;
use super::ports::text;
use super::row::{Layer, Missing, PartVerdict, Path, Place, Row, Status, Way};
use super::{Around, End, Flow, Interface, Question, walk};
use crate::azure::nsg::{FlowError, Verdict};
use crate::section::SectionName;

/// An interface that is reached by a public address.
#[derive(Debug, Clone, PartialEq)]
pub struct Public {
    /// The public address.
    pub address: IpAddr,
    /// The interface, with the private address that the public one stands for.
    pub interface: Interface,
}

/// What becomes of a flow from an interface to another by its public address. `from`: the public address that the source has of
/// its own, where that is known; else the flow may come from any.
///
/// # Errors
/// Where the addresses of the two ends are of two families.
pub fn walk_public(
    source: &Interface,
    destination: &Public,
    from: Option<IpAddr>,
    flow: Flow,
    around: &Around,
) -> Result<Path, FlowError> {
    let outward = Question {
        source: &End::Nic(Box::new(source.clone())),
        destination: &End::Outside(destination.address),
        flow,
        around,
    };
    let out = walk(&outward)?;
    let reach = Leg::new(&outward, source, Place::Source).walk();
    let from = leaves_by(source, &reach, from);
    let (inward, ways) = match from {
        Some(from) => {
            let path = walk(&Question {
                source: &End::Outside(from),
                destination: &End::Nic(Box::new(destination.interface.clone())),
                flow,
                around,
            })?;
            (path, 0)
        }
        None => {
            let found = walk_internet(&destination.interface, Place::Destination, flow, around);
            (found.path, found.parts.len())
        }
    };
    let mut whole = joined(out, inward);
    if ways > 0 {
        let why = "by which public address the flow comes was not read, and the destination does not treat all alike";
        whole.not_known(Place::Destination, Layer::PublicAddress, why);
    }
    Ok(whole)
}

/// The two halves as one: the flow out and in, then the reply.
fn joined(out: Path, inward: Path) -> Path {
    let verdict = together(out.verdict, inward.verdict);
    let parts = match verdict {
        Verdict::Unknown => parts(&out, &inward),
        Verdict::Allow | Verdict::Deny => Vec::new(),
    };
    let of = |rows: Vec<Row>, not: Place| -> (Vec<Row>, Vec<Row>) {
        let own = rows.into_iter().filter(|row| row.place != not);
        own.partition(|row| row.direction == Way::Forward)
    };
    let (mut layers, back_here) = of(out.layers, Place::Destination);
    let (forward, back_there) = of(inward.layers, Place::Source);
    layers.extend(forward);
    layers.extend(back_there);
    layers.extend(back_here);
    let mut missing: Vec<Missing> = out.missing.into_iter().chain(inward.missing).collect();
    missing.sort();
    missing.dedup();
    Path {
        verdict,
        degraded: out.degraded || inward.degraded,
        layers,
        missing,
        parts,
    }
}

/// What becomes of each part of the ports over both halves, where one of them parts them.
fn parts(out: &Path, inward: &Path) -> Vec<PartVerdict> {
    let edges = |path: &Path| -> Option<Vec<(u16, u16, Verdict)>> {
        if path.parts.is_empty() {
            return Some(vec![(u16::MIN, u16::MAX, path.verdict)]);
        }
        let read = |part: &PartVerdict| {
            let (low, high) = part.ports.split_once('-').unwrap_or((&part.ports, &part.ports));
            Some((low.parse().ok()?, high.parse().ok()?, part.verdict))
        };
        path.parts.iter().map(read).collect()
    };
    if out.parts.is_empty() && inward.parts.is_empty() {
        return Vec::new();
    }
    let (Some(one), Some(other)) = (edges(out), edges(inward)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (low, high, there) in &one {
        for (first, last, here) in &other {
            let (low, high) = (*low.max(first), *high.min(last));
            if low <= high {
                found.push(PartVerdict {
                    ports: text(Some((low, high))),
                    verdict: together(*there, *here),
                });
            }
        }
    }
    found
}

/// Of two halves.
fn together(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
        (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
        _ => Verdict::Unknown,
    }
}

impl Path {
    /// Adds that something about an end is not known: a path that would be ALLOW is then UNKNOWN.
    pub fn not_known(&mut self, place: Place, layer: Layer, why: &str) {
        let at = self.layers.iter().position(|row| row.direction == Way::Back);
        let row = Row::new(layer, place, Way::Forward, Status::Unknown, why);
        let at = match place {
            Place::Source => 0,
            Place::Between | Place::Destination => at.unwrap_or(self.layers.len()),
        };
        self.layers.insert(at, row);
        self.missing.push(Missing {
            place,
            layer,
            section: (layer == Layer::Nic).then_some(SectionName::Nic),
            why: why.to_owned(),
        });
        self.allow_nothing();
    }

    /// Turns every ALLOW into UNKNOWN.
    pub(super) fn allow_nothing(&mut self) {
        let parts = self.parts.iter_mut().map(|part| &mut part.verdict);
        for verdict in parts.chain([&mut self.verdict]) {
            if *verdict == Verdict::Allow {
                *verdict = Verdict::Unknown;
            }
        }
    }
}
