//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::captured::{attribute, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

fn raw(messages: Vec<RawMessage>) -> HostRaw {
    let mut raw = HostRaw::default();
    for (source, family, _) in SOURCES {
        let messages = match family {
            2 => messages.clone(),
            _ => Vec::new(),
        };
        raw.parts.push(HostPart {
            source: source.to_owned(),
            read: PartRead::Messages { messages },
        });
    }
    raw
}

fn everything() -> RawMessage {
    let ports = [22u16, 23].map(u16::to_ne_bytes).concat();
    let one_port = [53u16, 53].map(u16::to_ne_bytes).concat();
    let users = [1000u32, 2000].map(u32::to_ne_bytes).concat();
    message(
        NEW_RULE,
        &[2, 24, 8, 0x10, 0, 0, 0, 1, 2 | 8, 0, 1, 0],
        &[
            attribute(1, &[192, 0, 2, 0]),
            attribute(2, &[10, 0, 0, 0]),
            attribute(3, b"eth0\0"),
            attribute(17, b"eth1\0"),
            attribute(6, &100u32.to_ne_bytes()),
            attribute(10, &1u32.to_ne_bytes()),
            attribute(16, &255u32.to_ne_bytes()),
            attribute(11, &0x1_0002u32.to_ne_bytes()),
            attribute(12, &7u64.to_be_bytes()),
            attribute(13, &3u32.to_ne_bytes()),
            attribute(14, &0u32.to_ne_bytes()),
            attribute(15, &300u32.to_ne_bytes()),
            attribute(20, &users),
            attribute(21, &[4]),
            attribute(22, &[6]),
            attribute(23, &ports),
            attribute(24, &one_port),
            attribute(25, &[10]),
            attribute(30, &[0x3f]),
            attribute(29, &0xff00u16.to_ne_bytes()),
            attribute(99, &[1]),
        ],
    )
}

fn simple(action: u8, priority: u32, attributes: &[Vec<u8>]) -> RawMessage {
    let mut all = vec![attribute(PRIORITY, &priority.to_ne_bytes())];
    all.extend_from_slice(attributes);
    message(NEW_RULE, &[2, 0, 0, 0, 254, 0, 0, action, 0, 0, 0, 0], &all)
}

fn lines(messages: Vec<RawMessage>) -> Vec<String> {
    let lifted = lift(&raw(messages)).unwrap();
    lifted.config.facts.iter().map(ToString::to_string).collect()
}

#[test]
fn every_selector_is_shown() {
    let lifted = lift(&raw(vec![everything()])).unwrap();
    assert_eq!(
        lifted.config.facts[0].to_string(),
        "rule ipv4 100 1 not from 10.0.0.0/8 to 192.0.2.0/24 tos 0x10 fwmark 0x1/0xff iif eth0 oif eth1 \
         uidrange 1000-2000 ipproto tcp sport 22-23 dport 53 dport_mask 0xff00 dscp 10 tun_id 7 \
         suppress_prefixlength 0 suppress_ifgroup 3 realms 1/2 proto static find_saddr lookup 300 \
         attribute 99 01"
    );
    assert_eq!(
        lifted.runtime.facts[0].to_string(),
        "rule ipv4 100 1 iif-detached"
    );
}

#[test]
fn what_is_not_set_is_not_shown_and_every_action_is() {
    let unset = [
        attribute(13, &u32::MAX.to_ne_bytes()),
        attribute(14, &u32::MAX.to_ne_bytes()),
    ];
    let shown = lines(vec![
        simple(1, 5, &unset),
        simple(2, 6, &[attribute(GOTO, &9u32.to_ne_bytes())]),
        simple(6, 7, &[]),
        simple(7, 7, &[]),
        simple(8, 7, &[]),
        simple(3, 8, &[]),
        simple(77, 9, &[]),
    ]);
    assert_eq!(
        shown,
        [
            "rule ipv4 5 1 from all lookup main",
            "rule ipv4 6 1 from all goto 9",
            "rule ipv4 7 1 from all action blackhole",
            "rule ipv4 7 2 from all action unreachable",
            "rule ipv4 7 3 from all action prohibit",
            "rule ipv4 8 1 from all action nop",
            "rule ipv4 9 1 from all action 77",
        ]
    );
}

/// Of two rules of one priority the first decides: swapping them is a change.
#[test]
fn the_order_of_equals_counts() {
    let (one, other) = (simple(6, 7, &[]), simple(7, 7, &[]));
    assert_ne!(lines(vec![one.clone(), other.clone()]), lines(vec![other, one]));
}

#[test]
fn cut_and_changed_bytes_never_decode_to_less() {
    let whole = raw(vec![everything()]);
    survives(&whole, |raw| {
        let _whatever = lift(raw);
    });
    let ends = crate::raw::captured::honest_ends(&everything().payload.0, 12);
    for cut in (0..everything().payload.0.len()).filter(|cut| !ends.contains(cut)) {
        let mut short = everything();
        short.payload.0.truncate(cut);
        assert!(lift(&raw(vec![short])).is_err(), "{cut}");
    }
    let without_source = message(NEW_RULE, &[2, 0, 8, 0, 254, 0, 0, 1, 0, 0, 0, 0], &[]);
    assert!(
        lift(&raw(vec![without_source])).is_err(),
        "a length without its address"
    );
}
