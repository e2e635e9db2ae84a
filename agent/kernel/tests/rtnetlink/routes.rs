//! Routes against `ip -j -d route show table all`.

use std::collections::BTreeSet;

use netghost_core::host::routes::{IpFamily, Nexthop, Route, RoutesConfig};
use netghost_core::section::Content;
use serde_json::{Value, json};

use super::{captured, json as ask, namespace, run, text};

const SETUP: &str = "
    ip link add eth0 type veth peer name peer0
    ip link set eth0 up
    ip link set peer0 up
    ip addr add 10.0.0.5/24 dev eth0
    ip -6 addr add 2001:db8::5/64 dev eth0 nodad
    ip route add default via 10.0.0.1 proto static metric 100
    ip route add 192.0.2.0/24 via 10.0.0.2 dev eth0 src 10.0.0.5 mtu 1300 advmss 1200 table 300
    ip route add 198.51.100.0/24 nexthop via 10.0.0.3 weight 3 nexthop via 10.0.0.4 dev eth0 weight 1 onlink
    ip route add blackhole 203.0.113.0/24
    ip route add unreachable 203.0.114.0/24 metric 7
    ip route add prohibit 203.0.115.0/24 tos 0x10
    ip route add throw 203.0.116.0/24 table 5
    ip route add 10.9.0.0/16 via inet6 2001:db8::9 dev eth0
    ip route add 10.8.0.0/16 via 10.77.0.1 dev eth0 onlink congctl reno initcwnd 20
    ip nexthop add id 12 via 10.0.0.6 dev eth0
    ip route add 10.7.0.0/16 nhid 12
    ip -6 route add default via 2001:db8::1 dev eth0 metric 50 pref high
    ip -6 route add 2001:db8:1::/48 nexthop via 2001:db8::2 dev eth0 weight 2 nexthop via 2001:db8::3 dev eth0
    ip -6 route add 2001:db8:2::/48 from 2001:db8::/64 via 2001:db8::4 dev eth0
    ip -6 route add blackhole 2001:db8:dead::/48
";

fn config(namespace: &netghost_lab::Namespace) -> RoutesConfig {
    match captured(namespace, netghost_kernel::routes::read) {
        Content::Routes { config, .. } => config,
        other => panic!("{other:?}"),
    }
}

/// A route as `ip -j -d` writes it, all fields present.
fn ours(route: &Route) -> Value {
    let prefix = |prefix: &netghost_core::host::routes::Prefix| {
        let whole = if route.family == IpFamily::Ipv4 { 32 } else { 128 };
        match prefix.length {
            0 => "default".to_owned(),
            length if length == whole => prefix.address.to_string(),
            length => format!("{}/{length}", prefix.address),
        }
    };
    let table = match route.table {
        254 => "main".to_owned(),
        255 => "local".to_owned(),
        other => other.to_string(),
    };
    let metrics: Vec<_> = route
        .metrics
        .iter()
        .map(|metric| (metric.name.clone(), metric.value))
        .collect();
    let ways: Vec<_> = route.nexthops.iter().map(way).collect();
    json!({
        "type": route.kind, "dst": prefix(&route.destination), "from": route.source.as_ref().map(prefix),
        "tos": route.tos, "table": table, "protocol": route.protocol, "scope": route.scope,
        "prefsrc": route.preferred_source, "metric": route.priority, "nhid": route.nexthop_object,
        "pref": route.preference, "metrics": metrics, "congestion": route.congestion_control, "ways": ways,
    })
}

fn way(nexthop: &Nexthop) -> Value {
    json!({ "gateway": nexthop.gateway, "dev": nexthop.device, "weight": nexthop.weight, "flags": nexthop.flags })
}

fn theirs(route: &Value) -> Value {
    let tos = text(route, "tos").map_or(0, |tos| {
        u8::from_str_radix(tos.trim_start_matches("0x"), 16).unwrap()
    });
    let told = route["metrics"][0].as_object().cloned().unwrap_or_default();
    let numbers = told
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_u64()?)));
    let mut metrics: Vec<_> = numbers.collect();
    metrics.sort();
    let mut ways: Vec<Value> = match route["nexthops"].as_array() {
        Some(ways) => ways.iter().map(their_way).collect(),
        None if route["dev"].is_null() => vec![],
        None => vec![their_way(route)],
    };
    ways.sort_by_key(|way| (text(way, "dev"), text(way, "gateway")));
    json!({
        "type": route["type"], "dst": route["dst"], "from": route["from"], "tos": tos, "table": route["table"],
        "protocol": route["protocol"], "scope": route["scope"], "prefsrc": route["prefsrc"],
        "metric": route["metric"].as_u64().unwrap_or(0), "nhid": route["nhid"], "pref": route["pref"],
        "metrics": metrics, "congestion": told.get("congestion"), "ways": ways,
    })
}

fn their_way(way: &Value) -> Value {
    let gateway = way["gateway"].as_str().or(way["via"]["host"].as_str());
    let state = ["linkdown", "dead"];
    let flags = way["flags"].as_array().unwrap().iter();
    let flags: Vec<_> = flags
        .filter(|flag| !state.contains(&flag.as_str().unwrap()))
        .collect();
    json!({ "gateway": gateway, "dev": way["dev"], "weight": way["weight"].as_u64().unwrap_or(1), "flags": flags })
}

#[test]
fn root_reads_every_route_as_ip_shows_it() {
    let namespace = namespace(SETUP);
    let config = config(&namespace);
    let read: BTreeSet<String> = config
        .routes
        .iter()
        .map(|route| ours(route).to_string())
        .collect();
    let shown = ask(&namespace, &["ip", "-j", "-d", "route", "show", "table", "all"]);
    let expected: BTreeSet<String> = shown.iter().map(|route| theirs(route).to_string()).collect();
    assert!(expected.len() >= 20, "{expected:?}");
    let missing: Vec<_> = expected.difference(&read).collect();
    let extra: Vec<_> = read.difference(&expected).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:#?}\nextra {extra:#?}"
    );
    assert_eq!(config.routes.len(), shown.len());
}

/// The configuration stays when a carrier goes: `linkdown` is no change of the configuration.
#[test]
fn root_keeps_a_configuration_when_the_carrier_goes() {
    let namespace = namespace(
        "ip link add eth0 type veth peer name peer0
         ip link set eth0 addrgenmode none up
         ip link set peer0 addrgenmode none up
         ip addr add 10.0.0.5/24 dev eth0
         ip route add 10.1.0.0/16 via 10.0.0.1",
    );
    let routes = || {
        let mut routes = config(&namespace).routes;
        // The far end loses a route of its own by going down.
        routes.retain(|route| {
            route
                .nexthops
                .iter()
                .all(|way| way.device != Some("peer0".into()))
        });
        routes
    };
    let before = routes();
    run(&namespace, "ip link set peer0 down");
    let shown = ask(&namespace, &["ip", "-j", "route", "show", "10.1.0.0/16"]);
    assert_eq!(shown[0]["flags"], json!(["linkdown"]), "the carrier is gone");
    assert_eq!(routes(), before);
    run(&namespace, "ip route del 10.1.0.0/16");
    assert_eq!(routes().len() + 1, before.len());
}
