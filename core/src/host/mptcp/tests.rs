//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

fn raw(endpoints: Vec<RawMessage>, limits: Vec<RawMessage>) -> HostRaw {
    let mut raw = host(ENDPOINTS, endpoints);
    raw.parts.push(HostPart {
        source: LIMITS.to_owned(),
        read: PartRead::Messages { messages: limits },
    });
    raw
}

fn endpoint(flags: u32) -> RawMessage {
    let told = [
        attribute(1, &2u16.to_ne_bytes()),
        attribute(2, &[7]),
        attribute(3, &[10, 0, 0, 1]),
        attribute(5, &10101u16.to_ne_bytes()),
        attribute(6, &flags.to_ne_bytes()),
        attribute(7, &2u32.to_ne_bytes()),
        attribute(99, &[1]),
    ];
    message(0, &[3, 1, 0, 0], &[attribute(1, &told.concat())])
}

#[test]
fn endpoints_and_limits_are_shown() {
    let limits = message(
        0,
        &[6, 1, 0, 0],
        &[
            attribute(2, &1u32.to_ne_bytes()),
            attribute(3, &4u32.to_ne_bytes()),
        ],
    );
    let lifted = lift(&raw(vec![endpoint(1 | 4 | 0x100), endpoint(16)], vec![limits])).unwrap();
    let lines: Vec<_> = lifted.config.facts.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "endpoint 10.0.0.1 port 10101 dev eth0 signal backup flags 0x100 attribute 99 01",
            "limits add_addr_accepted 1 subflows 4",
        ]
    );
    assert_eq!(lifted.runtime.facts.len(), 2, "one was made by the kernel");
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    let whole = endpoint(1);
    let ends = honest_ends(&whole.payload.0, 4);
    for cut in 0..whole.payload.0.len() {
        let mut short = whole.clone();
        short.payload.0.truncate(cut);
        let result = lift(&raw(vec![short], vec![]));
        assert!(result.is_err() || (ends.contains(&cut) && cut > 4), "{cut}");
    }
    survives(&raw(vec![whole], vec![]), |raw| {
        let _whatever = lift(raw);
    });
}
