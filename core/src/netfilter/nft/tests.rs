//! Messages written down attribute by attribute.

use crate::bytes::Hex;
use crate::netfilter::nft::{Lifted, consts, lift};
use crate::raw::{NetlinkRaw, RawMessage};

mod hidden;
mod objects;
mod unknown;

/// `struct nlattr` and its payload, padded.
fn attr(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(payload.len() + 4).unwrap().to_ne_bytes().to_vec();
    out.extend(kind.to_ne_bytes());
    out.extend(payload);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn text(kind: u16, text: &str) -> Vec<u8> {
    attr(kind, &[text.as_bytes(), b"\0"].concat())
}

fn be32(kind: u16, number: u32) -> Vec<u8> {
    attr(kind, &number.to_be_bytes())
}

fn be64(kind: u16, number: u64) -> Vec<u8> {
    attr(kind, &number.to_be_bytes())
}

fn nest(kind: u16, inner: &[Vec<u8>]) -> Vec<u8> {
    attr(kind | 0x8000, &inner.concat())
}

/// A message about a table of `ip`.
fn message(message_type: u16, attributes: &[Vec<u8>]) -> RawMessage {
    let header = vec![2, 0, 0, 1];
    RawMessage {
        message_type,
        payload: Hex([header, attributes.concat()].concat()),
    }
}

fn table(more: &[Vec<u8>]) -> RawMessage {
    let known = [text(1, "t"), be32(2, 0), be32(3, 1), be64(4, 1)];
    message(consts::NEW_TABLE, &[&known[..], more].concat())
}

fn chain(uses: u32, more: &[Vec<u8>]) -> RawMessage {
    let known = [text(1, "t"), text(3, "c"), be64(2, 1), be32(6, uses)];
    message(consts::NEW_CHAIN, &[&known[..], more].concat())
}

/// A rule of one verdict.
fn rule(handle: u64, code: i32, more: &[Vec<u8>]) -> RawMessage {
    let verdict = nest(2, &[nest(2, &[be32(1, code.cast_unsigned())])]);
    let immediate = nest(1, &[text(1, "immediate"), nest(2, &[be32(1, 0), verdict])]);
    let known = [text(1, "t"), text(2, "c"), be64(3, handle), nest(4, &[immediate])];
    message(consts::NEW_RULE, &[&known[..], more].concat())
}

fn raw(messages: &[RawMessage]) -> NetlinkRaw {
    NetlinkRaw {
        groups: Vec::new(),
        links: Vec::new(),
        sets: Vec::new(),
        messages: messages.to_vec(),
    }
}

fn lifted(messages: &[RawMessage]) -> Lifted {
    lift(&raw(messages)).unwrap()
}
