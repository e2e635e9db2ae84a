//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::RawMessage;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};

fn id(number: u32) -> Vec<u8> {
    attribute(ID, &number.to_ne_bytes())
}

fn via() -> RawMessage {
    message(
        NEW_NEXTHOP,
        &[2, 253, 4, 0, 4 | 16, 0, 0, 0],
        &[
            id(12),
            attribute(6, &[10, 0, 0, 1]),
            attribute(5, &2u32.to_ne_bytes()),
            attribute(99, &[1]),
        ],
    )
}

fn grouped() -> RawMessage {
    let members = [[7, 0, 0, 0, 1, 1, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0]].concat();
    let resilient = [
        attribute(1, &8u16.to_ne_bytes()),
        attribute(2, &12000u32.to_ne_bytes()),
        attribute(3, &0u32.to_ne_bytes()),
        attribute(4, &77u64.to_ne_bytes()),
    ];
    message(
        NEW_NEXTHOP,
        &[0; 8],
        &[
            id(13),
            attribute(2, &members),
            attribute(3, &1u16.to_ne_bytes()),
            attribute(12, &resilient.concat()),
        ],
    )
}

fn both(message: RawMessage) -> (String, String) {
    let lifted = lift(&host(SOURCE, vec![message])).unwrap();
    (
        lifted.config.facts[0].to_string(),
        lifted.runtime.facts[0].to_string(),
    )
}

#[test]
fn a_nexthop_and_a_group_are_shown() {
    let (config, runtime) = both(via());
    assert_eq!(
        config,
        "nexthop 12 via 10.0.0.1 dev eth0 scope link proto static flags [onlink] attribute 99 01"
    );
    assert_eq!(runtime, "nexthop 12 flags [linkdown]");
    let (config, runtime) = both(grouped());
    assert_eq!(
        config,
        "nexthop 13 group [{id 5 weight 1} {id 7 weight 258}] type resilient \
         resilient {buckets 8 idle_timer 12000 unbalanced_timer 0}"
    );
    assert_eq!(runtime, "nexthop 13 resilient {unbalanced_time 77}");
    let hole = message(
        NEW_NEXTHOP,
        &[2, 0, 4, 0, 0, 0, 0, 0],
        &[id(1), attribute(4, &[])],
    );
    assert_eq!(both(hole).0, "nexthop 1 blackhole proto static");
}

#[test]
fn a_group_with_bytes_that_are_not_known_is_kept_whole() {
    let odd = message(
        NEW_NEXTHOP,
        &[0; 8],
        &[id(1), attribute(2, &[7, 0, 0, 0, 1, 0, 0, 9])],
    );
    assert_eq!(both(odd).0, "nexthop 1 attribute 2 0700000001000009");
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    for message in [via(), grouped()] {
        let ends = honest_ends(&message.payload.0, 8);
        for cut in 0..message.payload.0.len() {
            let mut short = message.clone();
            short.payload.0.truncate(cut);
            let result = lift(&host(SOURCE, vec![short]));
            assert!(result.is_err() || (ends.contains(&cut) && cut > 8), "{cut}");
        }
        survives(&host(SOURCE, vec![message]), |raw| {
            let _whatever = lift(raw);
        });
    }
}
