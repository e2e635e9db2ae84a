//! Decoding of captured messages.

use proptest::prelude::*;

use super::*;
use crate::artifact::json;
use crate::raw::captured::{captured, every_cut_is_an_error};

const MANY: &str = include_str!("tests/linux-6.18.txt");
const VLAN: &str = include_str!("tests/linux-6.1-vlan-bond-vrf.txt");

fn find<'a>(lifted: &'a Lifted<LinksConfig, LinksRuntime>, name: &str) -> (&'a Link, &'a LinkRuntime) {
    let links = &lifted.config.links;
    let place = links
        .iter()
        .position(|link| link.name == Text::from(name))
        .unwrap();
    (&links[place], &lifted.runtime.links[place])
}

fn here(name: &str) -> Option<LinkRef> {
    Some(LinkRef::Here {
        name: Text::from(name),
    })
}

#[test]
fn a_veth_with_everything_set() {
    let lifted = lift(&captured(MANY)).unwrap();
    let (link, runtime) = find(&lifted, "eth0");
    assert_eq!((link.mtu, link.queue_length_packets), (1400, Some(500)));
    assert_eq!(link.mac.as_deref(), Some("02:00:00:00:00:01"));
    assert_eq!(link.broadcast.as_deref(), Some("ff:ff:ff:ff:ff:ff"));
    assert_eq!(link.flags, ["allmulti", "broadcast", "multicast", "promisc"]);
    assert_eq!(link.alias, Some(Text::from("to the gateway")));
    assert_eq!(link.alternative_names, [Text::from("uplink")]);
    assert_eq!(link.kind, Some(Text::from("veth")));
    assert_eq!(link.parent, here("peer0"));
    assert!(link.admin_up && link.xdp.is_empty() && link.other.is_empty());
    assert_eq!(runtime.operational_state.as_deref(), Some("up"));
    assert_eq!(runtime.carrier, Some(true));
    assert_eq!(runtime.flags, ["lower_up", "running"]);
    assert_eq!((runtime.min_mtu, runtime.max_mtu), (Some(68), Some(65_535)));
    assert!(runtime.statistics.is_some());
    assert_eq!(
        link.to_string(),
        "eth0@peer0: <ALLMULTI,BROADCAST,MULTICAST,PROMISC,UP> mtu 1400 qlen 500 address 02:00:00:00:00:01 veth alias to \
         the gateway"
    );
}

#[test]
fn who_belongs_to_whom() {
    let lifted = lift(&captured(MANY)).unwrap();
    let (port, runtime) = find(&lifted, "peer0");
    assert_eq!(port.master, Some(Text::from("br0")));
    assert_eq!(port.member_kind, Some(Text::from("bridge")));
    assert!(runtime.member_data.is_some());
    assert_eq!(find(&lifted, "out0").0.parent, Some(LinkRef::OtherNamespace));
    assert_eq!(find(&lifted, "mv0").0.parent, here("eth0"));
    assert_eq!(find(&lifted, "lo").0.parent, None);
}

fn attribute(link: &Link, number: u16) -> Option<&InfoAttribute> {
    match &link.data {
        InfoData::Attributes { attributes } => attributes.iter().find(|attr| attr.number == number),
        other => panic!("{other:?}"),
    }
}

#[test]
fn indexes_and_timers_are_no_configuration() {
    let lifted = lift(&captured(MANY)).unwrap();
    let vxlan = attribute(find(&lifted, "vx0").0, 3).unwrap();
    assert_eq!((&vxlan.link, &vxlan.payload), (&here("eth0"), &None));
    let (bridge, runtime) = find(&lifted, "br0");
    assert!(attribute(bridge, 19).is_none(), "IFLA_BR_GC_TIMER");
    assert_eq!(
        attribute(bridge, 1).unwrap().payload,
        Some(Hex(1500u32.to_ne_bytes().to_vec()))
    );
    assert!(runtime.data.iter().any(|attr| attr.number == 19));
    let lifted = lift(&captured(VLAN)).unwrap();
    let (bond, runtime) = find(&lifted, "bond0");
    assert_eq!(attribute(bond, 11).unwrap().link, here("d1"), "IFLA_BOND_PRIMARY");
    assert!(attribute(bond, 2).is_none(), "IFLA_BOND_ACTIVE_SLAVE");
    assert!(runtime.data.iter().any(|attr| attr.number == 2));
    assert_eq!(find(&lifted, "d0").0.master, Some(Text::from("red")));
}

