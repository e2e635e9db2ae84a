//! The messages that make a tree again.

use std::collections::{BTreeMap, BTreeSet};

use netghost_core::raw::RawMessage;

use super::attributes::{Attribute, NESTED, Out, find};
use super::convert;
use super::message::{
    CHAIN, CREATE, EXCL, Head, INGRESS, KIND, Message, NEW_CLASS, NEW_FILTER, NEW_QDISC, OPTIONS, REPLACE,
    ROOT, attributes_of, kind,
};
use super::state::State;
use super::{WriteError, unsupported};

/// All of them, in an order in which each finds what it hangs on: qdiscs and classes from the root down, then the filters.
pub(super) fn messages(tree: &State) -> Result<Vec<Message>, WriteError> {
    let mut nodes = Vec::new();
    let mut filters = Vec::new();
    for raw in &tree.raw.messages {
        match raw.message_type {
            NEW_QDISC | NEW_CLASS => nodes.extend(node(raw)?),
            NEW_FILTER => filters.push(raw),
            // Chains, which are there as soon as a filter is, and what was asked for.
            _ => {}
        }
    }
    let mut ordered = downwards(nodes)?;
    ordered.extend(super::hashed::filters(&filters)?);
    Ok(ordered)
}

/// A qdisc or class, and what it says of its own place.
struct Node {
    message: Message,
    kind: String,
}

/// A default qdisc comes by itself, and so do the classes of most kinds.
fn node(raw: &RawMessage) -> Result<Option<Node>, WriteError> {
    let head = Head::read(raw)?;
    let all = attributes_of(raw)?;
    let kind = kind(&all);
    let is_class = raw.message_type == NEW_CLASS;
    // The class with the qdisc's own number is its root, as `hfsc` has one.
    let by_itself = match is_class {
        true => !convert::has_own_classes(&kind) || head.handle & 0xffff == 0,
        false => head.handle == 0,
    };
    if by_itself {
        return Ok(None);
    }
    let told = find(&all, OPTIONS).map(|options| options.value);
    let options = match told {
        // It takes none, and tells the bands that all of its kind have.
        Some(_) if kind == "pfifo_fast" => None,
        Some(told) if is_class => Some(told.to_vec()),
        Some(told) => Some(convert::qdisc(&kind, told)?),
        None => None,
    };
    let mut out = Out::default();
    named(&mut out, &all)?;
    if let Some(options) = options {
        let nested = if convert::is_structure(&kind) { 0 } else { NESTED };
        out.push(nested | OPTIONS, &options)?;
    }
    let flags = if is_class { CREATE | EXCL } else { CREATE | REPLACE };
    Ok(Some(Node {
        message: Message {
            message_type: raw.message_type,
            flags,
            // What stands in the last field of a dump counts references.
            head: Head { info: 0, ..head },
            attributes: out.0,
            links: Vec::new(),
        },
        kind,
    }))
}

pub(super) fn named(out: &mut Out, all: &[Attribute<'_>]) -> Result<(), WriteError> {
    let kind = find(all, KIND).ok_or_else(|| unsupported("a message without a kind".to_owned()))?;
    out.keep(kind)
}

/// Each behind what it hangs on.
fn downwards(mut waiting: Vec<Node>) -> Result<Vec<Message>, WriteError> {
    let mut ordered = Vec::new();
    // Qdiscs by their number, with whether their classes have to be made; and the classes.
    let mut qdiscs: BTreeMap<u32, bool> = BTreeMap::new();
    let mut classes: BTreeSet<u32> = BTreeSet::new();
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut left = Vec::new();
        for node in waiting {
            let Head { handle, parent, .. } = node.message.head;
            let is_class = node.message.message_type == NEW_CLASS;
            let there = match (is_class, parent) {
                (true, ROOT) => qdiscs.contains_key(&(handle >> 16)),
                (true, parent) => {
                    classes.contains(&parent)
                        || (parent & 0xffff == 0 && qdiscs.contains_key(&(parent >> 16)))
                }
                (false, ROOT | INGRESS) => true,
                (false, parent) => match qdiscs.get(&(parent >> 16)) {
                    Some(true) => classes.contains(&parent),
                    Some(false) => true,
                    None => false,
                },
            };
            match there {
                false => left.push(node),
                true if is_class => {
                    classes.insert(handle);
                    ordered.push(node.message);
                }
                true => {
                    qdiscs.insert(handle >> 16, convert::has_own_classes(&node.kind));
                    ordered.push(node.message);
                }
            }
        }
        if left.len() == before {
            return Err(unsupported("a tree with a part that hangs on nothing".to_owned()));
        }
        waiting = left;
    }
    Ok(ordered)
}

/// The head, the kind and the chain of a filter, before its options.
pub(super) fn filter_message(
    all: &[Attribute<'_>],
    head: Head,
    options: Option<convert::Options>,
) -> Result<Message, WriteError> {
    let mut out = Out::default();
    named(&mut out, all)?;
    if let Some(chain) = find(all, CHAIN) {
        out.keep(chain)?;
    }
    let mut links = Vec::new();
    if let Some(options) = options {
        let at = out.0.len().saturating_add(4);
        out.push(OPTIONS, &options.bytes)?;
        links.extend(options.links.iter().map(|link| link.saturating_add(at)));
    }
    Ok(Message {
        message_type: NEW_FILTER,
        flags: CREATE | EXCL,
        head,
        attributes: out.0,
        links,
    })
}
