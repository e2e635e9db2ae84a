//! Changes of bytes and of the structure around them, as faults and malice make them.

use netghost_core::bytes::Text;
use netghost_core::raw::{HostRaw, PartRead, Raw, RawMessage};

use crate::chance::Chance;

/// Changes a reading in one to four places.
pub(crate) fn raw(chance: &mut Chance, raw: &mut Raw, other: &Raw) {
    for _ in 0..=chance.below(4) {
        if chance.one_in(5) {
            structure(chance, raw, other);
        } else {
            buffer(chance, raw);
        }
    }
}

/// Hands each run of bytes to `change`.
fn each(raw: &mut Raw, change: &mut dyn FnMut(&mut Vec<u8>)) {
    let text = |text: &mut Text, change: &mut dyn FnMut(&mut Vec<u8>)| {
        let mut bytes = text.as_bytes().to_vec();
        change(&mut bytes);
        *text = Text::from(bytes);
    };
    match raw {
        Raw::Netlink(raw) => raw.messages.iter_mut().for_each(|one| change(&mut one.payload.0)),
        Raw::Xtables(raw) => {
            for table in &mut raw.tables {
                change(&mut table.info.0);
                change(&mut table.entries.0);
            }
        }
        Raw::Ebtables(raw) => {
            for table in &mut raw.tables {
                change(&mut table.info.0);
                change(&mut table.entries.0);
                change(&mut table.counters.0);
            }
        }
        Raw::Text(raw) => text(&mut raw.text, change),
        Raw::Host(raw) => {
            for part in &mut raw.parts {
                match &mut part.read {
                    PartRead::Messages { messages } => {
                        messages.iter_mut().for_each(|one| change(&mut one.payload.0));
                    }
                    PartRead::File { content } => text(content, change),
                    PartRead::Absent { .. } | PartRead::Unreadable { .. } => {}
                }
            }
        }
    }
}

/// The runs of bytes of a reading, in its order.
pub(crate) fn buffers(raw: &Raw) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    each(&mut raw.clone(), &mut |bytes| out.push(bytes.clone()));
    out
}

/// Puts other bytes in the place of one run.
pub(crate) fn replace(raw: &mut Raw, place: usize, with: &[u8]) {
    let mut at = 0;
    each(raw, &mut |bytes| {
        if at == place {
            *bytes = with.to_vec();
        }
        at += 1;
    });
}

fn buffer(chance: &mut Chance, raw: &mut Raw) {
    let all = buffers(raw);
    let filled: Vec<usize> = (0..all.len()).filter(|at| !all[*at].is_empty()).collect();
    if filled.is_empty() {
        return;
    }
    let place = filled[chance.below(filled.len())];
    let mut changed = all[place].clone();
    bytes(chance, &mut changed);
    replace(raw, place, &changed);
}

/// Values at which counts, lengths and flags turn over.
const TURNING: [u64; 12] = [
    0,
    1,
    3,
    4,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x8000_0000,
    u64::MAX,
];

/// Changes a run of bytes once.
pub(crate) fn bytes(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let length = bytes.len();
    if length == 0 {
        return bytes.push(chance.byte());
    }
    let (at, other) = (chance.below(length), chance.below(length));
    let (from, to) = (at.min(other), at.max(other));
    match chance.below(13) {
        0 => bytes[at] = chance.byte(),
        1 => bytes[at] ^= 1 << chance.below(8),
        2 => bytes.swap(at, other),
        3 => bytes.truncate(at),
        4 => {
            let part = bytes[from..to.min(from + 256)].to_vec();
            bytes.extend(part);
        }
        5 => drop(bytes.drain(from..to.min(from + 64))),
        6 | 7 => turn(chance, bytes, 2),
        8 => turn(chance, bytes, 4),
        9 => turn(chance, bytes, 8),
        10 => {
            let part = bytes[from..to.min(from + 64)].to_vec();
            bytes.splice(at..at, part);
        }
        11 => nest(chance, bytes),
        _ => bytes[from..to.min(from + 16)].fill([0, 0xff][chance.below(2)]),
    }
}

