//! Rules of Azure as rules of nftables.

use crate::azure::Prefix;
use crate::azure::effective::gates::{Addresses, GateRule};
use crate::azure::world::{Ports, Protocol};

/// The conditions of a rule, one set of them for each way in which it can match; none where it can match nothing.
pub(super) fn conditions<A>(rule: &GateRule<A>) -> Vec<String> {
    let protocol = match rule.protocol {
        Protocol::Any => "",
        Protocol::Tcp => "meta l4proto tcp ",
        Protocol::Udp => "meta l4proto udp ",
        Protocol::Icmp => "meta l4proto { icmp, ipv6-icmp } ",
        Protocol::Esp => "meta l4proto esp ",
        Protocol::Ah => "meta l4proto ah ",
    };
    let has_ports = match rule.protocol {
        Protocol::Any => "meta l4proto { tcp, udp } ",
        _ => "",
    };
    let source = ports("sport", &rule.source_ports);
    let destination = ports("dport", &rule.destination_ports);
    // A packet without ports is never of a range of ports.
    let by_port = match (source.is_empty() && destination.is_empty(), rule.protocol) {
        (true, _) => protocol.to_owned(),
        (false, Protocol::Icmp | Protocol::Esp | Protocol::Ah) => return Vec::new(),
        (false, _) => format!("{protocol}{has_ports}{source}{destination}"),
    };
    addresses(&rule.source, &rule.destination)
        .into_iter()
        .map(|addresses| format!("{addresses}{by_port}"))
        .collect()
}

/// By family, where both sides can have addresses of it.
fn addresses(source: &Addresses, destination: &Addresses) -> Vec<String> {
    if source.any && destination.any {
        return vec![String::new()];
    }
    [("ip", "ipv4", false), ("ip6", "ipv6", true)]
        .into_iter()
        .filter_map(|(header, family, v6)| {
            let source = side(source, &format!("{header} saddr"), v6)?;
            let destination = side(destination, &format!("{header} daddr"), v6)?;
            Some(format!("meta nfproto {family} {source}{destination}"))
        })
        .collect()
}

/// `None` where it has no address of the family; empty where it has all.
fn side(addresses: &Addresses, field: &str, v6: bool) -> Option<String> {
    let of_family: Vec<String> = addresses
        .prefixes
        .iter()
        .filter(|prefix| prefix.is_v6() == v6)
        .map(Prefix::to_string)
        .collect();
    let all = addresses
        .prefixes
        .iter()
        .any(|prefix| prefix.is_v6() == v6 && prefix.length() == 0);
    if addresses.any || all {
        return Some(String::new());
    }
    (!of_family.is_empty()).then(|| format!("{field} {{ {} }} ", of_family.join(", ")))
}

/// Empty where it has all.
fn ports(field: &str, ports: &[Ports]) -> String {
    let mut sorted = ports.to_vec();
    sorted.sort();
    let mut merged: Vec<Ports> = Vec::new();
    for next in sorted {
        match merged.last_mut() {
            Some(last) if u32::from(next.0) <= u32::from(last.1) + 1 => last.1 = last.1.max(next.1),
            _ => merged.push(next),
        }
    }
    if merged.as_slice() == [Ports::ALL] {
        return String::new();
    }
    let shown: Vec<String> = merged.iter().map(Ports::to_string).collect();
    format!("th {field} {{ {} }} ", shown.join(", "))
}
