//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::captured::{attribute, host, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

const SOURCES: [&str; 5] = [PORTS, FORWARDING, MULTICAST, VLANS, GLOBAL];

/// `eth0` is 2, `br0` 3, `eth1` 4.
fn raw(parts: &[(&str, Vec<RawMessage>)]) -> HostRaw {
    let mut raw = host("unused", Vec::new());
    for source in SOURCES {
        let given = parts.iter().find(|(name, _)| *name == source);
        raw.parts.push(HostPart {
            source: source.to_owned(),
            read: PartRead::Messages {
                messages: given.map_or_else(Vec::new, |(_, messages)| messages.clone()),
            },
        });
    }
    raw
}

fn both(parts: &[(&str, Vec<RawMessage>)]) -> (Vec<String>, Vec<String>) {
    let lifted = lift(&raw(parts)).unwrap();
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect();
    (lines(&lifted.config), lines(&lifted.runtime))
}

fn vlan(flags: u16, vid: u16) -> Vec<u8> {
    attribute(2, &[flags, vid].map(u16::to_ne_bytes).concat())
}

fn tunnel(flags: u16, vid: u16, id: u32) -> Vec<u8> {
    let all = [
        attribute(1, &id.to_ne_bytes()),
        attribute(2, &vid.to_ne_bytes()),
        attribute(3, &flags.to_ne_bytes()),
    ];
    attribute(3, &all.concat())
}

