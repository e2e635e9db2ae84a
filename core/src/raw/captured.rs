//! Captured messages, as the tests of the decoders keep them: `link INDEX NAME` and `TYPE HEX`, and lines of comment.

use super::{LinkName, NetlinkRaw, RawMessage};
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
                links: raw.links.clone(),
                messages: vec![short],
            };
            assert!(is_error(&raw), "{message:?} cut at {cut}");
        }
    }
}