/// A number of this many bytes, on a boundary of its own.
fn turn(chance: &mut Chance, bytes: &mut [u8], width: usize) {
    let at = chance.below(bytes.len()) / width * width;
    let value = TURNING[chance.below(TURNING.len())].wrapping_sub(u64::from(chance.one_in(4)));
    let encoded = if chance.one_in(3) {
        value.to_be_bytes()[8 - width..].to_vec()
    } else {
        value.to_le_bytes()[..width].to_vec()
    };
    for (place, byte) in bytes.iter_mut().skip(at).zip(encoded) {
        *place = byte;
    }
}

/// An attribute within itself, again and again, up to what its length can say.
fn nest(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let at = chance.below(bytes.len()) / 4 * 4;
    let Some(&[_, _, kind, more]) = bytes.get(at..at + 4) else {
        return;
    };
    let inner = bytes.split_off(at);
    let deep = [2, 20, 1000, 16_000][chance.below(4)];
    for level in (1..=deep).rev() {
        let length = u16::try_from(inner.len() + 4 * level).unwrap_or(u16::MAX);
        bytes.extend(length.to_le_bytes());
        bytes.extend([kind, more]);
    }
    bytes.extend(inner);
}

fn structure(chance: &mut Chance, raw: &mut Raw, other: &Raw) {
    match raw {
        Raw::Netlink(raw) => {
            if chance.one_in(8) && !raw.links.is_empty() {
                raw.links.remove(chance.below(raw.links.len()));
            }
            messages(chance, &mut raw.messages, other);
        }
        Raw::Xtables(raw) => match chance.below(4) {
            0 => raw.ipv6 = !raw.ipv6,
            1 => raw.arp = !raw.arp,
            2 => raw.sets.clear(),
            _ => raw.tables.extend(raw.tables.first().cloned()),
        },
        Raw::Ebtables(raw) => {
            let at = chance.below(raw.tables.len());
            if chance.one_in(2) && !raw.tables.is_empty() {
                raw.tables.remove(at);
            } else {
                raw.tables.extend(raw.tables.get(at).cloned());
            }
        }
        Raw::Text(_) => {}
        Raw::Host(raw) => part(chance, raw, other),
    }
}

fn messages(chance: &mut Chance, messages: &mut Vec<RawMessage>, other: &Raw) {
    let (at, second) = (chance.below(messages.len()), chance.below(messages.len()));
    if messages.is_empty() {
        return;
    }
    match chance.below(5) {
        0 => drop(messages.remove(at)),
        1 => messages.extend(messages.get(at).cloned()),
        2 => messages.swap(at, second),
        3 => {
            let kind = messages[at].message_type;
            messages[at].message_type =
                [kind ^ 1, kind ^ 4, messages[second].message_type, 2][chance.below(4)];
        }
        _ => {
            let theirs = buffers(other);
            if let Some(payload) = theirs.get(chance.below(theirs.len())) {
                messages[at].payload.0.clone_from(payload);
            }
        }
    }
}

fn part(chance: &mut Chance, raw: &mut HostRaw, other: &Raw) {
    if raw.parts.is_empty() {
        return;
    }
    let (at, second) = (chance.below(raw.parts.len()), chance.below(raw.parts.len()));
    let why = || "changed".to_owned();
    match (chance.below(6), &mut raw.parts[at].read) {
        (0, read) => *read = PartRead::Absent { why: why() },
        (1, read) => *read = PartRead::Unreadable { why: why() },
        (2, _) => drop(raw.parts.remove(at)),
        (3, _) => {
            let theirs = raw.parts[second].read.clone();
            raw.parts[at].read = theirs;
        }
        (_, PartRead::Messages { messages: list }) => messages(chance, list, other),
        (4, _) if !raw.links.is_empty() => drop(raw.links.remove(chance.below(raw.links.len()))),
        _ => {}
    }
}
