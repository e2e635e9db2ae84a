//! Which question the two ends are.

use std::net::IpAddr;

use netghost_core::azure::nsg::{FlowError, Verdict};
use netghost_core::azure::path::{
    self as azure, Account, AddressPart, Around, End, Flow, Interface, Layer, Path, Place, Public, Question,
};
use netghost_core::azure::tags::public;

use super::end::{Found, Known};
use crate::error::Failure;

/// The path between two ends, and what becomes of addresses where an end is the Internet.
pub(super) fn walk(
    flow: Flow,
    ends: &[Found; 2],
    around: &Around,
) -> Result<(Path, Vec<AddressPart>), Failure> {
    let [source, destination] = ends;
    let walk = Walk { flow, around };
    let anywhere = |interface: &Interface, place| {
        let found = azure::walk_internet(interface, place, flow, around);
        Ok((found.path, found.parts))
    };
    let found = match (&source.known, &destination.known) {
        (Known::End(End::Nic(interface)), Known::Internet) => return anywhere(interface, Place::Source),
        (Known::Public(public), Known::Internet) => return anywhere(&public.interface, Place::Source),
        (Known::Internet, Known::End(End::Nic(interface))) => {
            return anywhere(interface, Place::Destination);
        }
        (Known::Internet, Known::Public(public)) => return anywhere(&public.interface, Place::Destination),
        (Known::End(one), Known::End(other)) => walk.plain(one, other),
        (Known::End(End::Nic(interface)), Known::Public(public)) => {
            walk.public(interface, public, source.public)
        }
        (Known::End(outside), Known::Public(public)) => walk.inward(outside, &public.interface),
        (Known::Public(public), Known::End(End::Nic(interface))) => {
            walk.to_machine(public, interface, destination.public)
        }
        (Known::Public(public), Known::End(outside)) => walk.plain(&nic(&public.interface), outside),
        (Known::Public(one), Known::Public(other)) => walk.public(&one.interface, other, Some(one.address)),
        (Known::End(End::Nic(interface)), Known::Storage(account, addresses)) => {
            walk.stored(interface, (account, addresses), source.public)
        }
        (Known::Public(public), Known::Storage(account, addresses)) => {
            walk.stored(&public.interface, (account, addresses), Some(public.address))
        }
        _ => return Ok((azure::unasked(&lacking(ends)), Vec::new())),
    };
    let path = found.map_err(|error| {
        Failure::usage("wrong_use", error).hint("choose addresses of one family by -4 or -6")
    })?;
    Ok((path, Vec::new()))
}

struct Walk<'a> {
    flow: Flow,
    around: &'a Around,
}

fn nic(interface: &Interface) -> End {
    End::Nic(Box::new(interface.clone()))
}

impl Walk<'_> {
    fn plain(&self, source: &End, destination: &End) -> Result<Path, FlowError> {
        azure::walk(&Question {
            source,
            destination,
            flow: self.flow,
            around: self.around,
        })
    }

    fn public(
        &self,
        source: &Interface,
        destination: &Public,
        from: Option<IpAddr>,
    ) -> Result<Path, FlowError> {
        let mut path = azure::walk_public(source, destination, from, self.flow, self.around)?;
        let id = |interface: &Interface| interface.nic.captured().map(|nic| nic.id.key());
        if id(source).is_some_and(|own| id(&destination.interface) == Some(own)) {
            let why = "both ends are one interface, and what becomes of a flow to its own public address is not documented";
            path.not_known(Place::Between, Layer::PublicAddress, why);
        }
        Ok(path)
    }

    /// From an address outside to the public address of a machine. A private one comes by another, of which nothing is known.
    fn inward(&self, source: &End, destination: &Interface) -> Result<Path, FlowError> {
        if public().contains(source.address()) {
            return self.plain(source, &nic(destination));
        }
        if source.address().is_ipv4() != destination.address.is_ipv4() {
            return Err(FlowError::Families);
        }
        let found = azure::walk_internet(destination, Place::Destination, self.flow, self.around);
        let mut path = found.path;
        let why = "by which public address the flow comes, and what is on its way there, was not read";
        path.not_known(Place::Source, Layer::Nic, why);
        Ok(path)
    }

    /// To a storage account: to each of the addresses of its endpoint.
    fn stored(
        &self,
        source: &Interface,
        (account, addresses): (&Account, &Result<Vec<IpAddr>, String>),
        from: Option<IpAddr>,
    ) -> Result<Path, FlowError> {
        let all = addresses.as_deref().unwrap_or_default();
        let own = all
            .iter()
            .filter(|address| address.is_ipv4() == source.address.is_ipv4());
        let paths: Vec<Path> = own
            .map(|address| azure::walk_storage(source, (account, *address), from, self.flow, self.around))
            .collect::<Result<_, _>>()?;
        let not = |why: &str| azure::Unasked {
            place: Place::Destination,
            layer: Layer::StorageRules,
            section: None,
            why: why.to_owned(),
        };
        let Some(first) = paths.first() else {
            let why = match addresses {
                Ok(_) => "its endpoint has no address of the flow's family",
                Err(why) => why,
            };
            return Ok(azure::unasked(&[not(why)]));
        };
        let mut path = first.clone();
        if paths.iter().any(|other| other.verdict != path.verdict) {
            let why = "the addresses of its endpoint come to different ends: ask for one by `--destination-address`";
            path.not_known(Place::Destination, Layer::StorageRules, why);
            path.verdict = Verdict::Unknown;
            path.parts.clear();
            path.missing = paths
                .iter()
                .flat_map(|one| one.missing.clone())
                .chain(path.missing)
                .collect();
            path.missing.sort();
            path.missing.dedup();
        }
        Ok(path)
    }

    /// From the public address of one machine to another: to the public address of that, since the first has none of its
    /// network.
    fn to_machine(
        &self,
        source: &Public,
        destination: &Interface,
        by: Option<IpAddr>,
    ) -> Result<Path, FlowError> {
        if let Some(address) = by {
            let destination = Public {
                address,
                interface: destination.clone(),
            };
            return self.public(&source.interface, &destination, Some(source.address));
        }
        let mut path = self.plain(&End::Outside(source.address), &nic(destination))?;
        let why = "to which public address of the destination the flow goes was not read, so that the rules and routes of the \
                   source were not asked";
        path.not_known(Place::Source, Layer::Nic, why);
        Ok(path)
    }
}

/// What is not known of the two ends.
fn lacking(ends: &[Found; 2]) -> Vec<azure::Unasked> {
    let each = [Place::Source, Place::Destination].into_iter().zip(ends);
    let mut lacking: Vec<azure::Unasked> = each.filter_map(|(place, end)| end.lacks(place)).collect();
    if lacking.is_empty()
        && matches!(
            ends,
            [
                Found {
                    known: Known::Storage(..),
                    ..
                },
                _
            ]
        )
    {
        lacking.push(azure::Unasked {
            place: Place::Source,
            layer: Layer::StorageRules,
            section: None,
            why: "a storage account begins no flow".to_owned(),
        });
    }
    if lacking.is_empty() {
        lacking.push(azure::Unasked {
            place: Place::Between,
            layer: Layer::Nic,
            section: None,
            why: "neither end is a network interface: there is nothing that could be read".to_owned(),
        });
    }
    lacking
}
