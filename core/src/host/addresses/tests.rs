//! Decoding of messages written attribute by attribute.

use super::*;
use crate::bytes::Hex;
use crate::raw::{HostPart, LinkName, PartRead};

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn message(header: [u8; 4], attributes: &[Vec<u8>]) -> RawMessage {
    let index = 2u32.to_ne_bytes();
    RawMessage {
        message_type: NEW_ADDRESS,
        payload: Hex([header.as_slice(), &index, &attributes.concat()].concat()),
    }
}

fn raw(messages: Vec<RawMessage>) -> HostRaw {
    HostRaw {
        links: vec![LinkName {
            index: 2,
            name: "eth0".into(),
        }],
        parts: vec![HostPart {
            source: SOURCE.to_owned(),
            read: PartRead::Messages { messages },
        }],
    }
}

fn only(message: RawMessage) -> (String, String) {
    let lifted = lift(&raw(vec![message])).unwrap();
    (
        lifted.config.facts[0].to_string(),
        lifted.runtime.facts[0].to_string(),
    )
}

#[test]
fn an_address_as_ip_shows_it() {
    let lifetimes: Vec<u8> = [900u32, 1800, 7, 8].map(u32::to_ne_bytes).concat();
    let (config, runtime) = only(message(
        [2, 24, 0x80, 0],
        &[
            attribute(ADDRESS, &[10, 0, 0, 5]),
            attribute(LOCAL, &[10, 0, 0, 5]),
            attribute(BROADCAST, &[10, 0, 0, 255]),
            attribute(LABEL, b"eth0\0"),
            attribute(FLAGS, &0x200u32.to_ne_bytes()),
            attribute(METRIC, &100u32.to_ne_bytes()),
            attribute(CACHE, &lifetimes),
        ],
    ));
    assert_eq!(
        config,
        "address eth0 10.0.0.5/24 brd 10.0.0.255 scope global metric 100 noprefixroute dynamic"
    );
    assert_eq!(
        runtime,
        "address eth0 10.0.0.5/24 valid_lft 1800 preferred_lft 900"
    );
}

#[test]
fn the_other_end_and_what_is_unknown_are_kept() {
    let (config, runtime) = only(message(
        [10, 128, 0xa0, 254],
        &[
            attribute(ADDRESS, &[0xfd; 16]),
            attribute(LOCAL, &[0xfc; 16]),
            attribute(PROTOCOL, &[2]),
            attribute(99, &[1, 2]),
            attribute(FLAGS, &0x8000_00a0u32.to_ne_bytes()),
        ],
    ));
    let (near, far) = (
        "fcfc:fcfc:fcfc:fcfc:fcfc:fcfc:fcfc:fcfc",
        "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd",
    );
    let expected =
        format!("address eth0 {near}/128 peer {far} scope host proto 2 flags 2147483648 attribute 99 0102");
    assert_eq!(config, expected);
    assert_eq!(runtime, format!("address eth0 {near}/128 deprecated permanent"));
}

#[test]
fn what_was_not_read_is_a_gap_and_what_was_not_asked_for_an_error() {
    let mut unread = raw(Vec::new());
    unread.parts[0].read = PartRead::Unreadable {
        why: "refused".to_owned(),
    };
    let lifted = lift(&unread).unwrap();
    assert_eq!(lifted.gaps.len(), 1);
    unread.parts.clear();
    assert!(lift(&unread).is_err());
}

#[test]
fn every_cut_but_an_honest_end_is_an_error() {
    let whole = message([2, 24, 0x80, 0], &[attribute(LOCAL, &[10, 0, 0, 5])]);
    for cut in 0..whole.payload.0.len() {
        let mut short = whole.clone();
        short.payload.0.truncate(cut);
        assert!(lift(&raw(vec![short])).is_err(), "{cut}");
    }
    let mut foreign = whole.clone();
    foreign.payload.0[4] = 3;
    assert_eq!(
        lift(&raw(vec![foreign])),
        Err(LiftError::NoLink {
            position: 0,
            index: 3
        })
    );
}
