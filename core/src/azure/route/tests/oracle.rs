//! Selection once more, from the text of a table alone: prefixes are strings of bits.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

/// What an address takes: prefix, maker, next hop. Several: no rule decides. None: dropped.
pub(super) type Outcome = BTreeSet<(String, String, String)>;

fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("4{:032b}", u32::from(address)),
        IpAddr::V6(address) => format!("6{:0128b}", u128::from(address)),
    }
}

#[derive(Clone)]
struct Row {
    prefix: String,
    bits: String,
    source: String,
    hop: String,
    over: bool,
    preferred: bool,
}

fn row(entry: &Value, prefix: &str, connected_group_preferred: bool) -> Row {
    let (address, length) = prefix.split_once('/').unwrap();
    let length: usize = length.parse().unwrap();
    let source = entry["source"].as_str().unwrap().to_owned();
    let kind = entry["nextHopType"].as_str().unwrap().to_lowercase();
    let network = match kind.as_str() {
        "vnetlocal" | "vnetpeering" | "virtualnetworkserviceendpoint" => true,
        "connectedgroup" => connected_group_preferred,
        _ => false,
    };
    let mut addresses: Vec<&str> = entry["nextHopIpAddress"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    Row {
        prefix: prefix.to_owned(),
        bits: bits(address.parse().unwrap())[..=length].to_owned(),
        hop: format!("{kind} {addresses:?}"),
        over: entry["hasBgpOverride"] == true && source != "VirtualNetworkGateway",
        preferred: source == "Default" && network,
        source,
    }
}

/// What this address takes in a table that is understood whole.
pub(super) fn outcome(entries: &[Value], address: IpAddr, connected_group_preferred: bool) -> Outcome {
    let address = bits(address);
    let active = entries.iter().filter(|entry| entry["state"] == "Active");
    let rows: Vec<Row> = active
        .flat_map(|entry| {
            let prefixes = entry["addressPrefix"].as_array().unwrap();
            prefixes
                .iter()
                .map(move |prefix| row(entry, prefix.as_str().unwrap(), connected_group_preferred))
        })
        .filter(|row| address.starts_with(&row.bits))
        .collect();
    let beats = |one: &Row, other: &Row| {
        let bgp = other.source == "VirtualNetworkGateway";
        let endpoint = one.source == "Default" && one.hop.starts_with("virtualnetworkserviceendpoint");
        (endpoint && other.source != "Default") || (bgp && (one.preferred || one.over))
    };
    let mut left: Vec<&Row> = rows
        .iter()
        .filter(|row| !rows.iter().any(|one| beats(one, row)))
        .collect();
    for length in (0..=129).rev() {
        if left.iter().any(|row| row.bits.len() == length) {
            left.retain(|row| row.bits.len() == length);
            break;
        }
    }
    for source in ["User", "VirtualNetworkGateway", "Default"] {
        if left.iter().any(|row| row.source == source) {
            left.retain(|row| row.source == source);
            break;
        }
    }
    left.into_iter()
        .map(|row| (row.prefix.clone(), row.source.clone(), row.hop.clone()))
        .collect()
}
