//! What the readings themselves say about tags and groups, for the two addresses of a flow and for no other.

use std::net::IpAddr;

use super::{End, Interface, Question};
use crate::azure::net::Net;
use crate::azure::nsg::{Effective, Gate, Rule, Term};
use crate::azure::route::{Hop, Origin, Table};
use crate::azure::tags::{HOST, Tags, public};

/// What is known about tags and groups at an end, as far as it matters for this flow.
pub(super) fn tags(question: &Question<'_>, end: &Interface, rules: &Effective, admin: &Gate) -> Tags {
    let mut tags = end.tags.clone();
    let ends = [question.source, question.destination];
    if tags.vnet.is_empty() {
        let table = end.routes.captured();
        let known = table.filter(|_| !is_kept_out(question, end));
        let known = known.and_then(|table| virtual_network(table, ends.map(End::address)));
        tags.vnet = known.unwrap_or_default();
    }
    let gates = rules.gates.iter().chain([admin]);
    for group in gates.flat_map(|gate| &gate.rules).flat_map(groups) {
        let members: Option<Vec<Option<Net>>> = ends.iter().map(|end| member(end, &group)).collect();
        if let Some(members) = members {
            let members = members.into_iter().flatten().collect();
            tags.groups.entry(group).or_insert(members);
        }
    }
    tags
}

/// True where a peering keeps the other end's network out of the tag `VirtualNetwork`, though its route is there.
fn is_kept_out(question: &Question<'_>, end: &Interface) -> bool {
    let nic = end.nic.captured();
    let own = nic.and_then(|nic| nic.network(end.address));
    let own = own.and_then(|own| question.around.networks.get(&own)?.captured());
    let ends = [question.source, question.destination];
    own.is_some_and(|own| ends.iter().any(|end| own.keeps_out(end.address())))
}

/// The application security groups that a rule names, in lower case.
fn groups(rule: &Rule) -> impl Iterator<Item = String> {
    let terms = rule.sources.terms.iter().chain(&rule.destinations.terms);
    terms.filter_map(|term| match term {
        Term::Group(id) => Some(id.to_lowercase()).filter(|id| id.contains("/applicationsecuritygroups/")),
        _ => None,
    })
}

/// The end's address, where it is a member of the group; `None` where that is not known. What is on the Internet is in none.
fn member(end: &End, group: &str) -> Option<Option<Net>> {
    let address = end.address();
    let Some(interface) = end.interface() else {
        return public().contains(address).then_some(None);
    };
    let its = interface.nic.captured()?.configuration(address)?;
    let within = its.groups.iter().any(|id| id == group);
    Some(within.then(|| Net::host(address)))
}

/// Prefixes that are the tag `VirtualNetwork` for these addresses; `None` where the routes do not tell. The tag holds the
/// network, its peers, what gateways lead to, the prefixes of user routes, and the address of the host (Microsoft: "Virtual
/// network service tags"); whether that counts for a default route of a user's is not said.
fn virtual_network(table: &Table, addresses: [IpAddr; 2]) -> Option<Vec<Net>> {
    if !table.is_whole() {
        return None;
    }
    let system = |origin| origin == Some(Origin::System);
    let mut within: Vec<Net> = table
        .routes
        .iter()
        .filter(|route| system(route.origin()) && route.hop() == Hop::Network)
        .map(|route| route.prefix)
        .collect();
    if within.is_empty() {
        return None;
    }
    within.extend(HOST.parse::<Net>());
    let hidden = table
        .routes
        .iter()
        .any(|route| route.properties.disable_bgp_propagation == Some(true));
    for address in addresses {
        if within.iter().any(|net| net.contains(address)) {
            continue;
        }
        let plain = |hop| matches!(hop, Hop::Internet | Hop::Nowhere | Hop::ServiceEndpoint);
        let mut around = table.routes.iter().filter(|route| route.prefix.contains(address));
        if hidden || !around.all(|route| system(route.origin()) && plain(route.hop())) {
            return None;
        }
    }
    Some(within)
}
