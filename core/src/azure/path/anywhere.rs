//! Any address of the Internet as an end.
//!
//! The addresses are cut into ranges in which every route and every rule holds for all or for none, and one of each range is
//! asked, so that what holds for all of them is known and not sampled.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::gates::Gates;
use super::row::{Layer, Path, Place};
use super::{Around, End, Flow, Interface, Question, Unasked, unasked, walk};
use crate::azure::net::Net;
use crate::azure::nsg::{Rule, Term, Verdict};
use crate::azure::route::{Hop, Origin, Table};
use crate::azure::space::Addresses;
use crate::azure::tags::{HOST, METADATA, public};

/// The most ranges that are asked. Tags of a region make hundreds.
const MOST: usize = 4096;

/// What becomes of a flow between an interface and any address of the Internet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anywhere {
    /// The path of most addresses; its verdict holds for all, and is UNKNOWN where they come to different ends.
    pub path: Path,
    /// An address of those.
    pub address: IpAddr,
    /// Where addresses come to different ends: each part.
    pub parts: Vec<AddressPart>,
}

/// What becomes of the flow for some of the addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AddressPart {
    /// The addresses: prefixes, `first-last`.
    pub addresses: Vec<String>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// One range: its first address, how large it is, and what becomes of the flow.
struct Asked {
    ends: (u128, u128),
    path: Path,
}

/// What becomes of a flow between an interface, which is the end at `place`, and any address of the Internet.
pub fn walk_internet(interface: &Interface, place: Place, flow: Flow, around: &Around) -> Anywhere {
    let v4 = interface.address.is_ipv4();
    let ranges = ranges(interface, place);
    let too_many = ranges.len() > MOST;
    let end = End::Nic(Box::new(interface.clone()));
    let asked: Vec<Asked> = ranges
        .into_iter()
        .take(if too_many { 0 } else { MOST })
        .filter_map(|ends| {
            let outside = End::Outside(address(ends.0, v4));
            let (source, destination) = match place {
                Place::Destination => (&outside, &end),
                Place::Source | Place::Between => (&end, &outside),
            };
            let question = Question {
                source,
                destination,
                flow,
                around,
            };
            // The families are one.
            let path = walk(&question).ok()?;
            Some(Asked { ends, path })
        })
        .collect();
    together(asked, v4).unwrap_or_else(|| {
        let why = match too_many {
            true => "routes and rules cut the Internet into too many parts: ask for one address",
            false => "the virtual network takes every public address for its own",
        };
        let lacking = Unasked {
            place: match place {
                Place::Destination => Place::Source,
                Place::Source | Place::Between => Place::Destination,
            },
            layer: Layer::Nic,
            section: None,
            why: why.to_owned(),
        };
        Anywhere {
            path: unasked(&[lacking]),
            address: address(0, v4),
            parts: Vec::new(),
        }
    })
}

/// The path of the most addresses, with what becomes of the others.
fn together(asked: Vec<Asked>, v4: bool) -> Option<Anywhere> {
    let size = |asked: &Asked| asked.ends.1 - asked.ends.0;
    let most = asked.iter().max_by_key(|asked| size(asked))?;
    let mut path = most.path.clone();
    let first = address(most.ends.0, v4);
    let alike = |other: &Asked| other.path.verdict == path.verdict && other.path.parts == path.parts;
    if asked.iter().all(alike) {
        path.degraded = asked.iter().any(|asked| asked.path.degraded);
        return Some(Anywhere {
            path,
            address: first,
            parts: Vec::new(),
        });
    }
    let part = |verdict: Verdict| {
        let those = asked.iter().filter(|asked| asked.path.verdict == verdict);
        let addresses = those.fold(Addresses::empty(), |all, asked| all.union(&range(asked.ends, v4)));
        let addresses = addresses.words();
        (!addresses.is_empty()).then_some(AddressPart { addresses, verdict })
    };
    let parts = [Verdict::Allow, Verdict::Deny, Verdict::Unknown]
        .into_iter()
        .filter_map(part)
        .collect();
    path.verdict = Verdict::Unknown;
    // Ports that come to other ends at other addresses are no parts of the whole.
    if asked.iter().any(|asked| asked.path.parts != path.parts) {
        path.parts.clear();
    }
    path.degraded = asked.iter().any(|asked| asked.path.degraded);
    path.missing = asked
        .iter()
        .flat_map(|asked| asked.path.missing.clone())
        .collect();
    path.missing.sort();
    path.missing.dedup();
    Some(Anywhere {
        path,
        address: first,
        parts,
    })
}

