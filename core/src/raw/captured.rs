//! Captured messages, as the tests of the decoders keep them: `link INDEX NAME` and `TYPE HEX`, and lines of comment.

use super::{HostPart, HostRaw, LinkName, NetlinkRaw, PartRead, RawMessage};
use crate::bytes::{Hex, Text, from_hex};

pub(crate) fn captured(text: &str) -> NetlinkRaw {
    let mut raw = NetlinkRaw::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["link", index, name] => raw.links.push(LinkName {
                index: index.parse().unwrap(),
                name: Text::from(*name),
            }),
            [message_type, payload] => raw.messages.push(RawMessage {
                message_type: message_type.parse().unwrap(),
                payload: Hex(from_hex(payload).unwrap()),
            }),
            _ => panic!("{line}"),
        }
    }
    assert!(!raw.messages.is_empty());
    raw
}

/// An attribute with its padding.
pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap();
    let mut out = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// A section's reading with one part, and links `eth0` (2), `br0` (3) and `eth1` (4).
pub(crate) fn host(source: &str, messages: Vec<RawMessage>) -> HostRaw {
    let links = [(2, "eth0"), (3, "br0"), (4, "eth1")];
    HostRaw {
        links: links
            .into_iter()
            .map(|(index, name)| LinkName {
                index,
                name: name.into(),
            })
            .collect(),
        parts: vec![HostPart {
            source: source.to_owned(),
            read: PartRead::Messages { messages },
        }],
    }
}

/// A message of a header and attributes.
pub(crate) fn message(message_type: u16, header: &[u8], attributes: &[Vec<u8>]) -> RawMessage {
    RawMessage {
        message_type,
        payload: Hex([header, &attributes.concat()].concat()),
    }
}

/// Changes one byte of the messages at a time, to several values, and cuts them: decoding must come back each time.
pub(crate) fn survives(raw: &HostRaw, lift: impl Fn(&HostRaw)) {
    for part in 0..raw.parts.len() {
        let PartRead::Messages { messages } = &raw.parts[part].read else {
            continue;
        };
        for (place, message) in messages.iter().enumerate() {
            for at in 0..message.payload.0.len() {
                for value in [0, 1, 0x7f, 0x80, 0xff, message.payload.0[at] ^ 0x15] {
                    let mut other = raw.clone();
                    if let PartRead::Messages { messages } = &mut other.parts[part].read {
                        messages[place].payload.0[at] = value;
                    }
                    lift(&other);
                }
                let mut other = raw.clone();
                if let PartRead::Messages { messages } = &mut other.parts[part].read {
                    messages[place].payload.0.truncate(at);
                }
                lift(&other);
            }
        }
    }
}

/// The lengths at which a message's own attributes end, where what is left says honestly that there is no more.
pub(crate) fn honest_ends(payload: &[u8], header: usize) -> std::collections::BTreeSet<usize> {
    let mut ends = std::collections::BTreeSet::from([header]);
    let mut at = header;
    while at < payload.len() {
        let length = usize::from(u16::from_ne_bytes([payload[at], payload[at + 1]]));
        ends.extend(at + length..=at + length.next_multiple_of(4));
        at += length.next_multiple_of(4);
    }
    ends
}

/// Cuts each message everywhere: whatever is not an honest end must be an error.
pub(crate) fn every_cut_is_an_error(raw: &NetlinkRaw, header: usize, is_error: impl Fn(&NetlinkRaw) -> bool) {
    for message in &raw.messages {
        let ends = honest_ends(&message.payload.0, header);
        for cut in (0..message.payload.0.len()).filter(|cut| !ends.contains(cut)) {
            let mut short = message.clone();
            short.payload.0.truncate(cut);
            let raw = NetlinkRaw {
                groups: Vec::new(),
                sets: Vec::new(),
                links: raw.links.clone(),
                messages: vec![short],
            };
            assert!(is_error(&raw), "{message:?} cut at {cut}");
        }
    }
}