fn port() -> RawMessage {
    let told = [
        attribute(1, &[3]),
        attribute(2, &32u16.to_ne_bytes()),
        attribute(4, &[1]),
        attribute(8, &[1]),
        attribute(9, &[0]),
        attribute(25, &[2]),
        attribute(33, &[1]),
        attribute(34, &4u32.to_ne_bytes()),
        attribute(21, &77u64.to_ne_bytes()),
        attribute(99, &[1]),
    ];
    let spec = [
        vlan(2 | 4, 5),
        vlan(8, 10),
        vlan(16, 12),
        tunnel(8, 10, 1000),
        tunnel(16, 11, 1001),
    ];
    message(
        port::NEW_LINK,
        &[7, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[
            attribute(1, &[2, 0, 0, 0, 0, 1]),
            attribute(10, &3u32.to_ne_bytes()),
            attribute(12, &told.concat()),
            attribute(26, &spec.concat()),
        ],
    )
}

fn entry(state: u8, flags: u8, mac: [u8; 6], more: &[Vec<u8>]) -> RawMessage {
    let mut all = vec![attribute(2, &mac)];
    all.extend_from_slice(more);
    let header = [7, 0, 0, 0, 2, 0, 0, 0, state, 0, flags, 0];
    message(forwarding::NEW_NEIGHBOUR, &header, &all)
}

fn vlan_options(kind: u16, all: &[Vec<u8>]) -> RawMessage {
    let header = [7, 0, 0, 0, 2, 0, 0, 0];
    message(vlan::NEW_VLAN, &header, &[attribute(kind, &all.concat())])
}

/// A range that runs backwards would read as no VLAN, and one of all 65,536 numbers as more than there can be.
#[test]
fn a_range_of_vlans_that_can_not_be_is_an_error() {
    for (first, last) in [(10u16, 9u16), (1, 4096), (0, u16::MAX)] {
        let entry = attribute(1, &[0, first].map(u16::to_ne_bytes).concat());
        let number = attribute(1, &first.to_ne_bytes());
        for (kind, id) in [(1, entry), (2, number)] {
            let told = vlan_options(kind, &[id, attribute(2, &last.to_ne_bytes())]);
            assert!(lift(&raw(&[(VLANS, vec![told])])).is_err(), "{first}-{last}");
        }
    }
}

fn mdb(state: u8, more: &[Vec<u8>]) -> RawMessage {
    let mut info = [[4, 0, 0, 0], [state, 2, 5, 0], [239, 1, 1, 1]].concat();
    info.extend([0; 12]);
    info.extend([8, 0, 0, 0]);
    info.extend(more.concat());
    let groups = attribute(1, &attribute(1, &attribute(1, &info)));
    let routers = attribute(2, &attribute(1, &2u32.to_ne_bytes()));
    message(multicast::TYPES[1], &[7, 0, 0, 0, 3, 0, 0, 0], &[groups, routers])
}

#[test]
fn a_port_and_its_vlans_one_by_one() {
    let options = vlan_options(
        1,
        &[
            attribute(1, &[0u16, 10].map(u16::to_ne_bytes).concat()),
            attribute(2, &11u16.to_ne_bytes()),
            attribute(3, &[4]),
            attribute(7, &9u32.to_ne_bytes()),
            attribute(99, &[1]),
        ],
    );
    let (config, runtime) = both(&[(PORTS, vec![port()]), (VLANS, vec![options])]);
    assert_eq!(
        config,
        [
            "port br0 eth0 priority 32 hairpin learning mcast_router 2 isolated backup_port eth1 attribute 99 01",
            "vlan eth0 10 tunnel_id 1000 state blocking attribute 99 01",
            "vlan eth0 11 tunnel_id 1001 state blocking attribute 99 01",
            "vlan eth0 12",
            "vlan eth0 5 pvid untagged",
        ]
    );
    assert_eq!(
        runtime,
        [
            "port br0 eth0 state forwarding message_age_timer 77",
            "vlan eth0 10 mcast_groups 9",
            "vlan eth0 11 mcast_groups 9",
        ]
    );
    let global = vlan_options(
        2,
        &[
            attribute(1, &7u16.to_ne_bytes()),
            attribute(2, &8u16.to_ne_bytes()),
            attribute(3, &[1]),
            attribute(10, &26000u64.to_ne_bytes()),
            attribute(18, &2u16.to_ne_bytes()),
        ],
    );
    let (config, _) = both(&[(GLOBAL, vec![global])]);
    assert_eq!(
        config,
        [
            "vlan-global eth0 7 mcast_snooping mcast_membership_interval 26000 msti 2",
            "vlan-global eth0 8 mcast_snooping mcast_membership_interval 26000 msti 2",
        ]
    );
}

#[test]
fn entries_that_are_set_and_those_that_the_kernel_makes() {
    let master = || attribute(9, &3u32.to_ne_bytes());
    let one = [2, 0, 0, 0, 0, 7];
    let (config, runtime) = both(&[
        (PORTS, vec![port()]),
        (
            FORWARDING,
            vec![
                entry(0x40, 0, one, &[master(), attribute(5, &5u16.to_ne_bytes())]),
                entry(0x80, 0x40, one, &[master(), attribute(99, &[1])]),
                entry(
                    0x80,
                    2,
                    one,
                    &[attribute(1, &[10, 0, 0, 1]), attribute(8, &9u32.to_ne_bytes())],
                ),
                entry(0x02, 0x10, one, &[master()]),
                // Learnt, the port's own, a multicast address that the link listens to.
                entry(0x02, 0, one, &[master()]),
                entry(0x80, 0, [2, 0, 0, 0, 0, 1], &[master()]),
                entry(0x80, 2, [0x33, 0x33, 0, 0, 0, 1], &[]),
            ],
        ),
    ]);
    assert_eq!(
        &config[..4],
        [
            "fdb eth0 02:00:00:00:00:07 master flags [extern_learn]",
            "fdb eth0 02:00:00:00:00:07 master state [permanent] flags [sticky] attribute 99 01",
            "fdb eth0 02:00:00:00:00:07 master vlan 5 state [static]",
            "fdb eth0 02:00:00:00:00:07 self dst 10.0.0.1 state [permanent] via other-namespace",
        ]
    );
    assert_eq!(config.len(), 4 + 1 + 4, "{config:#?}");
    assert_eq!(runtime.iter().filter(|line| line.starts_with("fdb")).count(), 7);
}

#[test]
fn groups_that_are_set_and_those_that_are_joined() {
    let source = |address: [u8; 4]| attribute(1, &attribute(1, &address));
    let sources = attribute(2, &[source([10, 0, 0, 2]), source([10, 0, 0, 1])].concat());
    let more = [
        attribute(1, &7u32.to_ne_bytes()),
        sources,
        attribute(3, &[1]),
        attribute(5, &[4]),
        attribute(99, &[1]),
    ];
    let (config, runtime) = both(&[(MULTICAST, vec![mdb(1, &more), mdb(0, &more[..1])])]);
    assert_eq!(
        config,
        [
            "mdb br0 eth1 239.1.1.1 vlan 5 filter_mode include source_list [10.0.0.1 10.0.0.2] proto static \
             attribute 99 01"
        ]
    );
    assert_eq!(runtime[0], "mdb br0 eth1 239.1.1.1 vlan 5 fast_leave timer 7");
    assert_eq!(
        runtime.last().map(String::as_str),
        Some("router br0 ports [eth0]")
    );
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    let parts = [
        (PORTS, port(), 16),
        (
            FORWARDING,
            entry(0x40, 0, [2; 6], &[attribute(5, &5u16.to_ne_bytes())]),
            12,
        ),
        (MULTICAST, mdb(1, &[attribute(3, &[1])]), 8),
    ];
    for (source, message, header) in parts {
        let ends = crate::raw::captured::honest_ends(&message.payload.0, header);
        for cut in (0..message.payload.0.len()).filter(|cut| !ends.contains(cut)) {
            let mut short = message.clone();
            short.payload.0.truncate(cut);
            assert!(lift(&raw(&[(source, vec![short])])).is_err(), "{source} {cut}");
        }
        survives(&raw(&[(source, vec![message])]), |raw| {
            let _whatever = lift(raw);
        });
    }
    let unended = message(
        port::NEW_LINK,
        &[7, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[attribute(26, &vlan(8, 10))],
    );
    assert!(
        lift(&raw(&[(PORTS, vec![unended])])).is_err(),
        "a range without its end"
    );
}