fn address(bits: u128, v4: bool) -> IpAddr {
    match u32::try_from(bits) {
        Ok(bits) if v4 => IpAddr::V4(Ipv4Addr::from_bits(bits)),
        _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

fn range(ends: (u128, u128), v4: bool) -> Addresses {
    let mut range = Addresses::empty();
    match (u32::try_from(ends.0), u32::try_from(ends.1)) {
        (Ok(low), Ok(high)) if v4 => range.v4 = crate::azure::space::Ranges::of([(low, high)]),
        _ => range.v6 = crate::azure::space::Ranges::of([ends]),
    }
    range
}

/// The public addresses of the interface's family that its own networks do not use, cut where a route or a rule begins or ends.
fn ranges(interface: &Interface, place: Place) -> Vec<(u128, u128)> {
    let v4 = interface.address.is_ipv4();
    let gates = Gates::of(interface, place);
    let mut nets: Vec<Net> = [HOST, METADATA]
        .iter()
        .filter_map(|text| text.parse().ok())
        .collect();
    let mut own = Vec::new();
    if let Some(table) = interface.routes.captured() {
        own = networks(table);
        nets.extend(table.routes.iter().map(|route| route.prefix));
        nets.extend(table.undecided.iter().filter_map(|one| one.prefix));
    }
    nets.extend(gates.rules().flat_map(|rule| of_rule(rule, interface)));
    nets.extend(gates.tags());
    nets.extend(interface.tags.vnet.iter().copied());
    let mut cuts = BTreeSet::new();
    for net in nets.iter().filter(|net| net.is_ipv4() == v4) {
        let (low, high) = net.bounds();
        cuts.insert(low);
        cuts.extend(high.checked_add(1));
    }
    let open = public().subtract(&Addresses::of(&own));
    let whole: Vec<(u128, u128)> = if v4 {
        let wide = |(low, high): &(u32, u32)| (u128::from(*low), u128::from(*high));
        open.v4.ranges().iter().map(wide).collect()
    } else {
        open.v6.ranges().to_vec()
    };
    whole.into_iter().flat_map(|ends| cut(ends, &cuts)).collect()
}

/// A range, cut into parts that begin at these numbers.
fn cut((low, high): (u128, u128), cuts: &BTreeSet<u128>) -> Vec<(u128, u128)> {
    let inside = cuts.iter().copied().filter(|cut| *cut > low && *cut <= high);
    let starts: Vec<u128> = std::iter::once(low).chain(inside).collect();
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([high]);
    starts.iter().copied().zip(ends).collect()
}

/// The prefixes that the platform delivers within virtual networks.
fn networks(table: &Table) -> Vec<Net> {
    let within = table
        .routes
        .iter()
        .filter(|route| route.origin() == Some(Origin::System) && route.hop() == Hop::Network);
    within.map(|route| route.prefix).collect()
}

/// The prefixes that a rule names, and those of the tags that it names.
fn of_rule<'a>(rule: &'a Rule, interface: &'a Interface) -> impl Iterator<Item = Net> + 'a {
    let sides = [&rule.sources, &rule.destinations];
    sides.into_iter().flat_map(|side| {
        let named = side.terms.iter().flat_map(|term| match term {
            Term::Net(net) => vec![*net],
            Term::Tag(name) => interface
                .tags
                .service
                .get(&name.to_lowercase())
                .cloned()
                .unwrap_or_default(),
            Term::Any | Term::Group(_) | Term::Unreadable(_) => Vec::new(),
        });
        named.chain(side.expanded.iter().copied())
    })
}
