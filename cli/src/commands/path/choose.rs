//! Which of several network interfaces a flow takes.

use std::net::IpAddr;

use anyhow::anyhow;
use netghost_azure::Missing;
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::inventory::Nic;

use crate::error::Failure;

/// What was chosen.
#[derive(Debug)]
pub(super) enum Chosen {
    /// This one, and why it was chosen among several.
    Nic(Nic, Option<String>),
    /// Which one is not known, and why.
    Unknown(String),
}

/// True where the interface has an address of the family.
pub(super) fn has(nic: &Nic, ipv4: bool) -> bool {
    addresses(nic).any(|address| address.is_ipv4() == ipv4)
}

/// The addresses of an interface.
pub(super) fn addresses(nic: &Nic) -> impl Iterator<Item = IpAddr> {
    nic.addresses.iter().filter_map(|text| text.parse().ok())
}

/// The one that is asked for, the only one, the one in the other end's subnet, or the primary one: by that the guest sends what
/// is in none of its subnets, unless it was told otherwise (Microsoft: "Assign multiple IP addresses to virtual machines").
pub(super) fn choose(
    word: &str,
    all: &[Nic],
    missing: &[Missing],
    (asked, other, ipv4): (&[String], Option<&Nic>, bool),
) -> Result<Chosen, Failure> {
    let named = |nic: &&Nic| asked.iter().any(|name| is(&nic.id, name));
    let wanted: Vec<&Nic> = all.iter().filter(named).collect();
    match wanted.as_slice() {
        [one] => return Ok(Chosen::Nic((*one).clone(), None)),
        [] => {}
        _ => return Err(several(word, &wanted)),
    }
    let fit: Vec<&Nic> = all.iter().filter(|nic| has(nic, ipv4)).collect();
    if let Some(lost) = missing.first() {
        // The one that was not read could be the one that routes.
        let sure = fit
            .iter()
            .find(|nic| nic.primary == Some(true) && other.is_none());
        return Ok(match sure {
            Some(nic) => Chosen::Nic((*nic).clone(), Some(chosen(word, nic))),
            None => Chosen::Unknown(format!("{}: {}", lost.what, lost.why)),
        });
    }
    let near = |nic: &&&Nic| match (&nic.subnets, other.map(|other| &other.subnets)) {
        (Ok(own), Some(Ok(there))) => own.iter().any(|subnet| there.contains(subnet)),
        _ => false,
    };
    let in_subnet: Vec<&Nic> = fit.iter().filter(near).copied().collect();
    match (fit.as_slice(), in_subnet.as_slice()) {
        ([], _) => {
            let family = if ipv4 { "IPv4" } else { "IPv6" };
            Err(Failure::usage(
                "no_address",
                anyhow!("{word} has no network interface with an {family} address"),
            ))
        }
        ([one], _) => Ok(Chosen::Nic((*one).clone(), None)),
        (_, [one]) => {
            let why = format!(
                "of the network interfaces of {word}, {} is in the other end's subnet",
                one.id.name()
            );
            Ok(Chosen::Nic((*one).clone(), Some(why)))
        }
        _ => match fit.iter().find(|nic| nic.primary == Some(true)) {
            Some(nic) => Ok(Chosen::Nic((*nic).clone(), Some(chosen(word, nic)))),
            None => Err(several(word, &fit)),
        },
    }
}

fn chosen(word: &str, nic: &Nic) -> String {
    let name = nic.id.name();
    format!(
        "of the network interfaces of {word}, {name} is the primary one, by which a guest sends unless it was told otherwise; `--nic` chooses another"
    )
}

/// True where this word names the interface.
pub(super) fn is(id: &ResourceId, word: &str) -> bool {
    id.name().eq_ignore_ascii_case(word) || id.as_str().eq_ignore_ascii_case(word)
}

/// Several match: all of them.
fn several(word: &str, all: &[&Nic]) -> Failure {
    let ids: Vec<&str> = all.iter().map(|nic| nic.id.as_str()).collect();
    ambiguous(word, "network interfaces", &ids).hint("choose one by `--nic`")
}

pub(super) fn ambiguous(word: &str, what: &str, candidates: &[&str]) -> Failure {
    let error = anyhow!("{word} is several {what}: {}", candidates.join(", "));
    Failure::usage("ambiguous", error)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests state what they expect by failing"
)]
mod tests {
    use super::*;

    fn nic(name: &str, address: &str, subnet: &str, primary: bool) -> Nic {
        let id = |rest: String| {
            format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{rest}")
                .parse()
                .unwrap()
        };
        Nic {
            id: id(format!("networkInterfaces/{name}")),
            location: None,
            vm: None,
            primary: Some(primary),
            addresses: vec![address.to_owned()],
            subnets: Ok(vec![id(format!("virtualNetworks/v/subnets/{subnet}"))]),
        }
    }

    fn of(asked: &[&str], other: Option<&Nic>, missing: &[Missing]) -> String {
        let all = [
            nic("a", "10.0.0.4", "one", true),
            nic("b", "10.0.1.4", "two", false),
        ];
        let asked: Vec<String> = asked.iter().map(|&word| word.to_owned()).collect();
        match choose("vm", &all, missing, (&asked, other, true)) {
            Ok(Chosen::Nic(nic, _)) => nic.id.name().to_owned(),
            Ok(Chosen::Unknown(why)) => why,
            Err(failure) => failure.code.to_owned(),
        }
    }

    #[test]
    fn the_interface_that_routes_is_chosen() {
        assert_eq!(of(&[], None, &[]), "a");
        assert_eq!(of(&["b"], None, &[]), "b");
        assert_eq!(of(&["B"], None, &[]), "b");
        assert_eq!(of(&["a", "b"], None, &[]), "ambiguous");
        assert_eq!(of(&[], Some(&nic("x", "10.0.1.9", "two", true)), &[]), "b");
        assert_eq!(of(&[], Some(&nic("x", "10.0.2.9", "three", true)), &[]), "a");
        let lost = [Missing {
            what: "nic c".to_owned(),
            why: "403".to_owned(),
        }];
        assert_eq!(
            of(&[], Some(&nic("x", "10.0.1.9", "two", true)), &lost),
            "nic c: 403"
        );
        let v6 = choose(
            "vm",
            &[nic("a", "10.0.0.4", "one", true)],
            &[],
            (&[], None, false),
        );
        assert_eq!(v6.unwrap_err().code, "no_address");
    }
}