#[test]
fn vlans() {
    let lifted = lift(&captured(VLAN)).unwrap();
    let (link, _) = find(&lifted, "d0.7");
    assert_eq!(link.parent, here("d0"));
    let mapping = |from, to| Mapping { from, to };
    let expected = Vlan {
        id: 7,
        protocol: 0x8100,
        flags: 0,
        egress: vec![mapping(1, 2), mapping(3, 4)],
        ingress: vec![mapping(5, 6)],
    };
    assert_eq!(link.data, InfoData::Vlan(expected));
    let InfoData::Vlan(outer) = &find(&lifted, "d0.8").0.data else {
        panic!()
    };
    assert_eq!((outer.id, outer.protocol, outer.flags), (8, 0x88a8, 1));
}

/// Two hosts with one configuration have one configuration.
#[test]
fn indexes_never_reach_the_configuration() {
    let raw = captured(MANY);
    let before = lift(&raw).unwrap();
    let json = json::to_vec(&before.config).unwrap();
    assert_eq!(json::from_slice::<LinksConfig>(&json).unwrap(), before.config);
    let runtime = json::to_vec(&before.runtime).unwrap();
    assert_eq!(
        json::from_slice::<LinksRuntime>(&runtime).unwrap(),
        before.runtime
    );
    let text = String::from_utf8(json).unwrap();
    assert!(!text.contains("index"), "{text}");
}

#[test]
fn an_attribute_that_is_not_known_is_kept() {
    let mut raw = captured(MANY);
    raw.messages[0].payload.0.extend([8, 0, 0xe8, 3, 1, 2, 3, 4]);
    let lifted = lift(&raw).unwrap();
    assert_eq!(find(&lifted, "lo").0.other[0].number, 1000);
}

#[test]
fn a_master_that_no_link_is_is_an_error() {
    let mut raw = captured(MANY);
    let names = names(&raw.messages).unwrap();
    let bridge = names
        .iter()
        .position(|link| link.name == Text::from("br0"))
        .unwrap();
    raw.messages.remove(bridge);
    assert!(matches!(lift(&raw), Err(LiftError::NoLink { .. })));
}

#[test]
fn a_message_of_another_type_or_without_a_name_is_an_error() {
    let mut raw = captured(MANY);
    raw.messages[1].message_type = 17;
    assert!(matches!(
        lift(&raw),
        Err(LiftError::Type {
            position: 1,
            message_type: 17
        })
    ));
    raw.messages[1].message_type = 16;
    raw.messages[1].payload.0.truncate(16);
    assert!(matches!(
        lift(&raw),
        Err(LiftError::Malformed { position: 1, .. })
    ));
}

#[test]
fn a_cut_message_is_an_error() {
    for text in [MANY, VLAN] {
        every_cut_is_an_error(&captured(text), 16, |raw| lift(raw).is_err());
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let message = RawMessage { message_type: 16, payload: Hex(payload) };
        let _outcome = lift(&NetlinkRaw { groups: Vec::new(), sets: Vec::new(), links: vec![], messages: vec![message] });
    }

    #[test]
    fn one_changed_byte_never_panics(which in 0usize..20, at in 0usize..2000, value in any::<u8>()) {
        let mut raw = captured(if which % 2 == 0 { MANY } else { VLAN });
        let message = which % raw.messages.len();
        let length = raw.messages[message].payload.0.len();
        raw.messages[message].payload.0[at % length] = value;
        if let Ok(read) = lift(&raw) {
            json::to_vec(&read.config).unwrap();
            json::to_vec(&read.runtime).unwrap();
            for link in &read.config.links {
                let _text = link.to_string();
            }
        }
    }
}
