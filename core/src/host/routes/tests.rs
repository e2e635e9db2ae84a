//! Decoding of captured messages.

use proptest::prelude::*;

use super::*;
use crate::artifact::json;
use crate::raw::RawMessage;
use crate::raw::captured::{captured, every_cut_is_an_error};

const ROUTES: &str = include_str!("tests/linux-6.18.txt");

fn lines() -> Vec<String> {
    let config = lift(&captured(ROUTES)).unwrap().config;
    config.routes.iter().map(ToString::to_string).collect()
}

fn find(line: &str) -> Route {
    let config = lift(&captured(ROUTES)).unwrap().config;
    let route = config
        .routes
        .into_iter()
        .find(|route| route.to_string().starts_with(line));
    route.unwrap_or_else(|| panic!("{line}\n{}", lines().join("\n")))
}

#[test]
fn one_line_each_as_ip_prints_it() {
    let lines = lines();
    for expected in [
        "default via 10.0.0.1 dev eth0 proto static metric 100",
        "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5",
        "192.0.2.0/24 via 10.0.0.2 dev eth0 table 300 src 10.0.0.5 advmss 1200 mtu lock 1300",
        "198.51.100.0/24 nexthop via 10.0.0.3 dev eth0 weight 3 nexthop via 10.0.0.4 dev eth0 onlink weight 1",
        "blackhole 203.0.113.0/24",
        "unreachable 203.0.114.0/24 metric 7",
        "prohibit 203.0.115.0/24 tos 0x10",
        "throw 203.0.116.0/24 table 5",
        "10.9.0.0/16 via inet6 2001:db8::9 dev eth0",
        "10.8.0.0/16 via 10.77.0.1 dev eth0 onlink initcwnd 20 congctl reno",
        "10.7.0.0/16 nhid 12 via 10.0.0.6 dev eth0",
        "192.0.2.128/25 via 10.0.0.1 dev eth0 realm 5 proto bgp",
        "local 10.0.0.5 dev eth0 table local proto kernel scope host src 10.0.0.5",
        "default via 2001:db8::1 dev eth0 metric 50 pref high",
        "2001:db8:1::/48 metric 1024 pref medium nexthop via 2001:db8::2 dev eth0 weight 2 nexthop via 2001:db8::3 dev \
         eth0 weight 1",
        "2001:db8:2::/48 from 2001:db8::/64 via 2001:db8::4 dev eth0 metric 1024 pref medium",
        "blackhole 2001:db8:dead::/48 dev lo metric 1024 pref medium",
    ] {
        assert!(
            lines.iter().any(|line| line == expected),
            "{expected}\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn encapsulation_is_whole() {
    let route = find("10.6.0.0/16");
    let wrapped = route.nexthops[0].encapsulation.as_ref().unwrap();
    assert_eq!(wrapped.kind, 2, "LWTUNNEL_ENCAP_IP");
    assert!(!wrapped.payload.0.is_empty());
}

#[test]
fn lifetimes_are_runtime() {
    let lifted = lift(&captured(ROUTES)).unwrap();
    let place = |line: &str| {
        lifted
            .config
            .routes
            .iter()
            .position(|route| route.to_string().starts_with(line))
            .unwrap()
    };
    let expires = lifted.runtime.routes[place("2001:db8:2::/48")]
        .expires_cs
        .unwrap();
    assert!((59_000..=60_000).contains(&expires), "{expires}");
    assert_eq!(lifted.runtime.routes[place("2001:db8:1::/48")].expires_cs, None);
    let config = String::from_utf8(json::to_vec(&lifted.config).unwrap()).unwrap();
    assert!(!config.contains("expires"));
}

#[test]
fn tables_beyond_a_byte() {
    assert_eq!(find("192.0.2.0/24").table, 300);
    assert_eq!(find("local ::1").table, 255);
}

#[test]
fn dead_and_linkdown_are_runtime() {
    let mut raw = captured(ROUTES);
    let before = lift(&raw).unwrap();
    for message in &mut raw.messages {
        message.payload.0[8] |= 0x11;
    }
    let after = lift(&raw).unwrap();
    assert_eq!(before.config, after.config);
    assert_eq!(after.runtime.routes[0].flags, ["dead", "linkdown"]);
}

#[test]
fn what_the_kernel_remembers_of_single_destinations_is_left_out_and_counted() {
    let mut raw = captured(ROUTES);
    let all = lift(&raw).unwrap();
    raw.messages[0].payload.0[9] |= 2;
    let read = lift(&raw).unwrap();
    assert_eq!(read.config.routes.len() + 1, all.config.routes.len());
    assert_eq!(
        (all.runtime.cloned_left_out, read.runtime.cloned_left_out),
        (0, 1)
    );
}

#[test]
fn the_order_of_the_dump_does_not_matter() {
    let mut raw = captured(ROUTES);
    let expected = lift(&raw).unwrap();
    raw.messages.reverse();
    assert_eq!(lift(&raw).unwrap(), expected);
}

#[test]
fn an_index_without_a_name_is_an_error() {
    let mut raw = captured(ROUTES);
    raw.links.retain(|link| link.name != Text::from("eth0"));
    assert!(matches!(lift(&raw), Err(LiftError::NoLink { .. })));
}

#[test]
fn a_destination_that_is_missing_is_not_the_default() {
    let mut raw = captured(ROUTES);
    for message in &mut raw.messages {
        message.payload.0.truncate(12);
    }
    raw.messages.retain(|message| message.payload.0[1] != 0);
    assert!(!raw.messages.is_empty());
    for message in &raw.messages {
        let raw = NetlinkRaw {
            groups: Vec::new(),
            sets: Vec::new(),
            links: raw.links.clone(),
            messages: vec![message.clone()],
        };
        assert!(matches!(lift(&raw), Err(LiftError::Malformed { .. })));
    }
}

#[test]
fn an_attribute_that_is_not_known_is_kept() {
    let mut raw = captured(ROUTES);
    raw.messages.truncate(1);
    raw.messages[0].payload.0.extend([8, 0, 99, 0, 1, 2, 3, 4]);
    assert_eq!(lift(&raw).unwrap().config.routes[0].other[0].number, 99);
}

#[test]
fn canonical_json_and_back() {
    let lifted = lift(&captured(ROUTES)).unwrap();
    let config = json::to_vec(&lifted.config).unwrap();
    assert_eq!(json::from_slice::<RoutesConfig>(&config).unwrap(), lifted.config);
    let runtime = json::to_vec(&lifted.runtime).unwrap();
    assert_eq!(
        json::from_slice::<RoutesRuntime>(&runtime).unwrap(),
        lifted.runtime
    );
}

#[test]
fn a_cut_message_is_an_error() {
    every_cut_is_an_error(&captured(ROUTES), 12, |raw| lift(raw).is_err());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = RawMessage { message_type: 24, payload: Hex(payload) };
        let _outcome = lift(&NetlinkRaw { groups: Vec::new(), sets: Vec::new(), links: vec![], messages: vec![message] });
    }

    #[test]
    fn one_changed_byte_never_panics(which in 0usize..60, at in 0usize..400, value in any::<u8>()) {
        let mut raw = captured(ROUTES);
        let message = which % raw.messages.len();
        let length = raw.messages[message].payload.0.len();
        raw.messages[message].payload.0[at % length] = value;
        if let Ok(read) = lift(&raw) {
            json::to_vec(&read.config).unwrap();
            json::to_vec(&read.runtime).unwrap();
            for route in &read.config.routes {
                let _text = route.to_string();
            }
        }
    }
}
