//! Decoding of messages written attribute by attribute.

use super::*;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

fn part(source: &str, messages: Vec<RawMessage>) -> HostPart {
    HostPart {
        source: source.to_owned(),
        read: PartRead::Messages { messages },
    }
}

/// `eth0` is an Ethernet; `eth1` never asks.
fn raw(entries: Vec<RawMessage>, proxies: Vec<RawMessage>) -> HostRaw {
    let link = |index: u32, flags: u32| {
        let header = [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), [0; 4]].concat();
        message(NEW_LINK, &header, &[])
    };
    let mut raw = host(ENTRIES, entries);
    raw.parts.push(part(PROXIES, proxies));
    raw.parts.push(part(LINKS, vec![link(2, 1), link(4, 0x81)]));
    raw
}

fn entry(index: u8, state: u8, flags: u8, attributes: &[Vec<u8>]) -> RawMessage {
    let mut all = vec![attribute(DST, &[10, 0, 0, 9])];
    all.extend_from_slice(attributes);
    message(
        NEW_NEIGHBOUR,
        &[2, 0, 0, 0, index, 0, 0, 0, state, 0, flags, 1],
        &all,
    )
}

fn mac() -> Vec<u8> {
    attribute(LLADDR, &[2, 0, 0, 0, 0, 9])
}

fn both(raw: &HostRaw) -> (Vec<String>, Vec<String>) {
    let lifted = lift(raw).unwrap();
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect();
    (lines(&lifted.config), lines(&lifted.runtime))
}

#[test]
fn what_is_set_is_configuration() {
    let managed = attribute(FLAGS_EXT, &1u32.to_ne_bytes());
    let (config, runtime) = both(&raw(
        vec![
            entry(2, 0x80, 0x80, &[mac(), attribute(12, &[4]), attribute(99, &[1])]),
            entry(2, 0x40, 0, &[mac()]),
            entry(2, 0x02, 0x10, &[mac()]),
            entry(2, 0x02, 0, &[mac(), managed]),
        ],
        vec![entry(0, 0, 0x08, &[])],
    ));
    assert_eq!(
        config,
        [
            "neighbour eth0 10.0.0.9 flags [extern_learn] lladdr 02:00:00:00:00:09",
            "neighbour eth0 10.0.0.9 more [managed]",
            "neighbour eth0 10.0.0.9 nud [noarp] lladdr 02:00:00:00:00:09",
            "neighbour eth0 10.0.0.9 nud [permanent] flags [router] lladdr 02:00:00:00:00:09 proto static \
             attribute 99 01",
            "proxy * 10.0.0.9",
        ]
    );
    assert_eq!(runtime.len(), 5);
}

#[test]
fn what_the_kernel_makes_is_runtime() {
    let broadcast = attribute(LLADDR, &[0xff; 6]);
    let mut multicast = entry(2, 0x40, 0, &[mac()]);
    multicast.payload.0[16] = 224;
    let (config, runtime) = both(&raw(
        vec![
            entry(
                2,
                0x04,
                0,
                &[mac(), attribute(4, &3u32.to_ne_bytes()), attribute(99, &[1])],
            ),
            entry(2, 0x40, 0, &[broadcast]),
            entry(2, 0x40, 0, &[]),
            entry(4, 0x40, 0, &[mac()]),
            multicast,
        ],
        vec![],
    ));
    assert_eq!(config, Vec::<String>::new());
    assert_eq!(runtime.len(), 5);
    assert!(
        runtime.contains(
            &"neighbour eth0 10.0.0.9 state [stale] probes 3 lladdr 02:00:00:00:00:09 attribute 99 01"
                .to_owned()
        ),
        "{runtime:#?}"
    );
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    let whole = entry(2, 0x80, 0, &[mac(), attribute(12, &[4])]);
    let ends = honest_ends(&whole.payload.0, 12);
    for cut in 0..whole.payload.0.len() {
        let mut short = whole.clone();
        short.payload.0.truncate(cut);
        let result = lift(&raw(vec![short], vec![]));
        assert!(result.is_err() || (ends.contains(&cut) && cut > 12), "{cut}");
    }
    survives(&raw(vec![whole], vec![]), |raw| {
        let _whatever = lift(raw);
    });
}
