//! Decoding of structures written field by field.

use super::*;
use crate::raw::captured::{attribute, honest_ends, host, message, survives};
use crate::raw::{HostPart, PartRead, RawMessage};

fn raw(policies: Vec<RawMessage>, associations: Vec<RawMessage>) -> HostRaw {
    let defaults = message(GET_DEFAULT, &[2, 1, 2], &[]);
    let mut raw = host(POLICIES, policies);
    for (source, messages) in [(ASSOCIATIONS, associations), (DEFAULTS, vec![defaults])] {
        raw.parts.push(HostPart {
            source: source.to_owned(),
            read: PartRead::Messages { messages },
        });
    }
    raw
}

fn v4(address: [u8; 4]) -> Vec<u8> {
    [address.as_slice(), &[0; 12]].concat()
}

fn selector() -> Vec<u8> {
    let mut out = [v4([10, 1, 0, 0]), v4([10, 0, 0, 0])].concat();
    out.extend([443u16, 0xffff, 0, 0].map(u16::to_be_bytes).concat());
    out.extend(2u16.to_ne_bytes());
    out.extend([16, 24, 6, 0, 0, 0]);
    out.extend([2u32, 0].map(u32::to_ne_bytes).concat());
    assert_eq!(out.len(), 56);
    out
}

fn lifetimes(time_hard: u64) -> Vec<u8> {
    let configured = [u64::MAX, u64::MAX, u64::MAX, u64::MAX, 0, time_hard, 0, 0];
    let now = [5, 6, 7, 8];
    [
        configured.map(u64::to_ne_bytes).concat(),
        now.map(u64::to_ne_bytes).concat(),
    ]
    .concat()
}

fn template() -> Vec<u8> {
    let mut out = v4([192, 0, 2, 2]);
    out.extend([0, 0, 0, 0, 50, 0, 0, 0]);
    out.extend([2, 0, 0, 0]);
    out.extend(v4([192, 0, 2, 1]));
    out.extend(7u32.to_ne_bytes());
    out.extend([1, 0, 0, 0]);
    out.extend([u32::MAX; 3].map(u32::to_ne_bytes).concat());
    assert_eq!(out.len(), 64);
    out
}

fn policy(direction: u8) -> RawMessage {
    let mut header = [selector(), lifetimes(0)].concat();
    header.extend([100u32, 9].map(u32::to_ne_bytes).concat());
    header.extend([direction, 1, 1, 0, 0, 0, 0, 0]);
    message(
        NEW_POLICY,
        &header,
        &[
            attribute(5, &template()),
            attribute(16, &[0; 6]),
            attribute(21, &[1u32, 0xff].map(u32::to_ne_bytes).concat()),
            attribute(31, &5u32.to_ne_bytes()),
            attribute(99, &[1]),
        ],
    )
}

const KEY: [u8; 20] = [0xab; 20];

fn algorithm(name: &str, numbers: &[u32]) -> Vec<u8> {
    let mut out = name.as_bytes().to_vec();
    out.resize(64, 0);
    out.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
    out.extend(KEY);
    out
}

fn association(time_hard: u64) -> RawMessage {
    let mut header = selector();
    header.extend(v4([192, 0, 2, 2]));
    header.extend([0, 0, 1, 0, 50, 0, 0, 0]);
    header.extend(v4([192, 0, 2, 1]));
    header.extend(lifetimes(time_hard));
    header.extend([0u32, 0, 0, 0, 7].map(u32::to_ne_bytes).concat());
    header.extend([2, 0, 1, 32, 4]);
    header.resize(224, 0);
    message(
        NEW_ASSOCIATION,
        &header,
        &[
            attribute(18, &algorithm("rfc4106(gcm(aes))", &[160, 128])),
            attribute(2, &algorithm("cbc(aes)", &[160])),
            attribute(28, &[2, 0, 0, 0, 1, 0, 0, 0]),
            attribute(10, &[0; 12]),
            attribute(99, &KEY),
        ],
    )
}

fn both(raw: &HostRaw) -> (Vec<String>, Vec<String>) {
    let lifted = lift(raw).unwrap();
    let lines = |facts: &Facts| facts.facts.iter().map(ToString::to_string).collect();
    (lines(&lifted.config), lines(&lifted.runtime))
}

#[test]
fn policies_and_associations_are_shown() {
    let (config, runtime) = both(&raw(
        vec![policy(1), policy(3)],
        vec![association(0), association(3600)],
    ));
    assert_eq!(
        config,
        [
            "default in accept fwd block out accept",
            "policy out src 10.0.0.0/24 dst 10.1.0.0/16 proto tcp dport 443 dev eth0 priority 100 mark 0x1/0xff \
             if_id 0x5 action block flag [localok] ptype main mark 0x1/0xff if_id 0x5 \
             tmpl [{src 192.0.2.1 dst 192.0.2.2 proto esp reqid 7 mode tunnel}] attribute 99 01",
            "state 192.0.2.1 192.0.2.2 esp 0x00000100 reqid 7 mode tunnel replay-window 32 flag [nopmtudisc] \
             sel src 10.0.0.0/24 dst 10.1.0.0/16 proto tcp dport 443 dev eth0 offload {dev eth0 flags 0x1} \
             enc {name cbc(aes) key_bits 160} aead {name rfc4106(gcm(aes)) key_bits 160 icv_bits 128} \
             attribute 99 abababababababababababababababababababab",
        ]
    );
    assert_eq!(
        runtime.len(),
        4,
        "a socket's policy and a negotiated association are runtime"
    );
}

#[test]
fn no_key_is_left() {
    let mut message = association(0);
    let length = message.payload.0.len();
    without_keys(&mut message.payload.0);
    assert_eq!(message.payload.0.len(), length);
    assert!(!message.payload.0.contains(&0xab), "{:?}", message.payload);
    let (config, _) = both(&raw(vec![], vec![message]));
    assert!(config[1].contains("key_bits 160"), "{config:#?}");
    // Wherever it is cut, no key is left either.
    for cut in 0..length {
        let mut short = association(0).payload.0;
        short.truncate(cut);
        without_keys(&mut short);
        assert!(!short.contains(&0xab), "{cut}");
    }
}

#[test]
fn cuts_are_errors_and_changed_bytes_do_no_harm() {
    for (message, header) in [(policy(1), 168), (association(0), 224)] {
        let ends = honest_ends(&message.payload.0, header);
        let is_policy = message.message_type == NEW_POLICY;
        let with = |message: RawMessage| match is_policy {
            true => raw(vec![message], vec![]),
            false => raw(vec![], vec![message]),
        };
        for cut in (0..message.payload.0.len()).filter(|cut| !ends.contains(cut)) {
            let mut short = message.clone();
            short.payload.0.truncate(cut);
            assert!(lift(&with(short)).is_err(), "{cut}");
        }
        survives(&with(message), |raw| {
            let _whatever = lift(raw);
        });
    }
}
